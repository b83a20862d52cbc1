//! Where `.hf` files find each other: beside one another, and in the packages of the workspace.

use std::path::Path;

use hydroflow_standalone::Library;
use hydroflow_standalone::source::SourceFile;

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
        let known = known.ok_or_else(|| format!("the workspace has no package `{package}`"))?;
        self.read(&known.folder.join("src").join(format!("{name}.hf")))
    }
}
