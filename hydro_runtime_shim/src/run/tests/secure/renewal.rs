//! Certificates that are replaced while programs run, and files that are wrong.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use futures::{SinkExt, StreamExt};

use super::super::{input, local, output, soon};
use super::{ANY, Authority, Member, Validity, link_of};
use crate::bind::{BindError, Configuration, Environment, Program};
use crate::contract::Addressing::Plain;

const SENDER: &str = "spiffe://local/sender/0";

#[test]
fn a_new_certificate_is_used_by_the_next_connection_and_the_running_one_goes_on() {
    local(async {
        let authority = Authority::new();
        let files = authority.member("spiffe://local/receiver/0", Validity::Now);
        let mut receiver = files.process("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
        let mut inbound = receiver.bindings().input_plain::<u64>("i");
        receiver.start().await;
        let place = link_of(&receiver);
        let mut linked = Vec::new();
        let old = authority.member(SENDER, Validity::Past);
        let mut sender = old.process("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(1).await.expect("never fails");
        soon(async {
            while !receiver.node.has_said("has expired") || !sender.node.has_said("our certificate has expired") {
                tokio::task::yield_now().await;
            }
        })
        .await;
        authority.renew(&old, SENDER, Validity::Now);
        assert_eq!(soon(inbound.next()).await, Some(1));
        // What lies in the files now is of no use, and this connection does not ask.
        old.write("cert.pem", "nothing");
        files.write("key.pem", "nothing");
        outbound.send(2).await.expect("never fails");
        assert_eq!(soon(inbound.next()).await, Some(2));
        // Half of a replacement: the former is used until the rest is there.
        let another = authority.member("spiffe://local/another/0", Validity::Now);
        let mut other = another.process("another", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut more = other.bindings().output_plain::<u64>("o");
        other.start().await;
        more.send(3).await.expect("never fails");
        assert_eq!(soon(inbound.next()).await, Some(3));
        linked.push((sender, other));
    });
}

/// Reads a configuration whose files are these; returns the complaint.
fn complaint(variables: &[(&str, String)]) -> String {
    let program: &'static Program = Box::leak(Box::new(Program {
        name: "sender",
        source: "test",
        doc: "",
        ports: Vec::leak(vec![output::<u64>("o", Plain)]),
        params: &[],
    }));
    let mut all: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    all.insert("HYDRO_OUTPUT_O".to_owned(), "tls://127.0.0.1:1".to_owned());
    let environment = Environment { arguments: Vec::new(), variables: all };
    let errors = Configuration::read(program, &environment, BTreeMap::new()).expect_err("wrong files");
    errors.iter().map(BindError::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn wrong_files_are_told_by_their_variables_before_anything_starts() {
    let authority = Authority::new();
    let told = |files: &Member, part: &str| {
        let complaint = complaint(&files.variables());
        assert!(complaint.contains(part), "{part}:\n{complaint}");
    };
    let nothing = complaint(&[]);
    for name in ["HYDRO_TLS_CERT", "HYDRO_TLS_KEY", "HYDRO_TLS_CA"] {
        assert!(nothing.contains(&format!("{name} is not set: `tls://` needs ")), "{nothing}");
    }
    let files = authority.member(SENDER, Validity::Now);
    files.write("cert.pem", "no certificate");
    files.write("key.pem", "no key");
    fs::remove_file(files.path("ca.pem")).expect("it is there");
    told(&files, "cert.pem`: holds no certificate in PEM form");
    told(&files, "key.pem`: holds no private key in PEM form");
    told(&files, "ca.pem`: No such file");
    told(&files, "example: HYDRO_TLS_CA=/etc/hydro/ca.pem");

    let files = authority.member("spiffe://local/other/0", Validity::Now);
    told(&files, "the certificate is for `spiffe://local/other/0`, and this process is `spiffe://local/sender/0`");

    let files = authority.member(SENDER, Validity::Now);
    fs::set_permissions(files.path("key.pem"), fs::Permissions::from_mode(0o640)).expect("set");
    told(&files, "HYDRO_TLS_KEY: cannot read");
    told(&files, "others than its owner may use the file; do `chmod 600 ");

    let files = authority.member(SENDER, Validity::Now);
    let other = authority.member(SENDER, Validity::Now);
    files.write("key.pem", &fs::read_to_string(other.path("key.pem")).expect("it is there"));
    told(&files, "does not fit the certificate of HYDRO_TLS_CERT");
}
