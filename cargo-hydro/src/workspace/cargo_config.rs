//! Cargo's configuration as far as building for other machines takes it: linkers, runners, the compiler.
//!
//! `--config`, then the files from the workspace's folder upwards, then cargo's own home. What it includes or asks of the environment is left to cargo.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::sys;

/// Cargo's configuration, the nearest first.
#[derive(Clone, Debug, Default)]
pub struct CargoConfig {
    layers: Vec<(PathBuf, Table)>,
}

impl CargoConfig {
    /// Reads what counts in a folder, with what `--config` gave. What cannot be read is cargo's to complain of.
    #[must_use]
    pub fn read(root: &Path, given: &[String]) -> Self {
        let mut layers = Vec::new();
        for given in given.iter().rev() {
            let file = root.join(given);
            let text = if file.is_file() { std::fs::read_to_string(&file).ok() } else { Some(given.clone()) };
            layers.extend(text.and_then(|text| Some((root.to_owned(), toml::from_str(&text).ok()?))));
        }
        layers.extend(root.ancestors().filter_map(|folder| layer(&folder.join(".cargo"), folder)));
        let home = sys::env::path("CARGO_HOME").or_else(|| Some(sys::env::path("HOME")?.join(".cargo")));
        layers.extend(home.and_then(|home| layer(&home, home.parent().unwrap_or(&home))));
        Self { layers }
    }

    /// Returns a program that is set as text; a path is relative to the folder that the configuration is for.
    #[must_use]
    pub fn program(&self, keys: &[&str]) -> Option<PathBuf> {
        let (folder, value) = self.value(keys)?;
        let program = value.as_str()?;
        Some(if program.contains('/') { folder.join(program) } else { PathBuf::from(program) })
    }

    /// Returns a command line that is set, as text with spaces or as a list.
    #[must_use]
    pub fn line(&self, keys: &[&str]) -> Option<Vec<String>> {
        let (folder, value) = self.value(keys)?;
        let mut line: Vec<String> = match value {
            Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
            Value::Array(words) => words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
            _ => return None,
        };
        let program = line.first_mut()?;
        if program.contains('/') {
            *program = folder.join(&*program).to_string_lossy().into_owned();
        }
        Some(line)
    }

    fn value(&self, keys: &[&str]) -> Option<(&Path, &Value)> {
        let (first, rest) = keys.split_first()?;
        self.layers.iter().find_map(|(folder, table)| {
            let value = rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))?;
            Some((folder.as_path(), value))
        })
    }
}

fn layer(cargo: &Path, folder: &Path) -> Option<(PathBuf, Table)> {
    let text = ["config", "config.toml"].iter().find_map(|name| std::fs::read_to_string(cargo.join(name)).ok())?;
    Some((folder.to_owned(), toml::from_str(&text).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_setting_counts_and_paths_are_its_own() {
        let text = |text: &str| toml::from_str::<Table>(text).unwrap();
        let config = CargoConfig {
            layers: vec![
                ("/near".into(), text("target.arm.linker = 'tools/ld'")),
                ("/far".into(), text("target.arm.linker = 'far-ld'\ntarget.arm.runner = ['qemu', '-L', '/x']")),
                ("/home".into(), text("target.x86.runner = 'emulate -v'\nbuild.rustc = 5")),
            ],
        };
        assert_eq!(config.program(&["target", "arm", "linker"]), Some("/near/tools/ld".into()));
        assert_eq!(config.line(&["target", "arm", "runner"]).unwrap(), ["qemu", "-L", "/x"]);
        assert_eq!(config.line(&["target", "x86", "runner"]).unwrap(), ["emulate", "-v"]);
        assert_eq!(config.program(&["build", "rustc"]), None, "not text");
        assert_eq!(config.program(&["target"]), None);
    }
}
