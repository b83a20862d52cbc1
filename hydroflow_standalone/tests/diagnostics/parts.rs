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
