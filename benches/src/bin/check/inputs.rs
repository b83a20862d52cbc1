//! What is checked: programs of this repository, a program of twenty modules, and one long module.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use benches::hydro::benches_folder;
use hydroflow_standalone::source::SourceFile;

/// Files that are checked together.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    /// The name of its package.
    pub(crate) folder: &'static str,
    pub(crate) sources: Vec<SourceFile>,
    /// The seconds it may take.
    pub(crate) bar: Option<f64>,
}

/// Where programs of this repository are: all but those that need other files.
const FOLDERS: [&str; 5] =
    ["examples/chat/src", "examples/echo/src", "examples/embed/src", "examples/kvs/src", "tests/modules/programs/src"];

/// What all inputs are made of, in the order they are measured.
pub(crate) fn all() -> Result<Vec<Input>, String> {
    Ok(vec![
        Input { name: "20 programs", folder: "programs", sources: programs()?, bar: Some(0.050) },
        Input { name: "20 modules in one program", folder: "parts", sources: vec![parts(20)], bar: Some(0.050) },
        Input { name: "a module of 2,000 lines", folder: "long", sources: vec![long(2_000)], bar: Some(0.100) },
        Input { name: "a module of 20,000 lines", folder: "longer", sources: vec![long(20_000)], bar: None },
    ])
}

/// The inputs with a bar.
pub(crate) fn usual() -> Vec<String> {
    ["programs", "parts", "long"].map(str::to_owned).to_vec()
}

impl Input {
    pub(crate) fn lines(&self) -> usize {
        self.sources.iter().map(|source| source.text().lines().count()).sum()
    }

    /// Writes a package of these files.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("cannot write `{}`: {error}", folder.display());
        let manifest = format!("[workspace]\n\n[package]\nname = \"{}\"\nedition = \"2024\"\n", self.folder);
        fs::create_dir_all(folder.join("src")).map_err(failed)?;
        fs::write(folder.join("Cargo.toml"), manifest).map_err(failed)?;
        fs::write(folder.join("src/lib.rs"), "").map_err(failed)?;
        for source in &self.sources {
            fs::write(folder.join(source.name()), source.text()).map_err(failed)?;
        }
        Ok(())
    }
}

fn programs() -> Result<Vec<SourceFile>, String> {
    let root = benches_folder().parent().unwrap_or(benches_folder());
    let mut found = Vec::new();
    for folder in FOLDERS {
        let failed = |error: std::io::Error| format!("cannot read `{folder}`: {error}");
        for entry in fs::read_dir(root.join(folder)).map_err(failed)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".hf") {
                let text = fs::read_to_string(entry.path()).map_err(failed)?;
                found.push(SourceFile::new(format!("src/{name}"), text));
            }
        }
    }
    found.sort_by(|a, b| a.name().cmp(b.name()));
    match found.len() {
        20 => Ok(found),
        other => Err(format!("there are {other} programs, not 20; `FOLDERS` says where they are")),
    }
}

/// A module that counts words, as people write one.
const PART: &str = r#"
/// Counts what comes in by its key, and tells of each key that is over the limit.
module count_NUMBER(
    /// What is counted.
    input items: (String, u64),
    /// Keys that begin anew.
    input resets: String,
    /// The counts so far.
    output counts: (String, u64),
    /// Keys over the limit.
    output alarms: String,
    param limit: u64 = 100
) {
    items -> filter(|(key, n): &(String, u64)| !key.is_empty() && *n > 0)
        -> map(|(key, n)| (key, Some(n)))
        -> [0]changes;
    resets -> unique::<'tick>() -> map(|key| (key, None)) -> [1]changes;
    changes = union()
        -> fold_keyed::<'static>(|| 0_u64, |sum: &mut u64, change: Option<u64>| match change {
            Some(n) => *sum += n,
            None => *sum = 0,
        })
        -> tee();
    changes -> counts;
    changes
        -> filter(|(_, sum): &(String, u64)| *sum > limit)
        -> map(|(key, sum)| format!("{key} has {sum}, which is over {limit}"))
        -> alarms;
}
"#;

/// A program with as many modules of its own, each used once.
fn parts(count: usize) -> SourceFile {
    let mut text = String::from("use std::time::Duration;\n");
    for number in 1..=count {
        text.push_str(&PART.replace("NUMBER", &number.to_string()));
    }
    text.push_str("\nmodule main(input words: String, output told: String) {\n    said = words -> tee();\n");
    text.push_str("    beats = source_interval(Duration::from_secs(1)) -> tee();\n    all = union() -> told;\n");
    for number in 1..=count {
        let _ = write!(
            text,
            "    part_{number} = count_{number}(limit: {number});
    said -> map(|word: String| (word, {number})) -> [items]part_{number};
    beats -> map(|_| \"all\".to_owned()) -> [resets]part_{number};
    part_{number}[counts] -> map(|(key, n)| format!(\"{{key}}: {{n}}\")) -> all;
    part_{number}[alarms] -> all;
"
        );
    }
    text.push_str("}\n");
    SourceFile::new("src/parts.hf", text)
}

/// Twelve lines of one module.
const STEP: &str = r#"
    // Step NUMBER: what came is joined with what was there.
    step_NUMBER = FROM -> map(|(key, n): (u64, u64)| (key % 16, n + NUMBER)) -> tee();
    step_NUMBER -> [0]joined_NUMBER;
    words -> filter(|word: &String| word.len() > NUMBER)
        -> map(|word| (word.len() as u64, word))
        -> [1]joined_NUMBER;
    joined_NUMBER = join::<'tick, 'static>()
        -> map(|(key, (n, word)): (u64, (u64, String))| format!("{key} {n} {word}"))
        -> inspect(|line: &String| if line.len() > 80 { eprintln!("{line} is long") })
        -> all;
    step_NUMBER -> fold::<'static>(|| 0, |sum: &mut u64, (_, n): (u64, u64)| *sum += n) -> null();
"#;

/// A module of about so many lines.
fn long(lines: usize) -> SourceFile {
    let mut text = String::from("module main(input heard: String, input numbers: (u64, u64), output told: String) {\n");
    text.push_str("    words = heard -> tee();\n    start = numbers -> tee();\n    all = union() -> told;\n");
    for number in 1..=lines / 12 {
        // Each tenth step begins anew, so the steps form groups and not one chain.
        let from = if number % 10 == 1 { "start".to_owned() } else { format!("step_{}", number - 1) };
        text.push_str(&STEP.replace("NUMBER", &number.to_string()).replace("FROM", &from));
    }
    text.push_str("}\n");
    SourceFile::new("src/long.hf", text)
}
