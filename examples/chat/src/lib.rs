//! What the programs of the chat say to each other. Its `.hf` programs use this library by its name.

use serde::{Deserialize, Serialize};

/// What a client says to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToServer {
    /// It comes in under a name.
    Join { name: String },
    /// It says something.
    Say { text: String },
    /// It goes.
    Leave,
}

/// What the server tells every client that is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToClient {
    /// Somebody came in.
    Joined { name: String },
    /// Somebody said something.
    Said { name: String, text: String },
    /// Somebody went.
    Left { name: String },
}
