//! Our side: `.hf` services that `hydro deploy --detach` leaves running, and `hydro down` ends.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use benches::hydro::{benches_folder, clean};
use benches::process::cost;

use crate::{Up, memory};

/// A copy of the flow's workspace, and the command.
pub(crate) struct Ours {
    folder: PathBuf,
    target: PathBuf,
    hydro: PathBuf,
}

const NUMBER: &str = "number + 0";

impl Ours {
    /// Copies the flow's workspace and builds it.
    pub(crate) fn new(work: &Path, hydro: PathBuf) -> Result<Self, String> {
        let ours = Self { folder: work.join("idle"), target: work.join("hf"), hydro };
        let from = benches_folder().join("flows/idle_hf");
        let failed = |error: std::io::Error| format!("cannot write to `{}`: {error}", ours.folder.display());
        fs::create_dir_all(ours.folder.join("src")).map_err(failed)?;
        for file in ["Cargo.toml", "src/lib.rs", "src/idle.hf"] {
            fs::copy(from.join(file), ours.folder.join(file)).map_err(failed)?;
        }
        // What an earlier run that was killed has left.
        ours.describe(1)?;
        ours.run(&["down"])?;
        ours.run(&["build", "--release"])?;
        Ok(ours)
    }

    /// Deploys a ring and ends it: until the command says that all services are up. Also returns the share of links that are connected then.
    pub(crate) fn ring(&self, count: usize) -> Result<(Up, f64), String> {
        self.describe(count)?;
        let result = self.run(&["deploy", "--detach", "--release"]).and_then(|seconds| {
            let linked = self.linked()?;
            let artifacts = self.target.join("hydro/artifacts");
            Ok((Up { seconds, memory: memory::of_all(|running| running.starts_with(&artifacts)) }, linked))
        });
        self.run(&["down"])?;
        result
    }

    /// Deploys two services once, again and again without a change, and again and again with an operator edited. Returns what each took.
    pub(crate) fn stay(&self, no_ops: usize, edits: usize) -> Result<(Vec<f64>, Vec<f64>), String> {
        self.describe(2)?;
        let result = self.run(&["deploy", "--detach"]).and_then(|_| {
            let nothing: Result<Vec<f64>, String> = (0..no_ops).map(|_| self.run(&["deploy", "--detach"])).collect();
            let edited: Result<Vec<f64>, String> = (1..=edits)
                .map(|edit| {
                    eprintln!("edit {edit} of {edits}");
                    self.edit(edit)?;
                    self.run(&["deploy", "--detach"])
                })
                .collect();
            Ok((nothing?, edited?))
        });
        self.run(&["down"])?;
        result
    }

    fn edit(&self, number: usize) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("cannot edit the flow: {error}");
        let text = fs::read_to_string(benches_folder().join("flows/idle_hf/src/idle.hf")).map_err(failed)?;
        // Another number in each run, too, so that nothing is there already.
        let text = text.replace(NUMBER, &format!("number + {}{number:02}", std::process::id()));
        fs::write(self.folder.join("src/idle.hf"), text).map_err(failed)
    }

    fn describe(&self, count: usize) -> Result<(), String> {
        let mut text = "[deployment]\nname = \"ring\"\n".to_owned();
        for service in 0..count {
            let next = (service + 1) % count;
            let _ = write!(
                text,
                "[services.s{service}]\nsrc = \"src/idle.hf\"\n[[links]]\nfrom = \"s{service}.outbound\"\nto = \"s{next}.inbound\"\n"
            );
        }
        fs::write(self.folder.join("Hydro.toml"), text).map_err(|error| format!("cannot write Hydro.toml: {error}"))
    }

    fn call(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.hydro);
        clean(&mut command);
        command.args(arguments).current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.target);
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<f64, String> {
        Ok(cost(&mut self.call(arguments))?.wall)
    }

    fn linked(&self) -> Result<f64, String> {
        let output = self.call(&["metrics", "--format", "json"]).output().map_err(|error| error.to_string())?;
        let all: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let programs = all.as_array().into_iter().flatten();
        let links: Vec<&serde_json::Value> = programs.filter_map(|one| one["links"].as_array()).flatten().collect();
        let connected = links.iter().filter(|link| link["connected"] == true).count();
        Ok(connected as f64 / links.len() as f64)
    }
}
