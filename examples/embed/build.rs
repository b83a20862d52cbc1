//! Makes Rust functions of the modules in `src/words.hf`.

fn main() {
    hydroflow_standalone::build("src/words.hf");
}
