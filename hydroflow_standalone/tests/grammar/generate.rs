//! Derives sentences from a grammar: seeded, so that each can be made again, and bounded, so that each ends.

use std::collections::BTreeSet;

use super::ebnf::{Grammar, Rule};

/// After so many steps into each other only the shortest way is taken.
const DEPTH: usize = 14;

/// A sentence: a whole file.
pub(crate) fn file(grammar: &Grammar, seed: u64) -> String {
    let mut writer = Writer::new(grammar, seed);
    writer.rule(&Rule::Name("file".to_owned()), 0);
    // The part that sentences may use is there in each of them.
    format!("{}\n{PART}", writer.words.join(" "))
}

/// The names of the rules that a sentence was derived by.
pub(crate) fn rules(grammar: &Grammar, seed: u64) -> BTreeSet<String> {
    let mut writer = Writer::new(grammar, seed);
    writer.rule(&Rule::Name("file".to_owned()), 0);
    writer.reached
}

/// A sentence from which one token was taken, or in which one stands twice or in another's place.
pub(crate) fn damaged(grammar: &Grammar, seed: u64) -> String {
    let mut writer = Writer::new(grammar, seed);
    // A generic module's body is looked at only where it is used, and the settings of parts are told wrong by codes of their own.
    while writer.words.is_empty() || ["generics", "part"].iter().any(|rule| writer.reached.contains(*rule)) {
        writer.words.clear();
        writer.reached.clear();
        writer.rule(&Rule::Name("module".to_owned()), 0);
    }
    let at = writer.below(writer.words.len());
    let other = writer.below(writer.words.len());
    match writer.below(3) {
        0 => {
            writer.words.remove(at);
        }
        1 => writer.words.insert(at, writer.words[at].clone()),
        _ => writer.words[at] = writer.words[other].clone(),
    }
    format!("{}\n{PART}", writer.words.join(" "))
}

const PART: &str = "module part_of_all<T>(input i: T, output o: T, param n: u32 = 0) { i -> o; }\n";

struct Writer<'a> {
    grammar: &'a Grammar,
    words: Vec<String>,
    reached: BTreeSet<String>,
    state: u64,
}

impl<'a> Writer<'a> {
    fn new(grammar: &'a Grammar, seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
        Self { grammar, words: Vec::new(), reached: BTreeSet::new(), state }
    }

    /// The next number below `limit` (splitmix64).
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap_or(0)
    }

    fn in_header(&self) -> bool {
        matches!(self.words.last().map(String::as_str), Some("input" | "output" | "param" | "module"))
    }

    fn rule(&mut self, rule: &Rule, depth: usize) {
        match rule {
            Rule::Sequence(parts) => parts.iter().for_each(|part| self.rule(part, depth)),
            Rule::Choice(parts) if depth > DEPTH => {
                let shortest = parts.iter().min_by_key(|part| length(part)).expect("a choice has parts");
                self.rule(shortest, depth);
            }
            Rule::Choice(parts) => {
                let chosen = self.below(parts.len());
                self.rule(&parts[chosen], depth);
            }
            Rule::Maybe(inner) => {
                if depth <= DEPTH && self.below(3) == 0 {
                    self.rule(inner, depth);
                }
            }
            Rule::Many(inner) => {
                let times = if depth > DEPTH { 0 } else { self.below(4) };
                (0..times).for_each(|_| self.rule(inner, depth));
            }
            Rule::Token(token) => self.words.push(token.clone()),
            Rule::Name(name) => {
                self.reached.insert(name.clone());
                let grammar = self.grammar;
                match grammar.rule(name) {
                    // Names of a header differ; else nothing would look at the body.
                    Rule::Words(_) if name == "name" && self.in_header() => {
                        let unlike = format!("name_{}", self.words.len());
                        self.words.push(unlike);
                    }
                    Rule::Words(_) => {
                        let samples = samples(name);
                        let chosen = self.below(samples.len());
                        self.words.push(samples[chosen].to_owned());
                    }
                    rule => self.rule(rule, depth + 1),
                }
            }
            Rule::Words(words) => panic!("`{words}` has no name"),
        }
    }
}

/// A rough measure of what a part leads to; names of tokens are short.
fn length(rule: &Rule) -> usize {
    match rule {
        Rule::Sequence(parts) => parts.iter().map(length).sum(),
        Rule::Choice(parts) => parts.iter().map(length).min().unwrap_or(0),
        Rule::Maybe(_) | Rule::Many(_) => 0,
        Rule::Token(_) => 1,
        Rule::Name(name) if matches!(name.as_str(), "name" | "integer" | "type") => 1,
        Rule::Name(name) if matches!(name.as_str(), "use item") => 2,
        Rule::Name(_) | Rule::Words(_) => 5,
    }
}

/// What stands for the parts of the language that are Rust.
fn samples(name: &str) -> &'static [&'static str] {
    match name {
        "name" => &["a", "b", "numbers", "r#type", "_x", "été"],
        "path" => &["pos", "neg", "Shape::Square", "get"],
        "module path" => &["part_of_all"],
        "integer" => &["0", "1", "17"],
        "type" => {
            &["u32", "(String, SocketAddr)", "Vec<BTreeMap<u8, [u16; 2]>>", "&'static str", "fn(u8, u8) -> u8", "_"]
        }
        "expression" => &["1", "\"text; -> { \"", "Vec::<(u8, u8)>::new()", "if true { 1 } else { 2 }", "1 << 3"],
        "argument" => &[
            "|x| x + 1",
            "0..10",
            "vec![1, 2]",
            "|(a, b): (u8, u8)| { let c = a; c + b }",
            "#a",
            "|x| x + #mut b",
            "f(#{1} a, #{2} mut b)",
            "std::time::Duration::from_millis(5)",
        ],
        "generics" => &["<T>", "<T: Clone + 'static, U>", "<K: Eq + std::hash::Hash>"],
        "attribute" => &["/// Says; what -> it is.\n", "#[doc = \"x\"]", "/** Block. */"],
        "doc comment" => &["/// Why.\n", "/** Block; -> */"],
        "condition" => &["#[cfg(unix)]", "#[cfg(not(unix))]", "#[cfg(any(windows, debug_assertions))]"],
        "local item" => {
            &["fn local(n: u32) -> u32 { n }", "#[cfg(unix)] const LOCAL: u8 = 1;", "/// A shape.\nstruct Shape;"]
        }
        "inner attribute" => &["//! A file.\n", "#![allow(dead_code)]"],
        "visibility" => &["pub", "pub(crate)"],
        "rust item" => &[
            "use std::net::SocketAddr;",
            "fn f<T>(x: T, y: T) -> (T, T) { (x, y) }",
            "const N: u32 = { 1 };",
            "struct S { a: u8 }",
            "enum E { A(u8), B }",
            "impl S {}",
            "mod inner { fn g() {} }",
            "type P = (u8, u8);",
            "macro_rules! m { () => {}; }",
        ],
        "use item" => &["use std::time::Duration;", "use std::collections::{BTreeMap as M, BTreeSet};"],
        other => panic!("there is no sample of `{other}`"),
    }
}
