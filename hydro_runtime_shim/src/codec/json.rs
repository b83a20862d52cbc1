//! JSON texts, each followed by a newline: the encoding for scripts, `nc` and programs of other languages.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{CodecError, Format};

/// One JSON text a line.
pub(crate) struct Json;

impl Format for Json {
    fn append<T: Serialize + ?Sized>(record: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        serde_json::to_writer(&mut *out, record).map_err(|error| CodecError::Custom(error.to_string()))?;
        out.push(b'\n');
        Ok(())
    }

    fn take<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, CodecError> {
        // The last line may lack its newline: the frame's end is an end as well.
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let (line, rest) = bytes.split_at(end);
        let record = serde_json::from_slice(line).map_err(|error| {
            let text: String = String::from_utf8_lossy(line).chars().take(80).collect();
            CodecError::Custom(format!("`{text}`: {error}"))
        })?;
        *bytes = rest.get(1..).unwrap_or_default();
        Ok(record)
    }
}
