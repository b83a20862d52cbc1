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
            match path(line, error.column()).as_str() {
                "" => CodecError::Custom(format!("`{text}`: {error}")),
                path => CodecError::Custom(format!("`{text}`: at `{path}`: {error}")),
            }
        })?;
        *bytes = rest.get(1..).unwrap_or_default();
        Ok(record)
    }
}

/// Returns where in a record a column is, as a path of fields and indices: `[1].name`. Empty: at the top, or the text is no JSON there.
fn path(line: &[u8], column: usize) -> String {
    let mut path: Vec<Part<'_>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = line.get(at).filter(|_| at < column) {
        match byte {
            b'{' => path.push(Part::Field(&[])),
            b'[' => path.push(Part::Index(0)),
            b'}' | b']' => drop(path.pop()),
            b',' => match path.last_mut() {
                Some(Part::Index(index)) => *index += 1,
                Some(Part::Field(name)) => *name = &[],
                None => {}
            },
            b'"' => {
                let text = string(&line[at + 1..]);
                at += text.len() + 1;
                if let Some(Part::Field(name)) = path.last_mut()
                    && name.is_empty()
                {
                    *name = text;
                }
            }
            _ => {}
        }
        at += 1;
    }
    path.iter().map(Part::text).collect::<String>().trim_start_matches('.').to_owned()
}

/// A step into a value.
enum Part<'a> {
    Field(&'a [u8]),
    Index(usize),
}

impl Part<'_> {
    fn text(&self) -> String {
        match self {
            Self::Field(b"") => String::new(),
            Self::Field(name) => format!(".{}", String::from_utf8_lossy(name)),
            Self::Index(index) => format!("[{index}]"),
        }
    }
}

/// Returns a string's text up to its closing quote, as it is written.
fn string(bytes: &[u8]) -> &[u8] {
    let mut escaped = false;
    let end = bytes.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    &bytes[..end.unwrap_or(bytes.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_path() {
        let wrong = |text: &str| {
            let mut bytes = text.as_bytes();
            let taken = Json::take::<(String, Vec<std::time::Duration>)>(&mut bytes);
            taken.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(
            wrong(r#"["a",[{"secs":1,"nanos":0},{"secs":"x","nanos":0}]]"#).contains("at `[1][1].secs`: invalid type")
        );
        assert!(wrong(r#"["a\"",[{"secs":1}]]"#).contains("at `[1][0]`: missing field `nanos`"));
        assert!(wrong(r#"["a",5]"#).contains("at `[1]`: invalid type: integer `5`"));
        assert!(!wrong("5").contains("at `"));
        assert_eq!(path(br#"{"a":{"b":[1,{"c":2}]}}"#, 19), "a.b[1].c");
        assert_eq!(path(b"]]}{\"", 9), "");
    }
}
