//! `loop { … }`.

use hydroflow_standalone::NoLibrary;

use super::said;

/// What is said of a body whose first line is line 2.
fn of_body(body: &str) -> Vec<String> {
    said(&format!("module main() {{\n{body}\n}}\n"), &NoLibrary)
}

#[test]
fn loops_that_nothing_enters_are_told_at_their_word() {
    for body in [
        "\nloop { null::<u8>() -> null(); };",
        "a = source_iter([1]); loop { a -> batch() -> null(); };\nloop { null::<u8>() -> null(); };",
        "\nloop { union() -> defer_tick() -> null::<u8>(); };",
        "\nloop { a = union() -> map(|x: u8| x) -> tee(); a -> defer_tick() -> a; a -> null(); };",
        "\nloop {\nloop { null::<u8>() -> null(); }; };",
        "a = source_iter([1]); loop { b = a -> batch() -> tee(); b -> null(); b -> null();\nloop { null::<u8>() -> null(); }; };",
    ] {
        let found = of_body(body);
        let told: Vec<&String> = found.iter().filter(|said| !said.contains("input(s), actually")).collect();
        assert_eq!(told, ["HF0116 src/p.hf:3 nothing comes into this loop, so it never runs"], "{body}");
    }
}

#[test]
fn loops_without_operators_and_loops_that_are_entered_are_fine() {
    for body in [
        "loop { }; loop { loop { }; };",
        "a = source_iter([1]); loop { b = a -> batch(); loop { b -> batch() -> null(); }; };",
    ] {
        assert_eq!(of_body(body), Vec::<String>::new(), "{body}");
    }
}

#[test]
fn modules_that_are_used_in_a_loop_work_in_it() {
    let parts = "module part(input i: u32, output o: u32) { i -> map(|n| n + 1) -> o; }
        module twice(input i: u32, output o: u32) { i -> part() -> part() -> o; }
        module ticker() { source_iter([1]) -> null(); }";
    for (body, lines) in [
        ("loop { a -> batch() -> part() -> null(); };", vec![]),
        ("loop { p = twice(); a -> batch() -> p; p -> part() -> null(); };", vec![]),
        ("loop { b = a -> batch(); loop { b -> batch() -> part() -> null(); }; };", vec![]),
        ("loop { ticker(); a -> batch() -> null(); };", vec!["HF0116"]),
    ] {
        let found = said(&format!("{parts}\nmodule main(input a: u32) {{ {body} }}"), &NoLibrary);
        let codes: Vec<&str> = found.iter().map(|said| &said[..6]).collect();
        assert_eq!(codes, lines, "{body}: {found:?}");
    }
}
