//! One conversation with the host of a deployment: lines there, lines back, over a channel of the connection.
//!
//! Knows nothing of what is said.

use hydro_host::words::{Answer, Ask, Claim, Line, Request, Services};
use openssh::{Child, ChildStdin, ChildStdout, Session, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};

use super::SshError;
use super::session::Connection;

/// How much of what the host complained of is told.
const COMPLAINT: u64 = 4096;

/// See the module.
pub(super) struct Wire {
    child: Child<Arc<Session>>,
    orders: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Wire {
    /// Joins the host, which is started where none serves the folder.
    pub(super) async fn join(
        connection: &Connection,
        (program, folder): (&str, &str),
        services: Services,
    ) -> Result<Self, SshError> {
        let failed = |why: String| SshError::new("the host there cannot be reached", why, "look at `host.log` there");
        let mut command = connection.session().arc_command(program.to_owned());
        command.arg("attach").arg(folder).arg(services.word());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().await.map_err(|error| failed(error.to_string()))?;
        let (orders, lines) = (child.stdin().take(), child.stdout().take());
        let (Some(orders), Some(lines)) = (orders, lines) else { return Err(failed("it has no pipes".to_owned())) };
        Ok(Self { child, orders, lines: BufReader::new(lines).lines() })
    }

    /// Says whose the deployment is; an error is a refusal or the end of the conversation.
    pub(super) async fn claim(&mut self, claim: &Claim) -> Result<Answer, SshError> {
        let failed = |why: String| SshError::new("the host there cannot be reached", why, "look at `host.log` there");
        let said = self.say(&Request { id: 0, ask: Ask::Claim(claim.clone()) }).await;
        said.map_err(|error| failed(error.to_string()))?;
        match self.hear().await {
            Some(Line::Reply { answer: Answer::Refused { why }, .. }) => {
                Err(SshError::new("the deployment there is not ours", why, TAKEN))
            }
            Some(Line::Reply { answer, .. }) => Ok(answer),
            _ => {
                let why = self.complaint().await;
                match why.strip_prefix(NO_UNITS) {
                    Some(why) => {
                        Err(SshError::new(NO_SYSTEMD, why, "`services = \"plain\"` at the machine does without"))
                    }
                    None => Err(failed(why)),
                }
            }
        }
    }

    pub(super) async fn say(&mut self, request: &Request) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.orders.write_all(&line).await
    }

    /// Returns the next line; none: the conversation is over. May be dropped and called again.
    pub(super) async fn hear(&mut self) -> Option<Line> {
        loop {
            let line = self.lines.next_line().await.ok()??;
            // What a newer host says beyond our words is left alone.
            if let Ok(line) = serde_json::from_str(&line) {
                return Some(line);
            }
        }
    }

    async fn complaint(&mut self) -> String {
        let mut said = String::new();
        if let Some(errors) = self.child.stderr().take() {
            let _ = errors.take(COMPLAINT).read_to_string(&mut said).await;
        }
        let said = said.trim();
        if said.is_empty() { "it hung up".to_owned() } else { said.to_owned() }
    }
}

/// How the host there says it, and what is said of it here.
const NO_UNITS: &str = "hydro-host: services cannot be units of systemd there: ";
const NO_SYSTEMD: &str = "services there cannot be units of systemd";
const TAKEN: &str =
    "give the deployment another name, or end the other one: `hydro down --force NAME` ends it whoever began it";
