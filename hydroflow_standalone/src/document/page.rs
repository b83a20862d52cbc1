//! Pages: one per file, and one that leads to them.

use std::fmt::Write;

use super::markdown;
use crate::draw::{self, Scene, escaped};
use crate::graph::{EdgeKind, Graph, NodeKind};
use crate::interface::{Addressing, Direction, ModuleInterface, PortInterface};
use crate::source::SourceFile;

/// What a page tells of.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The file's stem, which is the program's name.
    pub name: &'a str,
    /// The file.
    pub source: &'a SourceFile,
    /// The headers of its modules.
    pub modules: &'a [ModuleInterface],
    /// The dataflow of its modules, of as many as there is.
    pub graphs: &'a [Graph],
    /// Where the page of all files is.
    pub home: &'a str,
}

/// A line of the page of all files.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The file's stem.
    pub name: String,
    /// Where its page is.
    pub link: String,
    /// The file as users see it.
    pub file: String,
    /// The headers of its modules.
    pub modules: Vec<ModuleInterface>,
}

/// Writes the page of a file.
#[must_use]
pub fn page(page: &Page<'_>) -> String {
    let mut body = String::new();
    put(
        &mut body,
        format_args!(
            "<nav><a href=\"{}\">All modules</a></nav>\n<h1>{}</h1>\n<p class=\"file\">{}</p>\n",
            escaped(page.home),
            escaped(page.name),
            escaped(page.source.name())
        ),
    );
    for module in main_first(page.modules) {
        let graph = page.graphs.iter().find(|graph| graph.module == module.name);
        section(module, graph, &mut body);
    }
    source(page.source, &mut body);
    document(page.name, &body)
}

/// Writes the page that leads to the others; with the deployment they belong to, where there is one.
#[must_use]
pub fn index(title: &str, entries: &[Entry], deployment: Option<&Scene>) -> String {
    let mut body = format!("<h1>{}</h1>\n", escaped(title));
    if let Some(scene) = deployment {
        put(
            &mut body,
            format_args!(
                "<h2>Deployment</h2>\n<figure><div class=\"scroll\">{}</div></figure>\n",
                draw::svg_inline(scene)
            ),
        );
    }
    let is_program = |entry: &&Entry| entry.modules.iter().any(|module| module.name == "main");
    let (programs, parts): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(is_program);
    for (heading, entries) in [("Programs", programs), ("Modules for other programs", parts)] {
        if entries.is_empty() {
            continue;
        }
        put(&mut body, format_args!("<h2>{heading}</h2>\n<div class=\"scroll\"><table>\n"));
        for entry in entries {
            let module = main_first(&entry.modules).next();
            let doc = module.map(|module| markdown::summary(&module.doc)).unwrap_or_default();
            let ports = module.map(|module| ports_line(&module.ports)).unwrap_or_default();
            put(
                &mut body,
                format_args!(
                    "<tr><td><a href=\"{}\"><code>{}</code></a></td><td>{doc}<div class=\"file\">{ports}</div></td><td class=\"file\">{}</td></tr>\n",
                    escaped(&entry.link),
                    escaped(&entry.name),
                    escaped(&entry.file)
                ),
            );
        }
        body.push_str("</table></div>\n");
    }
    document(title, &body)
}

/// The program stands before the modules it uses.
fn main_first(modules: &[ModuleInterface]) -> impl Iterator<Item = &ModuleInterface> {
    let is_main = |module: &&ModuleInterface| module.name == "main";
    modules.iter().filter(is_main).chain(modules.iter().filter(move |module| !is_main(module)))
}

fn ports_line(ports: &[PortInterface]) -> String {
    let names = |direction: Direction| {
        let names = ports.iter().filter(|port| port.direction == direction).map(|port| escaped(&port.name));
        names.collect::<Vec<_>>().join(", ")
    };
    match (names(Direction::Input), names(Direction::Output)) {
        (inputs, outputs) if inputs.is_empty() && outputs.is_empty() => String::new(),
        (inputs, outputs) => format!("{inputs} → {outputs}"),
    }
}

fn section(module: &ModuleInterface, graph: Option<&Graph>, body: &mut String) {
    let name = escaped(&module.name);
    put(body, format_args!("<section id=\"module.{name}\">\n<h2>module <code>{name}</code></h2>\n"));
    body.push_str(&markdown::html(&module.doc));
    for (heading, direction) in [("Inputs", Direction::Input), ("Outputs", Direction::Output)] {
        let ports: Vec<&PortInterface> = module.ports.iter().filter(|port| port.direction == direction).collect();
        if !ports.is_empty() {
            put(body, format_args!("<h3>{heading}</h3>\n<div class=\"scroll\"><table>\n"));
            ports.iter().for_each(|port| port_row(port, body));
            body.push_str("</table></div>\n");
        }
    }
    if !module.params.is_empty() {
        body.push_str("<h3>Parameters</h3>\n<div class=\"scroll\"><table>\n");
        for param in &module.params {
            let default = match &param.default {
                Some(default) => format!("<code>= {}</code>", escaped(default)),
                None => "<span class=\"file\">required</span>".to_owned(),
            };
            put(
                body,
                format_args!(
                    "<tr><td><a href=\"#L{}\"><code>{}</code></a></td><td><code>{}</code></td><td>{default}</td><td>{}</td></tr>\n",
                    param.line,
                    escaped(&param.name),
                    escaped(&param.type_text),
                    markdown::html(&param.doc)
                ),
            );
        }
        body.push_str("</table></div>\n");
    }
    if let Some(graph) = graph.filter(|graph| !graph.nodes.is_empty()) {
        dataflow(graph, body);
    }
    body.push_str("</section>\n");
}

fn port_row(port: &PortInterface, body: &mut String) {
    let peers = match (port.addressing, port.direction) {
        (Addressing::Plain, _) => "",
        (Addressing::Socket, Direction::Input) => "each with the peer it came from",
        (Addressing::Socket, Direction::Output) => "each to the peer it names",
        (Addressing::Member, Direction::Input) => "each with the member it came from",
        (Addressing::Member, Direction::Output) => "each to the member it names",
    };
    put(
        body,
        format_args!(
            "<tr id=\"port.{name}\"><td><a href=\"#L{}\"><code>{name}</code></a></td><td><code>{}</code><div class=\"file\">{peers}</div></td><td>{}</td></tr>\n",
            port.line,
            escaped(&port.type_text),
            markdown::html(&port.doc),
            name = escaped(&port.name),
        ),
    );
}

fn dataflow(graph: &Graph, body: &mut String) {
    let scene = Scene::of_graph(graph, |line| format!("#L{line}"));
    put(body, format_args!("<h3>Dataflow</h3>\n<figure><div class=\"scroll\">{}</div>\n", draw::svg_inline(&scene)));
    let has_edge = |kind: EdgeKind| graph.edges.iter().any(|edge| edge.kind == kind);
    let mut notes = vec!["A box leads to its line; resting on it shows the whole operator."];
    if has_edge(EdgeKind::Deferred) {
        notes.push("Dashed: arrives in a later tick.");
    }
    if has_edge(EdgeKind::Reference) || graph.nodes.iter().any(|node| node.kind == NodeKind::Value) {
        notes.push("Dotted: the value is read by <code>#name</code>.");
    }
    put(body, format_args!("<figcaption>{}</figcaption></figure>\n", notes.join(" ")));
}

fn source(file: &SourceFile, body: &mut String) {
    body.push_str("<h2>Source</h2>\n<div class=\"scroll\"><pre class=\"source\">");
    for (at, line) in file.text().lines().enumerate() {
        let number = at + 1;
        let comment = line.trim_start().starts_with("//");
        let (start, end) = if comment { ("<i>", "</i>") } else { ("", "") };
        put(
            body,
            format_args!(
                "<span class=\"line\" id=\"L{number}\"><a href=\"#L{number}\">{number}</a>{start}{}{end}\n</span>",
                escaped(line)
            ),
        );
    }
    body.push_str("</pre></div>\n");
}

fn document(title: &str, body: &str) -> String {
    // Nothing is loaded and nothing runs, whatever a doc comment says.
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <title>{}</title>\n<style>\n{STYLE}{}\n</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escaped(title),
        draw::STYLE
    )
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;background:#fff;color:#1e293b;font:16px/1.55 system-ui,sans-serif}\
main{max-width:74rem;margin:0 auto;padding:1.5rem 1.25rem 5rem}\
nav{font-size:.9rem}h1{font-size:1.9rem;margin:.4rem 0 0}h2{margin:2.4rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid #e2e8f0;font-size:1.35rem}\
h3{margin:1.6rem 0 .5rem;font-size:1.05rem}h4{margin:1.2rem 0 .3rem}p{max-width:46rem}\
a{color:#1d6fb8;text-decoration:none}a:hover{text-decoration:underline}\
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.875em}\
pre{background:#f8fafc;border:1px solid #e2e8f0;border-radius:6px;padding:.75rem 1rem;overflow-x:auto}pre code{font-size:inherit}\
.file{color:#64748b;font-size:.88rem;margin:.1rem 0 0}.scroll{overflow-x:auto}\
table{border-collapse:collapse;min-width:50%}td{padding:.45rem 1.4rem .45rem 0;border-top:1px solid #e2e8f0;vertical-align:top}td p{margin:0 0 .4rem}\
figure{margin:0}figure .scroll{border:1px solid #e2e8f0;border-radius:8px;padding:.5rem;text-align:center}figcaption{color:#64748b;font-size:.85rem;margin-top:.4rem}\
.source{padding:.75rem 0;line-height:1.5;width:max-content;min-width:100%;box-sizing:border-box}.source .line{display:block;padding-right:1rem}\
.source .line>a{display:inline-block;width:3.2rem;margin-right:1.1rem;text-align:right;color:#94a3b8;user-select:none}\
.source i{color:#64748b;font-style:normal}.line:target{background:#fef3c7}\
@media (prefers-color-scheme:dark){\
body{background:#10151d;color:#d5deea}h2{border-color:#2a3646}a{color:#6bb3f2}\
pre{background:#161d28;border-color:#2a3646}td{border-color:#2a3646}figure .scroll{border-color:#2a3646}\
.file,figcaption,.source i{color:#93a1b5}.source .line>a{color:#5b6b82}.line:target{background:#3a2d10}\
}\n";

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Products, compile};

    #[test]
    fn a_page_tells_of_ports_parameters_dataflow_and_source() {
        let text = "/// Raises numbers.\nmodule main(\n    /// What `comes` in.\n    input i: u32,\n    output o: Vec<u32>,\n    param by: u32 = 1 << 3\n) {\n    \
                    i -> map(|n| vec![n + by]) -> o;\n}\n";
        let file = SourceFile::new("src/raise.hf", text);
        let options = Options {
            program: "raise".into(),
            graph: crate::graph::GraphOptions::default(),
            products: Products::All,
            root: String::new(),
        };
        let (compilation, diagnostics) = compile(&file, &options);
        assert_eq!(diagnostics, []);
        let compilation = compilation.expect("compiles");
        let (modules, graphs) = (&compilation.modules, &compilation.graphs);
        let html = page(&Page { name: "raise", source: &file, modules, graphs, home: "index.html" });
        for part in [
            "<p>Raises numbers.</p>",
            "<p>What <code>comes</code> in.</p>",
            "<code>Vec&lt;u32&gt;</code>",
            "<code>= 1 &lt;&lt; 3</code>",
            "<svg ",
            "href=\"#L8\"",
            "id=\"L8\"",
            "(|n| vec![n + by])",
        ] {
            assert!(html.contains(part), "{part} is missing in\n{html}");
        }
        assert!(!html.contains("<script") && !html.contains("src="), "{html}");
        let entry = Entry {
            name: "raise".into(),
            link: "raise.html".into(),
            file: "src/raise.hf".into(),
            modules: modules.clone(),
        };
        let html = index("x & y", &[entry], None);
        assert!(
            html.contains("<title>x &amp; y</title>") && html.contains("i → o") && html.contains("Raises numbers."),
            "{html}"
        );
    }
}
