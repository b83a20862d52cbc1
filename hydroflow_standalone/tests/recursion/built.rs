//! Builds the programs once, and runs one at a time.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::source::SourceFile;
use hydroflow_standalone::{Options, Products, compile};

/// What a program may take to answer, on a busy machine and in an unoptimised build.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs; ended when dropped.
pub(crate) struct Running {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Running {
    /// Starts a program.
    pub(crate) fn start(name: &str) -> Self {
        let mut command = Command::new(binary());
        command.env("PROGRAM", name).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, input, lines }
    }

    /// Expects a line.
    pub(crate) fn expect(&self, expected: &str) {
        assert_eq!(self.lines.recv_timeout(PATIENCE).as_deref(), Ok(expected));
    }

    /// Gives a program a line.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    /// Gives a program a line, and expects one.
    pub(crate) fn tick(&mut self, line: &str, expected: &str) {
        self.say(line);
        let answer = self.lines.recv_timeout(PATIENCE);
        assert_eq!(answer.as_deref(), Ok(expected), "after `{line}`");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> &'static Path {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    BINARY.get_or_init(build).as_deref().expect("the programs build")
}

/// Builds all programs. None: cargo said why not.
fn build() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recursion");
    let source = place.join("src");
    std::fs::create_dir_all(&source).unwrap();
    let (mut modules, mut arms) = (String::new(), String::new());
    let mut all = programs(&here.join("tests/recursion/programs"));
    for (number, example) in examples().iter().enumerate() {
        let name = format!("example_{number}");
        all.push((name.clone(), rust(&format!("{name}.hf"), &example.program)));
    }
    for (name, text) in all {
        write_changed(&source.join(format!("{name}.rs")), &text);
        writeln!(modules, "#[allow(unused_attributes, unused_imports)]\nmod {name};").unwrap();
        writeln!(arms, "        \"{name}\" => {name}::main(),").unwrap();
    }
    let main = format!(
        "#![recursion_limit = \"512\"]\n{modules}\nfn main() -> std::process::ExitCode {{\n    match std::env::var(\"PROGRAM\").unwrap().as_str() {{\n{arms}        \
         other => panic!(\"no program {{other}}\"),\n    }}\n}}\n"
    );
    write_changed(&source.join("main.rs"), &main);
    let shim = here.join("../hydro_runtime_shim").canonicalize().unwrap();
    let manifest = format!(
        "[package]\nname = \"recursion\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[profile.dev]\ndebug = false\n\n[dependencies]\n\
         hydro_runtime_shim = {{ path = {shim:?}, features = [\"runtime\"] }}\n"
    );
    write_changed(&place.join("Cargo.toml"), &manifest);
    let lock = std::fs::read_to_string(here.join("../Cargo.lock")).unwrap();
    if !place.join("Cargo.lock").exists() {
        write_changed(&place.join("Cargo.lock"), &lock);
    }
    let mut cargo = Command::new(env!("CARGO"));
    let target = place.join("target");
    cargo.args(["build", "--quiet", "--offline"]).current_dir(&place).env("CARGO_TARGET_DIR", &target);
    cargo.status().unwrap().success().then(|| target.join("debug/recursion"))
}

/// Returns the programs as Rust, by name.
fn programs(folder: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let program = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        (
            path.file_stem().unwrap().to_str().unwrap().to_owned(),
            rust(path.file_name().unwrap().to_str().unwrap(), &text),
        )
    };
    paths.iter().map(program).collect()
}

fn rust(name: &str, text: &str) -> String {
    let (rust, said) = compiled(name, text);
    assert!(said.is_empty(), "{}", said.join("\n"));
    rust.unwrap()
}

/// Compiles a program. Returns it as Rust, and what was said.
pub(crate) fn compiled(name: &str, text: &str) -> (Option<String>, Vec<String>) {
    let source = SourceFile::new(name, text);
    let options = Options {
        program: name.trim_end_matches(".hf").to_owned(),
        graph: GraphOptions { type_guards: true },
        products: Products::All,
        root: String::new(),
    };
    let (compiled, diagnostics) = compile(&source, &options);
    let said = diagnostics.iter().map(|diagnostic| diagnostic.render(&source, false)).collect();
    (compiled.map(|compiled| compiled.plain.unwrap()), said)
}

/// A program in the documentation.
pub(crate) struct Example {
    pub(crate) program: String,
    /// What it prints.
    pub(crate) prints: String,
}

/// Returns the programs of docs/recursion.md that run; what each prints stands behind it.
pub(crate) fn examples() -> Vec<Example> {
    let blocks = blocks();
    let runs = blocks.windows(2).filter(|pair| pair[0].0 == "hf" && pair[1].0 == "text");
    runs.map(|pair| Example { program: pair[0].1.clone(), prints: pair[1].1.clone() }).collect()
}

/// Returns the programs of docs/recursion.md that are wrong.
pub(crate) fn wrong_examples() -> Vec<String> {
    blocks().into_iter().filter(|(kind, _)| kind == "hf wrong").map(|(_, text)| text).collect()
}

/// The fenced blocks of docs/recursion.md: what the fence says, and the text.
fn blocks() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recursion.md");
    let page = std::fs::read_to_string(page).unwrap();
    let inside = page.split("```").skip(1).step_by(2);
    inside.map(|block| block.split_once('\n').unwrap()).map(|(kind, text)| (kind.to_owned(), text.to_owned())).collect()
}

/// Writes a file unless it is the same, so that cargo does not build again.
fn write_changed(path: &Path, text: &str) {
    if std::fs::read_to_string(path).ok().as_deref() != Some(text) {
        std::fs::write(path, text).unwrap();
    }
}
