//! Talking to a running program over its admin socket, once per question.

use std::io;
use std::path::Path;
use std::time::Duration;

use hydro_runtime_shim::contract::{AdminReply, AdminRequest};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// What a program may take; it answers within this time even in the middle of a long tick.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Asks the program that listens there.
///
/// # Errors
/// Nobody answers, or not in our words. What the program itself refuses is a reply.
pub async fn ask(socket: &Path, request: &AdminRequest) -> io::Result<AdminReply> {
    let exchange = async {
        let mut stream = BufReader::new(UnixStream::connect(socket).await?);
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        stream.write_all(line.as_bytes()).await?;
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    };
    tokio::time::timeout(ANSWER_TIME, exchange).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_hangs_up_or_says_nothing_sensible_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert!(ask(&path, &AdminRequest::Health {}).await.is_err());
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        tokio::spawn(async move {
            for answer in ["", "hello\n", "{\"reply\":\"done\",\"remark\":\"well\"}\n"] {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = BufReader::new(stream);
                stream.read_line(&mut String::new()).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let stop = AdminRequest::Stop {};
        assert_eq!(ask(&path, &stop).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(ask(&path, &stop).await.is_err());
        assert_eq!(ask(&path, &stop).await.unwrap(), AdminReply::Done { remark: "well".to_owned() });
    }
}
