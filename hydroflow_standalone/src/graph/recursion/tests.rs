//! Which cycles are accepted, and what is said of the others. What they compute is tested by running programs (`tests/recursion`).

use crate::graph::{EdgeKind, GraphOptions};
use crate::source::SourceFile;
use crate::{Options, Products, compile};

/// Compiles a body. Returns the program as Rust, and what was said.
fn compiled(body: &str) -> (Option<String>, Vec<String>) {
    let source = SourceFile::new("a.hf", format!("module main() {{\n{body}\n}}\n"));
    let options = Options {
        program: "a".to_owned(),
        graph: GraphOptions::default(),
        products: Products::All,
        root: String::new(),
    };
    let (compilation, diagnostics) = compile(&source, &options);
    let said = diagnostics.iter().map(|diagnostic| diagnostic.render(&source, false)).collect();
    (compilation.and_then(|compilation| compilation.plain), said)
}

fn accepted(body: &str) -> String {
    let (program, said) = compiled(body);
    assert!(said.is_empty(), "{}", said.join("\n"));
    program.expect("a program without errors is written")
}

/// Compiles a body with one error, and looks for parts of what is said.
fn refused(body: &str, parts: &[&str]) {
    let (program, said) = compiled(body);
    assert!(program.is_none() && said.len() == 1, "{}", said.join("\n"));
    for part in parts {
        assert!(said[0].contains(part), "{part} is missing in\n{}", said[0]);
    }
}

#[test]
fn without_a_cycle_nothing_is_put_in() {
    let program = accepted("a = source_iter([1]) -> defer_tick() -> tee(); a -> null(); a -> for_each(drop);");
    assert!(!program.contains("while false"));
}

#[test]
fn a_deferred_cycle_stays_what_it_is() {
    let program = accepted(
        "source_iter([1]) -> a; a = union() -> map(|x: u32| x + 1) -> tee(); a -> defer_tick() -> a; a -> null();",
    );
    assert!(!program.contains("while false"));
}

#[test]
fn a_join_recalls_in_the_first_round_only_if_it_remembers() {
    let flow = |join: &str| {
        format!(
            "source_iter([0]) -> reached; source_iter([(0, 1)]) -> [1]step; reached = union() -> map(|v| (v, ())) -> [0]step;
            step = {join} -> map(|(_, ((), v))| v) -> tee(); step -> reached; step -> null();"
        )
    };
    for forgetful in ["join()", "join::<'tick>()", "join_multiset::<'tick, 'tick>()"] {
        let program = accepted(&flow(forgetful));
        assert!(!program.contains("__hydro_first_round"), "{forgetful}");
    }
    for remembering in ["join::<'static>()", "join::<'tick, 'static>()", "join_multiset::<'static>()"] {
        let program = accepted(&flow(remembering));
        assert_eq!(program.matches("__hydro_first_round_0.replace(false)").count(), 1, "{remembering}");
        assert_eq!(program.matches("__hydro_first_round_0.set(true)").count(), 1, "{remembering}");
    }
}

#[test]
fn a_result_that_changes_with_what_comes_round_is_refused_with_both_ends() {
    refused(
        "source_iter([1]) -> a; a = union() -> fold(|| 0, |sum: &mut u32, x: u32| *sum += x) -> map(|x| x + 1) -> tee(); a -> a; a -> null();",
        &[
            "error[HF0113]: `fold` cannot stand in a cycle within one tick",
            "a.hf:2:39",
            "its result changes with each item that comes round",
            "the cycle comes from here",
            "and goes on here",
            "help: let `fold` read the cycle from outside",
        ],
    );
}

#[test]
fn what_would_be_taken_back_is_refused_at_its_port() {
    for operator in ["difference()", "anti_join::<'static>() -> map(|(k, ())| k)"] {
        let input = if operator.starts_with("diff") { "source_iter([1])" } else { "source_iter([(1, ())])" };
        refused(
            &format!("{input} -> [pos]a; a = {operator} -> tee(); a -> [neg]a; a -> null();"),
            &["error[HF0113]: the `[neg]` of", "would take back what was let through before"],
        );
    }
}

#[test]
fn a_value_that_the_cycle_itself_makes_is_refused() {
    let (program, said) = compiled(
        "source_iter([1]) -> a; a = union() -> filter(|x| *x < *#most) -> tee(); a -> a;
        most = a -> reduce(|a: &mut u32, b| *a = b.max(*a)) -> singleton();",
    );
    assert!(program.is_none());
    assert!(said[0].contains("`reduce` cannot stand in a cycle"), "{}", said.join("\n"));
    assert!(said[1].contains("`singleton` cannot stand in a cycle"), "{}", said.join("\n"));
}

#[test]
fn each_operator_that_cannot_be_there_is_told() {
    let (program, said) = compiled(
        "source_iter([1]) -> a; a = union() -> enumerate() -> map(|(_, x): (usize, u32)| x) -> sort() -> tee(); a -> a; a -> null();",
    );
    assert!(program.is_none());
    assert_eq!(said.len(), 2, "{}", said.join("\n"));
    assert!(
        said[0].contains("`enumerate` cannot stand") && said[1].contains("`sort` cannot stand"),
        "{}",
        said.join("\n")
    );
}

#[test]
fn a_cycle_through_a_loop_is_refused() {
    refused(
        "source_iter([1]) -> a; a = union() -> map(|x: u32| x + 1); loop { b = a -> batch() -> map(|x| x); }; b -> all_iterations() -> c; c = tee(); c -> a; c -> null();",
        &[
            "HF0113",
            "a cycle within one tick cannot go through a `loop`",
            "this part of the cycle is in a `loop`",
            "this part is not",
        ],
    );
    let (program, said) = compiled(
        "source_iter([1]) -> a; loop { a = union() -> batch() -> b; b = union() -> tee(); b -> b; b -> null(); };",
    );
    assert!(program.is_none() && !said.is_empty());
}

#[test]
fn a_ring_with_nothing_in_it_is_told() {
    for ring in [
        "a = union() -> tee(); a -> a;",
        "a = union(); a -> a;",
        "a = tee(); a -> b; b = union(); b -> a;",
        "a = union(); a -> defer_tick() -> a;",
    ] {
        let (program, said) = compiled(ring);
        let told =
            said.iter().filter(|said| said.contains("error[HF0118]: this pipeline feeds nothing but itself")).count();
        assert!(program.is_none() && told == 1, "{}", said.join("\n"));
    }
}

#[test]
fn a_ring_that_nothing_enters_is_quiet() {
    let (program, said) = compiled("a = union() -> map(|x: u32| x + 1) -> tee(); a -> a; a -> for_each(drop::<u32>);");
    assert!(program.is_some(), "{}", said.join("\n"));
}

#[test]
fn negation_and_values_from_outside_may_be_inside() {
    accepted(
        "source_iter([1]) -> a; source_iter([7]) -> [neg]b; a = union() -> filter(|x: &u32| *x < *#most) -> map(|x| x + 1) -> [pos]b;
        b = difference() -> tee(); b -> a; b -> null(); most = source_iter([9]) -> singleton();",
    );
    accepted(
        "source_iter([1]) -> [input]a; source_iter([9]) -> [single]b; a = union() -> [input]b;
        b = cross_singleton() -> filter_map(|(x, most): (u32, u32)| (x < most).then_some(x + 1)) -> tee(); b -> a; b -> null();",
    );
}

#[test]
fn a_cycle_is_drawn_as_it_was_written() {
    let source = SourceFile::new(
        "a.hf",
        "module main(input edges: (u32, u32), output reached: u32) {
            source_iter([0]) -> at; at = union() -> map(|v| (v, ())) -> [0]step; edges -> [1]step;
            step = join::<'static>() -> map(|(_, ((), v))| v) -> tee(); step -> at; step -> reached;
        }",
    );
    let options = Options {
        program: "a".to_owned(),
        graph: GraphOptions::default(),
        products: Products::All,
        root: String::new(),
    };
    let (compilation, said) = compile(&source, &options);
    assert!(said.is_empty());
    let graph = compilation.expect("it compiles").graphs.remove(0);
    let operators: Vec<&str> = graph.nodes.iter().map(|node| node.operator.as_str()).collect();
    assert_eq!(operators, ["edges", "reached", "source_iter", "union", "map", "join", "map", "tee"]);
    let edges: Vec<(&str, &str, EdgeKind)> =
        graph.edges.iter().map(|edge| (operators[edge.from], operators[edge.to], edge.kind)).collect();
    assert_eq!(edges.len(), 8, "{edges:?}");
    assert!(edges.contains(&("tee", "union", EdgeKind::Deferred)), "{edges:?}");
    assert!(graph.loops.is_empty());
}

#[test]
fn a_cycle_in_a_part_is_told_once() {
    let source = SourceFile::new(
        "a.hf",
        "module part(input i: u32, output o: u32) { i -> a; a = union() -> sort() -> tee(); a -> a; a -> o; }
        module main() { source_iter([1]) -> [i]part() -> for_each(drop); }",
    );
    let options = Options {
        program: "a".to_owned(),
        graph: GraphOptions::default(),
        products: Products::Check,
        root: String::new(),
    };
    let (_, said) = compile(&source, &options);
    let said: Vec<String> = said.iter().map(|said| said.render(&source, false)).collect();
    assert_eq!(said.iter().filter(|said| said.contains("HF0113")).count(), 1, "{}", said.join("\n"));
}

#[test]
fn a_cycle_may_go_through_parts() {
    let source = SourceFile::new(
        "a.hf",
        "module step(input at: u32, output next: u32) { at -> filter(|v| *v < 9) -> map(|v| v + 1) -> next; }
        module main() { source_iter([1]) -> a; a = union() -> tee(); a -> [at]step() -> a; a -> for_each(drop); }",
    );
    let options = Options {
        program: "a".to_owned(),
        graph: GraphOptions::default(),
        products: Products::Check,
        root: String::new(),
    };
    let (compilation, said) = compile(&source, &options);
    let said: Vec<String> = said.iter().map(|said| said.render(&source, false)).collect();
    assert!(compilation.is_some() && said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn a_value_that_has_gone_on_cannot_be_referred_to() {
    refused(
        "most = source_iter([1]) -> singleton(); most -> map(|x: u32| x + 1) -> map(|x| x + *#most) -> null();",
        &[
            "error[HF0117]: this operator refers to a value that has gone on before it runs",
            "the value goes on here",
            "help: branch off before",
        ],
    );
    accepted(
        "most = source_iter([1]) -> singleton(); most -> null(); source_iter([2]) -> map(|x: u32| x + *#most) -> null();",
    );
}
