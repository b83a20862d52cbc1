//! The operators of the dataflow compiler, as far as documents and tools need to know them.

use std::ops::Bound;

use hydroflow_lang::graph::ops::{OPERATORS, OperatorConstraints, PortListSpec, RangeTrait};
use quote::ToTokens;

/// At least and at most so many; without an upper end, any number from the lower on.
pub type Count = (usize, Option<usize>);

/// What an operator takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorShape {
    /// Its name.
    pub name: &'static str,
    /// How many inputs it has.
    pub inputs: Count,
    /// The names or numbers of its inputs, where they are told apart.
    pub input_ports: Vec<String>,
    /// How many outputs it has.
    pub outputs: Count,
    /// The names or numbers of its outputs, where they are told apart and always the same.
    pub output_ports: Vec<String>,
    /// How many arguments it takes.
    pub arguments: usize,
    /// How many of `'tick` and `'static` it takes.
    pub lifetimes: Count,
    /// How many type arguments it takes.
    pub types: Count,
}

/// Returns all operators, in the compiler's order. `singleton()`, `optional()` and `handoff()` are no operators to it.
#[must_use]
pub fn operators() -> Vec<OperatorShape> {
    OPERATORS.iter().map(shape).collect()
}

fn shape(operator: &OperatorConstraints) -> OperatorShape {
    OperatorShape {
        name: operator.name,
        inputs: count(operator.hard_range_inn),
        input_ports: ports(operator.ports_inn),
        outputs: count(operator.hard_range_out),
        output_ports: ports(operator.ports_out),
        arguments: operator.num_args,
        lifetimes: count(operator.persistence_args),
        types: count(operator.type_args),
    }
}

fn count(range: &dyn RangeTrait<usize>) -> Count {
    let lower = match range.start_bound() {
        Bound::Included(from) => *from,
        Bound::Excluded(from) => from + 1,
        Bound::Unbounded => 0,
    };
    let upper = match range.end_bound() {
        Bound::Included(to) => Some(*to),
        Bound::Excluded(to) => Some(to.saturating_sub(1)),
        Bound::Unbounded => None,
    };
    (lower, upper)
}

fn ports(list: Option<fn() -> PortListSpec>) -> Vec<String> {
    match list.map(|list| list()) {
        Some(PortListSpec::Fixed(ports)) => ports.iter().map(|port| port.to_token_stream().to_string()).collect(),
        Some(PortListSpec::Variadic) | None => Vec::new(),
    }
}

impl OperatorShape {
    /// Returns the shape as one line: `inputs 2 ([0], [1]) · outputs 1 · arguments 0 · lifetimes 0–2`.
    #[must_use]
    pub fn line(&self) -> String {
        let with_ports = |count: Count, ports: &[String]| {
            let ports: Vec<String> = ports.iter().map(|port| format!("`[{port}]`")).collect();
            if ports.is_empty() { words(count) } else { format!("{} ({})", words(count), ports.join(", ")) }
        };
        let mut line = format!(
            "inputs {} · outputs {} · arguments {}",
            with_ports(self.inputs, &self.input_ports),
            with_ports(self.outputs, &self.output_ports),
            self.arguments
        );
        for (what, count) in [("lifetimes", self.lifetimes), ("types", self.types)] {
            if count != (0, Some(0)) {
                line = format!("{line} · {what} {}", words(count));
            }
        }
        line
    }
}

fn words(count: Count) -> String {
    match count {
        (lower, Some(upper)) if lower == upper => lower.to_string(),
        (lower, Some(upper)) => format!("{lower}–{upper}"),
        (0, None) => "any number".to_owned(),
        (lower, None) => format!("{lower} or more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_tell_what_the_compiler_checks() {
        let line =
            |name: &str| operators().into_iter().find(|operator| operator.name == name).map(|operator| operator.line());
        let join = "inputs 2 (`[0]`, `[1]`) · outputs 1 · arguments 0 · lifetimes 0–2 · types 0–1";
        assert_eq!(line("join").as_deref(), Some(join));
        assert_eq!(line("union").as_deref(), Some("inputs any number · outputs 1 · arguments 0"));
        assert_eq!(line("partition").as_deref(), Some("inputs 1 · outputs 2 or more · arguments 1"));
        assert_eq!(line("persist").as_deref(), Some("inputs 1 · outputs 1 · arguments 0 · lifetimes 1 · types 0–1"));
    }
}
