//! A deployment as a drawing: services on machines, links between ports. Pure.

use std::fmt::Write;

use hydroflow_standalone::draw::{Edge, Kind, Line, Node, Scene};
use indexmap::IndexSet;
use serde_json::json;

use super::model::{Deployment, Program, Service};

/// One drawing in three languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// A mermaid flowchart.
    pub mermaid: String,
    /// A dot digraph.
    pub dot: String,
    /// JSON: machines with their services, and links.
    pub json: String,
}

/// Draws a deployment.
#[must_use]
pub fn draw(deployment: &Deployment) -> Drawing {
    Drawing { mermaid: mermaid(deployment), dot: dot(deployment), json: json_text(deployment) }
}

/// Returns a deployment as boxes and lines, for drawing it as SVG.
#[must_use]
pub fn scene(deployment: &Deployment) -> Scene {
    let node = |(name, service): (&String, &Service)| Node {
        kind: if matches!(service.program, Program::Hydroflow { .. }) { Kind::Step } else { Kind::Value },
        name: String::new(),
        title: if service.count == 1 { name.clone() } else { format!("{name} ×{}", service.count) },
        rest: String::new(),
        note: format!("{} on {}", runs(service), service.machine),
        tip: String::new(),
        link: String::new(),
    };
    let edge = |link: &super::model::Link| {
        let (from, to) = ends(deployment, &link.from.service, &link.to.service)?;
        let (from_label, to_label) = (link.from.port.clone(), link.to.port.clone());
        Some(Edge { from, to, from_label, to_label, line: Line::Solid })
    };
    Scene {
        title: format!("deployment {}", deployment.name),
        nodes: deployment.services.iter().map(node).collect(),
        edges: deployment.links.iter().filter_map(edge).collect(),
    }
}

fn mermaid(deployment: &Deployment) -> String {
    let mut text = String::from("flowchart LR\n");
    for (at, machine) in machines(deployment).into_iter().enumerate() {
        put(&mut text, format_args!("  subgraph m{at} [\"{}\"]\n", plain(machine)));
        for (number, name, service) in placed(deployment, machine) {
            put(
                &mut text,
                format_args!("    s{number}[\"{}\"]\n", plain(&label(name, service)).replace('\n', "<br/>")),
            );
        }
        text.push_str("  end\n");
    }
    for link in &deployment.links {
        if let Some((from, to)) = ends(deployment, &link.from.service, &link.to.service) {
            put(
                &mut text,
                format_args!("  s{from} -- \"{} → {}\" --> s{to}\n", plain(&link.from.port), plain(&link.to.port)),
            );
        }
    }
    text
}

fn dot(deployment: &Deployment) -> String {
    let mut text = format!("digraph \"{}\" {{\n  rankdir = LR;\n  node [shape = box];\n", plain(&deployment.name));
    for (at, machine) in machines(deployment).into_iter().enumerate() {
        put(&mut text, format_args!("  subgraph cluster_{at} {{\n    label = \"{}\";\n", plain(machine)));
        for (number, name, service) in placed(deployment, machine) {
            put(
                &mut text,
                format_args!("    s{number} [label = \"{}\"];\n", plain(&label(name, service)).replace('\n', "\\n")),
            );
        }
        text.push_str("  }\n");
    }
    for link in &deployment.links {
        if let Some((from, to)) = ends(deployment, &link.from.service, &link.to.service) {
            put(
                &mut text,
                format_args!(
                    "  s{from} -> s{to} [label = \"{} → {}\"];\n",
                    plain(&link.from.port),
                    plain(&link.to.port)
                ),
            );
        }
    }
    text.push_str("}\n");
    text
}

fn json_text(deployment: &Deployment) -> String {
    let services: Vec<_> = deployment
        .services
        .iter()
        .map(|(name, service)| json!({ "name": name, "machine": service.machine, "count": service.count, "runs": runs(service) }))
        .collect();
    let links: Vec<_> = deployment
        .links
        .iter()
        .map(|link| {
            json!({
                "from": format!("{}.{}", link.from.service, link.from.port),
                "to": format!("{}.{}", link.to.service, link.to.port),
                "policy": link.policy.unwrap_or_default().name(),
            })
        })
        .collect();
    json!({ "deployment": deployment.name, "machines": machines(deployment), "services": services, "links": links })
        .to_string()
}

/// Returns the machines by name: those that were made, and this one where something runs on it without a word about it.
fn machines(deployment: &Deployment) -> IndexSet<&str> {
    let made = deployment.machines.keys().map(String::as_str);
    made.chain(deployment.services.values().map(|service| service.machine.as_str())).collect()
}

fn placed<'a>(deployment: &'a Deployment, machine: &'a str) -> impl Iterator<Item = (usize, &'a String, &'a Service)> {
    deployment
        .services
        .iter()
        .enumerate()
        .filter(move |(_, (_, service))| service.machine == machine)
        .map(|(at, (name, service))| (at, name, service))
}

fn ends(deployment: &Deployment, from: &str, to: &str) -> Option<(usize, usize)> {
    deployment.services.get_index_of(from).zip(deployment.services.get_index_of(to))
}

fn label(name: &str, service: &Service) -> String {
    let count = if service.count == 1 { String::new() } else { format!(" ×{}", service.count) };
    format!("{name}{count}\n{}", runs(service))
}

fn runs(service: &Service) -> String {
    match &service.program {
        Program::Hydroflow { source, .. } => {
            source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        }
        Program::Command { argv } => argv.first().cloned().unwrap_or_default(),
    }
}

/// Quotes would end a label in both languages.
fn plain(text: &str) -> String {
    text.replace('"', "'")
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
}
