//! Who is refused: the reason is told on both sides, and nothing of what a stranger says reaches the program.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use futures::{FutureExt, SinkExt, StreamExt};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::{Process, input, local, output, raw_hello, read_answer, soon};
use super::items::recording_proxy;
use super::{ANY, Authority, Member, Validity, link_of};
use crate::contract::Addressing::Plain;
use crate::contract::{
    Answer, Codec, FrameHeader, FrameKind, Hello, PREAMBLE_BYTES, RejectCode, identity_prefix, parse_preamble, preamble,
};
use crate::transport::{CredentialFiles, Credentials, Socket};

/// A receiver of numbers, which must get nothing but what a true sender sends.
struct Receiver<Items> {
    authority: Authority,
    process: Process,
    inbound: Items,
}

async fn receiver() -> Receiver<impl futures::Stream<Item = u64> + Unpin> {
    let authority = Authority::new();
    let files = authority.member("spiffe://local/receiver/0", Validity::Now);
    let mut process = files.process("receiver", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", ANY)]);
    let inbound = process.bindings().input_plain::<u64>("i");
    process.start().await;
    Receiver { authority, process, inbound }
}

impl<Items: futures::Stream<Item = u64> + Unpin> Receiver<Items> {
    /// Nothing has come, and a true sender's item does.
    async fn is_unharmed(&mut self) {
        assert_eq!(self.inbound.next().now_or_never(), None);
        let files = self.authority.member("spiffe://local/true/0", Validity::Now);
        let place = link_of(&self.process);
        let mut good = files.process("true", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = good.bindings().output_plain::<u64>("o");
        good.start().await;
        outbound.send(7).await.expect("never fails");
        assert_eq!(soon(self.inbound.next()).await, Some(7));
    }

    /// Waits until the receiver has told its user this.
    async fn says(&self, reason: &str) {
        says(&self.process, reason).await;
    }
}

async fn says(process: &Process, reason: &str) {
    let said = async {
        while !process.node.has_said(reason) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(std::time::Duration::from_secs(20), said).await.is_ok(), "not said: {reason}");
}

/// A sender with these files calls in vain; both ends tell why.
async fn is_refused(
    files: Member,
    variables: &[(&str, &str)],
    here: &str,
    there: &str,
    by: &mut Receiver<impl futures::Stream<Item = u64> + Unpin>,
) {
    let place = link_of(&by.process);
    let all: Vec<_> = variables.iter().copied().chain([("HYDRO_OUTPUT_O", place.as_str())]).collect();
    let mut sender = files.process("sender", vec![output::<u64>("o", Plain)], &all);
    let mut outbound = sender.bindings().output_plain::<u64>("o");
    sender.start().await;
    outbound.send(666).await.expect("never fails");
    by.says(here).await;
    says(&sender, there).await;
    by.is_unharmed().await;
}

const SENDER: &str = "spiffe://local/sender/0";
const NOT_OURS: &str =
    "refused a caller from 127.0.0.1: the peer's certificate is not from this deployment's authority";
const OURS_UNKNOWN: &str = "the peer refuses: our certificate is not from its deployment's authority";

#[test]
fn a_certificate_of_another_authority_is_refused() {
    local(async {
        let mut receiver = receiver().await;
        let other = Authority::new();
        let files = other.member(SENDER, Validity::Now);
        let distrusts = "the peer's certificate is not from this deployment's authority";
        is_refused(files, &[], OURS_UNKNOWN, distrusts, &mut receiver).await;
        let files = other.member(SENDER, Validity::Now);
        receiver.authority.is_believed_by(&files);
        is_refused(files, &[], NOT_OURS, OURS_UNKNOWN, &mut receiver).await;
    });
}

#[test]
fn a_certificate_that_its_owner_issued_is_refused() {
    local(async {
        let mut receiver = receiver().await;
        let files = receiver.authority.member_signed_by_itself(SENDER);
        is_refused(files, &[], NOT_OURS, OURS_UNKNOWN, &mut receiver).await;
    });
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    local(async {
        let mut receiver = receiver().await;
        let refused = "the peer refuses: our certificate has expired, or is not valid yet by its clock";
        let files = receiver.authority.member(SENDER, Validity::Past);
        is_refused(files, &[], "from 127.0.0.1: the peer's certificate has expired", refused, &mut receiver).await;
        let files = receiver.authority.member(SENDER, Validity::Future);
        is_refused(files, &[], "the peer's certificate is not valid yet", refused, &mut receiver).await;
    });
}

#[test]
fn a_member_of_another_deployment_is_refused_even_by_the_same_authority() {
    local(async {
        let mut receiver = receiver().await;
        let files = receiver.authority.member("spiffe://other/sender/0", Validity::Now);
        let refused = "the peer refuses: our certificate does not belong to its deployment";
        let refuses =
            "the peer's certificate is for `spiffe://local/receiver/0`, and this deployment is `spiffe://other/`";
        is_refused(files, &[("HYDRO_DEPLOYMENT", "other")], refused, refuses, &mut receiver).await;
        // One that does not mind whom it talks to.
        let files = receiver.authority.member("spiffe://other/sender/0", Validity::Now);
        let mut socket = dial(&receiver.process, &files, "spiffe://other/sender/0").await;
        let error = soon(ask(&mut socket, &raw_hello::<u64>(true, Codec::Binary))).await.expect_err("refused");
        assert_eq!(error.to_string(), refused);
        receiver.says("the peer's certificate is for `spiffe://other/sender/0`, and this deployment is").await;
        receiver.is_unharmed().await;
    });
}

/// Connects with a certificate, whatever it is for.
async fn dial(to: &Process, files: &Member, identity: &str) -> Socket {
    let files = CredentialFiles {
        certificate: files.path("cert.pem"),
        key: files.path("key.pem"),
        authority: files.path("ca.pem"),
    };
    let credentials = Credentials::read(files, identity.to_owned(), identity_prefix("local")).expect("right files");
    let stream = TcpStream::connect(to.address()).await.expect("it listens");
    Socket::tcp(stream).expect("a socket").secured(Some(&credentials)).await.expect("a handshake")
}

/// Says the hello, and an item right behind it; returns the answer.
async fn ask(socket: &mut Socket, hello: &Hello) -> std::io::Result<Answer> {
    let json = serde_json::to_vec(hello)?;
    let mut bytes = preamble(json.len()).to_vec();
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(&FrameHeader { amount: 1, ..FrameHeader::new(FrameKind::Data, 8) }.bytes());
    bytes.extend_from_slice(&666_u64.to_le_bytes());
    socket.write_all(&bytes).await?;
    let mut head = [0; PREAMBLE_BYTES];
    socket.read_exact(&mut head).await?;
    let (_, length) = parse_preamble(head).expect("a preamble");
    let mut json = vec![0; length];
    socket.read_exact(&mut json).await?;
    Ok(serde_json::from_slice(&json)?)
}

#[test]
fn a_stolen_certificate_is_of_no_use_for_another_service_or_member() {
    local(async {
        let mut receiver = receiver().await;
        let files = receiver.authority.member("spiffe://local/victim/0", Validity::Now);
        let hello = Hello { service: "victim".to_owned(), ..raw_hello::<u64>(true, Codec::Binary) };
        for (service, member) in [("sender", 0), ("victim", 1)] {
            let stolen = Hello { service: service.to_owned(), member, ..hello.clone() };
            let mut socket = dial(&receiver.process, &files, "spiffe://local/victim/0").await;
            let answer = soon(ask(&mut socket, &stolen)).await.expect("an answer");
            let Answer::Reject(reject) = answer else { panic!("welcomed") };
            let reason = format!(
                "the peer says that it is `spiffe://local/{service}/{member}`, and its certificate is for `spiffe://local/victim/0`"
            );
            assert_eq!((reject.code, reject.reason.as_str()), (RejectCode::Identity, reason.as_str()));
            receiver.says(&reason).await;
        }
        receiver.is_unharmed().await;
        // Who does not lie is welcome.
        let mut socket = dial(&receiver.process, &files, "spiffe://local/victim/0").await;
        assert!(matches!(soon(ask(&mut socket, &hello)).await, Ok(Answer::Welcome(_))));
    });
}

#[test]
fn a_callee_that_is_not_who_it_says_is_left_with_the_reason() {
    local(async {
        let authority = Authority::new();
        let files = authority.member("spiffe://local/thief/0", Validity::Now);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let place = format!("tls://{}", listener.local_addr().expect("an address"));
        let own = authority.member(SENDER, Validity::Now);
        let mut sender = own.process("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(1).await.expect("never fails");
        let paths = ["cert.pem", "key.pem", "ca.pem"].map(|name| files.path(name));
        let [certificate, key, authority] = paths;
        let files = CredentialFiles { certificate, key, authority };
        let thief = Credentials::read(files, "spiffe://local/thief/0".to_owned(), identity_prefix("local"));
        let (stream, _) = soon(listener.accept()).await.expect("a call");
        let socket = Socket::tcp(stream).expect("a socket");
        let socket = socket.accept_secured(&thief.expect("right files")).await.expect("a handshake");
        let mut head = [0; PREAMBLE_BYTES];
        soon(socket.read_exact(&mut head)).await.expect("a hello");
        let mut json = vec![0; parse_preamble(head).expect("a preamble").1];
        soon(socket.read_exact(&mut json)).await.expect("a hello");
        let hello: Hello = serde_json::from_slice(&json).expect("a hello");
        let answer = Answer::Welcome(Hello { service: "receiver".to_owned(), sends: false, ..hello });
        let json = serde_json::to_vec(&answer).expect("JSON");
        socket.write_all(&preamble(json.len())).await.expect("open");
        socket.write_all(&json).await.expect("open");
        let mut header = [0; 24];
        soon(socket.read_exact(&mut header)).await.expect("a goodbye, and no item");
        let header = FrameHeader::parse(header).expect("a header");
        assert_eq!(header.kind, FrameKind::Goodbye);
        let mut reason = vec![0; header.length as usize];
        soon(socket.read_exact(&mut reason)).await.expect("a reason");
        let told = "says that it is `spiffe://local/receiver/0`, and its certificate is for `spiffe://local/thief/0`";
        assert!(String::from_utf8_lossy(&reason).contains(told), "{reason:?}");
        says(&sender, told).await;
    });
}

#[test]
fn a_caller_without_a_certificate_is_refused() {
    local(async {
        let mut receiver = receiver().await;
        let files = receiver.authority.member(SENDER, Validity::Now);
        let address = receiver.process.address();
        let authority = std::fs::read(files.path("ca.pem")).expect("it is there");
        let caller = std::thread::spawn(move || anonymous(address, &authority));
        receiver.says("refused a caller from 127.0.0.1: the peer shows no certificate").await;
        let error = caller.join().expect("no panic");
        assert!(error.contains("CertificateRequired"), "{error}");
        receiver.is_unharmed().await;
    });
}

/// Speaks TLS without a certificate of its own, and to whom it will; returns how it ends.
fn anonymous(address: std::net::SocketAddr, authority: &[u8]) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority).expect("PEM")).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = NoName(verifier.build().expect("an authority"));
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"hydro-link/2".to_vec()];
    let name = "localhost".try_into().expect("a name");
    let connection = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut stream = rustls::StreamOwned::new(connection, std::net::TcpStream::connect(address).expect("it listens"));
    let _ = stream.write_all(b"HYDR");
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(count) => format!("{count} bytes"),
        Err(error) => error.to_string(),
    }
}

/// Lets every name pass.
#[derive(Debug)]
struct NoName(Arc<rustls::client::WebPkiServerVerifier>);

impl rustls::client::danger::ServerCertVerifier for NoName {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &rustls::pki_types::ServerName<'_>,
        _ocsp_response: &[u8],
        _now: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[test]
fn a_recorded_handshake_is_of_no_use_to_whoever_plays_it_back() {
    local(async {
        let mut receiver = receiver().await;
        let (place, called, _) = recording_proxy(receiver.process.address()).await;
        let files = receiver.authority.member(SENDER, Validity::Now);
        let mut sender = files.process("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(1).await.expect("never fails");
        assert_eq!(soon(receiver.inbound.next()).await, Some(1));
        let bytes = called.borrow().clone();
        let mut replay = TcpStream::connect(receiver.process.address()).await.expect("it listens");
        replay.write_all(&bytes).await.expect("open");
        let mut answer = Vec::new();
        let _ = soon(replay.read_to_end(&mut answer)).await;
        receiver.says("what the peer sent was changed on its way, or recorded and played back").await;
        // More often than there are places for strangers: each is given back.
        for at in 0..150 {
            let mut bytes = bytes.clone();
            let place = at * 7 % bytes.len();
            bytes[place] ^= 0x55;
            bytes.truncate(bytes.len() - at);
            let mut replay = TcpStream::connect(receiver.process.address()).await.expect("it listens");
            replay.write_all(&bytes).await.expect("open");
            replay.shutdown().await.expect("open");
            let _ = soon(replay.read_to_end(&mut answer)).await;
        }
        receiver.is_unharmed().await;
    });
}

#[test]
fn callers_with_and_without_tls_hear_from_each_other_what_is_missing() {
    local(async {
        let mut receiver = receiver().await;
        let place = link_of(&receiver.process).replace("tls:", "tcp:");
        let mut plain = Process::new("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = plain.bindings().output_plain::<u64>("o");
        plain.start().await;
        outbound.send(666).await.expect("never fails");
        let reason = "this address takes `tls://` only, and the caller does not encrypt";
        receiver.says(&format!("refused sender.0, port `o`: {reason}")).await;
        says(&plain, &format!("the peer refuses: {reason}")).await;
        let mut raw = TcpStream::connect(receiver.process.address()).await.expect("it listens");
        let answer = soon(read_answer(&mut raw, &raw_hello::<u64>(true, Codec::Binary))).await.expect("an answer");
        assert!(matches!(answer, Answer::Reject(reject) if reject.code == RejectCode::Identity));
        receiver.is_unharmed().await;

        let any = "tcp://127.0.0.1:0";
        let mut open = Process::new("open", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", any)]);
        let mut inbound = open.bindings().input_plain::<u64>("i");
        open.start().await;
        let files = receiver.authority.member(SENDER, Validity::Now);
        let place = link_of(&open);
        let mut sender = files.process("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(666).await.expect("never fails");
        says(&open, "refused a caller: this address does not take `tls://`, and the caller encrypts").await;
        says(&sender, "the peer does not speak TLS: both ends must say `tls://`").await;
        assert_eq!(inbound.next().now_or_never(), None);
    });
}

#[test]
fn lines_are_no_way_around_a_certificate_nor_around_its_identity() {
    local(async {
        let mut receiver = receiver().await;
        let mut raw = TcpStream::connect(receiver.process.address()).await.expect("it listens");
        raw.write_all(b"666\n666\n").await.expect("open");
        let mut answer = String::new();
        soon(raw.read_to_string(&mut answer)).await.expect("text");
        let told = "{\"error\":\"this address takes `tls://` only, and the caller does not encrypt\"}\n";
        assert_eq!(answer, told);
        receiver.says("refused a caller that sends lines: this address takes `tls://` only").await;
        let files = receiver.authority.member(SENDER, Validity::Now);
        let socket = dial(&receiver.process, &files, SENDER).await;
        socket.write_all(b"666\n666\n666\n").await.expect("open");
        receiver.says("refused a caller: these bytes are no hydro handshake").await;
        receiver.is_unharmed().await;
    });
}

#[test]
fn one_address_serves_some_ports_with_and_others_without_tls() {
    local(async {
        let authority = Authority::new();
        let files = authority.member("spiffe://local/receiver/0", Validity::Now);
        let reserved =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let (secure, plain) = (format!("tls://{reserved}"), format!("tcp://{reserved}"));
        let ports = vec![input::<u64>("safe", Plain), input::<u64>("open", Plain)];
        let variables = [("HYDRO_INPUT_SAFE", secure.as_str()), ("HYDRO_INPUT_OPEN", &plain)];
        let mut receiver = files.process("receiver", ports, &variables);
        let mut safe = receiver.bindings().input_plain::<u64>("safe");
        let mut open = receiver.bindings().input_plain::<u64>("open");
        receiver.start().await;
        let ports = || vec![output::<u64>("o", Plain)];
        let files = authority.member(SENDER, Validity::Now);
        let mut sender = files.process("sender", ports(), &[("HYDRO_OUTPUT_O", &format!("{secure}/safe"))]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        let mut other = Process::new("other", ports(), &[("HYDRO_OUTPUT_O", &format!("{plain}/open"))]);
        let mut another = other.bindings().output_plain::<u64>("o");
        other.start().await;
        outbound.send(1).await.expect("never fails");
        another.send(2).await.expect("never fails");
        assert_eq!((soon(safe.next()).await, soon(open.next()).await), (Some(1), Some(2)));
        let mut sneaky = Process::new("sneaky", ports(), &[("HYDRO_OUTPUT_O", &format!("{plain}/safe"))]);
        let mut wrong = sneaky.bindings().output_plain::<u64>("o");
        sneaky.start().await;
        wrong.send(666).await.expect("never fails");
        says(&sneaky, "there is no port `safe`; the inputs here are: open").await;
        assert_eq!(safe.next().now_or_never(), None);
    });
}
