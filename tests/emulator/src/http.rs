//! HTTP/1.1 as far as the API takes it: connections that stay, bodies with a length.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    /// An answer in JSON.
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type".into(), "application/json".into())], body: body.to_string() }
    }

    /// An error as Google tells it.
    pub(super) fn error(status: u16, reason: &str, message: &str) -> Self {
        let one = serde_json::json!({ "domain": "global", "reason": reason, "message": message });
        let error = serde_json::json!({ "error": { "code": status, "message": message, "errors": [one] } });
        Self::json(status, &error)
    }
}

/// Serves each connection on a thread of its own.
pub(super) fn serve(listener: &TcpListener, answer: &(impl Fn(Asked) -> Option<Answer> + Clone + Send + 'static)) {
    for stream in listener.incoming().flatten() {
        let answer = answer.clone();
        std::thread::spawn(move || connection(&stream, &answer));
    }
}

fn connection(stream: &TcpStream, answer: &impl Fn(Asked) -> Option<Answer>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let asked = read(&mut reader)?;
        let Some(Answer { status, headers, body }) = answer(asked) else {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return None;
        };
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("HTTP/1.1 {status} .\r\n{headers}content-length: {}\r\n\r\n", body.len());
        let mut writer: &TcpStream = stream;
        writer.write_all(format!("{head}{body}").as_bytes()).ok()?;
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let mut words = line.split_whitespace();
    let (method, address) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = address.split_once('?').unwrap_or((&address, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    Some(Asked { method, path: path.to_owned(), query, headers, body: String::from_utf8(body).ok()? })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.extend(u8::from_str_radix(&digits, 16));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
