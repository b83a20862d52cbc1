//! Which operators may stand in a cycle, and why the others may not.
//!
//! An operator that is not listed may not: a new one must be thought about first.

/// What an operator may do in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Stand anywhere.
    Free,
    /// Stand in it unless the cycle comes in by this port.
    Without {
        /// The port.
        port: &'static str,
        /// What would go wrong.
        reason: &'static str,
    },
    /// Not stand in it.
    Never(&'static str),
}

const GROWS: &str = "its result changes with each item that comes round";
const ORDER: &str = "what it does with an item depends on the items before";
const TICKS: &str = "it compares ticks, and all rounds of a cycle are in one";

/// Returns what the operator may do.
pub(super) fn rule(operator: &str) -> Rule {
    match operator {
        "assert"
        | "chain"
        | "cross_join"
        | "cross_join_multiset"
        | "demux_enum"
        | "filter"
        | "filter_map"
        | "flat_map"
        | "flat_map_stream_blocking"
        | "flatten"
        | "flatten_stream_blocking"
        | "identity"
        | "inspect"
        | "join"
        | "join_multiset"
        | "map"
        | "partition"
        | "persist"
        | "resolve_futures_blocking"
        | "resolve_futures_blocking_ordered"
        | "tee"
        | "union"
        | "unique"
        | "unzip" => Rule::Free,
        "difference" | "anti_join" => {
            Rule::Without { port: "neg", reason: "what comes round would take back what was let through before" }
        }
        "cross_singleton" => Rule::Without { port: "single", reason: "the value must be known before the first round" },
        "join_multiset_half" => {
            Rule::Without { port: "build", reason: "this side must be complete before the first round" }
        }
        "sort" | "sort_by_key" => Rule::Never("it gives nothing before it has everything"),
        "enumerate" | "scan" | "scan_async_blocking" | "zip" | "zip_longest" | "chain_first_n" => Rule::Never(ORDER),
        "multiset_delta" | "defer_signal" | "resolve_futures" | "resolve_futures_ordered" => Rule::Never(TICKS),
        "singleton" | "optional" | "handoff" => {
            Rule::Never("there is one value of it in a tick, not one in each round")
        }
        name if ["fold", "reduce", "join_fused", "lattice", "_lattice", "state", "_counter", "assert_eq"]
            .iter()
            .any(|start| name.starts_with(start)) =>
        {
            Rule::Never(GROWS)
        }
        _ => Rule::Never("it cannot be run more than once in a tick"),
    }
}

/// Whether the operator joins two inputs and keeps both.
pub(super) fn joins(operator: &str) -> bool {
    matches!(operator, "join" | "join_multiset" | "cross_join" | "cross_join_multiset")
}

/// Whether the operator, if it is `'static`, says in each tick what it remembers.
pub(super) fn recalls(operator: &str) -> bool {
    joins(operator) || matches!(operator, "persist" | "difference" | "anti_join" | "join_multiset_half")
}

/// Whether what the operator lets out of one output is distinct if what it takes in is.
pub(super) fn keeps_distinct(operator: &str) -> bool {
    matches!(operator, "tee" | "identity" | "inspect" | "filter" | "partition" | "assert")
}

#[cfg(test)]
mod tests {
    use hydroflow_lang::graph::ops::OPERATORS;

    use super::*;

    #[test]
    fn what_must_be_complete_has_a_port_of_that_name() {
        use quote::ToTokens;

        for operator in OPERATORS {
            let Rule::Without { port, .. } = rule(operator.name) else { continue };
            let Some(hydroflow_lang::graph::ops::PortListSpec::Fixed(ports)) = operator.ports_inn.map(|ports| ports())
            else {
                panic!("{} has no named ports", operator.name);
            };
            assert!(ports.iter().any(|name| name.to_token_stream().to_string() == port), "{}", operator.name);
        }
    }

    #[test]
    fn only_operators_that_never_take_back_are_free() {
        let free: Vec<&str> =
            OPERATORS.iter().map(|operator| operator.name).filter(|name| rule(name) == Rule::Free).collect();
        assert_eq!(free.len(), 24, "{free:?}");
        for never in ["fold", "fold_keyed", "reduce", "sort", "zip", "enumerate", "lattice_fold", "join_fused_lhs"] {
            assert!(matches!(rule(never), Rule::Never(_)), "{never}");
        }
    }
}
