//! `cargo hydro explain`: what a diagnostic's code means, with a wrong example and the right one.

use hydroflow_standalone::diagnostic::nearest;
use hydroflow_standalone::explanations::{EXPLANATIONS, Explanation, explanation};
use serde_json::json;

use crate::report::{ExitCode, Failure, Format, Reporter};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The code, as it stands in brackets after `error` or `warning`: HF0103
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// List all codes
    #[arg(long, conflicts_with = "code")]
    list: bool,
}

pub(super) fn run(args: &Args, reporter: &Reporter) -> Result<(), Failure> {
    match &args.code {
        Some(code) => tell(explanation(code).ok_or_else(|| unknown(code))?, reporter),
        None => EXPLANATIONS.iter().for_each(|explanation| line(explanation, reporter)),
    }
    Ok(())
}

fn tell(explanation: &Explanation, reporter: &Reporter) {
    if reporter.format() == Format::Human {
        reporter.data(explanation.text);
        return;
    }
    let message = json!({
        "reason": "explanation",
        "code": explanation.code,
        "title": explanation.title(),
        "text": explanation.text,
        "wrong": explanation.example("Wrong"),
        "right": explanation.example("Right"),
    });
    reporter.data(&message.to_string());
}

fn line(explanation: &Explanation, reporter: &Reporter) {
    let (code, title) = (explanation.code, explanation.title());
    match reporter.format() {
        Format::Human => reporter.data(&format!("{code}  {title}")),
        Format::Json => reporter.data(&json!({ "reason": "explanation", "code": code, "title": title }).to_string()),
    }
}

fn unknown(code: &str) -> Failure {
    let failure = Failure::new(ExitCode::Usage, format!("there is no code `{code}`"));
    if code.starts_with('E') && code[1..].bytes().all(|byte| byte.is_ascii_digit()) && code.len() == 5 {
        return failure.hint(format!("this is a code of rustc's: `rustc --explain {code}`"));
    }
    let codes = EXPLANATIONS.iter().map(|explanation| explanation.code);
    match nearest(&code.to_ascii_uppercase(), codes) {
        Some(near) => failure.hint(format!("a similar code exists: `{near}`; `--list` shows all")),
        None => failure.hint("`cargo hydro explain --list` shows all codes"),
    }
}
