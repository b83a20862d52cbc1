//! How long to wait before a child is started again: nothing the first time, then ever longer, until it has been well for a while.
//!
//! OTP has no such pause; without one a program that fails at once uses up any intensity within milliseconds.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The pauses before restarts: none before the first, then `first`, and twice as long each time up to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Before the second restart in a row.
    pub first: Duration,
    /// Never more.
    pub longest: Duration,
    /// Who has been up this long begins anew.
    pub reset: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(50), longest: Duration::from_secs(5), reset: Duration::from_secs(5) }
    }
}

impl Backoff {
    /// No pause, ever: OTP's own way.
    pub const NONE: Self = Self { first: Duration::ZERO, longest: Duration::ZERO, reset: Duration::ZERO };

    /// Returns the pause before the restart that follows `before` others in a row. Up to a quarter is left out, by the name and the number, so that
    /// services that fell together do not rise together.
    #[must_use]
    pub fn pause(&self, name: &str, before: u32) -> Duration {
        let Some(doublings) = before.checked_sub(1) else { return Duration::ZERO };
        let whole =
            self.first.saturating_mul(1_u32.checked_shl(doublings.min(31)).unwrap_or(u32::MAX)).min(self.longest);
        let mut hasher = DefaultHasher::new();
        (name, before).hash(&mut hasher);
        let share = u32::try_from(hasher.finish() % 256).unwrap_or(0);
        whole - whole / 4 * share / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..40).map(|before| backoff.pause("a", before)).collect();
        assert_eq!(pauses[0], Duration::ZERO);
        assert!(pauses[1] >= Duration::from_micros(37_500) && pauses[1] <= backoff.first, "{pauses:?}");
        assert!(pauses[2] > pauses[1] && pauses[3] > pauses[2], "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= backoff.longest));
        assert!(pauses[39] >= backoff.longest * 3 / 4);
        assert_ne!(backoff.pause("a", 9), backoff.pause("b", 9));
        assert_eq!(Backoff::NONE.pause("a", 7), Duration::ZERO);
    }
}
