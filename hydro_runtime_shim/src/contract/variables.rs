//! The names of the environment variables a built program reads.

/// Version of the whole contract; a program states it in its description and a deployer refuses another one.
pub const CONTRACT_VERSION: u32 = 1;

/// Name of the deployment this process belongs to; peers of another deployment are refused. Default: `local`.
pub const DEPLOYMENT: &str = "HYDRO_DEPLOYMENT";
/// Name of the service this process is a member of. Default: the program's name. Who sets it says that no other process has the same service and
/// member at the same time: a newer start takes the place of an older one.
pub const SERVICE: &str = "HYDRO_SERVICE";
/// Number of this member within its service, from 0. Default: 0.
pub const MEMBER: &str = "HYDRO_MEMBER";
/// How many members the service has. Default: 1.
pub const MEMBERS: &str = "HYDRO_MEMBERS";
/// The socket address (`ip:port`) by which peers know this service: what they see in items of addressed ports.
/// Default: the address of the first TCP listener.
pub const ADDRESS: &str = "HYDRO_ADDRESS";
/// Where the program can be asked and told things while it runs, as `unix:/path`; docs/admin.md. Default: nowhere.
pub const ADMIN: &str = "HYDRO_ADMIN";
/// Which programs run in a process that has several, with each one's arguments and variables: a list of [`super::Colocated`] in JSON.
pub const COLOCATED: &str = "HYDRO_COLOCATED";
/// How many listening sockets are inherited from file descriptor 3 on (systemd's protocol). An endpoint whose address equals
/// that of an inherited socket uses it instead of binding anew. `LISTEN_PID`, where set, must be this process.
pub const LISTEN_FDS: &str = "LISTEN_FDS";

/// Path of the PEM file with this process's certificate, whose one name is [`super::identity_of`] it. Needed for `tls://`, as are the next two.
pub const TLS_CERT: &str = "HYDRO_TLS_CERT";
/// Path of the PEM file with the certificate's private key, which nobody but its owner may read.
pub const TLS_KEY: &str = "HYDRO_TLS_KEY";
/// Path of the PEM file with the certificate of the deployment's authority, which issued those of all peers.
pub const TLS_CA: &str = "HYDRO_TLS_CA";

/// How the process waits for its peers: `park` (default) or `spin`, see [`Waiting`].
pub const POLL: &str = "HYDRO_POLL";

/// What a process does when nothing is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// Sleep until the system wakes it: that costs nothing, but some 20 µs at each end of a round trip.
    #[default]
    Park,
    /// Look at its links again and again for a while, and sleep when nothing comes. Worth it with a processor for each such process.
    Spin,
}

impl Waiting {
    /// Returns the way of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "park" => Some(Self::Park),
            "spin" => Some(Self::Spin),
            _ => None,
        }
    }
}

/// Returns the variable that binds the input port `name`: `inbound` → `HYDRO_INPUT_INBOUND`.
#[must_use]
pub fn input_variable(name: &str) -> String {
    format!("HYDRO_INPUT_{}", shout(name))
}

/// Returns the variable that binds the output port `name`: `outbound` → `HYDRO_OUTPUT_OUTBOUND`.
#[must_use]
pub fn output_variable(name: &str) -> String {
    format!("HYDRO_OUTPUT_{}", shout(name))
}

/// Returns the variable that names the policy of a plain output with several peers: `HYDRO_POLICY_OUTBOUND`.
#[must_use]
pub fn policy_variable(name: &str) -> String {
    format!("HYDRO_POLICY_{}", shout(name))
}

/// Returns the variable that says what an output does with items that are not taken fast enough: `HYDRO_DELIVERY_OUTBOUND`.
#[must_use]
pub fn delivery_variable(name: &str) -> String {
    format!("HYDRO_DELIVERY_{}", shout(name))
}

/// Returns the variable that sets the parameter `name`: `period_ms` → `HYDRO_PARAM_PERIOD_MS`.
#[must_use]
pub fn param_variable(name: &str) -> String {
    format!("HYDRO_PARAM_{}", shout(name))
}

fn shout(name: &str) -> String {
    name.trim_start_matches("r#").to_uppercase()
}
