//! What the programs of the test suites share.

/// Fails for three, so that a panic begins in a library and passes through a closure.
pub fn refuse_three(number: u64) -> u64 {
    assert_ne!(number, 3, "three is refused");
    number
}
