//! `{port:NAME}`, `{host}`, `{data}` and the like in the texts of a service: what is asked for, and the texts with it. Pure.
//!
//! Other braces are left alone: a shell has many.

use std::collections::BTreeMap;

use super::model::{Deployment, Program, Service};

/// What a text can ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    /// `{port:NAME}`, of this service or of `{SERVICE.port:NAME}`: a number.
    Port { service: Option<String>, name: String },
    /// `{host}`, `{SERVICE.host}`: an IP address.
    Host { service: Option<String> },
    /// `{SERVICE.address}`: where its peers call it.
    Address { service: String },
    /// `{data}`: a folder of its own.
    Data,
    /// `{member}`: its number.
    Member,
}

/// Returns what a text asks for, in its order.
pub(super) fn wanted(text: &str) -> Vec<Wanted> {
    let mut found = Vec::new();
    // Nothing is filled in; only what is met counts.
    let _ = fill::<()>(text, |wanted| {
        found.push(wanted);
        Ok(String::new())
    });
    found
}

/// Fills a text in.
///
/// # Errors
/// The first that `give` has.
pub(super) fn fill<E>(text: &str, mut give: impl FnMut(Wanted) -> Result<String, E>) -> Result<String, E> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, inside) = rest.split_at(open);
        filled.push_str(before);
        let inside = &inside[1..];
        // `${NAME}` is the shell's.
        let is_ours = !before.ends_with('$');
        match inside.split_once('}').and_then(|(word, after)| Some((parse(word).filter(|_| is_ours)?, after))) {
            Some((wanted, after)) => {
                filled.push_str(&give(wanted)?);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = inside;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

fn parse(word: &str) -> Option<Wanted> {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    let (service, word) = match word.split_once('.') {
        Some((service, word)) if is_name(service) => (Some(service.to_owned()), word),
        Some(_) => return None,
        None => (None, word),
    };
    match (word, service) {
        ("host", service) => Some(Wanted::Host { service }),
        ("address", Some(service)) => Some(Wanted::Address { service }),
        ("data", None) => Some(Wanted::Data),
        ("member", None) => Some(Wanted::Member),
        (word, service) => {
            let name = word.strip_prefix("port:").filter(|name| is_name(name))?.to_owned();
            Some(Wanted::Port { service, name })
        }
    }
}

/// Returns the texts of a service in which something may be asked for.
pub(super) fn texts(service: &Service) -> impl Iterator<Item = &String> {
    let argv: &[String] = match &service.program {
        Program::Command { argv } => argv,
        Program::Hydroflow { .. } => &[],
    };
    argv.iter().chain(&service.args).chain(service.env.values())
}

/// Returns the names of the ports that a service has for itself, each once.
pub(super) fn own_ports(service: &Service) -> Vec<String> {
    let mut names: Vec<String> = texts(service)
        .flat_map(|text| wanted(text))
        .filter_map(|wanted| match wanted {
            Wanted::Port { service: None, name } => Some(name),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the problems of a service's texts: services and ports that are not there.
pub(super) fn problems(deployment: &Deployment, service: &Service) -> Vec<String> {
    let ports: BTreeMap<&String, Vec<String>> =
        deployment.services.iter().map(|(name, service)| (name, own_ports(service))).collect();
    let mut problems = Vec::new();
    for wanted in texts(service).flat_map(|text| wanted(text)) {
        let (other, port) = match &wanted {
            Wanted::Port { service: Some(other), name } => (other, Some(name)),
            Wanted::Host { service: Some(other) } | Wanted::Address { service: other } => (other, None),
            _ => continue,
        };
        match (ports.get(other), port) {
            (None, _) => problems.push(format!("there is no service `{other}`, of which `{{{other}.…}}` asks")),
            (Some(has), Some(port)) if !has.contains(port) => {
                problems.push(format!("`{other}` has no port `{port}`: nothing of it says `{{port:{port}}}`"));
            }
            _ => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::samples::command;

    #[test]
    fn words_in_braces_are_filled_in_and_other_braces_stay() {
        let give = |wanted: Wanted| -> Result<String, ()> {
            Ok(match wanted {
                Wanted::Port { service, name } => format!("<{}{name}>", service.unwrap_or_default()),
                Wanted::Host { service } => format!("<host{}>", service.unwrap_or_default()),
                Wanted::Address { service } => format!("<address {service}>"),
                Wanted::Data => "<data>".into(),
                Wanted::Member => "<member>".into(),
            })
        };
        for (text, expected) in [
            ("--port={port:web} {host}", "--port=<web> <host>"),
            ("{data}/x {db.port:pg}{db.host}", "<data>/x <dbpg><hostdb>"),
            ("tcp://{server.address} {member}", "tcp://<address server> <member>"),
            (
                "${data} {x} {} {port:} {port:a b} {{data}} { {unclosed",
                "${data} {x} {} {port:} {port:a b} {<data>} { {unclosed",
            ),
            ("ü{host}ü", "ü<host>ü"),
            ("{.host} {a.data} {address}", "{.host} {a.data} {address}"),
        ] {
            assert_eq!(fill(text, give).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut wrong = Deployment::default();
        command(&mut wrong, "db", &["pg", "{port:pg}", "{port:pg}", "{data}"]);
        command(&mut wrong, "web", &["web", "{db.port:pq}", "{db.port:pg}", "{bd.host}", "{port:http}"]);
        assert_eq!(own_ports(&wrong.services["db"]), ["pg"]);
        let told = problems(&wrong, &wrong.services["web"]);
        let expected = [
            "`db` has no port `pq`: nothing of it says `{port:pq}`",
            "there is no service `bd`, of which `{bd.…}` asks",
        ];
        assert_eq!(told, expected);
    }
}
