//! Small deployments for the tests of this room, written like the headers and tables they stand for.

use std::collections::BTreeMap;
use std::path::Path;

use hydro_host::words::Bounds;
use hydro_runtime_shim::contract::Policy;
use hydroflow_standalone::interface::{Addressing, Direction, ModuleInterface, ParamInterface, PortInterface};

use super::engine::{Engine, EngineOptions};
use super::model::{Deployment, LOCALHOST, Link, PortRef, Program, Service, Upkeep, Watched};
use crate::build::BuildOptions;
use crate::report::{Captured, Origin, ReportOptions, Reporter};
use crate::workspace::{CargoFlags, Workspace};

/// Makes a header: `input a`, `output b`, `param c` or `param c = 1`, separated by commas.
pub(super) fn interface(header: &str) -> ModuleInterface {
    let mut made = ModuleInterface { name: "main".into(), doc: String::new(), ports: Vec::new(), params: Vec::new() };
    for (line, item) in (2..).zip(header.split(',').map(str::trim).filter(|item| !item.is_empty())) {
        let (kind, rest) = item.split_once(' ').expect("kind and name");
        let (name, default) = rest.split_once(" = ").map_or((rest, None), |(name, value)| (name, Some(value)));
        let (name, doc, type_text) = (name.to_owned(), String::new(), "u64".to_owned());
        match kind {
            "param" => {
                made.params.push(ParamInterface { name, type_text, default: default.map(Into::into), doc, line })
            }
            _ => made.ports.push(PortInterface {
                name,
                direction: if kind == "input" { Direction::Input } else { Direction::Output },
                addressing: Addressing::Plain,
                type_text,
                doc,
                span: 0..0,
                line,
            }),
        }
    }
    made
}

fn service(program: Program, line: usize) -> Service {
    Service {
        program,
        machine: LOCALHOST.into(),
        count: 1,
        args: Vec::new(),
        env: BTreeMap::new(),
        listen: None,
        exposed: BTreeMap::new(),
        colocate: None,
        health: None,
        watched: Watched::default(),
        fresh_data: false,
        bounds: Bounds::default(),
        upkeep: Upkeep::default(),
        origin: Some(Origin::line("Hydro.toml", line)),
    }
}

/// Makes a deployment of programs with these headers, each on the line of its number.
pub(super) fn deployment(programs: &[(&str, &str)]) -> Deployment {
    let mut made = Deployment { name: "test".into(), ..Default::default() };
    for (line, (name, header)) in (1..).zip(programs) {
        let program = Program::Hydroflow {
            source: format!("/w/{name}.hf").into(),
            interface: interface(header),
            params: BTreeMap::new(),
        };
        made.services.insert((*name).into(), service(program, line));
    }
    made
}

/// Adds a command.
pub(super) fn command(deployment: &mut Deployment, name: &str, argv: &[&str]) {
    let program = Program::Command { argv: argv.iter().map(|word| (*word).to_owned()).collect() };
    deployment.services.insert(name.into(), service(program, 50));
}

/// Makes a port of `service.port`.
pub(super) fn port(text: &str) -> PortRef {
    let (service, port) = text.split_once('.').expect("a dot");
    PortRef { service: service.into(), port: port.into() }
}

/// Adds a link; links begin on line 100.
pub(super) fn link(deployment: &mut Deployment, from: &str, to: &str, policy: Option<Policy>) {
    let origin = Some(Origin::line("Hydro.toml", 100 + deployment.links.len()));
    deployment.links.push(Link {
        from: port(from),
        to: port(to),
        policy,
        delivery: None,
        transport: None,
        insecure: false,
        origin,
        to_origin: None,
    });
}

/// Returns what an engine needs, in this very workspace.
pub(super) fn options() -> EngineOptions {
    let workspace = Workspace::discover(Path::new(env!("CARGO_MANIFEST_DIR")), &CargoFlags::default());
    EngineOptions {
        workspace: workspace.expect("a workspace"),
        build: BuildOptions::default(),
        local: false,
        max_cost: None,
        keeps_all_lines: false,
    }
}

/// Makes an engine whose events can be looked at.
pub(super) fn engine(deployment: Deployment) -> (Engine, Captured) {
    let (reporter, captured) = Reporter::captured(ReportOptions::default());
    (Engine::new(options(), deployment, reporter), captured)
}
