//! The process's environment, read once: the rest of the crate works on this value, so that tests need no process.

use std::collections::BTreeMap;

/// Arguments and variables of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Arguments without the program's own name.
    pub(crate) arguments: Vec<String>,
    /// The variables of our contract; others are none of our business.
    pub(crate) variables: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the process's own.
    pub(crate) fn of_process() -> Self {
        let ours = |name: &String| name.starts_with("HYDRO_") || name.starts_with("LISTEN_");
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| ours(name))
            .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
            .collect();
        Self {
            arguments: std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned()).collect(),
            variables,
        }
    }

    /// Returns the variable's value; an empty one counts as absent, as in `NAME= program`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
