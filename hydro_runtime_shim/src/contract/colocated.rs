//! Several programs in one process: what each of them is started with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One of the programs that [`super::COLOCATED`] lists, each of which runs on a thread of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Colocated {
    /// The program's `.hf` file, as its description names it.
    pub program: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Its variables of this contract; those of the process are not its own. [`super::LISTEN_FDS`] alone belongs to the process.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

impl Colocated {
    /// Returns what the program is called within its process: its service, with its number where there are several members.
    #[must_use]
    pub fn name(&self) -> String {
        let of = |name: &str| self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let file = self.program.rsplit('/').next().unwrap_or_default();
        let service = of(super::SERVICE).unwrap_or_else(|| file.trim_end_matches(".hf"));
        match (of(super::MEMBERS), of(super::MEMBER)) {
            (Some(members), Some(member)) if members != "1" => format!("{service}.{member}"),
            _ => service.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_called_as_its_service_or_else_as_its_file() {
        let name = |text: &str| serde_json::from_str::<Colocated>(text).map(|one| one.name()).map_err(|_| ());
        assert_eq!(name(r#"{"program": "src/echo.hf"}"#).as_deref(), Ok("echo"));
        let member =
            r#"{"program": "a.hf", "variables": {"HYDRO_SERVICE": "s", "HYDRO_MEMBERS": "2", "HYDRO_MEMBER": "1"}}"#;
        assert_eq!(name(member).as_deref(), Ok("s.1"));
        assert_eq!(name(&member.replace("\"2\"", "\"1\"")).as_deref(), Ok("s"));
        assert!(name(r#"{"program": "a.hf", "variable": {}}"#).is_err());
    }
}
