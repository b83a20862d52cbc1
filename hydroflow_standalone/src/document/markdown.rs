//! Doc comments → HTML: the part of Markdown that doc comments use.
//!
//! Paragraphs, headings, lists, code blocks, and within a line code, emphasis and links. Everything else is text; no HTML passes through.

use crate::draw::escaped;

/// Turns a doc comment into HTML.
pub(super) fn html(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        if let Some(fence) = fence(trimmed) {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.trim().starts_with(fence)).collect();
            out.push_str(&format!("<pre><code>{}</code></pre>\n", escaped(&code.join("\n"))));
        } else if let Some(heading) = heading(trimmed) {
            out.push_str(&format!("<h4>{}</h4>\n", inline(heading)));
        } else if let Some(first) = item(trimmed) {
            let mut items = vec![first.to_owned()];
            while let Some(next) = lines.next_if(|line| !line.trim().is_empty()) {
                match item(next.trim()) {
                    Some(item) => items.push(item.to_owned()),
                    None => {
                        items.iter_mut().last().into_iter().for_each(|last| *last = format!("{last} {}", next.trim()))
                    }
                }
            }
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", inline(item))).collect();
            out.push_str(&format!("<ul>\n{items}</ul>\n"));
        } else {
            let mut words = vec![trimmed.to_owned()];
            let goes_on = |line: &str| {
                let line = line.trim();
                !line.is_empty() && fence(line).is_none() && heading(line).is_none() && item(line).is_none()
            };
            while let Some(next) = lines.next_if(|line| goes_on(line)) {
                words.push(next.trim().to_owned());
            }
            out.push_str(&format!("<p>{}</p>\n", inline(&words.join(" "))));
        }
    }
    out
}

/// Turns a doc comment's first paragraph into HTML, for tables.
pub(super) fn summary(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.trim().is_empty()).take_while(|line| !line.trim().is_empty());
    inline(&lines.map(str::trim).collect::<Vec<_>>().join(" "))
}

fn fence(line: &str) -> Option<&'static str> {
    ["```", "~~~"].into_iter().find(|fence| line.starts_with(fence))
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    (rest.len() < line.len()).then(|| rest.strip_prefix(' ')).flatten()
}

fn item(line: &str) -> Option<&str> {
    ["- ", "* ", "+ "].into_iter().find_map(|mark| line.strip_prefix(mark))
}

/// Reads code, emphasis and links within a line.
fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[', '\\']) {
        out.push_str(&escaped(&rest[..at]));
        rest = &rest[at..];
        let (piece, length) = span(rest);
        out.push_str(&piece);
        rest = &rest[length..];
    }
    out.push_str(&escaped(rest));
    out
}

/// Reads what begins with a sign of meaning: its HTML, and how many bytes it takes.
fn span(text: &str) -> (String, usize) {
    let between = |mark: &str| {
        let inner = text.strip_prefix(mark)?;
        let end = inner.find(mark).filter(|end| *end > 0)?;
        Some((&inner[..end], end + 2 * mark.len()))
    };
    if let Some((code, length)) = between("``").or_else(|| between("`")) {
        return (format!("<code>{}</code>", escaped(code.trim())), length);
    }
    if let Some((strong, length)) = between("**") {
        return (format!("<strong>{}</strong>", inline(strong)), length);
    }
    if let Some((soft, length)) = between("*").filter(|(soft, _)| !soft.starts_with(' ') && !soft.ends_with(' ')) {
        return (format!("<em>{}</em>", inline(soft)), length);
    }
    if let Some((html, length)) = link(text) {
        return (html, length);
    }
    let mut letters = text.chars();
    let first = letters.next().unwrap_or_default();
    match letters.next().filter(|next| first == '\\' && next.is_ascii_punctuation()) {
        Some(next) => (escaped(&next.to_string()), 1 + next.len_utf8()),
        None => (escaped(&first.to_string()), first.len_utf8()),
    }
}

/// Only addresses that cannot run anything become links.
fn link(text: &str) -> Option<(String, usize)> {
    let inner = text.strip_prefix('[')?;
    let middle = inner.find("](")?;
    let (label, after) = (&inner[..middle], &inner[middle + 2..]);
    let end = after.find(')')?;
    let address = after[..end].trim();
    let harmless = ["https://", "http://", "mailto:", "#", "./", "../"].iter().any(|start| address.starts_with(start));
    if label.contains(['[', ']']) || !harmless {
        return None;
    }
    Some((format!("<a href=\"{}\">{}</a>", escaped(address), escaped(label)), 1 + middle + 2 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_of_doc_comments_are_read() {
        let text = "One `a < b` and\n**two** *three*, [four](https://x.y/z).\n\n# Five\n\n- six\n  goes on\n- seven\n\n```hf\na -> b;\n```";
        let expected = "<p>One <code>a &lt; b</code> and <strong>two</strong> <em>three</em>, <a href=\"https://x.y/z\">four</a>.</p>\n\
                        <h4>Five</h4>\n<ul>\n<li>six goes on</li>\n<li>seven</li>\n</ul>\n<pre><code>a -&gt; b;</code></pre>\n";
        assert_eq!(html(text), expected);
        assert_eq!(summary("\nOne\nline.\n\nMore."), "One line.");
    }

    #[test]
    fn nothing_passes_that_could_run() {
        let nasty = "<script>x</script> [a](javascript:alert(1)) `</code><b>` [b](https://x\" onclick=\"y)";
        let html = html(nasty);
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("href=\"javascript"), "{html}");
        assert!(html.contains("https://x&quot; onclick=&quot;y"), "{html}");
    }

    #[test]
    fn any_text_ends() {
        for text in ["`", "*", "**", "[", "[a](", "\\", "```", "#", "- ", "``", "é*é*", "[é](#é)", "***", "* *"] {
            let _ = (html(text), summary(text));
        }
    }
}
