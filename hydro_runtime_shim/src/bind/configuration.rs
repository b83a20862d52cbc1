//! What the environment says of a program, checked as a whole: either everything is right or every mistake is reported.
//!
//! Binds nothing and reads no parameter's type; [`super::Bindings`] does.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use super::arguments::nearest;
use super::{BindError, Environment, Port, Program, credentials};
use crate::contract::{self, Addressing, Delivery, Direction, Endpoint, Policy, Waiting, parse_endpoints};
use crate::transport::Credentials;

/// A program's place in the world.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// Name of the deployment.
    pub(crate) deployment: String,
    /// Name of the service.
    pub(crate) service: String,
    /// Whether whoever started the program named its service.
    pub(crate) named: bool,
    /// Number of this member.
    pub(crate) member: u32,
    /// How many members the service has.
    pub(crate) members: u32,
    /// The address peers are told.
    pub(crate) address: Option<SocketAddr>,
    /// How it waits.
    pub(crate) waiting: Waiting,
    /// What it proves itself with; none: no port needs that.
    pub(crate) credentials: Option<Credentials>,
    /// Where it can be asked and told things.
    pub(crate) admin: Option<PathBuf>,
    /// The program's ports in order, with where they are bound.
    pub(crate) ports: Vec<PortBinding>,
    /// Texts of the parameters that were given, by name.
    pub(crate) params: BTreeMap<&'static str, ParamText>,
    /// Variables that name nothing of this program, with what to say of each; no mistake, since they may be inherited from another one.
    pub(crate) strangers: Vec<String>,
}

/// Where one port is bound.
#[derive(Debug)]
pub(crate) struct PortBinding {
    /// The port.
    pub(crate) port: &'static Port,
    /// Its places; `null` is left out, so none means unconnected on purpose.
    pub(crate) endpoints: Vec<Endpoint>,
    /// How a plain output divides its items.
    pub(crate) policy: Policy,
    /// What an output does with items that its peers do not take fast enough.
    pub(crate) delivery: Delivery,
}

/// A parameter's text and who gave it.
#[derive(Clone, Debug)]
pub(crate) struct ParamText {
    /// The flag or variable.
    pub(crate) origin: String,
    /// The text.
    pub(crate) text: String,
}

impl Configuration {
    /// Reads the environment; `flags` are the parameters given on the command line, which win.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn read(
        program: &'static Program,
        environment: &Environment,
        flags: BTreeMap<&'static str, String>,
    ) -> Result<Self, Vec<BindError>> {
        let mut errors = Vec::new();
        let ports: Vec<_> = program.ports.iter().map(|port| read_port(port, environment, &mut errors)).collect();
        check_stdin(&ports, &mut errors);
        let params = read_params(program, environment, flags, &mut errors);
        let member = number(environment, contract::MEMBER, 0, &mut errors);
        let members = number(environment, contract::MEMBERS, member.saturating_add(1), &mut errors);
        if member >= members && errors.is_empty() {
            errors.push(BindError::Malformed {
                name: contract::MEMBER.to_owned(),
                value: member.to_string(),
                reason: format!("members are counted from 0 and {}={members}", contract::MEMBERS),
                example: format!("{}=0", contract::MEMBER),
            });
        }
        let address = parse(environment, contract::ADDRESS, "127.0.0.1:4000", &mut errors);
        let waiting = read_waiting(environment, &mut errors);
        let admin = read_admin(environment, &mut errors);
        let text = |name, default: &str| environment.get(name).unwrap_or(default).to_owned();
        let (deployment, service) = (text(contract::DEPLOYMENT, "local"), text(contract::SERVICE, program.name));
        let credentials = credentials::read((&deployment, &service, member), &ports, environment, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            deployment,
            service,
            named: environment.get(contract::SERVICE).is_some(),
            member,
            members,
            address,
            waiting,
            credentials,
            admin,
            ports,
            params,
            strangers: strangers(program, environment),
        })
    }
}

fn read_port(port: &'static Port, environment: &Environment, errors: &mut Vec<BindError>) -> PortBinding {
    let variable = port.variable();
    let example = format!("{variable}={}", port.example());
    let policy = read_policy(port, environment, errors);
    let delivery = read_delivery(port, environment, errors);
    let mut endpoints = Vec::new();
    match environment.get(&variable) {
        None => {
            let purpose = match port.direction {
                Direction::Input => format!("where does input `{}` listen? (`null`: nowhere)", port.name),
                Direction::Output => format!("where does output `{}` send to? (`null`: nowhere)", port.name),
            };
            errors.push(BindError::Missing { name: variable, purpose, example });
        }
        Some(value) => match parse_endpoints(value, port.direction) {
            Ok(parsed) => endpoints = parsed,
            Err(error) => errors.push(BindError::Malformed {
                name: variable,
                value: error.text,
                reason: error.reason.to_owned(),
                example,
            }),
        },
    }
    endpoints.retain(|endpoint| endpoint.transport != contract::Transport::Null);
    PortBinding { port, endpoints, policy, delivery }
}

/// Standard input can be read but once.
fn check_stdin(ports: &[PortBinding], errors: &mut Vec<BindError>) {
    let reads = |binding: &&PortBinding| {
        let has = binding.endpoints.iter().any(|endpoint| endpoint.transport == contract::Transport::Stdio);
        has && binding.port.direction == Direction::Input
    };
    if let [first, second, ..] = ports.iter().filter(reads).collect::<Vec<_>>()[..] {
        errors.push(BindError::Malformed {
            name: second.port.variable(),
            value: "stdio:json".to_owned(),
            reason: format!("standard input feeds `{}` already", first.port.name),
            example: format!("{}={}", second.port.variable(), second.port.example()),
        });
    }
}

fn read_policy(port: &Port, environment: &Environment, errors: &mut Vec<BindError>) -> Policy {
    let name = contract::policy_variable(port.name);
    if port.direction == Direction::Input {
        return Policy::default();
    }
    let Some(value) = environment.get(&name) else {
        return Policy::default();
    };
    let policy = Policy::parse(value);
    let reason = match (policy, port.addressing) {
        (None, _) => "is neither `broadcast` nor `round_robin`",
        (Some(Policy::RoundRobin), Addressing::Socket | Addressing::Member) => {
            "each item of this output names its peer itself"
        }
        (Some(policy), _) => return policy,
    };
    let example = format!("{name}=broadcast");
    errors.push(BindError::Malformed { name, value: value.to_owned(), reason: reason.to_owned(), example });
    Policy::default()
}

fn read_delivery(port: &Port, environment: &Environment, errors: &mut Vec<BindError>) -> Delivery {
    let name = contract::delivery_variable(port.name);
    let value = if port.direction == Direction::Output { environment.get(&name) } else { None };
    let Some(value) = value else { return Delivery::default() };
    Delivery::parse(value).unwrap_or_else(|| {
        let (value, example) = (value.to_owned(), format!("{name}=reliable"));
        errors.push(BindError::Malformed {
            name,
            value,
            reason: "is neither `reliable` nor `lossy`".to_owned(),
            example,
        });
        Delivery::default()
    })
}

fn read_waiting(environment: &Environment, errors: &mut Vec<BindError>) -> Waiting {
    let Some(value) = environment.get(contract::POLL) else { return Waiting::default() };
    Waiting::parse(value).unwrap_or_else(|| {
        errors.push(BindError::Malformed {
            name: contract::POLL.to_owned(),
            value: value.to_owned(),
            reason: "is neither `park` nor `spin`".to_owned(),
            example: format!("{}=spin", contract::POLL),
        });
        Waiting::default()
    })
}

fn read_admin(environment: &Environment, errors: &mut Vec<BindError>) -> Option<PathBuf> {
    let value = environment.get(contract::ADMIN)?;
    let path = value.strip_prefix("unix:").filter(|path| !path.is_empty()).map(PathBuf::from);
    if path.is_none() {
        errors.push(BindError::Malformed {
            name: contract::ADMIN.to_owned(),
            value: value.to_owned(),
            reason: "must be `unix:` and a path".to_owned(),
            example: format!("{}=unix:/run/user/1000/program.admin", contract::ADMIN),
        });
    }
    path
}

fn read_params(
    program: &'static Program,
    environment: &Environment,
    mut flags: BTreeMap<&'static str, String>,
    errors: &mut Vec<BindError>,
) -> BTreeMap<&'static str, ParamText> {
    let mut params = BTreeMap::new();
    for param in program.params {
        let variable = param.variable();
        let given = match flags.remove(param.name) {
            Some(text) => Some(ParamText { origin: param.flag(), text }),
            // An empty text is a value here: the empty string.
            None => environment
                .variables
                .get(&variable)
                .map(|text| ParamText { origin: variable.clone(), text: text.clone() }),
        };
        match given {
            Some(given) => drop(params.insert(param.name, given)),
            None if param.default.is_some() => {}
            None => errors.push(BindError::Missing {
                name: variable.clone(),
                purpose: format!("parameter `{}: {}` has no default", param.name, param.type_text),
                example: format!("{} {}, or {variable}={}", param.flag(), param.example(), param.example()),
            }),
        }
    }
    params
}

fn number(environment: &Environment, name: &str, default: u32, errors: &mut Vec<BindError>) -> u32 {
    parse(environment, name, "0", errors).unwrap_or(default)
}

fn parse<T>(environment: &Environment, name: &str, example: &str, errors: &mut Vec<BindError>) -> Option<T>
where
    T: FromStr<Err: Display>,
{
    let value = environment.get(name)?;
    value
        .parse()
        .map_err(|error: T::Err| {
            errors.push(BindError::Malformed {
                name: name.to_owned(),
                value: value.to_owned(),
                reason: error.to_string(),
                example: format!("{name}={example}"),
            });
        })
        .ok()
}

/// Returns a line for each variable that looks like one of ours and is none.
fn strangers(program: &Program, environment: &Environment) -> Vec<String> {
    let ports = program.ports.iter().flat_map(|port| {
        [port.variable(), contract::policy_variable(port.name), contract::delivery_variable(port.name)]
    });
    let known: Vec<String> = ports.chain(program.params.iter().map(super::Param::variable)).collect();
    let prefixes = ["HYDRO_INPUT_", "HYDRO_OUTPUT_", "HYDRO_POLICY_", "HYDRO_DELIVERY_", "HYDRO_PARAM_"];
    let ours = |name: &&String| prefixes.iter().any(|prefix| name.starts_with(prefix)) && !known.contains(name);
    let line = |name: &String| match nearest(name, known.iter().cloned()) {
        Some(nearest) => format!("{name} names nothing of this program; the nearest is {nearest}"),
        None => format!("{name} names nothing of this program"),
    };
    environment.variables.keys().filter(ours).map(line).collect()
}
