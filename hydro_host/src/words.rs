//! What a deployer and a host say to each other: one JSON object per line, each way.
//!
//! Values only. Unknown keys are left alone, so that a newer end can say more.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Version of these words; an end with another one is refused.
pub const VERSION: u32 = 1;

/// A line to the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the asker; the reply repeats it.
    pub id: u64,
    /// What is asked.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The first: whose deployment it is. Until it is taken, nothing else is. → [`Answer::Claimed`]
    Claim(Claim),
    /// Says that the asker is there; without it for a while the host decides by itself. → [`Answer::Done`]
    Ping {},
    /// Binds the sockets of a member, or those it has. → [`Answer::Bound`]
    Bind(Bind),
    /// Starts a member; one that runs with the same spec is left alone. → [`Answer::Started`]
    Start(Box<Spec>),
    /// Asks a member to end; its end is an event. → [`Answer::Done`]
    Stop {
        /// Which.
        member: String,
        /// Whether it ends at once.
        kill: bool,
        /// Whether it stays down until it is started; one that has ended already stays so.
        hold: bool,
    },
    /// Forgets a member that has ended, with its sockets. → [`Answer::Done`]
    Remove {
        /// Which.
        member: String,
    },
    /// Finds out whether a member is well. → [`Answer::Well`]
    Check {
        /// Which.
        member: String,
        /// How.
        check: Check,
    },
    /// Writes a private file into the deployment's folder. → [`Answer::Done`]
    Write {
        /// Its name: letters, digits, `.`, `_`, `-`, and `/` between folders.
        name: String,
        /// What it holds.
        content: String,
    },
    /// Lists the members. → [`Answer::Members`]
    List {},
    /// Has events sent, from this number on. → [`Answer::Done`], then [`Line::Event`]s
    Follow {
        /// The first.
        from: u64,
    },
    /// Ends everything, removes what is left of the deployment, and goes. → [`Answer::Done`]
    Down {},
}

/// See [`Ask::Claim`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// [`VERSION`] of the asker.
    pub version: u32,
    /// Names the deployment among all of its name: whoever has its state directory knows it.
    pub token: String,
    /// Who asks, for people: `user@machine`.
    pub who: String,
    /// Whether another's deployment is taken over.
    #[serde(default)]
    pub force: bool,
    /// Whether it only looks: it may list and follow, beside whoever holds the deployment.
    #[serde(default)]
    pub looks: bool,
}

/// See [`Ask::Bind`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// For whom.
    pub member: String,
    /// Where it listens; without a port a free one is chosen. None: it is a command, which listens by itself.
    pub listen: Option<SocketAddr>,
    /// Free ports to be found for it, by name. They are the same from start to start.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Where ports are reached from outside, by name. A program inherits the sockets, after its own and in the order of the names; a command listens there by
    /// itself.
    #[serde(default)]
    pub exposed: BTreeMap<String, SocketAddr>,
}

/// What to start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// `service`, or `service.N`.
    pub member: String,
    /// A path, or a name to be found on `PATH`.
    pub program: String,
    /// Arguments.
    pub args: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Where it works; it is made. Relative to the deployment's folder.
    pub directory: String,
    /// A folder to be made for its data.
    #[serde(default)]
    pub data: Option<String>,
    /// Whether it begins without data. Counts for the first start with this spec.
    #[serde(default)]
    pub fresh: bool,
    /// What becomes of it while nobody says so.
    pub keep: Keep,
    /// What it may use and do.
    #[serde(default, skip_serializing_if = "Bounds::is_none")]
    pub bounds: Bounds,
}

/// What a member may use and do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Hundredths of one processor's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u64>,
    /// Open files of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Whether it sees and changes no more of the machine than it needs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// Properties of its unit, in systemd's words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

impl Bounds {
    /// Whether nothing is bounded.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns what of it only systemd can see to, in the words of `Hydro.toml`.
    #[must_use]
    pub fn beyond_processes(&self) -> Vec<&'static str> {
        let wishes = [
            (self.memory.is_some(), "limits.memory"),
            (self.cpu.is_some(), "limits.cpu"),
            (self.tasks.is_some(), "limits.tasks"),
            (self.sandbox, "sandbox"),
            (!self.properties.is_empty(), "systemd"),
        ];
        wishes.into_iter().filter(|(is_wished, _)| *is_wished).map(|(_, word)| word).collect()
    }
}

/// What keeps members up on a machine, and what becomes of them when it is started anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upkeep {
    /// What does it.
    pub by: Keeper,
    /// Whether members start by themselves when the machine does.
    pub boots: bool,
    /// What is missing there, for people: what would have been done, and why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
}

/// See [`Upkeep`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeper {
    /// The host: members are its children.
    #[default]
    Host,
    /// systemd: the host and each member are units of the machine's.
    System,
    /// systemd: the host and each member are units of the user's.
    User,
}

/// What is wished of [`Upkeep`], as it is said to `hydro-host attach`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Services {
    /// systemd where it is there and lets us, and the host elsewhere.
    #[default]
    Auto,
    /// systemd, or an error.
    Systemd,
    /// The host, as where there is no systemd.
    Plain,
}

impl Services {
    /// Returns the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Systemd => "systemd",
            Self::Plain => "plain",
        }
    }

    /// Understands the word for it.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Auto, Self::Systemd, Self::Plain].into_iter().find(|services| services.word() == word)
    }
}

/// What becomes of a member that ends while nobody is there to decide.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// When it is started again.
    pub restart: Restart,
    /// Its second start again waits so long; each further one twice as long.
    pub first_ms: u64,
    /// But no longer than this.
    pub longest_ms: u64,
    /// Who was up for so long begins anew.
    pub reset_ms: u64,
    /// How long it may take to end when it is asked to.
    pub grace_ms: u64,
}

/// When a member is started again, in OTP's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Always.
    Permanent,
    /// When it failed.
    Transient,
    /// Never.
    #[default]
    Temporary,
}

/// How to find out whether a member is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A command that ends with 0; it has the member's variables and works in its folder.
    Command(Vec<String>),
    /// A page that is answered with a status below 400: `http://HOST:PORT/PATH`.
    Http(String),
    /// An address that takes connections.
    Connect(String),
}

/// A line from the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Answers a request.
    Reply {
        /// Its id.
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// Something happened.
    Event(Event),
}

/// See [`Ask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done.
    Done {},
    /// It could not be done.
    Refused {
        /// Why.
        why: String,
    },
    /// To [`Ask::Claim`].
    Claimed {
        /// The members that there are.
        members: Vec<MemberState>,
        /// The number that the next event will have.
        next: u64,
        /// What keeps members up there.
        #[serde(default)]
        upkeep: Upkeep,
    },
    /// To [`Ask::Bind`].
    Bound(Bound),
    /// To [`Ask::Start`].
    Started {
        /// Which of its starts it is, from 1.
        run: u64,
        /// Its process.
        pid: u32,
    },
    /// To [`Ask::Check`].
    Well {
        /// Whether it is.
        well: bool,
    },
    /// To [`Ask::List`].
    Members {
        /// Them, by name.
        members: Vec<MemberState>,
    },
}

/// What a member was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// The Unix socket at which it listens, too.
    pub socket: Option<String>,
    /// Where its admin socket is to be.
    pub admin: String,
    /// The ports that were found for it.
    pub ports: BTreeMap<String, u16>,
    /// Where its exposed ports are, by name.
    #[serde(default)]
    pub exposed: BTreeMap<String, SocketAddr>,
}

/// How a member is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberState {
    /// Its name.
    pub member: String,
    /// Which of its starts is the last.
    pub run: u64,
    /// Its process; none: it does not run.
    pub pid: Option<u32>,
    /// Whether it will be started again by itself.
    pub waits: bool,
    /// When the last run began or ended, in milliseconds since 1970.
    pub since_ms: u64,
    /// What it was given.
    pub bound: Bound,
}

/// Something that happened to a member. Their numbers have no gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number.
    pub seq: u64,
    /// When, in milliseconds since 1970, by the host's clock.
    pub ts: u64,
    /// To whom.
    pub member: String,
    /// In which of its starts.
    pub run: u64,
    /// What.
    pub what: Happened,
    /// Which of the things that happened in that start, where the host heard of it from a unit; else 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nth: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// See [`Event`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// It was started.
    Up {
        /// Its process.
        pid: u32,
    },
    /// It wrote a line to standard output.
    Out(String),
    /// It wrote a line to standard error.
    Err(String),
    /// It ended.
    Exit {
        /// With this code.
        code: Option<i32>,
        /// By this signal.
        signal: Option<i32>,
        /// Whether somebody had asked for it.
        asked: bool,
    },
}
