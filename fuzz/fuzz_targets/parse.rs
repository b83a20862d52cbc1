//! Any text through the parser and the headers: no crash, no hang, and every diagnostic can be shown.
#![no_main]

use hydroflow_standalone::interfaces;
use hydroflow_standalone::source::SourceFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = SourceFile::new("fuzz.hf", text);
    let (_, diagnostics) = interfaces(&source);
    for diagnostic in diagnostics {
        assert!(diagnostic.render(&source, false).contains(diagnostic.code));
    }
});
