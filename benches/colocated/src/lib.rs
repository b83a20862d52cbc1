//! Messages of three sizes, which know nothing of how they travel.

use serde::{Deserialize, Serialize};

/// 64 bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Line {
    /// What it holds.
    pub words: [u64; 8],
}

/// 1 KiB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page {
    /// What it holds.
    pub words: [[u64; 32]; 4],
}
