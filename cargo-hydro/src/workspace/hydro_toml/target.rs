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

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn wishes_of_a_machine_are_read_and_wrong_words_are_told_at_their_place() {
        let text = "[machines.board]\nkind = \"localhost\"\ntarget = \"aarch64-unknown-linux-gnu\"\nlibc = \"2.17\"\nbuilder = \"zigbuild\"\n";
        let (file, diagnostics) = read(text);
        assert_eq!(diagnostics, []);
        let target = &file.machines[0].1.target;
        let words =
            [&target.target, &target.libc, &target.builder].map(|word| word.as_ref().unwrap().get_ref().as_str());
        assert_eq!(words, ["aarch64-unknown-linux-gnu", "2.17", "zigbuild"]);
        for (line, part) in [
            ("libc = \"new\"", "`libc` cannot be `new`"),
            ("libc = 2.17", "`libc` must be a string"),
            ("builder = \"make\"", "`builder` cannot be `make`"),
            ("target = \"\"", "`target` cannot be ``"),
        ] {
            let text = format!("[machines.board]\nkind = \"localhost\"\n{line}\n");
            let (_, told) = read(&text);
            assert!(
                told.len() == 1 && told[0].message == part && told[0].hint.is_some() == line.contains('"'),
                "{told:?}"
            );
            assert!(text[told[0].primary.span.clone()].contains(line.split(" = ").nth(1).unwrap()), "{told:?}");
        }
    }
}
