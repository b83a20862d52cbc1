//! `docs/modules.md` says what the modules' own comments say, and shows the programs that the suite runs. `BLESS=1` writes it.

use std::fmt::Write;

use hydroflow_standalone::interface::{Direction, ModuleInterface};
use hydroflow_standalone::{interfaces, standard};

use super::programs::{PANICS, names, text};
use crate::support::assert_golden;

/// Programs that a file has besides the one of its own name.
const OTHER_PROGRAMS: &[(&str, &str)] = &[("heartbeat", "beats")];
/// Programs that are no examples.
const TRIALS: &[&str] = &["storm", PANICS];

#[test]
fn the_document_says_what_the_modules_say() {
    let mut page = INTRODUCTION.to_owned();
    for name in standard::names() {
        let file = standard::file(standard::PACKAGE, name).expect("is ours").expect("is there");
        let (modules, diagnostics) = interfaces(&file);
        assert!(diagnostics.is_empty(), "{diagnostics:#?}");
        put(&mut page, format_args!("\n## {name}\n\n{}\n", file_comment(file.text())));
        for item in public_items(file.text()) {
            put(&mut page, format_args!("\n```rust\n{item}\n```\n"));
        }
        modules.iter().for_each(|module| tell(&mut page, name, file.text(), module));
        for (_, program) in programs().filter(|(of, _)| *of == name) {
            let (program, printed) = (text(&format!("{program}.hf")), text(&format!("{program}.stdout")));
            put(&mut page, format_args!("\n```hf\n{program}```\n\nIt prints\n\n```text\n{printed}```\n"));
        }
    }
    assert_golden("../docs/modules.md", &page);
}

#[test]
fn every_file_has_a_program_and_every_program_a_file() {
    let mut shown: Vec<&str> = programs().map(|(_, program)| program).chain(TRIALS.iter().copied()).collect();
    shown.sort_unstable();
    assert_eq!(shown, names());
}

fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    standard::names().map(|name| (name, name)).chain(OTHER_PROGRAMS.iter().copied())
}

const INTRODUCTION: &str = "# Modules that come with the language

These modules need no dependency: `use hydro::hf::retry;` imports the file, and with it the module of the same name; `use hydro::hf::heartbeat::{monitor,
Health};` imports other modules and Rust items of a file, and after `use hydro::hf::lease;` they can also be called `lease::keeper(…)`. They are `.hf` text like
any other, shown as `hydro/lease.hf` where something is said of them.

What they have in common:

- **Time is an input.** `now` takes durations since some start, which `clock()` gives in a program and a list gives in a test. Nothing but `clock` and
  `heartbeat` looks at a clock, so the same items give the same result.
- **Memory is bounded** by parameters, and what finds no room comes out at a port of its own. An output that nobody reads is fine.
- **Payload first.** Where an item goes with a peer, it is `(payload, peer)`, the form of addressed ports, so that such ports can be joined directly.
- **Types are found out** from what is joined to a module. Bounds, such as `K: Ord`, are listed with it.
";

fn tell(page: &mut String, file: &str, text: &str, module: &ModuleInterface) {
    let name = format!("{}{}", module.name, generics(text, &module.name));
    let path =
        if module.name == file { format!("hydro::hf::{file}") } else { format!("hydro::hf::{file}::{}", module.name) };
    put(page, format_args!("\n### {name}\n\n`use {path};`\n\n{}\n\n", module.doc.trim()));
    put(page, format_args!("| | name | type | |\n|---|---|---|---|\n"));
    for port in &module.ports {
        let word = if port.direction == Direction::Input { "input" } else { "output" };
        put(page, format_args!("| {word} | `{}` | `{}` | {} |\n", port.name, port.type_text, one_line(&port.doc)));
    }
    for param in &module.params {
        let default = param.default.as_ref().map(|default| format!(" = {default}")).unwrap_or_default();
        put(
            page,
            format_args!("| param | `{}` | `{}{default}` | {} |\n", param.name, param.type_text, one_line(&param.doc)),
        );
    }
}

/// Returns the type parameters with their bounds, as they stand.
fn generics(text: &str, module: &str) -> String {
    let start = format!("module {module}");
    let heads = text.lines().filter_map(|line| line.strip_prefix(&start)?.split_once('('));
    let generics =
        heads.map(|(generics, _)| generics).find(|generics| generics.is_empty() || generics.starts_with('<'));
    generics.unwrap_or_default().to_owned()
}

fn file_comment(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

/// Public types, with their comments, as they stand.
fn public_items(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = (0..lines.len()).filter(|&at| lines[at].starts_with("pub "));
    let item = |at: usize| {
        let is_above = |line: &&&str| line.starts_with("///") || line.starts_with("#[");
        let above = lines[..at].iter().rev().take_while(is_above).count();
        let length = lines[at..].iter().position(|line| *line == "}").map_or(1, |end| end + 1);
        lines[at - above..at + length].join("\n")
    };
    starts.map(item).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn put(page: &mut String, arguments: std::fmt::Arguments<'_>) {
    page.write_fmt(arguments).expect("a string takes all");
}
