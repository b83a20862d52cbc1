//! `docs/operators.md` tells of all operators there are, each with its true shape.

use std::collections::BTreeMap;

use hydroflow_standalone::graph::operators;

use crate::support::repository;

/// What ends a named value is an operator to people, and none to the dataflow compiler.
const VALUES: [&str; 3] = ["handoff", "optional", "singleton"];

#[test]
fn every_operator_is_told_of_with_its_shape() {
    let text = std::fs::read_to_string(repository().join("docs/operators.md")).expect("is there");
    let mut told = BTreeMap::new();
    for section in text.split("\n### `").skip(1) {
        let (name, rest) = section.split_once('`').expect("a heading is closed");
        let shape = rest.trim_start().lines().next().unwrap_or_default();
        assert!(told.insert(name, shape).is_none(), "`{name}` is told of twice");
        assert!(section.contains("\n```hf\n"), "`{name}` has no example");
    }
    for operator in operators() {
        let shape = told.remove(operator.name).unwrap_or_else(|| panic!("`{}` is not told of", operator.name));
        assert_eq!(shape, operator.line(), "the shape of `{}`", operator.name);
    }
    assert!(told.keys().eq(VALUES.iter()), "these are no operators: {told:?}");
}
