//! `PROGRAM --help`: everything a human needs to run the program without a deployer.

use std::fmt::Write as _;

use super::{Port, Program};
use crate::contract::{self, CONTRACT_VERSION, Direction};

/// Returns the text of `--version`.
pub(crate) fn version(program: &Program) -> String {
    format!(
        "{} ({}, hydro_runtime_shim {}, contract {CONTRACT_VERSION})",
        program.name,
        program.source,
        env!("CARGO_PKG_VERSION")
    )
}

/// Returns the text of `--help`.
pub(crate) fn help(program: &Program) -> String {
    let mut text = format!("{}: a Hydroflow program, from {}\n", program.name, program.source);
    paragraph(&mut text, "", program.doc);
    let flags = if program.params.is_empty() { "" } else { " [--PARAMETER VALUE]..." };
    let _ = write!(text, "\nUsage: {}{flags}\n       {} --help | --describe | --version\n", program.name, program.name);
    ports(&mut text, program);
    params(&mut text, program);
    text.push_str("\nOther variables:\n");
    let default_service = format!("this process's service (default: {})", program.name);
    table(
        &mut text,
        &[
            (contract::DEPLOYMENT, "peers of another deployment are refused (default: local)"),
            (contract::SERVICE, &default_service),
            (contract::MEMBER, "number of this member of the service, from 0 (default: 0)"),
            (contract::MEMBERS, "how many members the service has (default: 1)"),
            (contract::ADDRESS, "ip:port that peers see in items (default: the first TCP listener)"),
            (contract::POLL, "park | spin: look at the links for a while before sleeping (default: park)"),
            (contract::TLS_CERT, "PEM file of this process's certificate, for tls://"),
            (contract::TLS_KEY, "PEM file of its private key, which only its owner may read"),
            (contract::TLS_CA, "PEM file of the authority that issued the certificates of all peers"),
            (contract::ADMIN, "unix:PATH to ask how the program is and to tell it things (default: none)"),
            (contract::LISTEN_FDS, "listening sockets inherited from descriptor 3 on (systemd)"),
        ],
    );
    text.push_str("\nExit codes:\n");
    table(
        &mut text,
        &[
            ("0", "stopped by SIGTERM or SIGINT, everything sent"),
            ("2", "a flag, a variable or an address is wrong; nothing was started"),
            ("101", "the dataflow panicked"),
            ("128 + n", "stopped at once by a second signal n"),
        ],
    );
    text
}

fn ports(text: &mut String, program: &Program) {
    if program.ports.is_empty() {
        return;
    }
    text.push_str("\nPorts:\n");
    let signature = |port: &Port| format!("{:6} {}: {}", port.direction.word(), port.name, port.item_text());
    let width = program.ports.iter().map(|port| signature(port).chars().count()).max().unwrap_or_default();
    for port in program.ports {
        let _ = writeln!(text, "  {:width$}  {}", signature(port), port.variable());
        paragraph(text, "      ", port.doc);
        let several = port.direction == Direction::Output && port.addressing == contract::Addressing::Plain;
        if several {
            let _ = writeln!(
                text,
                "      with several peers: {}=broadcast (default) | round_robin",
                contract::policy_variable(port.name)
            );
        }
        if port.direction == Direction::Output {
            let _ = writeln!(
                text,
                "      when peers are slow: {}=reliable (default) | lossy",
                contract::delivery_variable(port.name)
            );
        }
    }
    text.push_str(
        "  A port's variable holds one or more places, separated by commas:\n    \
         tcp://HOST:PORT[/PEER_PORT], tls://HOST:PORT[/PEER_PORT] (encrypted, with certificates),\n    \
         unix:PATH[#PEER_PORT], shm:PATH[#PEER_PORT] (memory shared within this machine, set up on a\n    \
         Unix socket), queue:NAME[/PEER_PORT] (a program in this very process), stdio:json (lines of\n    \
         JSON, in and out), null (unconnected on purpose).\n    \
         Inputs listen there and outputs dial; `listen:` or `dial:` in front says otherwise, and\n    \
         `json:` in front of a place that is dialed asks for JSON there.\n",
    );
}

fn params(text: &mut String, program: &Program) {
    if program.params.is_empty() {
        return;
    }
    text.push_str("\nParameters (flag, then variable, then default):\n");
    for param in program.params {
        let _ = write!(text, "  {} <{}>  {}", param.flag(), param.type_text, param.variable());
        let _ = match param.default {
            Some(default) => writeln!(text, "  (default: {default})"),
            None => writeln!(text, "  (required)"),
        };
        paragraph(text, "      ", param.doc);
    }
}

fn paragraph(text: &mut String, indent: &str, doc: &str) {
    for line in doc.lines() {
        let _ = writeln!(text, "{indent}{}", line.trim_end());
    }
}

fn table(text: &mut String, rows: &[(&str, &str)]) {
    for (name, meaning) in rows {
        let _ = writeln!(text, "  {name:16}  {meaning}");
    }
}
