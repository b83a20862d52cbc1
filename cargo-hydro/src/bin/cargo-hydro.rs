//! One program under two names: `cargo hydro …` and `hydro …`.

fn main() -> std::process::ExitCode {
    cargo_hydro::main()
}
