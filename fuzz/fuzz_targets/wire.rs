//! Bytes of strangers: as a sender that was welcomed, as a receiver, as a caller who was not heard yet.
#![no_main]

use hydro_runtime_shim::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: ignore_broken_pipes(), |bytes: &[u8]| {
    let Some((who, bytes)) = bytes.split_first() else { return };
    match who % 3 {
        0 => fuzzing::sender(bytes),
        1 => fuzzing::receiver(bytes),
        _ => fuzzing::caller(bytes),
    }
});

/// Rust programs do this before `main`, which here is the fuzzer's.
fn ignore_broken_pipes() {
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
