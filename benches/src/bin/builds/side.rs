//! A side: a copy of a package that may be edited, and how it is built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use benches::hydro::{benches_folder, cargo, clean};
use benches::process::{Cost, cost};

/// Cargo's profiles.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
        }
    }
}

impl FromStr for Profile {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "dev" => Ok(Self::Dev),
            "release" => Ok(Self::Release),
            _ => Err(()),
        }
    }
}

/// What stands in both sources, inside the closure of one operator, and is edited.
const EDITED: &str = "now() + 0";

/// One way to build the flow.
#[derive(Debug)]
pub(crate) struct Side {
    /// What the tables call it.
    pub(crate) name: &'static str,
    folder: PathBuf,
    /// The file with the flow, and its text.
    source: PathBuf,
    text: String,
    /// The command, where it is not cargo.
    hydro: Option<PathBuf>,
    features: &'static [&'static str],
}

impl Side {
    /// The flow as an `.hf` file, built by this command.
    pub(crate) fn hf(work: &Path, hydro: &Path) -> Result<Self, String> {
        let side = Self::copy(work, ("hydro build", "hf", "src/echo_server.hf"))?;
        Ok(Self { hydro: Some(hydro.to_owned()), ..side })
    }

    /// The flow inside `dfir_syntax!`, built by cargo.
    pub(crate) fn by_hand(work: &Path) -> Result<Self, String> {
        Self::copy(work, ("by hand", "by_hand", "src/main.rs"))
    }

    /// The same, with dfir_rs as one gets it without naming features.
    pub(crate) fn by_hand_with_defaults(work: &Path) -> Result<Self, String> {
        let side = Self::copy(&work.join("defaults"), ("by hand, default features", "by_hand", "src/main.rs"))?;
        Ok(Self { features: &["--features", "dfir_defaults"], ..side })
    }

    fn copy(work: &Path, (name, package, source): (&'static str, &str, &str)) -> Result<Self, String> {
        let (from, folder) = (benches_folder().join("flows").join(package), work.join(package));
        let cannot =
            |error: std::io::Error| format!("cannot copy `{}` to `{}`: {error}", from.display(), folder.display());
        let library = from.join("src/lib.rs");
        std::fs::create_dir_all(folder.join("src")).map_err(cannot)?;
        for file in ["Cargo.toml", "Cargo.lock", source] {
            std::fs::copy(from.join(file), folder.join(file)).map_err(cannot)?;
        }
        if library.is_file() {
            std::fs::copy(library, folder.join("src/lib.rs")).map_err(cannot)?;
        }
        let source = folder.join(source);
        let text = std::fs::read_to_string(&source).map_err(cannot)?;
        if !text.contains(EDITED) {
            return Err(format!("`{}` has no `{EDITED}` to edit", source.display()));
        }
        Ok(Self { name, folder, source, text, hydro: None, features: &[] })
    }

    /// Loads what the build needs, so that no build waits for the network.
    pub(crate) fn fetch(&self) -> Result<(), String> {
        let done = if self.hydro.is_some() { self.build(Profile::Dev).map(|_| ()) } else { Ok(()) };
        done.and_then(|()| cost(cargo(&self.folder).arg("fetch")).map(|_| ()))
    }

    /// Takes away all that earlier builds left.
    pub(crate) fn forget(&self) -> Result<(), String> {
        for left in ["target", "cache"] {
            let left = self.folder.join(left);
            if left.exists() {
                std::fs::remove_dir_all(&left)
                    .map_err(|error| format!("cannot remove `{}`: {error}", left.display()))?;
            }
        }
        Ok(())
    }

    /// Changes a number in the closure of one operator.
    pub(crate) fn edit(&self, number: usize) -> Result<(), String> {
        let text = self.text.replace(EDITED, &format!("now() + {number}"));
        std::fs::write(&self.source, text).map_err(|error| format!("cannot write `{}`: {error}", self.source.display()))
    }

    /// Builds the program.
    pub(crate) fn build(&self, profile: Profile) -> Result<Cost, String> {
        let mut command = match &self.hydro {
            Some(hydro) => {
                let mut command = Command::new(hydro);
                clean(command.current_dir(&self.folder));
                command
            }
            None => cargo(&self.folder),
        };
        // What the command remembers of workspaces is forgotten with the rest.
        command.env("XDG_CACHE_HOME", self.folder.join("cache"));
        command.args(["build", "--offline", "--profile", profile.name()]).args(self.features);
        if self.hydro.is_none() {
            command.arg("--quiet");
        }
        cost(&mut command)
    }
}
