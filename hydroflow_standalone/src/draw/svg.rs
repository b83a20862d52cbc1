//! Coordinates → SVG text. Colours follow the reader's light or dark preference; there are no scripts and nothing is loaded.

use std::fmt::Write;

use super::place::{Layout, Place, Way, lay_out};
use super::scene::{Edge, Kind, Line, Node, Scene};

/// Width of a letter in the boxes, in pixels; the font is monospaced, so that widths are known without measuring.
const LETTER: f64 = 7.25;
/// Width of a letter in notes, tags and port labels.
const SMALL: f64 = 6.1;
/// Letters after which a box's line is shortened.
const LONGEST: usize = 52;
/// Room around the drawing.
const MARGIN: f64 = 16.0;
/// Room between two edges at one side of a box.
const ANCHOR_GAP: f64 = 16.0;

/// How far an edge goes straight beside its label.
const STUB: f64 = 12.0;

/// The colours and letters of drawings, as CSS. [`svg`] puts it into the drawing; a page with several drawings holds it once.
pub const STYLE: &str = "\
.hf-draw{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:12px}\
.hf-draw .bg{fill:#ffffff}\
.hf-draw .box{stroke-width:1.25;fill:#f8fafc;stroke:#94a3b8}\
.hf-draw .input .box{fill:#e0effe;stroke:#3b82c4}\
.hf-draw .output .box{fill:#dcf5e6;stroke:#2f9e62}\
.hf-draw .value .box{fill:#fdf1d3;stroke:#c58a1b;stroke-dasharray:5 3}\
.hf-draw text{fill:#334155;white-space:pre}\
.hf-draw .word{fill:#0f172a;font-weight:600}\
.hf-draw .name{fill:#64748b}\
.hf-draw .small{font-size:10px;fill:#64748b}\
.hf-draw .edge{fill:none;stroke:#64748b;stroke-width:1.4}\
.hf-draw .later{stroke-dasharray:7 4;stroke:#7c5bd6}\
.hf-draw .reads{stroke-dasharray:1.5 4;stroke-linecap:round;stroke:#c58a1b;stroke-width:1.8}\
.hf-draw .head{fill:#64748b}.hf-draw .head.later-head{fill:#7c5bd6}.hf-draw .head.reads-head{fill:#c58a1b}\
.hf-draw a:hover .box{stroke-width:2.25}\
@media (prefers-color-scheme:dark){\
.hf-draw .bg{fill:#10151d}\
.hf-draw .box{fill:#1b2330;stroke:#5b6b82}\
.hf-draw .input .box{fill:#132f4c;stroke:#4c97dc}\
.hf-draw .output .box{fill:#123524;stroke:#3fb178}\
.hf-draw .value .box{fill:#3a2d10;stroke:#d6a034}\
.hf-draw text{fill:#c3cedd}.hf-draw .word{fill:#f1f5f9}.hf-draw .name,.hf-draw .small{fill:#93a1b5}\
.hf-draw .edge{stroke:#8494aa}.hf-draw .later{stroke:#a78bfa}.hf-draw .reads{stroke:#d6a034}\
.hf-draw .head{fill:#8494aa}.hf-draw .head.later-head{fill:#a78bfa}.hf-draw .head.reads-head{fill:#d6a034}\
}";

/// Draws a scene as an SVG document of its own.
#[must_use]
pub fn svg(scene: &Scene) -> String {
    drawing(scene, true)
}

/// Draws a scene as an SVG element for a page that holds [`STYLE`] itself.
#[must_use]
pub fn svg_inline(scene: &Scene) -> String {
    drawing(scene, false)
}

/// Returns the text with the signs that mean something in HTML and SVG written as entities; control characters become spaces.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(letter),
            // XML allows neither control characters nor these two.
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// The size of a box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Room to its right for edges from it to itself.
    pub(super) beside: f64,
}

/// Returns how large a node's box must be for its texts and its edges.
pub(super) fn size(scene: &Scene, at: usize) -> Size {
    let node = &scene.nodes[at];
    let letters = line(node).iter().map(|part| width(part, LETTER)).sum::<f64>();
    let texts = letters.max(width(&shortened(&node.note), SMALL));
    let labels = |labels: Vec<&String>| -> f64 { labels.iter().map(|label| ANCHOR_GAP + width(label, SMALL)).sum() };
    let out = labels(scene.edges.iter().filter(|edge| edge.from == at).map(|edge| &edge.from_label).collect());
    let into = labels(scene.edges.iter().filter(|edge| edge.to == at).map(|edge| &edge.to_label).collect());
    let round = if matches!(node.kind, Kind::Input | Kind::Output) { 34.0 } else { 24.0 };
    Size {
        width: (texts + round).max(out).max(into).max(44.0),
        height: if node.note.is_empty() { 30.0 } else { 44.0 },
        beside: scene.edges.iter().filter(|edge| edge.from == at && edge.to == at).map(beside).fold(0.0, f64::max),
    }
}

fn beside(edge: &Edge) -> f64 {
    26.0 + width(&edge.from_label, SMALL).max(width(&edge.to_label, SMALL))
}

/// The first line of a box: its name, the word, and what of the rest there is room for.
fn line(node: &Node) -> [String; 3] {
    let name = if node.name.is_empty() { String::new() } else { format!("{}\u{a0}=\u{a0}", shortened(&node.name)) };
    let word = shortened(&node.title);
    let room = LONGEST.saturating_sub(word.chars().count()).max(8);
    let rest = node.rest.split_whitespace().collect::<Vec<_>>().join(" ");
    [name, word, cut(&rest, room)]
}

fn shortened(text: &str) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), LONGEST)
}

fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let start: String = text.chars().take(room - 1).collect();
    format!("{start}…")
}

/// Letters of East Asian scripts and pictures take the room of two.
fn width(text: &str, letter: f64) -> f64 {
    text.chars()
        .map(|c| {
            if ('\u{1100}'..'\u{fe00}').contains(&c) && !('\u{2000}'..'\u{2e80}').contains(&c) || c > '\u{1f000}' {
                2.0
            } else {
                1.0
            }
        })
        .sum::<f64>()
        * letter
}

fn drawing(scene: &Scene, alone: bool) -> String {
    let layout = lay_out(scene);
    let (wide, high) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hf-draw\" role=\"img\" width=\"{wide:.0}\" height=\"{high:.0}\" \
         viewBox=\"{:.0} {:.0} {wide:.0} {high:.0}\">\n<title>{}</title>\n",
        -MARGIN,
        -MARGIN,
        escaped(&scene.title)
    );
    if alone {
        put(&mut text, format_args!("<style>{STYLE}</style>\n"));
        put(
            &mut text,
            format_args!(
                "<rect class=\"bg\" x=\"{:.0}\" y=\"{:.0}\" width=\"{wide:.0}\" height=\"{high:.0}\"/>\n",
                -MARGIN, -MARGIN
            ),
        );
    }
    edges(scene, &layout, &mut text);
    for (node, place) in scene.nodes.iter().zip(&layout.nodes) {
        draw_node(node, place, &mut text);
    }
    text.push_str("</svg>\n");
    text
}

fn draw_node(node: &Node, place: &Place, text: &mut String) {
    let (kind, radius) = match node.kind {
        Kind::Input => ("input", (place.bottom - place.top) / 2.0),
        Kind::Output => ("output", (place.bottom - place.top) / 2.0),
        Kind::Step => ("step", 5.0),
        Kind::Value => ("value", 5.0),
    };
    let left = place.x - place.width / 2.0;
    put(text, format_args!("<g class=\"{kind}\">"));
    if !node.link.is_empty() {
        put(text, format_args!("<a href=\"{}\">", escaped(&node.link)));
    }
    if !node.tip.is_empty() {
        put(text, format_args!("<title>{}</title>", escaped(&node.tip)));
    }
    put(
        text,
        format_args!(
            "<rect class=\"box\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{radius:.1}\"/>",
            place.top,
            place.width,
            place.bottom - place.top
        ),
    );
    let [name, word, rest] = line(node).map(|part| escaped(&part));
    let base = if node.note.is_empty() { (place.top + place.bottom) / 2.0 + 4.0 } else { place.top + 19.0 };
    put(
        text,
        format_args!(
            "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"middle\"><tspan class=\"name\">{name}</tspan><tspan class=\"word\">{word}</tspan>{rest}</text>",
            place.x,
        ),
    );
    if !node.note.is_empty() {
        put(
            text,
            format_args!(
                "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                place.x,
                base + 15.0,
                escaped(&shortened(&node.note))
            ),
        );
    }
    text.push_str(if node.link.is_empty() { "</g>\n" } else { "</a></g>\n" });
}

/// Where an edge touches the box at one of its ends.
#[derive(Clone, Copy, Default)]
struct Anchors {
    upper: f64,
    lower: f64,
}

/// Spreads the edges of each side of each box, in the order in which they go on, so that they do not cross at the box.
fn anchors(scene: &Scene, layout: &Layout) -> Vec<Anchors> {
    let mut anchors = vec![Anchors::default(); layout.ways.len()];
    let mut sides: Vec<[Vec<(f64, usize)>; 2]> = vec![[Vec::new(), Vec::new()]; layout.nodes.len()];
    for (at, (edge, way)) in scene.edges.iter().zip(&layout.ways).enumerate() {
        let (upper, lower) = if way.turned { (edge.to, edge.from) } else { (edge.from, edge.to) };
        if let [first, .., last] = way.places.as_slice() {
            let (second, before) = (way.places.get(1).unwrap_or(last), way.places.iter().rev().nth(1).unwrap_or(first));
            sides[upper][1].push((second.x, at));
            sides[lower][0].push((before.x, at));
        }
    }
    for (node, sides) in sides.iter_mut().enumerate() {
        for (side, edges) in sides.iter_mut().enumerate() {
            edges.sort_by(|a, b| a.0.total_cmp(&b.0));
            let label = |at: usize| {
                let (edge, way) = (&scene.edges[at], &layout.ways[at]);
                if (side == 1) == way.turned { &edge.to_label } else { &edge.from_label }
            };
            let rooms: Vec<f64> = edges.iter().map(|&(_, at)| ANCHOR_GAP + width(label(at), SMALL)).collect();
            let total: f64 = rooms.iter().sum();
            let first = rooms.first().copied().unwrap_or_default();
            // A single edge stands in the middle; several stand with the middle of their room there.
            let mut x = layout.nodes[node].x - (total - first) / 2.0 * f64::from(u8::from(edges.len() > 1));
            for (&(_, at), room) in edges.iter().zip(&rooms) {
                if side == 1 {
                    anchors[at].upper = x;
                } else {
                    anchors[at].lower = x;
                }
                x += room;
            }
        }
    }
    anchors
}

fn edges(scene: &Scene, layout: &Layout, text: &mut String) {
    let anchors = anchors(scene, layout);
    for ((edge, way), anchor) in scene.edges.iter().zip(&layout.ways).zip(&anchors) {
        let (class, head) = match edge.line {
            Line::Solid => ("edge", "head"),
            Line::Dashed => ("edge later", "head later-head"),
            Line::Dotted => ("edge reads", "head reads-head"),
        };
        let [first, .., last] = way.places.as_slice() else {
            loop_to_itself(&way.places, edge, [class, head], text);
            continue;
        };
        let (upper, lower) =
            if way.turned { (&edge.to_label, &edge.from_label) } else { (&edge.from_label, &edge.to_label) };
        let path = path(way, *anchor, [upper, lower].map(|label| !label.is_empty()));
        put(text, format_args!("<path class=\"{class}\" d=\"{path}\"/>"));
        let (x, y, back) = if way.turned { (anchor.upper, first.bottom, 7.0) } else { (anchor.lower, last.top, -7.0) };
        put(text, format_args!("<path class=\"{head}\" d=\"M{:.1} {:.1}h8L{x:.1} {y:.1}z\"/>", x - 4.0, y + back));
        label(upper, (anchor.upper + 5.0, first.bottom + 11.0), text);
        label(lower, (anchor.lower + 6.0, last.top - 5.0), text);
        text.push('\n');
    }
}

fn label(label: &str, (x, y): (f64, f64), text: &mut String) {
    if !label.is_empty() {
        put(text, format_args!("<text class=\"small\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(label)));
    }
}

/// Goes from end to end through the bends; at rows it is upright, between them it swings. Beside a label it stays upright.
fn path(way: &Way, anchor: Anchors, labels: [bool; 2]) -> String {
    let last = way.places.len() - 1;
    let mut points = Vec::new();
    for (at, place) in way.places.iter().enumerate() {
        if at == 0 {
            points.push((anchor.upper, place.bottom));
            points.extend(labels[0].then_some((anchor.upper, place.bottom + STUB)));
        } else if at == last {
            points.extend(labels[1].then_some((anchor.lower, place.top - STUB)));
            points.push((anchor.lower, place.top));
        } else {
            points.push((place.x, place.top));
            points.push((place.x, place.bottom));
        }
    }
    let (start, end) = (points[0], points[points.len() - 1]);
    // The line ends inside its head.
    let shorten = if way.turned { (start.0, start.1 + 4.0) } else { (end.0, end.1 - 4.0) };
    let (from, to) = if way.turned { (0, shorten) } else { (points.len() - 1, shorten) };
    points[from] = to;
    let mut path = format!("M{:.1} {:.1}", points[0].0, points[0].1);
    for pair in points.windows(2) {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        if (x0 - x1).abs() < 0.5 {
            put(&mut path, format_args!("L{x1:.1} {y1:.1}"));
        } else {
            let half = (y1 - y0) / 2.0;
            put(&mut path, format_args!("C{x0:.1} {:.1} {x1:.1} {:.1} {x1:.1} {y1:.1}", y0 + half, y1 - half));
        }
    }
    path
}

/// An edge from a node to itself goes round its right side.
fn loop_to_itself(places: &[Place], edge: &Edge, [class, head]: [&str; 2], text: &mut String) {
    let Some(place) = places.first() else { return };
    let (right, middle) = (place.x + place.width / 2.0, (place.top + place.bottom) / 2.0);
    put(
        text,
        format_args!(
            "<path class=\"{class}\" d=\"M{right:.1} {:.1}c22 0 22 -18 4 -18\"/><path class=\"{head}\" d=\"M{:.1} {:.1}v-8L{right:.1} {:.1}z\"/>\n",
            middle + 9.0,
            right + 7.0,
            middle - 5.0,
            middle - 9.0
        ),
    );
    label(&edge.to_label, (right + 22.0, middle - 4.0), text);
    label(&edge.from_label, (right + 22.0, middle + 10.0), text);
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(title: &str, rest: &str) -> Node {
        let empty = String::new;
        Node {
            kind: Kind::Step,
            title: title.into(),
            rest: rest.into(),
            note: empty(),
            name: empty(),
            tip: empty(),
            link: empty(),
        }
    }

    fn edge(from: usize, to: usize, line: Line) -> Edge {
        Edge { from, to, from_label: String::new(), to_label: "neg".into(), line }
    }

    #[test]
    fn what_the_user_wrote_cannot_leave_its_text() {
        let mut nasty = node("map", "(|x| x < \"</text><script>\" && 'a' > '\u{0}')");
        nasty.tip = "</title>".into();
        nasty.link = "javascript:\"x\"".into();
        let text = svg(&Scene { title: "a<b>".into(), nodes: vec![nasty], edges: Vec::new() });
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains("x &lt; &quot;&lt;/text&gt;&lt;script&gt;&quot; &amp;&amp;"), "{text}");
        assert!(text.contains("<title>a&lt;b&gt;</title>") && !text.contains('\u{0}'), "{text}");
    }

    #[test]
    fn boxes_do_not_overlap_and_stay_in_the_drawing() {
        let nodes: Vec<Node> = (0..30).map(|at| node(&format!("operator_{at}"), "(…)")).collect();
        let edges = (0..29).map(|at| edge(at / 3, at + 1, Line::Solid)).chain([edge(29, 0, Line::Dashed)]).collect();
        let scene = Scene { title: String::new(), nodes, edges };
        let layout = lay_out(&scene);
        for (at, a) in layout.nodes.iter().enumerate() {
            assert!(a.x - a.width / 2.0 >= -0.01 && a.x + a.width / 2.0 <= layout.width + 0.01, "{a:?}");
            for b in &layout.nodes[at + 1..] {
                let apart = (a.x - b.x).abs() + 0.01 >= f64::midpoint(a.width, b.width)
                    || a.top >= b.bottom
                    || b.top >= a.bottom;
                assert!(apart, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn an_empty_scene_and_an_edge_to_itself_are_drawn() {
        assert!(svg(&Scene::default()).ends_with("</svg>\n"));
        let scene = Scene { nodes: vec![node("a", "")], edges: vec![edge(0, 0, Line::Dashed)], ..Scene::default() };
        assert_eq!(svg(&scene).matches("class=\"edge later\"").count(), 1);
    }

    #[test]
    fn a_thousand_nodes_with_long_edges_are_quick() {
        let nodes = (0..1_000).map(|at| node(&format!("n{at}"), "")).collect();
        let chain = (0..999).map(|at| edge(at, at + 1, Line::Solid));
        let far = (0..400).map(|at| edge(at, 999 - at, Line::Dotted));
        let scene = Scene { title: String::new(), nodes, edges: chain.chain(far).collect() };
        assert_eq!(svg(&scene).matches("class=\"box\"").count(), 1_000);
    }
}
