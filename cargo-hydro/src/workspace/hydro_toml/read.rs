//! Text → [`HydroToml`]: every problem is told, not the first alone.
//!
//! A key that is wrong is left out and reading goes on. Read [`read`] first.

use std::borrow::Cow;
use std::ops::Range;

use hydro_host::words::Bounds;
use hydroflow_standalone::diagnostic::{Diagnostic, Suggestion, nearest};
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::bounds::BOUNDS;
use super::raw::{HydroToml, RawProgram, RawService, RawUpkeep};
use super::upkeep::{SUPERVISION, UPKEEP};
use super::value::{kind, param_text};

/// No syntax of TOML.
const SYNTAX: &str = "HT0001";
/// Another kind of value is needed.
const WRONG_KIND: &str = "HT0002";
/// A key that means nothing.
const UNKNOWN_KEY: &str = "HT0003";
/// A key that will mean something.
const NOT_YET: &str = "HT0004";
/// A key is missing.
pub(super) const MISSING_KEY: &str = "HT0005";
/// A value that makes no sense there.
pub(super) const BAD_VALUE: &str = "HT0006";
/// Two keys that exclude each other.
pub(super) const CONFLICT: &str = "HT0007";

/// What `tls` may be.
const TLS_WORDS: [&str; 2] = ["machines", "always"];

type Entry<'t, 'i> = (&'t Spanned<Cow<'i, str>>, &'t Spanned<DeValue<'i>>);

/// Reads a `Hydro.toml`. What could be read is returned together with all that is wrong or doubtful.
#[must_use]
pub fn read(text: &str) -> (HydroToml, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { diagnostics: Vec::new() };
    for error in errors {
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        reader.diagnostics.push(Diagnostic::error(SYNTAX, message, error.span().unwrap_or(0..0)));
    }
    if !reader.diagnostics.is_empty() {
        // Half a table would lead to errors about what nobody wrote.
        return (HydroToml::default(), reader.diagnostics);
    }
    let mut file = reader.file(table.get_ref());
    // The parser keeps tables by name.
    file.machines.sort_by_key(|(name, _)| name.span().start);
    file.groups.sort_by_key(|(name, _)| name.span().start);
    file.services.sort_by_key(|(name, _)| name.span().start);
    file.exposed.sort_by_key(|(name, _)| name.span().start);
    reader.diagnostics.sort_by_key(|diagnostic| diagnostic.primary.span.start);
    (file, reader.diagnostics)
}

/// Keys of one kind of table.
pub(super) struct Keys {
    /// What the table is, for messages.
    pub(super) of: &'static str,
    /// Those that mean something.
    pub(super) known: &'static [&'static str],
    /// Those that a later version will know.
    pub(super) later: &'static [&'static str],
}

const ROOT: Keys = Keys {
    of: "the file",
    known: &["deployment", "machines", "services", "links", "supervision", "groups", "hooks", "expose"],
    later: &["profile", "defaults"],
};
const DEPLOYMENT: Keys = Keys { of: "the deployment", known: &["name", "tls", "local_links"], later: &[] };
const SERVICE: Keys = Keys {
    of: "a service",
    known: &[
        "src",
        "command",
        "on",
        "count",
        "params",
        "args",
        "env",
        "listen",
        "colocate",
        "restart",
        "shutdown",
        "significant",
        "group",
        "backoff",
        "health",
        "data",
        "watch",
        "limits",
        "sandbox",
        "systemd",
    ],
    later: &["features", "profile", "depends_on", "files", "open"],
};
/// Reads the tables, and keeps what is wrong with them.
pub(super) struct Reader {
    diagnostics: Vec<Diagnostic>,
}

impl Reader {
    /// Tells a problem.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: Range<usize>,
    ) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(code, message, span));
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    fn file(&mut self, table: &DeTable<'_>) -> HydroToml {
        let mut file = HydroToml::default();
        for (key, value) in self.known(table, &ROOT) {
            match &**key.get_ref() {
                "deployment" => {
                    let Some(table) = self.table(key, value) else { continue };
                    for (key, value) in self.known(table, &DEPLOYMENT) {
                        match &**key.get_ref() {
                            "name" => file.name = self.string(key, value),
                            "tls" => file.tls = self.tls(key, value),
                            _ => file.local_links = self.local_links(key, value),
                        }
                    }
                }
                "machines" => file.machines.extend(self.named(key, value, Self::machine)),
                "supervision" => {
                    if let Some(table) = self.table(key, value) {
                        file.supervision = self.supervisor(table, &SUPERVISION);
                    }
                }
                "groups" => file.groups.extend(self.named(key, value, Self::group)),
                "hooks" => file.hooks = self.hooks(key, value),
                "expose" => file.exposed.extend(self.named(key, value, Self::exposure)),
                "services" => file.services.extend(self.named(key, value, Self::service)),
                _ => file.links.extend(self.links(key, value)),
            }
        }
        file
    }

    /// Returns the entries whose keys mean something, and warns of the others.
    pub(super) fn known<'t, 'i>(&mut self, table: &'t DeTable<'i>, keys: &Keys) -> Vec<Entry<'t, 'i>> {
        let mut known = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            if keys.known.contains(&name) {
                known.push((key, value));
            } else if keys.later.contains(&name) {
                let message = format!("`{name}` is not supported yet and has no effect");
                self.diagnostics.push(Diagnostic::warning(NOT_YET, message, key.span()));
            } else {
                let message = format!("{} has no key `{name}`", keys.of);
                let warning = Diagnostic::warning(UNKNOWN_KEY, message, key.span()).label("this has no effect");
                self.diagnostics.push(match nearest(name, keys.known.iter().copied()) {
                    Some(near) => {
                        let change = Suggestion::replace(key.span(), near);
                        warning.suggest(change, format!("there is a key with a similar name: `{near}`"))
                    }
                    None => warning.hint(format!("the keys are `{}`", keys.known.join("`, `"))),
                });
            }
        }
        known
    }

    /// Reads a table of tables, by name.
    fn named<T>(
        &mut self,
        key: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        read: impl Fn(&mut Self, &Spanned<Cow<'_, str>>, &DeTable<'_>) -> Option<T>,
    ) -> Vec<(Spanned<String>, T)> {
        let Some(table) = self.table(key, value) else { return Vec::new() };
        let mut all = Vec::new();
        for (name, value) in table {
            let item = self.table(name, value).and_then(|table| read(self, name, table));
            all.extend(item.map(|item| (owned(name), item)));
        }
        all
    }

    fn service(&mut self, name: &Spanned<Cow<'_, str>>, table: &DeTable<'_>) -> Option<RawService> {
        let (mut source, mut command) = (None, None);
        let program = RawProgram::Command(Vec::new());
        let (params, args, env) = (Vec::new(), Vec::new(), Vec::new());
        let mut service = RawService {
            program,
            on: None,
            count: 1,
            params,
            args,
            env,
            listen: None,
            colocate: None,
            health: None,
            watch: Vec::new(),
            fresh_data: false,
            bounds: Bounds::default(),
            upkeep: RawUpkeep::default(),
        };
        for (key, value) in self.known(table, &SERVICE) {
            match &**key.get_ref() {
                upkeep if UPKEEP.contains(&upkeep) => self.upkeep(&mut service.upkeep, key, value),
                bounds if BOUNDS.contains(&bounds) => self.bounds(&mut service.bounds, key, value),
                "health" => service.health = self.health(key, value),
                "watch" => service.watch = self.watch(key, value),
                "data" => service.fresh_data = self.is_fresh(key, value),
                "src" => source = self.string(key, value).map(|source| (key.span(), source)),
                "command" => command = self.command(key, value).map(|command| (key.span(), command)),
                "on" => service.on = self.string(key, value),
                "count" => service.count = self.count(key, value).unwrap_or(1),
                "params" => service.params = self.params(key, value),
                "args" => service.args = self.strings(key, value).unwrap_or_default(),
                "env" => service.env = self.env(key, value),
                "colocate" => {
                    service.colocate = self.truth(key, value).map(|truth| Spanned::new(key.span(), truth));
                }
                _ => service.listen = self.string(key, value),
            }
        }
        service.program = match (source, command) {
            (Some((_, source)), None) => RawProgram::Source(source),
            (None, Some((_, command))) => RawProgram::Command(command),
            (Some((source, _)), Some((command, _))) => {
                let message = format!("`{}` has both `src` and `command`", name.get_ref());
                let error = Diagnostic::error(CONFLICT, message, command).see(source, "here is the other");
                self.diagnostics.push(error.hint("leave one of them out: a service runs one program"));
                return None;
            }
            // Where one was written but wrong, that has been told.
            (None, None) => {
                if !table.keys().any(|key| matches!(&**key.get_ref(), "src" | "command")) {
                    let hint = "say what it runs: `src = \"src/NAME.hf\"` or `command = [\"PROGRAM\", \"ARGUMENT\"]`";
                    self.missing(table, name, "src", hint);
                }
                return None;
            }
        };
        Some(service)
    }

    /// Reads a boolean.
    fn is_fresh(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> bool {
        let word = self.string(key, value);
        if let Some(word) = word.as_ref().filter(|word| !matches!(word.get_ref().as_str(), "fresh" | "kept")) {
            let error = self.error(BAD_VALUE, format!("`data` cannot be `{}`", word.get_ref()), word.span());
            error.hint = Some("data is `kept` from deploy to deploy (the default), or `fresh` each time".to_owned());
        }
        word.is_some_and(|word| word.get_ref() == "fresh")
    }

    pub(super) fn truth(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            _ => {
                self.wrong_kind(key, value, "`true` or `false`");
                None
            }
        }
    }

    fn tls(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<Spanned<String>> {
        let word = self.string(key, value)?;
        if !TLS_WORDS.contains(&word.get_ref().as_str()) {
            let error = self.error(BAD_VALUE, format!("`tls` cannot be `{}`", word.get_ref()), word.span());
            error.hint = Some("links are encrypted between `\"machines\"` (the default), or `\"always\"`".to_owned());
            return None;
        }
        Some(word)
    }

    fn count(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<u32> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong_kind(key, value, "an integer");
            return None;
        };
        let count =
            u32::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|count| (1..=10_000).contains(count));
        if count.is_none() {
            self.error(BAD_VALUE, "a service has between 1 and 10000 members", value.span());
        }
        count
    }

    pub(super) fn command(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        if let DeValue::String(line) = value.get_ref() {
            let words: Vec<String> = line.split_whitespace().map(|word| format!("{word:?}")).collect();
            let hint = format!("write each word on its own: `command = [{}]`", words.join(", "));
            self.wrong_kind(key, value, "an array of strings").hint = Some(hint);
            return None;
        }
        let command = self.strings(key, value)?;
        if command.first().is_none_or(String::is_empty) {
            self.error(BAD_VALUE, "the command is empty", value.span());
            return None;
        }
        Some(command)
    }

    fn params(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Vec<(Spanned<String>, String)> {
        let Some(table) = self.table(key, value) else { return Vec::new() };
        let mut params = Vec::new();
        for (name, value) in table {
            match param_text(value.get_ref()) {
                Ok(text) => params.push((owned(name), text)),
                Err(reason) => {
                    self.error(BAD_VALUE, format!("the value of `{}` {reason}", name.get_ref()), value.span());
                }
            }
        }
        params
    }

    fn env(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Vec<(Spanned<String>, String)> {
        let Some(table) = self.table(key, value) else { return Vec::new() };
        let mut env = Vec::new();
        for (name, value) in table {
            let is_name = !name.get_ref().is_empty() && !name.get_ref().contains(['=', '\0']);
            let text = match value.get_ref() {
                DeValue::Array(_) | DeValue::Table(_) => None,
                scalar => param_text(scalar).ok().filter(|text| !text.contains('\0')),
            };
            match text {
                Some(text) if is_name => env.push((owned(name), text)),
                Some(_) => {
                    self.error(BAD_VALUE, format!("`{}` is no name for a variable", name.get_ref()), name.span());
                }
                None => {
                    self.wrong_kind(name, value, "a string, a number or a boolean");
                }
            }
        }
        env
    }

    pub(super) fn strings(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_kind(key, value, "an array of strings");
            return None;
        };
        let mut strings = Vec::new();
        for value in values {
            strings.push(self.string(key, value)?.into_inner());
        }
        Some(strings)
    }

    /// Reads a string.
    pub(super) fn string(
        &mut self,
        key: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Spanned<String>> {
        match value.get_ref() {
            DeValue::String(text) if !text.contains('\0') => Some(Spanned::new(value.span(), text.to_string())),
            DeValue::String(_) => {
                self.error(BAD_VALUE, format!("`{}` holds a zero byte", key.get_ref()), value.span());
                None
            }
            _ => {
                self.wrong_kind(key, value, "a string");
                None
            }
        }
    }

    /// Reads a table.
    pub(super) fn table<'t, 'i>(
        &mut self,
        key: &Spanned<Cow<'_, str>>,
        value: &'t Spanned<DeValue<'i>>,
    ) -> Option<&'t DeTable<'i>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.wrong_kind(key, value, "a table");
                None
            }
        }
    }

    /// Tells that another kind of value is needed.
    pub(super) fn wrong_kind(
        &mut self,
        key: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
    ) -> &mut Diagnostic {
        let error = self.error(WRONG_KIND, format!("`{}` must be {wanted}", key.get_ref()), value.span());
        error.primary.text = format!("this is {}", kind(value.get_ref()));
        error
    }

    /// A key that is there but wrong has been told already.
    pub(super) fn missing(&mut self, table: &DeTable<'_>, name: &Spanned<Cow<'_, str>>, key: &str, hint: &str) {
        if !table.keys().any(|there| there.get_ref() == key) {
            self.missing_at(name.span(), &format!("`{}`", name.get_ref()), key, hint);
        }
    }

    /// Tells that a key is missing.
    pub(super) fn missing_at(&mut self, span: Range<usize>, what: &str, key: &str, hint: &str) {
        self.error(MISSING_KEY, format!("{what} has no `{key}`"), span).hint = Some(hint.to_owned());
    }
}

fn owned(name: &Spanned<Cow<'_, str>>) -> Spanned<String> {
    Spanned::new(name.span(), name.get_ref().to_string())
}

#[cfg(test)]
mod tests {
    use hydro_runtime_shim::contract::{Delivery, Policy};
    use hydroflow_standalone::source::SourceFile;

    use super::super::raw::RawKind;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let source = SourceFile::new("Hydro.toml", text);
        let place = |at| source.line_column(at);
        let line = |d: &Diagnostic| {
            let (line, column) = place(d.primary.span.start);
            let hint = d.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
            format!("{line}:{column} {} {}{hint}", d.code, d.message)
        };
        read(text).1.iter().map(line).collect()
    }

    #[test]
    fn a_whole_file_is_read_in_its_own_order() {
        let text = r#"
[deployment]
name = "echo"
tls = "always"
local_links = "unix"
[machines.here]
kind = "localhost"
[machines.cloud]
kind = "gcp"
project = "p"
zone = "z"
type = "e2-micro"
[services.server]
src = "src/echo_server.hf"
on = "cloud"
listen = "127.0.0.1:4000"
[services.client]
src = "src/echo_client.hf"
count = 3
params = { period_ms = 100, name = "x" }
args = ["--fast"]
env = { LEVEL = 3, TEXT = "a" }
[services.a]
command = ["sleep", "1"]
[[links]]
from = "client.outbound"
to = "server.inbound"
policy = "round_robin"
delivery = "lossy"
transport = "tcp"
insecure = true
"#;
        let (file, diagnostics) = read(text);
        assert_eq!(diagnostics, []);
        let names = |names: Vec<&Spanned<String>>| names.iter().map(|n| n.get_ref().clone()).collect::<Vec<_>>();
        assert_eq!(names(file.machines.iter().map(|(name, _)| name).collect()), ["here", "cloud"]);
        assert_eq!(names(file.services.iter().map(|(name, _)| name).collect()), ["server", "client", "a"]);
        let client = &file.services[1].1;
        let texts = |pairs: &[(Spanned<String>, String)]| {
            pairs.iter().map(|(name, value)| format!("{}={value}", name.get_ref())).collect::<Vec<_>>()
        };
        assert_eq!((client.count, texts(&client.params)), (3, vec!["name=x".to_owned(), "period_ms=100".to_owned()]));
        assert_eq!(texts(&client.env), ["LEVEL=3", "TEXT=a"]);
        assert_eq!(file.services[2].1.program, RawProgram::Command(vec!["sleep".into(), "1".into()]));
        assert_eq!((file.links[0].from.port.as_str(), file.links[0].policy), ("outbound", Some(Policy::RoundRobin)));
        assert_eq!(
            (file.tls.as_ref().map(|tls| tls.get_ref().as_str()), file.links[0].insecure),
            (Some("always"), true)
        );
        let text = |word: &Option<Spanned<String>>| word.as_ref().map(|word| word.get_ref().clone());
        assert_eq!(
            (text(&file.local_links), text(&file.links[0].transport)),
            (Some("unix".into()), Some("tcp".into()))
        );
        assert_eq!(file.links[0].delivery, Some(Delivery::Lossy));
        assert!(matches!(&file.machines[1].1.kind, RawKind::Gcp(cloud) if cloud.machine_type == "e2-micro"));
    }

    #[test]
    fn all_problems_are_told_each_at_its_place() {
        let text = r#"nam = 1
[services.a]
src = 3
count = 0
[services.b]
srcc = "x"
features = "x"
[services.c]
src = "a.hf"
command = ["x"]
[services.d]
command = "sleep 1"
[[links]]
from = "a"
[[links]]
from = "a.x"
to = "b.y"
policy = "some"
[machines.m]
kind = "moon"
[machines.n]
kind = "gcp"
zone = "z"
[machines]
o = 1
[deployment]
tls = "never"
local_links = "pipe"
[[links]]
from = "a.x"
to = "b.y"
delivery = "fast"
transport = 3
insecure = 1
[services.e]
command = ["x"]
watch = ["a/*.ini", "/etc/*", "../b", 3]
"#;
        let expected = [
            "1:1 HT0003 the file has no key `nam` (the keys are `deployment`, `machines`, `services`, `links`, `supervision`, `groups`, `hooks`, `expose`)",
            "3:7 HT0002 `src` must be a string",
            "4:9 HT0006 a service has between 1 and 10000 members",
            "5:11 HT0005 `b` has no `src` (say what it runs: `src = \"src/NAME.hf\"` or `command = [\"PROGRAM\", \"ARGUMENT\"]`)",
            "6:1 HT0003 a service has no key `srcc` (there is a key with a similar name: `src`)",
            "7:1 HT0004 `features` is not supported yet and has no effect",
            "10:1 HT0007 `c` has both `src` and `command` (leave one of them out: a service runs one program)",
            "12:11 HT0002 `command` must be an array of strings (write each word on its own: `command = [\"sleep\", \"1\"]`)",
            "13:1 HT0005 a link has no `to` (a link has `from = \"SERVICE.OUTPUT\"` and `to = \"SERVICE.INPUT\"`)",
            "14:8 HT0006 `a` names no port (write the service and its port with a dot between: `server.inbound`)",
            "18:10 HT0006 there is no policy called `some` (the policies are `broadcast` and `round_robin`)",
            "20:8 HT0006 there is no kind of machine called `moon` (the kinds of machines are `localhost`, `ssh` and `gcp`)",
            "21:11 HT0005 `n` has no `project` (a gcp machine needs `project`, `zone` and `type`)",
            "21:11 HT0005 `n` has no `type` (a gcp machine needs `project`, `zone` and `type`)",
            "25:5 HT0002 `o` must be a table",
            "27:7 HT0006 `tls` cannot be `never` (links are encrypted between `\"machines\"` (the default), or `\"always\"`)",
            "28:15 HT0006 `local_links` cannot be `pipe` (within a machine links go by `\"shm\"` (shared memory, the default), `\"unix\"` or `\"tcp\"`)",
            "32:12 HT0006 there is no delivery called `fast` (the deliveries are `reliable` (the default) and `lossy`)",
            "33:13 HT0002 `transport` must be a string",
            "34:12 HT0002 `insecure` must be `true` or `false`",
            "37:21 HT0006 `/etc/*` cannot be watched: it begins at the root of the file system (write paths relative to this file: `conf/*.yaml`, `assets/**`)",
            "37:31 HT0006 `../b` cannot be watched: it leaves the workspace (write paths relative to this file: `conf/*.yaml`, `assets/**`)",
            "37:39 HT0002 `watch` must be a string",
        ];
        assert_eq!(told(text), expected);
    }

    #[test]
    fn broken_syntax_is_told_at_its_place_and_nothing_else() {
        let told = told("[services.a\nsrc = \"x\"\n");
        assert!(told[0].starts_with("1:12 HT0001"), "{told:?}");
        assert!(told.iter().all(|line| line.contains("HT0001")), "{told:?}");
    }

    #[test]
    fn deep_and_odd_texts_do_not_panic() {
        for text in
            ["a = ".to_owned() + &"[".repeat(100_000), "é = \"é\"".to_owned(), "links = 3".to_owned(), "[".repeat(9)]
        {
            assert!(!read(&text).1.is_empty());
        }
        assert_eq!(read("").1, []);
    }
}
