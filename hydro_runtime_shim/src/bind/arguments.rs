//! The command line of a built program: three requests for information and a flag for each parameter.
//!
//! Knows no types: a parameter's text is read when the dataflow asks for it.

use std::collections::BTreeMap;

use super::{BindError, Param, Program};

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `--help`.
    Help,
    /// `--describe`.
    Describe,
    /// `--version`.
    Version,
    /// Run, with these parameters' texts by name.
    Run(BTreeMap<&'static str, String>),
}

/// Tells whether an argument asks for information.
pub(crate) fn asks(argument: &str) -> bool {
    matches!(argument, "--help" | "-h" | "--describe" | "--version" | "-V")
}

/// Reads the arguments. A request for information wins over everything else on the line.
///
/// # Errors
/// All that is wrong with them.
pub(crate) fn read_arguments(program: &Program, arguments: &[String]) -> Result<Request, Vec<BindError>> {
    let mut values = BTreeMap::new();
    let mut errors = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--help" | "-h" => return Ok(Request::Help),
            "--describe" => return Ok(Request::Describe),
            "--version" | "-V" => return Ok(Request::Version),
            _ => {}
        }
        let (flag, inline) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if !flag.starts_with('-') {
            errors.push(BindError::StrayArgument { text: argument.clone() });
            continue;
        }
        let Some(param) = find(program, flag) else {
            errors.push(BindError::UnknownFlag { flag: flag.to_owned(), nearest: nearest_flag(program, flag) });
            if inline.is_none() && rest.as_slice().first().is_some_and(|next| !next.starts_with("--")) {
                rest.next(); // the unknown flag's value, which would be reported as a second mistake
            }
            continue;
        };
        match inline.or_else(|| rest.next().cloned()) {
            Some(value) => drop(values.insert(param.name, value)),
            None => {
                errors.push(BindError::FlagWithoutValue { flag: param.flag(), example: param.example().to_owned() })
            }
        }
    }
    if errors.is_empty() { Ok(Request::Run(values)) } else { Err(errors) }
}

fn find<'a>(program: &'a Program, flag: &str) -> Option<&'a Param> {
    let flag = flag.replace('_', "-");
    program.params.iter().find(|param| param.flag() == flag)
}

fn nearest_flag(program: &Program, flag: &str) -> Option<String> {
    let own = program.params.iter().map(Param::flag);
    let all = own.chain(["--help", "--describe", "--version"].map(str::to_owned));
    nearest(flag, all)
}

/// Returns the candidate that looks most like `text`, where one does.
pub(crate) fn nearest(text: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let scored = candidates.map(|candidate| (distance(text, &candidate), candidate));
    let (score, best) = scored.min()?;
    (score <= text.chars().count().div_ceil(3).max(1)).then_some(best)
}

/// Counts the edits that make one text of the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in right.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
