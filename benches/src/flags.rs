//! The command line: `--name value` and `--name`. Knows no meanings.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Flags as they were given.
#[derive(Debug, Default)]
pub struct Flags {
    given: BTreeMap<String, Option<String>>,
}

impl Flags {
    /// Reads the process's arguments, of which only these flags are known; those that end in `=` take a value.
    ///
    /// # Errors
    /// A flag is not known, lacks its value, or is no flag.
    pub fn read(known: &[&str]) -> Result<Self, String> {
        let mut given = BTreeMap::new();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let named = known.iter().find(|flag| flag.trim_end_matches('=') == argument);
            let flag = named.ok_or_else(|| format!("`{argument}` is not among {}", known.join(" ")))?;
            let value = if flag.ends_with('=') {
                Some(arguments.next().ok_or_else(|| format!("`{argument}` needs a value"))?)
            } else {
                None
            };
            given.insert(argument, value);
        }
        Ok(Self { given })
    }

    /// Tells whether a flag is there.
    pub fn has(&self, flag: &str) -> bool {
        self.given.contains_key(flag)
    }

    /// Returns a flag's value, or what it is without.
    ///
    /// # Errors
    /// The value cannot be read.
    pub fn value<T: FromStr>(&self, flag: &str, otherwise: T) -> Result<T, String> {
        match self.given.get(flag) {
            Some(Some(text)) => text.parse().map_err(|_| format!("`{flag} {text}` cannot be read")),
            _ => Ok(otherwise),
        }
    }

    /// Returns the values of a flag that takes several, with commas between them, or those it has without.
    ///
    /// # Errors
    /// A value cannot be read.
    pub fn values<T: FromStr + Clone>(&self, flag: &str, otherwise: &[T]) -> Result<Vec<T>, String> {
        match self.given.get(flag) {
            Some(Some(text)) => text
                .split(',')
                .map(|part| part.parse().map_err(|_| format!("`{part}` of `{flag}` cannot be read")))
                .collect(),
            _ => Ok(otherwise.to_vec()),
        }
    }
}
