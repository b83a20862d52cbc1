//! How a problem of the user's text is told: at its line, with the word that may have been meant.

use hydroflow_standalone::diagnostic::nearest;

use crate::report::{ExitCode, Failure, Origin};

/// Makes a problem of the user's text: wrong lines of `Hydro.toml` have an exit code of their own.
pub(super) fn problem(origin: Option<&Origin>, message: impl Into<String>) -> Failure {
    let in_config = origin.is_some_and(|origin| origin.file.file_name().is_some_and(|name| name == "Hydro.toml"));
    let mut failure = Failure::new(if in_config { ExitCode::Config } else { ExitCode::DeployFailed }, message);
    failure.origin = origin.cloned();
    failure
}

/// Adds the name that is most like the word, or those that there are.
pub(super) fn with_nearest<'a>(
    failure: Failure,
    word: &str,
    names: impl Iterator<Item = &'a str>,
    kind: &str,
) -> Failure {
    let names: Vec<&str> = names.collect();
    let article = if kind.starts_with(['i', 'o']) { "an" } else { "a" };
    if let Some(name) = nearest(word, names.iter().copied()) {
        return failure.hint(format!("there is {article} {kind} with a similar name: `{name}`"));
    }
    match names.as_slice() {
        [] => failure.hint(format!("there is no {kind} at all")),
        [only] => failure.hint(format!("the only {kind} is `{only}`")),
        _ => failure.hint(format!("the {kind}s are `{}`", names.join("`, `"))),
    }
}
