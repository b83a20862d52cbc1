//! Bytes of strangers: as a sender that was welcomed, as a receiver, as a caller who was not heard yet.
#![no_main]

use hydro_runtime_shim::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((who, bytes)) = bytes.split_first() else { return };
    match who % 3 {
        0 => fuzzing::sender(bytes),
        1 => fuzzing::receiver(bytes),
        _ => fuzzing::caller(bytes),
    }
});
