//! systemd, as its own commands speak to it: the unit of a deployment's host, which is written, and those of its members, which last as long as they run.
//!
//! Knows nothing of what members are. Every call may take a moment; the host's main thread makes them only where it may wait.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::child::command;
use crate::words::{Bounds, Keep, Restart};

/// The oldest systemd that has all that is used here.
const OLDEST: u32 = 240;
/// How long a unit of the same name may take to go, or a user's manager to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// What of the host's own variables members have, too.
const PASSED: [&str; 6] = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG"];
/// What a sandboxed member does without.
const SANDBOX: [&str; 10] = [
    "NoNewPrivileges=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectSystem=strict",
    "ProtectHome=tmpfs",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
];

/// What a member's unit is to be.
#[derive(Clone, Debug)]
pub(crate) struct UnitWish {
    pub(crate) member: String,
    pub(crate) tag: String,
    pub(crate) keep: Keep,
    pub(crate) bounds: Bounds,
    /// Folders that it writes to, also in a sandbox.
    pub(crate) writes: Vec<PathBuf>,
}

/// The systemd that has a deployment's units: the machine's, or the user's. See the module.
#[derive(Clone, Debug)]
pub(crate) struct Systemd {
    user: bool,
    folder: PathBuf,
}

impl Systemd {
    pub(crate) fn of(user: bool, folder: &Path) -> Self {
        Self { user, folder: folder.to_owned() }
    }

    /// Finds out whether units can be had here; makes those of a user stay when the user goes. An error says what is missing.
    pub(crate) fn look(folder: &Path) -> Result<Self, String> {
        if !Path::new("/run/systemd/system").is_dir() {
            return Err("no systemd runs it".to_owned());
        }
        let user = !rustix::process::geteuid().is_root();
        let systemd = Self::of(user, folder);
        if user {
            linger()?;
        }
        let version = systemd.version()?;
        if version < OLDEST {
            return Err(format!("its systemd is of version {version}, and {OLDEST} is needed"));
        }
        Ok(systemd)
    }

    /// Asks the manager, which may just be on its way.
    fn version(&self) -> Result<u32, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match said(self.systemctl(&["show", "--property=Version", "--value"])) {
                Ok(said) => return Ok(number(&said)),
                Err(why) if !self.user || Instant::now() > deadline => {
                    return Err(format!("its systemd does not answer: {why}"));
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Returns a command for this manager.
    fn with(&self, program: &str) -> Command {
        let mut command = command(program);
        command.env("LC_ALL", "C").env_remove("NOTIFY_SOCKET").stdin(Stdio::null());
        if self.user {
            command.arg("--user").env("XDG_RUNTIME_DIR", runtime());
        }
        command
    }

    fn systemctl(&self, words: &[&str]) -> Command {
        let mut command = self.with("systemctl");
        command.args(words);
        command
    }

    /// Returns the name of the host's unit, without its kind.
    fn stem(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
        format!("hydro-{}", escaped(&name))
    }

    fn host(&self) -> String {
        format!("{}.service", self.stem())
    }

    /// Returns the name of a member's unit.
    pub(crate) fn unit(&self, member: &str) -> String {
        format!("{}.{}.service", self.stem(), escaped(member))
    }

    /// Writes the host's unit, so that it starts when the machine does, and starts it.
    pub(crate) fn install(&self) -> io::Result<()> {
        let (path, program) = (self.path()?, std::env::current_exe()?);
        let text = self.text(&program);
        match std::fs::read_to_string(&path) {
            Ok(there) if !there.contains(&mark(&self.folder)) => {
                let why = format!("`{}` is of another deployment of that name", path.display());
                return Err(io::Error::other(why));
            }
            Ok(_) => {}
            Err(_) => {
                std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
                let part = path.with_extension("part");
                std::fs::write(&part, text)?;
                std::fs::rename(part, &path)?;
                said(self.systemctl(&["daemon-reload"])).map_err(io::Error::other)?;
            }
        }
        said(self.systemctl(&["--quiet", "enable", &self.host()])).map_err(io::Error::other)?;
        said(self.systemctl(&["start", &self.host()])).map(drop).map_err(io::Error::other)
    }

    fn path(&self) -> io::Result<PathBuf> {
        let folder = if self.user {
            let home = std::env::var_os("HOME").ok_or_else(|| io::Error::other("there is no HOME"))?;
            PathBuf::from(home).join(".config/systemd/user")
        } else {
            PathBuf::from("/etc/systemd/system")
        };
        Ok(folder.join(self.host()))
    }

    fn text(&self, program: &Path) -> String {
        // In a file `%` begins a specifier, and in a command line `$` a variable.
        let word = |path: &Path| quoted(&path.to_string_lossy()).replace('%', "%%").replace('$', "$$");
        let (folder, program) = (word(&self.folder), word(program));
        let variables: String = variables()
            .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}")).replace('%', "%%")))
            .collect();
        let (order, target) = if self.user {
            ("", "default.target")
        } else {
            ("Wants=network-online.target\nAfter=network-online.target\n", "multi-user.target")
        };
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().replace('%', "%%");
        let place = self.folder.to_string_lossy().replace('%', "%%");
        format!(
            "{}\n[Unit]\nDescription=hydro: the deployment {name}\nStartLimitIntervalSec=0\nConditionPathIsDirectory={place}\n{order}\n\
             [Service]\nType=notify\nExecStart={program} serve {folder}\nRestart=on-failure\nRestartSec=100ms\n\
             FileDescriptorStoreMax=8192\n{variables}\n[Install]\nWantedBy={target}\n",
            mark(&self.folder)
        )
    }

    /// Removes the host's unit; it runs on until it ends by itself.
    pub(crate) fn uninstall(&self) {
        // What cannot be removed starts a host with nothing to do, which then goes.
        let _ = said(self.systemctl(&["--quiet", "disable", &self.host()]));
        let _ = self.path().and_then(std::fs::remove_file);
        let _ = said(self.systemctl(&["daemon-reload"]));
    }

    /// Has a member's unit started; `is_there`: its keeper has come. An error says why it does not start.
    pub(crate) fn start(&self, wish: &UnitWish, is_there: impl Fn() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match said(self.run(wish)?) {
                // One of that name is just going, or is just being started again.
                Err(why) if why.contains("already") && Instant::now() < deadline => {
                    if is_there() {
                        return Ok(());
                    }
                    std::thread::sleep(PAUSE);
                }
                // The machine is being shut down: whoever starts then starts it.
                Err(why) if why.contains("is destructive") => return Ok(()),
                Err(why) => {
                    let last = self.last_words(&wish.member);
                    self.stop(&[&wish.member], true);
                    return Err(if last.is_empty() { why } else { last });
                }
                Ok(_) => return Ok(()),
            }
        }
    }

    /// Returns the command that makes a member's unit.
    fn run(&self, wish: &UnitWish) -> Result<Command, String> {
        let program = std::env::current_exe().map_err(|error| format!("the host does not find itself: {error}"))?;
        let mut command = self.with("systemd-run");
        command.args(["--quiet", "--collect", "--service-type=exec"]);
        command.arg(format!("--unit={}", self.unit(&wish.member)));
        for property in self.properties(wish, &program) {
            command.arg("-p").arg(property);
        }
        for (name, value) in variables() {
            command.arg("-E").arg(format!("{name}={value}"));
        }
        command.arg("--").arg(program).arg("keep").arg(&self.folder).args([&wish.member, &wish.tag]);
        Ok(command)
    }

    fn properties(&self, wish: &UnitWish, program: &Path) -> Vec<String> {
        let UnitWish { member, keep, bounds, .. } = wish;
        let restart = match keep.restart {
            Restart::Permanent => "always",
            Restart::Transient => "on-failure",
            Restart::Temporary => "no",
        };
        let grace = keep.grace_ms.saturating_add(GRACE_MORE).min(LONGEST_GRACE);
        let mut all = vec![
            format!(
                "Description=hydro: {member} of the deployment {}",
                self.folder.file_name().unwrap_or_default().to_string_lossy()
            ),
            format!("After={}", self.host()),
            format!("Restart={restart}"),
            "RestartSec=100ms".to_owned(),
            "StartLimitIntervalSec=0".to_owned(),
            "KillMode=mixed".to_owned(),
            format!("TimeoutStopSec={grace}ms"),
            format!("SyslogIdentifier={member}"),
        ];
        all.extend(bounds.memory.map(|bytes| format!("MemoryMax={bytes}")));
        all.extend(bounds.cpu.map(|hundredths| format!("CPUQuota={hundredths}%")));
        all.extend(bounds.tasks.map(|tasks| format!("TasksMax={tasks}")));
        all.extend(bounds.files.map(|files| format!("LimitNOFILE={files}")));
        if bounds.sandbox {
            all.extend(SANDBOX.map(str::to_owned));
            let programs = program.ancestors().nth(2).unwrap_or(program);
            all.push(format!("BindReadOnlyPaths={}", quoted(&programs.to_string_lossy())));
            all.push(format!("BindReadOnlyPaths={}", quoted(&self.folder.to_string_lossy())));
            // Where the secrets of all members are.
            all.push(format!("InaccessiblePaths={}", quoted(&self.folder.join("members").to_string_lossy())));
            for folder in std::iter::once(&self.folder.join("run")).chain(&wish.writes) {
                let folder = quoted(&folder.to_string_lossy());
                all.extend([format!("BindPaths={folder}"), format!("ReadWritePaths={folder}")]);
            }
        }
        // What the user says of it counts.
        all.extend(bounds.properties.iter().map(|(name, value)| format!("{name}={value}")));
        all
    }

    /// Ends units of members. `waits`: until they are gone.
    pub(crate) fn stop(&self, members: &[&str], waits: bool) -> bool {
        if members.is_empty() {
            return true;
        }
        let mut command = self.systemctl(&["stop"]);
        if !waits {
            command.arg("--no-block");
        }
        command.args(members.iter().map(|member| self.unit(member)));
        said(command).is_ok()
    }

    /// Returns which of these members have a unit that is not over.
    pub(crate) fn living(&self, members: &[&str]) -> BTreeSet<String> {
        let states = members.iter().map(|member| {
            let said = said(self.systemctl(&["show", "--property=ActiveState", "--value", &self.unit(member)]));
            (*member, said.unwrap_or_default())
        });
        states
            .filter(|(_, state)| !matches!(state.trim(), "" | "inactive" | "failed"))
            .map(|(member, _)| member.to_owned())
            .collect()
    }

    /// Returns what systemd said last of a unit that did not start.
    fn last_words(&self, member: &str) -> String {
        let mut command = self.with("journalctl");
        command.args(["--unit", &self.unit(member), "-n", "6", "-o", "cat", "--no-pager", "-q"]);
        if self.user {
            command = self.with("journalctl");
            command.args(["--user-unit", &self.unit(member), "-n", "6", "-o", "cat", "--no-pager", "-q"]);
        }
        let lines = said(command).unwrap_or_default();
        // That it failed is known; what is wanted is why.
        let tells =
            |line: &&str| line.contains("ailed") && !line.contains("ailed to start") && !line.contains("result");
        lines.lines().rfind(tells).unwrap_or_default().to_owned()
    }
}

/// A keeper may need so long beyond its member.
const GRACE_MORE: u64 = 10_000;
/// For systemd, this is as good as for ever.
const LONGEST_GRACE: u64 = 365 * 24 * 3600 * 1000;

/// Has the user's units stay when the user's last session ends, which is what a deployment is for.
fn linger() -> Result<(), String> {
    let id = rustix::process::geteuid().as_raw();
    let name = std::env::var_os("USER").or_else(|| std::env::var_os("LOGNAME")).unwrap_or_default();
    let is_lingering = || {
        let mut command = command("loginctl");
        command.args(["show-user", &id.to_string(), "--property=Linger", "--value"]).env("LC_ALL", "C");
        Path::new("/var/lib/systemd/linger").join(&name).exists()
            || said(command).is_ok_and(|said| said.trim() == "yes")
    };
    let mut own = command("loginctl");
    own.args(["--no-ask-password", "enable-linger"]).stdin(Stdio::null());
    let mut with_sudo = command("sudo");
    with_sudo.args(["-n", "loginctl", "enable-linger"]).arg(&name).stdin(Stdio::null());
    let is_had = is_lingering() || [own, with_sudo].into_iter().any(|command| said(command).is_ok() && is_lingering());
    let name = name.to_string_lossy();
    let hint = format!("`sudo loginctl enable-linger {name}` there changes that");
    if is_had { Ok(()) } else { Err(format!("services of the user `{name}` end with the user's last session; {hint}")) }
}

fn runtime() -> OsString {
    std::env::var_os("XDG_RUNTIME_DIR")
        .unwrap_or_else(|| format!("/run/user/{}", rustix::process::geteuid().as_raw()).into())
}

fn variables() -> impl Iterator<Item = (&'static str, String)> {
    PASSED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?.into_string().ok()?)))
}

/// The first line of a unit of ours.
fn mark(folder: &Path) -> String {
    format!("# Of the deployment in `{}`; `hydro down` removes it.", folder.display())
}

/// Writes a word as systemd reads one.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// Writes a name as part of a unit's; as `systemd-escape` does.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => text.push(char::from(byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
        text
    })
}

/// `252.39-1~deb12u1`, or `v255`.
fn number(version: &str) -> u32 {
    let digits: String = version.trim().trim_start_matches('v').chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Runs a command; an error is what it complained of.
fn said(mut command: Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("`{name}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(if complaint.is_empty() { format!("`{name}` ended with {}", output.status) } else { complaint })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_words_are_written_as_systemd_reads_them() {
        let systemd = Systemd::of(false, Path::new("/root/.hydro/deployments/chat"));
        assert_eq!(systemd.unit("client.2"), "hydro-chat.client.2.service");
        assert_eq!(Systemd::of(false, Path::new("/x/a b")).unit("ö"), "hydro-a\\x20b.\\xc3\\xb6.service");
        assert_eq!(quoted("50% of \"x\"\\"), r#""50% of \"x\"\\""#);
        assert!(systemd.text(Path::new("/a $b/50%")).contains("ExecStart=\"/a $$b/50%%\" serve \"/root/"));
        assert_eq!((number("252.39-1~deb12u1\n"), number("v255"), number("")), (252, 255, 0));
    }

    #[test]
    fn a_unit_has_the_limits_and_the_sandbox_that_are_wished() {
        let systemd = Systemd::of(false, Path::new("/root/.hydro/deployments/chat"));
        let wish = UnitWish {
            member: "a".into(),
            tag: "t".into(),
            keep: Keep { restart: Restart::Permanent, grace_ms: 5000, ..Keep::default() },
            bounds: Bounds {
                memory: Some(1 << 20),
                cpu: Some(150),
                sandbox: true,
                properties: [("ProtectHome".to_owned(), "no".to_owned())].into(),
                ..Bounds::default()
            },
            writes: vec!["/root/.hydro/data/chat/a".into()],
        };
        let all = systemd.properties(&wish, Path::new("/root/.hydro/artifacts/ab/hydro-host"));
        for wished in [
            "Restart=always",
            "TimeoutStopSec=15000ms",
            "MemoryMax=1048576",
            "CPUQuota=150%",
            "NoNewPrivileges=yes",
            "BindReadOnlyPaths=\"/root/.hydro/artifacts\"",
            "BindPaths=\"/root/.hydro/data/chat/a\"",
        ] {
            assert!(all.iter().any(|property| property == wished), "{wished} in {all:#?}");
        }
        assert_eq!(all.last().map(String::as_str), Some("ProtectHome=no"), "the user's word is the last");
        assert!(!all.iter().any(|property| property.starts_with("TasksMax")));
    }
}
