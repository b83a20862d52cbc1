//! The examples in the doc comments of the operators: flows alone, and Rust snippets with flows.
//!
//! Knows doc comments and code fences; the flows are made runnable by a function around them.

use std::path::Path;

use super::rust_file::RustFile;
use super::suite::files;

/// Reads all operators' examples. Each becomes a file with one test function.
pub(super) fn read(compiler: &Path) -> Vec<RustFile> {
    let folder = compiler.join("src").join("graph").join("ops");
    let mut examples = Vec::new();
    for (path, text) in files(&folder, ".rs") {
        let operator = path.file_stem().expect("a source file has a name").to_string_lossy().into_owned();
        for (number, (fence, lines)) in fences(&text).into_iter().enumerate() {
            let name = format!("op_{operator}_{}", number + 1);
            let program = match fence.as_str() {
                "dfir" => flow_alone(&name, &lines),
                "rustbook" if lines.contains("dfir_syntax!") => snippet(&name, &lines),
                _ => continue,
            };
            examples.push(RustFile::parse(&format!("{name}.rs"), &program));
        }
    }
    examples
}

/// Code blocks of doc comments: the word after the fence, and the lines. Lines hidden from readers count.
fn fences(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        let Some(doc) = line.trim_start().strip_prefix("///") else { continue };
        let doc = doc.strip_prefix(' ').unwrap_or(doc);
        match (doc.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(fence), None) => open = Some((fence.trim().to_owned(), String::new())),
            (None, Some((_, lines))) => {
                lines.push_str(doc.strip_prefix("# ").unwrap_or(doc));
                lines.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Some examples never end.
fn flow_alone(name: &str, flow: &str) -> String {
    format!(
        "#[dfir_rs::test]\nasync fn {name}() {{\n    let mut df = dfir_rs::dfir_syntax! {{\n{flow}\n    }};\n    \
         let _ = dfir_rs::tokio::time::timeout(std::time::Duration::from_millis(200), df.run_available()).await;\n}}\n"
    )
}

fn snippet(name: &str, code: &str) -> String {
    if code.contains("async fn main()") {
        return format!("#[test]\nfn {name}() {{\n{code}\nmain();\n}}\n");
    }
    format!("#[dfir_rs::test]\nasync fn {name}() {{\n{code}\n}}\n")
}
