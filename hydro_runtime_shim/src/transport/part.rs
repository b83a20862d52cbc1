//! The end of a connection whose caller is refused: it hears the reason, whatever it has said by then.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;

/// What a refused caller may still say before it is cut off.
const LAST_BYTES: usize = 64 << 10;
/// How long it has for that.
const LAST_TIME: Duration = Duration::from_secs(1);

/// Says that nothing more comes, and hears the caller out. Closing at once, with bytes unread, would reset the connection, and the reason could get
/// lost.
pub(crate) async fn part(stream: &mut TcpStream) {
    let _ = tokio::time::timeout(LAST_TIME, hear_out(stream)).await;
}

async fn hear_out(stream: &mut TcpStream) {
    let _ = std::future::poll_fn(|context| Pin::new(&mut *stream).poll_shutdown(context)).await;
    let mut bytes = [0; 1024];
    let mut heard = 0;
    while heard < LAST_BYTES && stream.readable().await.is_ok() {
        match stream.try_read(&mut bytes) {
            Ok(count @ 1..) => heard += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return,
        }
    }
}
