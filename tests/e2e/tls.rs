//! A deployment whose links are all encrypted: certificates for each member, items that pass, callers without a certificate that are told why not.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::programs;

const SCRIPT: &str = r#"
import json
import socket
import struct

from hydro import Deployment


def plain_call(address):
    """Says a hello without TLS; returns the answer."""
    hello = {"deployment": "tls", "service": "stranger", "member": 0, "epoch": 1, "port": "out", "peer_port": None,
             "sends": True, "type_name": "u64", "fingerprint": 0, "codec": "json"}
    text = json.dumps(hello).encode()
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(b"HYDR" + struct.pack("<HI", 2, len(text)) + text)
        answer = b""
        while chunk := caller.recv(4096):
            answer += chunk
    return json.loads(answer[10:])["reject"]


async def main():
    deployment = Deployment(tls="always")
    numbers = deployment.Hydroflow(src="src/numbers.hf", name="encrypted_numbers", params={"count": 3})
    counter = deployment.Hydroflow(src="src/counter.hf", name="encrypted_counter")
    numbers.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    async for line in counter.stdout():
        if line == "3 numbers, sum 3":
            break
    refused = plain_call(counter.address)
    print(refused["code"], refused["reason"])
"#;

#[test]
fn a_deployment_encrypts_all_links_and_refuses_who_does_not() {
    let output = programs().script("tls", SCRIPT).run().exits(0);
    output.prints(&["identity this address takes `tls://` only, and the caller does not encrypt\n"]);
    let state = programs().workspace().root().join(".hydro");
    let mut folders = vec![state.join("tls")];
    let mut certificates = 0;
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("certificates are kept there");
        let paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
        let is_others = paths.iter().any(|path| path.ends_with("authority.pem"))
            && !folder.join("encrypted_counter.0.pem").exists();
        for path in paths.into_iter().filter(|_| !is_others) {
            let mode = std::fs::metadata(&path).expect("readable").permissions().mode();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "pem" || ending == "key") {
                certificates += 1;
                assert_eq!(mode & 0o077, 0, "{}", path.display());
            }
        }
    }
    assert_eq!(certificates, 4, "the authority, its key, and two members");
}

#[test]
fn a_word_that_says_nothing_of_encryption_is_told_at_the_scripts_line() {
    let script = "from hydro import Deployment\n\n\nasync def main():\n    Deployment(tls=\"never\")\n";
    programs().script("tls-never", script).run().exits(1).says(&[
        "line 5, in main",
        "`tls` cannot be `never`",
        "always",
    ]);
}

#[test]
fn a_script_talks_to_ports_of_an_encrypted_deployment() {
    let script = r#"from hydro import Deployment


async def main():
    deployment = Deployment(tls="always")
    server = deployment.Hydroflow(src="src/server.hf", name="server")
    await deployment.deploy()
    answers = server.ports.outbound.receive()
    await server.ports.inbound.send("hello")
    async for answer in answers:
        print(answer)
        break
"#;
    programs().script("tls-talks", script).run().exits(0).prints(&["HELLO\n"]);
}

/// Certificates here count for three seconds: by the time that four were issued, the first one counts no more.
const RENEWAL: &str = r#"import asyncio
import glob

from hydro import Deployment, _engine


async def main():
    deployment = Deployment.__new__(Deployment)
    deployment._begin(_engine.call("deployment.create", name="renewal", tls="always", certificate_seconds=3))
    stream = deployment.Hydroflow(src="src/stream.hf", name="renewed", params={"rate": 1})
    check = deployment.Hydroflow(src="src/check.hf", name="renewing")
    stream.ports.out.connect(check.ports.numbers)
    await deployment.deploy()
    lines = check.stdout()
    seen = set()
    async for line in lines:
        assert not line.startswith("wrong"), line
        for file in glob.glob(".hydro/tls/*/renewed.0.pem"):
            with open(file) as certificate:
                seen.add(certificate.read())
        if len(seen) == 5:
            break
    [metrics] = await stream.metrics()
    print("connections:", metrics["links"][0]["connections"])
    await deployment.partition(stream, check)
    while metrics["links"][0]["connected"]:
        [metrics] = await stream.metrics()
    await deployment.heal()
    before = metrics["links"][0]["messages"]
    async for line in lines:
        assert not line.startswith("wrong"), line
        if int(line.split()[-1]) > before:
            break
    print("again, with the latest certificate")
"#;

#[test]
fn certificates_are_renewed_and_no_link_breaks_for_that() {
    let output = programs().script("tls-renewal", RENEWAL).run().exits(0);
    output.prints(&["connections: 1\nagain, with the latest certificate\n"]);
}
