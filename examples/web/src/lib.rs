//! What the store says to the web server and to the database: lines of JSON, as both are programs in Python.

use serde::{Deserialize, Serialize};

/// A value under its key. Of two the one with the larger version counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Its how many-th write it was, of all keys.
    pub version: u64,
}

/// What somebody at the web server wants. The answer has the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Of the server's own making.
    pub id: String,
    /// What is wanted.
    pub want: Want,
}

/// What can be wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// Keep a value.
    Put { key: String, value: String },
    /// Tell a value.
    Get { key: String },
    /// Tell all values.
    All,
}

/// What the server is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To who wanted it: the rows that were asked for, or the one that was written.
    Answer { id: String, rows: Vec<Row> },
    /// To everybody who looks: a row is new.
    Changed(Row),
}

/// What the database has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Statement {
    /// Tell all rows.
    Load,
    /// Keep a row; `id` is the request's.
    Write { id: String, row: Row },
}

/// What the database says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stored {
    /// All rows.
    Loaded(Vec<Row>),
    /// The row is on disk.
    Written { id: String, row: Row },
}
