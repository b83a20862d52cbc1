//! Nesting and length, in each way a recursive parser could be made to follow.

use hydroflow_standalone::NoLibrary;

use super::said;

const MANY: usize = 50_000;

/// A program around an argument of an operator.
fn program(argument: &str) -> String {
    format!("module main() {{\n    source_iter([1]) -> map(|x| {argument}) -> null();\n}}\n")
}

fn is_too_long(text: &str) {
    let found = said(text, &NoLibrary);
    assert_eq!(found.iter().map(|said| &said[..6]).collect::<Vec<_>>(), ["HF0006"], "{:.300}", found.join("\n"));
}

#[test]
fn words_that_begin_an_expression_nest() {
    for word in ["return ", "break ", "if ", "match ", "while ", "yield ", "if let x = ", "return |x| ", "for x in "] {
        is_too_long(&program(&word.repeat(MANY)));
    }
}

#[test]
fn types_nest_behind_commas() {
    is_too_long(&program(&format!("f::<{}>()", "A<B, ".repeat(MANY))));
    is_too_long(&format!("type T = {};\nmodule main() {{}}\n", "A<B, ".repeat(MANY)));
    is_too_long(&format!("module main(input i: {}u8{}) {{ i -> null(); }}\n", "A<B, ".repeat(MANY), ">".repeat(MANY)));
    is_too_long(&format!("module main<{}>() {{}}\n", "T: A<B, ".repeat(MANY)));
}

#[test]
fn paths_nest_in_a_use() {
    is_too_long(&format!("use {}a;\nmodule main() {{}}\n", "a::".repeat(MANY)));
    is_too_long(&format!(
        "use {}a{};\nmodule main() {{}}\n",
        format!("{}{{", "a::".repeat(2_000)).repeat(60),
        "}".repeat(60)
    ));
}

#[test]
fn blocks_do_not_begin_anew() {
    for operator in ["-", ".", "==", "&"] {
        is_too_long(&program(&format!("{}x", format!("A {{}} {operator} ").repeat(MANY))));
    }
}

/// Just within the limits there is stack enough, also where nothing was optimised.
#[test]
fn what_is_just_short_enough_ends() {
    let nested = |one: &str, times: usize| {
        let chain = one.repeat(times);
        program(&format!("{}x{}", format!("{chain}(").repeat(3), ")".repeat(3)))
    };
    for text in [
        nested("-", 2_600),
        nested("return ", 2_600),
        nested("if a {} else ", 1_300),
        nested("|x| ", 1_300),
        nested("x.x", 2_600),
        format!("{}u8{};\nmodule main() {{}}", "type T = ".to_owned() + &"A<B, ".repeat(2_600), ">".repeat(2_600)),
        format!("use {}a;\nmodule main() {{}}\n", "a::".repeat(2_900)),
    ] {
        let found = said(&text, &NoLibrary);
        assert!(found.iter().all(|said| !said.starts_with("HF0006")), "{:.300}", found.join("\n"));
    }
}

#[test]
fn each_bracket_does_not_begin_anew() {
    let chain = "-".repeat(2_000);
    let argument = format!("{}x{}", format!("{chain}(").repeat(60), ")".repeat(60));
    is_too_long(&program(&argument));
    let alternatives = "if a {} else ".repeat(2_000);
    is_too_long(&program(&format!("{}x{}", format!("{alternatives}{{").repeat(60), "}".repeat(60))));
    let words = "return ".repeat(2_000);
    is_too_long(&program(&format!("{}x{}", format!("{words}[").repeat(60), "]".repeat(60))));
}

#[test]
fn what_is_long_and_flat_is_fine() {
    let list = "1 < 2, ".repeat(2_000);
    assert_eq!(said(&program(&format!("[{list}]")), &NoLibrary), Vec::<String>::new());
    let statements = "source_iter([1]) -> map(|x| if x > 1 { return x } else { x }) -> null();\n".repeat(300);
    assert_eq!(said(&format!("module main() {{\n{statements}}}\n"), &NoLibrary), Vec::<String>::new());
    let items = "fn f() { return match 1 { 1 => 2, _ => if true { 3 } else { 4 } } }\n".repeat(2_000);
    assert_eq!(said(&format!("{items}module main() {{}}\n"), &NoLibrary), Vec::<String>::new());
}
