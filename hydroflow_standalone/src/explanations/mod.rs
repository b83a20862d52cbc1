//! What each code means: a text per code, with a wrong example and the right one.
//!
//! The texts stand in Markdown files beside this one, named by their codes. Codes that begin with `HF` are about `.hf` files, those with `HT` about
//! `Hydro.toml`; both live here since their diagnostics share one form. Every code that is ever told has its text, and each wrong example gives its code:
//! the system's tests see to both.

/// The long explanation of a diagnostic's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code: `HF0103`.
    pub code: &'static str,
    /// Markdown: a heading with the code and a short title, what it means, and mostly the sections `Wrong` and `Right` with an example each.
    pub text: &'static str,
}

macro_rules! explanations {
    ($($code:literal),* $(,)?) => {
        &[$(Explanation { code: $code, text: include_str!(concat!($code, ".md")) }),*]
    };
}

/// All explanations, in the order of their codes.
pub const EXPLANATIONS: &[Explanation] = explanations![
    "HF0000", "HF0001", "HF0002", "HF0003", "HF0004", "HF0005", "HF0006", "HF0007", "HF0010", "HF0011", "HF0012",
    "HF0013", "HF0014", "HF0101", "HF0102", "HF0103", "HF0104", "HF0105", "HF0106", "HF0107", "HF0108", "HF0109",
    "HF0110", "HF0111", "HF0112", "HF0113", "HF0114", "HF0115", "HF0116", "HF0117", "HF0118", "HF0120", "HF0121",
    "HF0122", "HF0123", "HF0125", "HF0126", "HF0127", "HF0199", "HF0201", "HF0202", "HF0203", "HF0210", "HF0211",
    "HT0001", "HT0002", "HT0003", "HT0004", "HT0005", "HT0006", "HT0007", "HT0101", "HT0102", "HT0103", "HT0104",
    "HT0105",
];

/// Returns the explanation of a code. Small letters will do, and so will the number alone for codes of `.hf` files.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static Explanation> {
    let asked = code.trim().to_ascii_uppercase();
    let is_number = !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit());
    let full = if is_number { format!("HF{asked:0>4}") } else { asked };
    EXPLANATIONS.iter().find(|explanation| explanation.code == full)
}

impl Explanation {
    /// Returns what the heading says after the code.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let heading = self.text.lines().next().unwrap_or_default();
        heading.split_once(": ").map_or(heading, |(_, title)| title)
    }

    /// Returns the example under the heading `section` (`Wrong` or `Right`).
    #[must_use]
    pub fn example(&self, section: &str) -> Option<&'static str> {
        let (_, after) = self.text.split_once(&format!("\n## {section}\n"))?;
        let (_, block) = after.split_once("```")?;
        let (_, code) = block.split_once('\n')?;
        code.split_once("\n```").map(|(code, _)| code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_a_heading_with_their_code_and_stand_in_order() {
        for explanation in EXPLANATIONS {
            let heading = format!("# {}: ", explanation.code);
            assert!(explanation.text.starts_with(&heading), "{}", explanation.code);
            assert_eq!(explanation.example("Wrong").is_some(), explanation.example("Right").is_some());
        }
        assert!(EXPLANATIONS.is_sorted_by_key(|explanation| explanation.code));
    }

    #[test]
    fn codes_are_found_as_people_write_them() {
        assert_eq!(explanation("HF0103").map(Explanation::title), Some("a name that nothing has"));
        assert_eq!(explanation(" hf0103"), explanation("103"));
        assert!(explanation("ht0003").is_some());
        assert_eq!(explanation("HF9999"), None);
        assert_eq!(explanation(""), None);
    }
}
