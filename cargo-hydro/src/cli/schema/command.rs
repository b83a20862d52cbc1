//! Prints a schema, or lists them: files that the command carries. What they say is not known here.

use hydroflow_standalone::diagnostic::nearest;
use rust_embed::RustEmbed;

use crate::report::{ExitCode, Failure, Reporter};

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// What is described: `ps`, `plan`, …; none: list all
    name: Option<String>,
}

#[derive(RustEmbed)]
#[folder = "schema"]
#[include = "*.json"]
struct Schemas;

pub(in crate::cli) fn run(args: &Args, reporter: &Reporter) -> Result<(), Failure> {
    match &args.name {
        Some(name) => reporter.data(text(name).ok_or_else(|| unknown(name))?.trim_end()),
        None => names().iter().for_each(|name| reporter.data(&format!("{name:<17}{}", title(name)))),
    }
    Ok(())
}

/// Returns the names of all schemas, in the order of the alphabet.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = Schemas::iter().filter_map(|file| Some(file.strip_suffix(".json")?.into())).collect();
    names.sort_unstable();
    names
}

pub(super) fn text(name: &str) -> Option<String> {
    let file = Schemas::get(&format!("{name}.json"))?;
    String::from_utf8(file.data.into_owned()).ok()
}

pub(super) fn title(name: &str) -> String {
    let schema: Option<serde_json::Value> = text(name).and_then(|text| serde_json::from_str(&text).ok());
    let title = schema.as_ref().and_then(|schema| schema.get("title")?.as_str());
    title.unwrap_or_default().to_owned()
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::new(ExitCode::NothingMatched, format!("there is no schema `{name}`"));
    let names = names();
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("a similar name exists: `{near}`")),
        None => failure.hint(format!("the schemas are `{}`", names.join("`, `"))),
    }
}
