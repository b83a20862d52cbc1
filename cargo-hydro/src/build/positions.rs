//! rustc's words about generated crates → the user's words: `.hf` paths, the lines as the user wrote them, nothing twice.
//!
//! Positions need no mapping: the generated text has the layout of the `.hf` text. Only paths and the few changed lines are put right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hydroflow_standalone::standard;
use serde_json::Value;

use super::crates::{Crates, Laid, ROOT_FILE};
use super::echo::{Told, place};
use super::machinery::{is_consequence, is_machinery_file, tidy, without_machinery};
use super::retell::{retell, source_text};
use super::retold;
use super::wrapper::alias;
use crate::report::Event;

/// Puts messages right; remembers what was told.
pub(super) struct Positions<'a> {
    crates: &'a Crates,
    user_root: PathBuf,
    /// Lines as generated and as the user wrote them; the longest first, for one may stand within another.
    lines: Vec<&'a (String, String)>,
    told: BTreeSet<String>,
    errors: Told,
    held: BTreeMap<String, Held>,
    color: bool,
}

/// What was held back of a program's errors.
#[derive(Default)]
struct Held {
    /// Whether it had others.
    has_errors: bool,
    consequence: Option<Event>,
    /// A value that is taken within a tick; often the consequence of another error too.
    taken: Option<Event>,
}

impl<'a> Positions<'a> {
    pub(super) fn new(crates: &'a Crates, user_root: &Path, color: bool) -> Self {
        let files = crates.binaries.iter().flat_map(|binary| &binary.files);
        let mut lines: Vec<&(String, String)> = files.flat_map(|file| &file.changed_lines).collect();
        lines.sort_by_key(|(generated, _)| std::cmp::Reverse(generated.len()));
        let user_root = user_root.to_owned();
        let (told, errors, held) = (BTreeSet::new(), Told::default(), BTreeMap::new());
        Self { crates, user_root, lines, told, errors, held, color }
    }

    /// Returns the event for a compiler message about a program; none where it was told already or says nothing to the user.
    pub(super) fn event(&mut self, program: &str, message: &Value) -> Option<Event> {
        let text = message.get("message")?.as_str()?;
        let is_warning = message.get("level").and_then(Value::as_str) == Some("warning");
        if is_summary(text) || (is_warning && !self.is_about_user_text(message)) {
            return None;
        }
        // What is wrong where an output is written is often said again at its declaration, about the statement that we put there.
        let essence = format!("{:?} {text}", message.get("code"));
        if !self.told.insert(essence) && self.is_at_port(message) {
            return None;
        }
        let mut message = message.clone();
        self.mend(&mut message);
        if is_warning && is_about_made_up_text(&message) {
            return None;
        }
        if let Some(event) = retold::taken(&message, |file| self.text_of(file), self.color) {
            self.of(program).taken.get_or_insert(event);
            return None;
        }
        if let Some(demux) = retold::demux(&message, |file| self.text_of(file), self.color) {
            if demux.follows {
                self.of(program).consequence.get_or_insert(demux.event);
                return None;
            }
            return self.tell(program, demux.event, true);
        }
        if !is_warning && self.is_echo(&message) {
            return None;
        }
        tidy(&mut message);
        let rendered = without_machinery(message.get("rendered").and_then(Value::as_str).unwrap_or(text));
        message["rendered"] = rendered.into();
        let follows = is_consequence(text) || is_in_standard_module(&message);
        retell(&mut message, &|span| self.is_port(span));
        let rendered = message["rendered"].as_str().unwrap_or_default().to_owned();
        let event = Event::Diagnostic { rendered, message };
        if follows {
            self.of(program).consequence.get_or_insert(event);
            return None;
        }
        self.tell(program, event, !is_warning)
    }

    fn of(&mut self, program: &str) -> &mut Held {
        self.held.entry(program.to_owned()).or_default()
    }

    fn tell(&mut self, program: &str, event: Event, is_error: bool) -> Option<Event> {
        self.of(program).has_errors |= is_error;
        let Event::Diagnostic { rendered, .. } = &event else { return Some(event) };
        self.told.insert(rendered.clone()).then_some(event)
    }

    /// Returns what was held back as the consequence of another error, for programs that had none.
    pub(super) fn held_back(&mut self) -> Vec<Event> {
        let held = std::mem::take(&mut self.held);
        held.into_values().filter(|held| !held.has_errors).filter_map(|held| held.taken.or(held.consequence)).collect()
    }

    /// Puts one line of cargo's own right.
    pub(super) fn line(&self, line: &str) -> String {
        self.mend_text(line)
    }

    fn files(&self) -> impl Iterator<Item = &Laid> {
        self.crates.binaries.iter().flat_map(|binary| &binary.files)
    }

    fn is_at_port(&self, message: &Value) -> bool {
        primary(message).is_some_and(|span| self.is_port(span))
    }

    fn is_port(&self, span: &Value) -> bool {
        place(span).is_some_and(|place| self.is_port_at(&place))
    }

    fn is_port_at(&self, (name, line, column): &(String, u64, u64)) -> bool {
        let place = usize::try_from(*line).ok().zip(usize::try_from(*column).ok());
        place.is_some_and(|place| self.files().any(|file| file.shown == *name && file.ports.contains(&place)))
    }

    fn is_echo(&mut self, message: &Value) -> bool {
        let mut errors = std::mem::take(&mut self.errors);
        let is_echo = errors.is_echo(message, |place| self.is_port_at(place));
        self.errors = errors;
        is_echo
    }

    fn text_of(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.user_root.join(file)).ok()
    }

    /// Warnings about what we generated are ours to know; the user can do nothing about them.
    fn is_about_user_text(&self, message: &Value) -> bool {
        let spans = message.get("spans").and_then(Value::as_array);
        let of_generated_root = |name: &str| Path::new(name).file_name().is_some_and(|file| file == ROOT_FILE);
        spans.into_iter().flatten().any(|span| {
            span.get("is_primary").and_then(Value::as_bool) == Some(true)
                && span
                    .get("file_name")
                    .and_then(Value::as_str)
                    .is_some_and(|name| !of_generated_root(name) && !is_machinery_file(name))
        })
    }

    fn mend(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.mend_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.mend(value)),
            Value::Object(map) => map.values_mut().for_each(|value| self.mend(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn mend_text(&self, text: &str) -> String {
        let mut text = text.replace(&*self.crates.root.to_string_lossy(), &self.user_root.to_string_lossy());
        for binary in &self.crates.binaries {
            // The longest first: the shorter ones are parts of them.
            for number in (1..binary.roots.len()).rev() {
                for file in &binary.files {
                    text = text.replace(&alias(&file.shown, number), &file.shown);
                }
            }
        }
        for (generated, written) in &self.lines {
            if text.contains(generated.as_str()) {
                text = text.replace(generated.as_str(), written);
            }
        }
        let roots = self.crates.binaries.iter().flat_map(|binary| &binary.roots);
        for module in roots.chain(self.files().map(|file| &file.rust_name)).map(|name| format!("{name}::")) {
            if text.contains(&module) {
                text = text.replace(&module, "");
            }
        }
        for binary in &self.crates.binaries {
            let quoted = format!("(bin \"{}\")", binary.name);
            if text.contains(&quoted) {
                text = text.replace(&quoted, &format!("({})", binary.shown));
            }
        }
        text
    }
}

fn primary(message: &Value) -> Option<&Value> {
    let spans = message.get("spans").and_then(Value::as_array);
    spans.into_iter().flatten().find(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true))
}

/// The modules that come with the language are right; an error in one follows from how it is used.
fn is_in_standard_module(message: &Value) -> bool {
    let name = primary(message).and_then(|span| span.get("file_name")).and_then(Value::as_str);
    name.is_some_and(|name| standard::file_shown_as(name).is_some())
}

/// What stands for `#name` has parentheses around it that the user did not write.
fn is_about_made_up_text(message: &Value) -> bool {
    let is_parens =
        message.get("code").and_then(|code| code.get("code")).and_then(Value::as_str) == Some("unused_parens");
    let written = primary(message).and_then(source_text);
    is_parens && !written.is_some_and(|text| text.starts_with('('))
}

/// rustc's closing lines count messages; after ours are sorted out the count would be wrong.
fn is_summary(text: &str) -> bool {
    text.starts_with("aborting due to")
        || text.ends_with("warning emitted")
        || text.ends_with("warnings emitted")
        || text.starts_with("For more information about")
        || text.starts_with("Some errors have detailed explanations")
}
