//! Numbers that look random and are the same in each run.

/// See the module.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Returns the next number, below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
