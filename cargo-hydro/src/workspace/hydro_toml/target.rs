//! `target`, `builder` and `libc` of a machine: what programs for it are built for, word for word.
//!
//! Does not know which targets there are.

use serde_spanned::Spanned;

use super::read::{BAD_VALUE, Reader};

/// What a machine's table says of building for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawTarget {
    /// `target`: a triple.
    pub target: Option<Spanned<String>>,
    /// `builder`: `cargo`, `zigbuild` or `cross`.
    pub builder: Option<Spanned<String>>,
    /// `libc`: `musl`, or a version of glibc.
    pub libc: Option<Spanned<String>>,
}

impl Reader {
    pub(super) fn target(&mut self, target: &mut RawTarget, key: &str, word: Spanned<String>) {
        let is_version =
            |text: &str| text.split('.').count() == 2 && text.split('.').all(|part| part.parse::<u32>().is_ok());
        let (place, is_good, hint) = match key {
            "target" => {
                (&mut target.target, !word.get_ref().is_empty(), "`rustc --print target-list` lists the targets")
            }
            "builder" => (
                &mut target.builder,
                matches!(word.get_ref().as_str(), "cargo" | "zigbuild" | "cross"),
                "the builders are `cargo`, `zigbuild` and `cross`; without one, what is found builds",
            ),
            _ => (
                &mut target.libc,
                word.get_ref() == "musl" || is_version(word.get_ref()),
                "`\"musl\"` for a program that needs no library, or the oldest glibc it has to run with: `\"2.17\"`",
            ),
        };
        if is_good {
            *place = Some(word);
        } else {
            let error = self.error(BAD_VALUE, format!("`{key}` cannot be `{}`", word.get_ref()), word.span());
            error.hint = Some(hint.to_owned());
        }
    }
}
