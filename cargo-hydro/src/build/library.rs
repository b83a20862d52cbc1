//! Where `.hf` files find each other: beside one another, in the packages of the workspace, and among the modules that come with the language.

use std::path::{Path, PathBuf};

use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Library, standard};

use super::program::read_program;
use crate::workspace::Workspace;

/// The `.hf` files of a workspace.
pub(super) struct WorkspaceLibrary<'a> {
    pub(super) workspace: &'a Workspace,
}

impl WorkspaceLibrary<'_> {
    fn read(&self, path: &Path) -> Result<SourceFile, String> {
        let shown = self.workspace.relative(path).display().to_string();
        if !path.is_file() {
            return Err(format!("there is no file `{shown}`"));
        }
        read_program(self.workspace, path).map(|program| program.source).map_err(|failure| failure.to_string())
    }
}

impl Library for WorkspaceLibrary<'_> {
    fn beside(&self, file: &str, name: &str) -> Result<SourceFile, String> {
        let file = self.workspace.root().join(file);
        self.read(&file.with_file_name(format!("{name}.hf")))
    }

    fn in_package(&self, package: &str, name: &str) -> Result<SourceFile, String> {
        let known = self.workspace.packages().iter().find(|known| known.name.replace('-', "_") == package);
        match known {
            Some(known) => self.read(&known.folder.join("src").join(format!("{name}.hf"))),
            None => standard::file(package, name)
                .unwrap_or_else(|| Err(format!("the workspace has no package `{package}`"))),
        }
    }
}

/// Returns where a file of a program is on disk. None: it comes with the language.
pub(super) fn path(workspace: &Workspace, shown: &str) -> Option<PathBuf> {
    let path = workspace.root().join(shown);
    (path.is_file() || standard::file_shown_as(shown).is_none()).then_some(path)
}

/// Returns the text of a file of a program.
pub(super) fn text(workspace: &Workspace, shown: &str) -> String {
    match (path(workspace, shown), standard::file_shown_as(shown)) {
        (None, Some(file)) => file.text().to_owned(),
        (path, _) => path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default(),
    }
}
