//! As much of HTTP as `curl --unix-socket` and Prometheus' agents need: GET and HEAD of a few paths, one request per connection.
//!
//! Knows no program: [`super::server`] says what there is.

/// A request's first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    method: String,
    /// The path, without what follows `?`.
    pub(super) path: String,
}

impl RequestLine {
    /// Reads it; none: the line is no HTTP.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_method || !version.starts_with("HTTP/1.") || words.next().is_some() {
            return None;
        }
        let path = target.split('?').next().unwrap_or_default().to_owned();
        Some(Self { method: method.to_owned(), path })
    }

    /// Tells whether something is only asked.
    pub(super) fn asks(&self) -> bool {
        self.method == "GET" || self.has_no_body()
    }

    /// Tells whether the answer's body is left out.
    pub(super) fn has_no_body(&self) -> bool {
        self.method == "HEAD"
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// Code and reason.
    pub(super) status: &'static str,
    /// The body's type.
    pub(super) content: &'static str,
    /// The body.
    pub(super) body: String,
}

impl Response {
    /// The type of JSON.
    pub(super) const JSON: &'static str = "application/json";
    /// The type of Prometheus' text format.
    pub(super) const PROMETHEUS: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Returns an answer for people.
    pub(super) fn text(status: &'static str, body: &str) -> Self {
        Self { status, content: "text/plain; charset=utf-8", body: format!("{body}\n") }
    }

    /// Returns the bytes.
    pub(super) fn bytes(&self, without_body: bool) -> Vec<u8> {
        let Self { status, content, body } = self;
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        let body = if without_body { "" } else { body };
        [head.as_bytes(), body.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_are_told_from_json() {
        let path = |line| RequestLine::parse(line).map(|line| (line.asks(), line.path));
        assert_eq!(path("GET /metrics?x=1 HTTP/1.1"), Some((true, "/metrics".to_owned())));
        assert_eq!(path("POST /stop HTTP/1.0"), Some((false, "/stop".to_owned())));
        for line in
            ["", "GET /", "get / HTTP/1.1", "GET / HTTP/2", "GET / HTTP/1.1 x", "{\"request\": \"a b HTTP/1.1\"}"]
        {
            assert_eq!(path(line), None, "{line}");
        }
    }
}
