//! `[services.NAME] watch`: names of files with stars.

use std::borrow::Cow;

use serde_spanned::Spanned;
use toml::de::DeValue;

use super::read::{BAD_VALUE, Reader};
use crate::workspace::Pattern;

impl Reader {
    /// Reads which files a service reads.
    pub(super) fn watch(&mut self, key: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Vec<Pattern> {
        let DeValue::Array(values) = value.get_ref() else {
            self.wrong_kind(key, value, "an array of strings");
            return Vec::new();
        };
        let mut patterns = Vec::new();
        for value in values {
            let Some(text) = self.string(key, value) else { continue };
            match Pattern::parse(text.get_ref()) {
                Ok(pattern) => patterns.push(pattern),
                Err(reason) => {
                    let message = format!("`{}` cannot be watched: {reason}", text.get_ref());
                    let error = self.error(BAD_VALUE, message, text.span());
                    error.hint = Some("write paths relative to this file: `conf/*.yaml`, `assets/**`".to_owned());
                }
            }
        }
        patterns
    }
}
