//! `cargo hydro new`: a workspace from a template that is carried by the command.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use crate::report::{ExitCode, Failure, Reporter};
use crate::sys;

/// Arguments of `new`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to make it
    path: PathBuf,
    /// What it begins with
    #[arg(short, long, default_value = "echo")]
    template: Template,
    /// Its name; none: the folder's
    #[arg(long)]
    name: Option<String>,
    /// Scripts and tests are JavaScript, for Node.js; otherwise Python
    #[arg(long)]
    javascript: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Template {
    /// A server that sends back what its client sends
    Echo,
    /// A chat server and clients that join and leave
    Chat,
}

impl Template {
    fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Chat => "chat",
        }
    }
}

#[derive(RustEmbed)]
#[folder = "templates"]
#[exclude = "*/target/*"]
#[exclude = "*/Cargo.lock"]
#[exclude = "*.pyc"]
struct Templates;

pub(super) fn run(args: &Args, folder: &Path, reporter: &Reporter) -> Result<(), Failure> {
    let place = super::absolute(folder, &args.path);
    let name = name(args, &place)?;
    if place.exists() && place.read_dir().map_or(true, |mut entries| entries.next().is_some()) {
        return Err(Failure::new(
            ExitCode::Usage,
            format!("`{}` exists and is not an empty folder", args.path.display()),
        )
        .hint("choose another path"));
    }
    let failed =
        |error| Failure::new(ExitCode::Usage, format!("cannot write to `{}`", args.path.display())).cause(error);
    let template = args.template.name();
    // Each template has its scripts in both languages.
    let other_language = if args.javascript { ".hydro.py" } else { ".hydro.mjs" };
    let mut written = Vec::new();
    for file in Templates::iter().filter(|file| !file.ends_with(other_language)) {
        let Some(relative) = file.strip_prefix(template).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let Some(content) = Templates::get(&file) else { continue };
        let content = renamed(relative, &content.data, template, &name);
        // A script named after the template is named after the new workspace.
        let target = place.join(relative.replace(&format!("{template}.hydro."), &format!("{name}.hydro.")));
        std::fs::create_dir_all(target.parent().unwrap_or(&place)).map_err(failed)?;
        sys::fs::write_atomic(&target, &content).map_err(failed)?;
        written.push(relative.to_owned());
    }
    sys::fs::write_atomic(&place.join(".gitignore"), b"/target\n__pycache__\nnode_modules\n").map_err(failed)?;
    let modules = written.iter().filter(|file| file.ends_with(".hf")).count();
    reporter.status(
        "Created",
        format!("workspace `{name}` from template `{template}` ({modules} modules, {} files)", written.len() + 1),
    );
    reporter.status("Next", format!("cd {} && cargo hydro deploy", args.path.display()));
    Ok(())
}

/// Manifests and scripts speak of the workspace's name, programs of the library that has it.
fn renamed(file: &str, content: &[u8], template: &str, name: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(content);
    match Path::new(file).extension().and_then(|extension| extension.to_str()) {
        Some("toml" | "md" | "py" | "mjs") => text
            .replace(&format!("name = \"{template}\""), &format!("name = \"{name}\""))
            .replace(&format!("{template}.hydro."), &format!("{name}.hydro."))
            .into_bytes(),
        Some("hf") => {
            text.replace(&format!("use {template}::"), &format!("use {}::", name.replace('-', "_"))).into_bytes()
        }
        _ => content.to_owned(),
    }
}

fn name(args: &Args, place: &Path) -> Result<String, Failure> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let is_word = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if is_word(&name) {
        return Ok(name);
    }
    Err(Failure::new(ExitCode::Usage, format!("`{name}` cannot be the name of a cargo package"))
        .hint("begin with a letter and use letters, digits, `-` and `_`; `--name` gives the workspace another name than its folder"))
}
