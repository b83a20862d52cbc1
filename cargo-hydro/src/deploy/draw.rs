//! A deployment as a drawing: services on machines, links between ports. Pure.

use std::fmt::Write;

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

fn mermaid(deployment: &Deployment) -> String {
    let mut text = String::from("flowchart LR\n");
    for (at, machine) in deployment.machines.keys().enumerate() {
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
    for (at, machine) in deployment.machines.keys().enumerate() {
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
    let machines: Vec<_> = deployment.machines.keys().collect();
    json!({ "deployment": deployment.name, "machines": machines, "services": services, "links": links }).to_string()
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
