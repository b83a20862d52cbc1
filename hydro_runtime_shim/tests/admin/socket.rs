//! Where the socket may be and who may call.

use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support::{Folder, Running, command, until};

/// Starts a program that must not start; returns what it says.
fn refused(admin: &str) -> String {
    let variables = [("HYDRO_ADMIN", admin), ("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", "null")];
    let output = command("relay", &[], &variables).output().expect("the example is built");
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn the_socket_is_its_owner_s_alone() {
    let folder = Folder::new("owner");
    let program = Running::relay(&folder, "program", "null", "null", &[]);
    assert!(program.health().ready);
    let path = folder.path("program.admin");
    assert_eq!(path.metadata().expect("it is there").mode() & 0o777, 0o600);
}

#[test]
fn another_user_is_refused_even_if_the_file_lets_it() {
    let folder = Folder::new("other");
    let program = Running::relay(&folder, "program", "null", "null", &[]);
    assert!(program.health().ready);
    let path = folder.path("program.admin");
    if path.metadata().expect("it is there").uid() != 0 {
        // Only root can be somebody else; `admin::socket` has a test of the rule itself.
        return;
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("ours");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "http://program/health", "--unix-socket"]).arg(&path).uid(65534).gid(65534);
    let output = curl.output().expect("curl");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("only the program's own user may talk to it"), "{output:?}");
}

#[test]
fn a_path_that_somebody_answers_on_is_left_alone() {
    let folder = Folder::new("taken");
    let path = folder.path("taken");
    let _other = UnixListener::bind(&path).expect("a new path");
    let place = folder.unix("taken");
    let said = refused(&place);
    assert!(said.contains(&format!("HYDRO_ADMIN: cannot listen on `{place}`: ")), "{said}");
    assert!(path.exists());
}

#[test]
fn a_file_that_a_killed_program_left_is_replaced() {
    let folder = Folder::new("stale");
    let mut first = Running::relay(&folder, "program", "null", "null", &[]);
    assert!(first.health().ready);
    first.child.kill().expect("it runs");
    first.end();
    assert!(folder.path("program.admin").exists());
    let second = Running::relay(&folder, "program", "null", "null", &[]);
    assert!(second.health().ready);
}

#[test]
fn a_folder_that_others_may_write_into_is_refused() {
    let folder = Folder::new("open");
    let inner = folder.path("inner");
    std::fs::create_dir(&inner).expect("a new folder");
    std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o777)).expect("ours");
    let said = refused(&format!("unix:{}/admin", inner.display()));
    assert!(said.contains("others may write into"), "{said}");
}

#[test]
fn what_is_no_path_is_a_mistake_in_the_environment() {
    let said = refused("tcp://127.0.0.1:4000");
    assert!(said.contains("HYDRO_ADMIN: cannot read `tcp://127.0.0.1:4000`: must be `unix:` and a path"), "{said}");
    let file = Folder::new("file");
    std::fs::write(file.path("file"), "text").expect("a new file");
    assert!(refused(&file.unix("file")).contains("is no socket"));
}

#[test]
fn without_the_variable_there_is_no_socket() {
    let mut child = command("relay", &[], &[("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", "null")])
        .args(["--start-with", "1"])
        .spawn()
        .expect("the example is built");
    let mut first = [0; 2];
    child.stdout.take().expect("piped").read_exact(&mut first).expect("a line");
    let threads = || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).expect("it runs");
        tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok()).collect::<String>()
    };
    // A thread has its name a little after it began.
    until(|| threads().contains("signals"));
    let names = threads();
    child.kill().expect("it runs");
    child.wait().expect("our child");
    assert!(!names.contains("admin"), "{names}");
}
