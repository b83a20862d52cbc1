//! Which tests are meant: words from the command line against `file::function`.

/// What the user wants to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A test is meant if its name holds one of these; none at all means every test.
    pub words: Vec<String>,
    /// Whether a word must be the whole name: `file::function`, or `function`.
    pub exact: bool,
}

impl Filter {
    /// Whether the test of that name is meant.
    #[must_use]
    pub fn takes(&self, test: &str) -> bool {
        let function = test.rsplit_once("::").map_or(test, |(_, function)| function);
        self.words.is_empty()
            || self
                .words
                .iter()
                .any(|word| if self.exact { word == test || word == function } else { test.contains(word.as_str()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parts_or_with_exact_the_whole() {
        let filter = |words: &[&str], exact| Filter { words: words.iter().map(|word| (*word).into()).collect(), exact };
        let test = "tests/echo.hydro.py::test_two";
        for (words, exact, taken) in [
            (&[][..], false, true),
            (&["echo"], false, true),
            (&["nothing", "test_t"], false, true),
            (&["nothing"], false, false),
            (&["test_t"], true, false),
            (&["test_two"], true, true),
            (&["tests/echo.hydro.py::test_two"], true, true),
        ] {
            assert_eq!(filter(words, exact).takes(test), taken, "{words:?} {exact}");
        }
    }
}
