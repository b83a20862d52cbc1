//! `PROGRAM --describe`: the program in the contract's words, for the deployer.

use std::any::TypeId;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Program;
use crate::contract::{CONTRACT_VERSION, ParamDescription, PortDescription, ProgramDescription};

/// Returns the description.
pub(crate) fn describe(program: &Program) -> ProgramDescription {
    let ports = program.ports.iter().map(|port| PortDescription {
        name: port.name.to_owned(),
        direction: port.direction,
        addressing: port.addressing,
        type_text: port.type_text.to_owned(),
        type_name: (port.type_name)().to_owned(),
        type_id: identity((port.type_id)()),
        doc: port.doc.to_owned(),
        line: port.line,
    });
    let params = program.params.iter().map(|param| ParamDescription {
        name: param.name.to_owned(),
        type_text: param.type_text.to_owned(),
        default: param.default.map(str::to_owned),
        doc: param.doc.to_owned(),
    });
    ProgramDescription {
        contract: CONTRACT_VERSION,
        program: program.name.to_owned(),
        source: program.source.to_owned(),
        doc: program.doc.to_owned(),
        ports: ports.collect(),
        params: params.collect(),
    }
}

/// Returns the identity in hex. It can be hashed but not read; the default hasher's keys are constants, so programs of one build agree.
fn identity(id: TypeId) -> String {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
