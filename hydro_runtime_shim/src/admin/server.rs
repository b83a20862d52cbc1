//! The thread that answers. It needs the program's thread only for wishes that change something.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::LocalSet;

use super::AdminSocket;
use super::control::Wish;
use super::http::{RequestLine, Response};
use super::lines::Lines;
use crate::bind::BindError;
use crate::contract::{AdminReply, AdminRequest, Health, Metrics, Missing};
use crate::link::Meters;
use crate::transport::{Callers, Socket};

/// Callers at once; more wait.
const CALLERS: usize = 32;
/// What the program's thread may take for a wish before the caller is told that it takes longer.
const PROGRAM_TIME: Duration = Duration::from_secs(5);
/// What an HTTP request's head may take.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Lines of such a head.
const HEAD_LINES: usize = 100;
/// The pause after the system refuses a connection.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// The program, as it is shown.
#[derive(Debug)]
pub(crate) struct About {
    /// Its name.
    pub(crate) program: &'static str,
    /// Its deployment.
    pub(crate) deployment: String,
    /// Its service.
    pub(crate) service: String,
    /// Its number in the service.
    pub(crate) member: u32,
    /// What it counts.
    pub(crate) meters: Arc<Meters>,
    /// Notified when it shall stop.
    pub(crate) stop: Arc<Notify>,
}

/// Starts the thread; returns the wishes that the program's thread is to fulfil.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn serve(socket: &AdminSocket, about: About) -> Result<mpsc::UnboundedReceiver<Wish>, BindError> {
    let failed = |error: io::Error| BindError::System { action: "open the admin socket", reason: error.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let guard = runtime.enter();
    let listener = socket.listener().and_then(UnixListener::from_std).map_err(failed)?;
    drop(guard);
    let callers = socket.callers();
    let (wish, wishes) = mpsc::unbounded_channel();
    let run = move || {
        LocalSet::new().block_on(&runtime, accept(listener, callers, Rc::new(Server { about, wish })));
    };
    let thread = std::thread::Builder::new().name("admin".to_owned()).stack_size(256 << 10);
    thread.spawn(run).map_err(failed)?;
    Ok(wishes)
}

async fn accept(listener: UnixListener, callers: Callers, server: Rc<Server>) {
    let places = Arc::new(Semaphore::new(CALLERS));
    loop {
        // The semaphore is never closed, so an error cannot be.
        let place = Arc::clone(&places).acquire_owned().await;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The program has ended; the process may go on, with others.
            () = server.wish.closed() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(REFUSED_PAUSE).await;
            continue;
        };
        let user = stream.peer_cred().map(|peer| peer.uid());
        let (server, socket) = (Rc::clone(&server), Socket::Unix(stream));
        tokio::task::spawn_local(async move {
            // A caller that hangs up in the middle need not be told of it.
            let _ = match user {
                Ok(user) if callers.may(user) => server.converse(&socket).await,
                _ => tokio::time::timeout(HEAD_TIME, turn_away(&socket)).await.unwrap_or(Ok(())),
            };
            drop(place);
        });
    }
}

/// Tells a caller that it may not call. It is heard first: who is cut off while speaking does not listen.
async fn turn_away(socket: &Socket) -> io::Result<()> {
    const REASON: &str = "only the program's own user may talk to it";
    let mut lines = Lines::of(socket);
    let first = lines.next().await?.unwrap_or_default();
    match RequestLine::parse(&first) {
        Some(request) => {
            skip_head(&mut lines).await?;
            socket.write_all(&Response::text("403 Forbidden", REASON).bytes(request.has_no_body())).await
        }
        None => socket.write_all(&line(&AdminReply::Error { reason: REASON.to_owned() })).await,
    }
}

/// Answers callers.
struct Server {
    about: About,
    wish: mpsc::UnboundedSender<Wish>,
}

impl Server {
    async fn converse(&self, socket: &Socket) -> io::Result<()> {
        let mut lines = Lines::of(socket);
        let mut is_first = true;
        loop {
            let text = match lines.next().await {
                Ok(Some(text)) => text,
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return socket.write_all(&line(&AdminReply::Error { reason: error.to_string() })).await;
                }
                Err(error) => return Err(error),
            };
            if let Some(request) = RequestLine::parse(&text).filter(|_| is_first) {
                let _ = tokio::time::timeout(HEAD_TIME, skip_head(&mut lines)).await;
                return socket.write_all(&self.respond(&request).bytes(request.has_no_body())).await;
            }
            is_first = false;
            if text.trim().is_empty() {
                continue;
            }
            let request = serde_json::from_str::<AdminRequest>(&text);
            let reply = match &request {
                Ok(request) => self.answer(request).await,
                Err(error) => AdminReply::Error { reason: unreadable(&text, error) },
            };
            socket.write_all(&line(&reply)).await?;
            // Told first: the program may be gone before the caller has heard of it.
            if matches!(request, Ok(AdminRequest::Stop {})) {
                self.about.stop.notify_one();
            }
        }
    }

    async fn answer(&self, request: &AdminRequest) -> AdminReply {
        match request {
            AdminRequest::Health {} => AdminReply::Health(self.health()),
            AdminRequest::Metrics {} => AdminReply::Metrics(self.metrics()),
            AdminRequest::Peers {} => AdminReply::Peers { peers: self.about.meters.peers() },
            AdminRequest::Stop {} => AdminReply::Done { remark: "stopping".to_owned() },
            other => self.pass_on(other.clone()).await,
        }
    }

    async fn pass_on(&self, request: AdminRequest) -> AdminReply {
        let (reply, answer) = oneshot::channel();
        let gone = || AdminReply::Error { reason: "the program is stopping".to_owned() };
        if self.wish.send(Wish { request, reply }).is_err() {
            return gone();
        }
        match tokio::time::timeout(PROGRAM_TIME, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| gone()),
            Err(_) => {
                let seconds = self.about.meters.tick_running_seconds();
                let reason = format!("the present tick has been running for {seconds:.1} s; this is done when it ends");
                AdminReply::Error { reason }
            }
        }
    }

    fn health(&self) -> Health {
        let meters = &self.about.meters;
        let missing: Vec<Missing> = meters
            .peers()
            .into_iter()
            .filter(|peer| !peer.connected)
            .filter_map(|peer| Some(Missing { port: peer.port, endpoint: peer.endpoint?, peer: peer.peer }))
            .collect();
        let stopping = meters.is_stopping();
        let tick_running_seconds = meters.tick_running_seconds();
        let ticks = meters.ticks();
        Health { ready: missing.is_empty() && !stopping, stopping, missing, tick_running_seconds, ticks }
    }

    fn metrics(&self) -> Metrics {
        let About { program, deployment, service, member, meters, .. } = &self.about;
        Metrics {
            program: (*program).to_owned(),
            deployment: deployment.clone(),
            service: service.clone(),
            member: *member,
            uptime_seconds: meters.uptime_seconds(),
            ticks: meters.ticks(),
            busy_seconds: meters.busy_seconds(),
            tick_running_seconds: meters.tick_running_seconds(),
            links: meters.links(),
            ports: meters.ports(),
        }
    }

    fn respond(&self, request: &RequestLine) -> Response {
        if !request.asks() {
            return Response::text("405 Method Not Allowed", "HTTP is for questions (GET); wishes are lines of JSON");
        }
        let json = |status, value: serde_json::Result<String>| match value {
            Ok(body) => Response { status, content: Response::JSON, body: format!("{body}\n") },
            Err(error) => Response::text("500 Internal Server Error", &error.to_string()),
        };
        match request.path.as_str() {
            "/metrics" => {
                Response { status: "200 OK", content: Response::PROMETHEUS, body: self.metrics().to_prometheus() }
            }
            "/health" => {
                let health = self.health();
                let status = if health.ready { "200 OK" } else { "503 Service Unavailable" };
                json(status, serde_json::to_string(&health))
            }
            "/peers" => json("200 OK", serde_json::to_string(&self.about.meters.peers())),
            _ => Response::text("404 Not Found", "there are /metrics, /health and /peers"),
        }
    }
}

/// Skips the rest of a request's head, none of which matters here.
async fn skip_head(lines: &mut Lines<'_>) -> io::Result<()> {
    for _ in 0..HEAD_LINES {
        if lines.next().await?.is_none_or(|line| line.is_empty()) {
            break;
        }
    }
    Ok(())
}

fn unreadable(text: &str, error: &serde_json::Error) -> String {
    let shown: String = text.chars().take(200).collect();
    format!("cannot read `{shown}`: {error}; example: {{\"request\":\"health\"}}")
}

fn line(reply: &AdminReply) -> Vec<u8> {
    let failed =
        |error: serde_json::Error| serde_json::json!({ "reply": "error", "reason": error.to_string() }).to_string();
    let mut line = serde_json::to_string(reply).unwrap_or_else(failed).into_bytes();
    line.push(b'\n');
    line
}
