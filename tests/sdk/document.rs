//! The scripts of docs/scripts.md run as they stand there, and say the same in both languages.

use crate::support::{node_is_there, programs, repository};

/// Returns the blocks of a language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let inside = |rest: &str| rest.split("```").next().unwrap_or_default().to_owned();
    text.split(&begin).skip(1).map(inside).collect()
}

#[test]
fn documented_scripts_run() {
    let text = std::fs::read_to_string(repository().join("docs/scripts.md")).expect("is there");
    let run = |block: &str, file: &str| {
        programs().workspace().write(file, block);
        programs().workspace().hydro(["run", file]).run().exits(0).stdout
    };
    let (python, javascript) = (blocks(&text, "python"), blocks(&text, "javascript"));
    assert_eq!((python.len(), javascript.len()), (2, 2));
    let expected = ["heard ANN 0\nheard ANN 1\nheard ANN 2\n", "HELLO\nONE TWO\n"];
    for (number, expected) in expected.into_iter().enumerate() {
        assert_eq!(run(&python[number], &format!("documented-{number}.hydro.py")), expected);
        if node_is_there() {
            assert_eq!(run(&javascript[number], &format!("documented-{number}.hydro.mjs")), expected);
        }
    }
}
