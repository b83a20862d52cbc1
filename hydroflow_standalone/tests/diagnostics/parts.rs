//! Modules used as operators.

use hydroflow_standalone::NoLibrary;

use super::said;

const PARTS: &str =
    "module part<T>(input i: T, output o: T, param a: u32 = 1, param b: u32 = 2) { i -> filter(|_| a > b) -> o; }\n";

/// What is said of a pipeline that goes through `call`.
fn of_call(call: &str) -> Vec<String> {
    said(&format!("{PARTS}module main() {{\n    source_iter([1]) -> {call}\n        -> null();\n}}\n"), &NoLibrary)
}

#[test]
fn settings_are_expressions_with_one_comma_between_them() {
    assert_eq!(of_call("part(a: 1, b: if true { 2 } else { 3 },)"), Vec::<String>::new());
    assert_eq!(of_call("part::<Vec<(u8, u8)>,>(a: u32::max(1, 2), b: [1, 2][0])"), Vec::<String>::new());
    for (call, said) in [
        ("part(a: 1,, b: 2)", "HF0004 src/p.hf:3 expected the name of a parameter"),
        ("part(,)", "HF0004 src/p.hf:3 expected the name of a parameter"),
        ("part(a: 1 b: 2)", "HF0004 src/p.hf:3 expected `,`"),
        ("part(a: )", "HF0004 src/p.hf:3 expected an expression"),
        ("part(a: 1 +)", "HF0004 src/p.hf:3 expected an expression"),
        ("part(a: 1, a: 2)", "HF0122 src/p.hf:3 the parameter `a` of `part` is given twice"),
        ("part(1)", "HF0122 src/p.hf:3 an argument of `part` has no name"),
        ("part(a: #x)", "HF0122 src/p.hf:3 a parameter is set before anything flows, so it cannot be `#…`"),
        ("part::<u8,,>()", "HF0004 src/p.hf:3 expected a type"),
        ("part::<'static>()", "HF0004 src/p.hf:3 expected a type"),
    ] {
        assert_eq!(of_call(call), [said], "{call}");
    }
}

#[test]
fn a_module_that_needs_nothing_around_it_is_a_statement() {
    const ALONE: &str = "module ticker(param n: u32 = 1) { source_iter(0..n) -> null(); }\n\
        module taker(input i: u32) { i -> null(); }\n";
    let of_body = |body: &str| said(&format!("{ALONE}module main() {{\n{body}\n}}\n"), &NoLibrary);
    assert_eq!(of_body("ticker(); ticker(n: 3);"), Vec::<String>::new());
    assert_eq!(of_body("ticker(); source_iter([1]) -> taker();"), Vec::<String>::new());
    assert_eq!(of_body("taker();"), ["HF0126 src/p.hf:4 nothing goes into the input `i` of this `taker`"]);
    assert_eq!(of_body("tickr();").len(), 1);
}

#[test]
fn the_body_of_a_generic_module_is_checked_also_where_nobody_uses_it() {
    for body in ["i -> nul();", "i -> ;", "i -> map(|x| x) -> map(|x| x);", "i -> [0]j; j = join() -> null();"] {
        let generic = format!("module idle<T: Clone>(input i: T) {{\n{body}\n}}\n");
        let unused = said(&format!("{generic}module main() {{}}\n"), &NoLibrary);
        let used = said(&format!("{generic}module main() {{ source_iter([1]) -> idle(); }}\n"), &NoLibrary);
        let plain = said(
            &format!("{}module main() {{}}\n", generic.replace("<T: Clone>", "").replace("i: T", "i: u8")),
            &NoLibrary,
        );
        assert!(!plain.is_empty() && plain.iter().all(|said| said.contains("src/p.hf:2 ")), "{plain:?}");
        assert_eq!((&unused, &used), (&plain, &plain), "{body}");
    }
}
