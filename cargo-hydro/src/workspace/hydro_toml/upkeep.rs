//! The keys that say how services are kept up: `restart`, `shutdown`, `group` and the like, `[supervision]` and `[groups.NAME]`.
//!
//! Their words are those of [`supervision`](crate::supervision). Whether the groups exist and fit together is not known here.

use std::borrow::Cow;
use std::time::Duration;

use hydroflow_standalone::diagnostic::nearest;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::{RawGroup, RawUpkeep};
use super::read::{BAD_VALUE, Keys, Reader};
use crate::supervision::{AutoShutdown, Backoff, Intensity, Restart, Shutdown, Strategy};

/// The keys of `[services.NAME]` and `[groups.NAME]` that this file reads.
pub(super) const UPKEEP: [&str; 5] = ["restart", "shutdown", "significant", "group", "backoff"];

pub(super) const SUPERVISION: Keys =
    Keys { of: "the supervision", known: &["strategy", "intensity", "period", "auto_shutdown"], later: &[] };
const GROUP: Keys = Keys {
    of: "a group",
    known: &["strategy", "intensity", "period", "auto_shutdown", "restart", "significant", "group", "backoff"],
    later: &[],
};
const BACKOFF: Keys = Keys { of: "the backoff", known: &["first", "longest", "reset"], later: &[] };

/// What a group bears that says only one of the two, or neither: as Elixir has it.
const USUAL: Intensity = Intensity { restarts: 3, period: Duration::from_secs(5) };

const STRATEGIES: [(&str, Strategy); 3] = [
    ("one_for_one", Strategy::OneForOne),
    ("one_for_all", Strategy::OneForAll),
    ("rest_for_one", Strategy::RestForOne),
];
const RESTARTS: [(&str, Restart); 3] =
    [("permanent", Restart::Permanent), ("transient", Restart::Transient), ("temporary", Restart::Temporary)];
const AUTO_SHUTDOWNS: [(&str, AutoShutdown); 3] = [
    ("never", AutoShutdown::Never),
    ("any_significant", AutoShutdown::AnySignificant),
    ("all_significant", AutoShutdown::AllSignificant),
];

type Key<'i> = Spanned<Cow<'i, str>>;
type Value<'i> = Spanned<DeValue<'i>>;

impl Reader {
    /// Reads one of the keys of [`UPKEEP`].
    pub(super) fn upkeep(&mut self, upkeep: &mut RawUpkeep, key: &Key<'_>, value: &Value<'_>) {
        match &**key.get_ref() {
            "restart" => upkeep.restart = self.word(key, value, &RESTARTS),
            "shutdown" => upkeep.shutdown = self.shutdown(key, value),
            "significant" => upkeep.significant = self.truth(key, value).unwrap_or_default(),
            "group" => upkeep.group = self.string(key, value),
            _ => upkeep.backoff = self.backoff(key, value),
        }
    }

    /// Reads `[groups.NAME]`. A group gives up unless it says otherwise; that is what it is for.
    pub(super) fn group(&mut self, _name: &Key<'_>, table: &DeTable<'_>) -> Option<RawGroup> {
        let mut group = self.supervisor(table, &GROUP);
        group.intensity.get_or_insert(USUAL);
        Some(group)
    }

    /// Reads `[supervision]`, or what a group has of the same keys.
    pub(super) fn supervisor(&mut self, table: &DeTable<'_>, keys: &Keys) -> RawGroup {
        let mut group = RawGroup::default();
        let (mut restarts, mut period) = (None, None);
        for (key, value) in self.known(table, keys) {
            match &**key.get_ref() {
                "strategy" => group.strategy = self.word(key, value, &STRATEGIES).unwrap_or_default(),
                "auto_shutdown" => group.auto_shutdown = self.word(key, value, &AUTO_SHUTDOWNS).unwrap_or_default(),
                "intensity" => restarts = self.restarts(key, value),
                "period" => period = self.duration(key, value),
                _ => self.upkeep(&mut group.upkeep, key, value),
            }
        }
        if restarts.is_some() || period.is_some() {
            let intensity =
                Intensity { restarts: restarts.unwrap_or(USUAL.restarts), period: period.unwrap_or(USUAL.period) };
            group.intensity = Some(intensity);
        }
        group
    }

    fn word<T: Copy>(&mut self, key: &Key<'_>, value: &Value<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(key, value)?;
        let word = text.get_ref().as_str();
        if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == word) {
            return Some(*meaning);
        }
        let names = words.iter().map(|(name, _)| *name);
        let hint = match nearest(word, names.clone()) {
            Some(near) => format!("there is a similar word: `{near}`"),
            None => format!("the words are `{}`", names.collect::<Vec<_>>().join("`, `")),
        };
        self.error(BAD_VALUE, format!("`{}` cannot be `{word}`", key.get_ref()), text.span()).hint = Some(hint);
        None
    }

    fn shutdown(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Shutdown> {
        if let DeValue::String(word) = value.get_ref() {
            match &**word {
                "kill" => return Some(Shutdown::Kill),
                "unlimited" => return Some(Shutdown::Unlimited),
                _ => {}
            }
        }
        self.duration(key, value).map(Shutdown::After)
    }

    fn backoff(&mut self, key: &Key<'_>, value: &Value<'_>) -> Backoff {
        let mut backoff = Backoff::default();
        let Some(table) = self.table(key, value) else { return backoff };
        for (key, value) in self.known(table, &BACKOFF) {
            let Some(time) = self.duration(key, value) else { continue };
            match &**key.get_ref() {
                "first" => backoff.first = time,
                "longest" => backoff.longest = time,
                _ => backoff.reset = time,
            }
        }
        backoff
    }

    fn restarts(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(integer) => u32::from_str_radix(integer.as_str(), integer.radix()).ok(),
            _ => {
                self.wrong_kind(key, value, "an integer");
                return None;
            }
        };
        if number.is_none() {
            self.error(BAD_VALUE, "a number of restarts is between 0 and 4294967295", value.span());
        }
        number
    }

    pub(super) fn duration(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Duration> {
        let text = self.string(key, value)?;
        let duration = parse_duration(text.get_ref());
        if duration.is_none() {
            let message = format!("`{}` cannot be `{}`: that is no time", key.get_ref(), text.get_ref());
            self.error(BAD_VALUE, message, text.span()).hint =
                Some("write a number and its unit: `200ms`, `5s`, `2m` or `1h`".to_owned());
        }
        duration
    }
}

/// Reads a time with its unit: `200ms`, `5s`, `1.5s`, `2m`, `1h`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(unit);
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * factor).ok()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn services_and_groups_say_how_they_are_kept_up() {
        let text = r#"
[supervision]
strategy = "rest_for_one"
[groups.storage]
strategy = "one_for_all"
intensity = 5
restart = "permanent"
[groups.inner]
group = "storage"
period = "1m"
auto_shutdown = "any_significant"
[services.db]
command = ["x"]
restart = "transient"
shutdown = "30s"
significant = true
group = "inner"
backoff = { first = "200ms", longest = "1.5s" }
[services.b]
command = ["x"]
shutdown = "kill"
"#;
        let (file, diagnostics) = read(text);
        assert_eq!(diagnostics, []);
        assert_eq!((file.supervision.strategy, file.supervision.intensity), (Strategy::RestForOne, None));
        let [(_, storage), (name, inner)] = file.groups.as_slice() else { panic!("{:?}", file.groups) };
        assert_eq!(storage.intensity, Some(Intensity { restarts: 5, period: Duration::from_secs(5) }));
        assert_eq!((storage.strategy, storage.upkeep.restart), (Strategy::OneForAll, Some(Restart::Permanent)));
        assert_eq!(inner.intensity, Some(Intensity { restarts: 3, period: Duration::from_secs(60) }));
        assert_eq!((name.get_ref().as_str(), inner.auto_shutdown), ("inner", AutoShutdown::AnySignificant));
        let db = &file.services[0].1.upkeep;
        assert_eq!((db.restart, db.significant), (Some(Restart::Transient), true));
        assert_eq!(db.shutdown, Some(Shutdown::After(Duration::from_secs(30))));
        let (first, longest) = (Duration::from_millis(200), Duration::from_millis(1500));
        assert_eq!(db.backoff, Backoff { first, longest, ..Backoff::default() });
        assert_eq!(file.services[1].1.upkeep.shutdown, Some(Shutdown::Kill));
    }

    #[test]
    fn wrong_words_are_told_with_the_right_ones() {
        let text = "[services.a]\ncommand = [\"x\"]\nrestart = \"permament\"\nshutdown = \"soon\"\nsignificant = 1\n\
                    [groups.g]\nintensity = -1\nstrategy = \"all\"\nbackoff = { first = \"3\" }\n";
        let told: Vec<String> = read(text).1.iter().map(|error| error.message.clone()).collect();
        let expected = [
            "`restart` cannot be `permament`",
            "`shutdown` cannot be `soon`: that is no time",
            "`significant` must be `true` or `false`",
            "a number of restarts is between 0 and 4294967295",
            "`strategy` cannot be `all`",
            "`first` cannot be `3`: that is no time",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn times_have_units() {
        for (text, ms) in [("200ms", 200), ("5s", 5_000), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "-1s", "1.2.3s", "1d", "1e30h", "ü"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
