//! `tsc` accepts every example and every feature's script; where a script is wrong on purpose, it says `@ts-expect-error`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::{command, is_there, not_covered, repository, shared_target};

/// What is installed. Fixed, so that nobody's release breaks a test.
const PACKAGES: [&str; 2] = ["typescript@5.9.3", "@types/node@20.19.9"];

/// Returns the folder in which TypeScript is installed; none: it cannot be had here.
fn typescript() -> Option<PathBuf> {
    if !is_there("node") || !is_there("npm") {
        return None;
    }
    let folder = shared_target().join("typescript");
    if folder.join("node_modules/typescript/bin/tsc").is_file() {
        return Some(folder);
    }
    std::fs::create_dir_all(&folder).expect("can be made");
    let mut install = command("npm");
    install.args(["install", "--no-audit", "--no-fund", "--prefix", "."]).args(PACKAGES).current_dir(&folder);
    let output = install.output().expect("npm runs");
    if output.status.success() {
        return Some(folder);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    not_covered(&format!("npm cannot install TypeScript\n{said}"));
    None
}

/// Asserts that `tsc` has nothing to say of these files.
fn accepts(folder: &Path, name: &str, strict: bool, include: &[&str]) {
    let path = |file: &str| repository().join(file).display().to_string();
    let settings = json!({
        "compilerOptions": {
            "strict": strict,
            "noEmit": true,
            "allowJs": true,
            "checkJs": true,
            "target": "esnext",
            "module": "nodenext",
            "lib": ["esnext"],
            "types": ["node"],
            "typeRoots": [folder.join("node_modules/@types")],
            "paths": { "hydro": [path("cargo-hydro/sdk/javascript/index.d.ts")] },
        },
        "include": include.iter().map(|file| path(file)).collect::<Vec<_>>(),
    });
    let project = folder.join(format!("{name}.json"));
    std::fs::write(&project, settings.to_string()).expect("can be written");
    let mut tsc: Command = command("node");
    tsc.arg(folder.join("node_modules/typescript/bin/tsc")).arg("-p").arg(project);
    let output = tsc.current_dir(repository()).output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn tsc_accepts_every_script() {
    let Some(folder) = typescript() else { return };
    accepts(&folder, "examples", true, &["examples/*/*.mjs", "examples/*/tests/*.mjs"]);
    accepts(&folder, "features", false, &["tests/sdk/features/*.mjs", "tests/sdk/features/*.ts"]);
}
