//! Two machines back to back, without sockets: whole bytes, bytes in crumbs, and bytes that somebody changed.

use std::io::IoSlice;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, string};

use super::credentials::{CredentialFiles, Credentials};
use super::machine::Machine;

const IDENTITY: &str = "spiffe://local/a/0";

fn machines() -> (Machine, Machine) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let write = |name: &str, text: String| {
        std::fs::write(path(name), text).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path(name), mode).expect("set");
    };
    write("ca", authority.self_signed(&key).expect("a certificate").pem());
    let issuer = Issuer::new(authority, key);
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(string::Ia5String::try_from(IDENTITY).expect("ASCII"))];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().expect("a key");
    write("certificate", params.signed_by(&key, &issuer).expect("a certificate").pem());
    write("key", key.serialize_pem());
    let files = CredentialFiles { certificate: path("certificate"), key: path("key"), authority: path("ca") };
    let credentials = Credentials::read(files, IDENTITY.to_owned(), "spiffe://local/".to_owned()).expect("right files");
    let configs = credentials.configs();
    (Machine::client(&configs).expect("a client"), Machine::server(&configs).expect("a server"))
}

/// Carries all that one has to say to the other, in pieces of this size; tells whether there was anything.
fn carry(from: &mut Machine, to: &mut Machine, piece: usize) -> bool {
    let bytes = from.unsent().to_vec();
    from.sent(bytes.len());
    give(to, &bytes, piece);
    !bytes.is_empty()
}

fn give(to: &mut Machine, mut bytes: &[u8], piece: usize) {
    while !bytes.is_empty() {
        let Ok(room) = to.room() else { return };
        let count = bytes.len().min(piece).min(room.len());
        room[..count].copy_from_slice(&bytes[..count]);
        to.received(count);
        bytes = &bytes[count..];
        let _ = to.go_on();
    }
}

fn shake(client: &mut Machine, server: &mut Machine, piece: usize) {
    client.go_on().expect("a beginning");
    while carry(client, server, piece) | carry(server, client, piece) {}
    assert!(!client.common().is_handshaking() && !server.common().is_handshaking());
}

#[test]
fn bytes_arrive_whole_however_they_are_cut() {
    for piece in [1, 7, 1000, usize::MAX] {
        let (mut client, mut server) = machines();
        shake(&mut client, &mut server, piece);
        let sent: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        let pieces = [IoSlice::new(&sent[..5]), IoSlice::new(&[]), IoSlice::new(&sent[5..])];
        let (mut taken, mut received, mut buffer) = (0, Vec::new(), [0; 777]);
        while taken < sent.len() {
            taken += client.write(&pieces, taken).expect("it takes more");
            carry(&mut client, &mut server, piece);
            while let count @ 1.. = server.read(&mut buffer).expect("right bytes") {
                received.extend_from_slice(&buffer[..count]);
            }
        }
        assert!(received == sent);
    }
}

#[test]
fn changed_bytes_are_an_error_and_never_a_panic() {
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).expect("small")
    };
    for round in 0..300 {
        let (mut client, mut server) = machines();
        let text = [b'x'; 3000];
        if round % 3 > 0 {
            shake(&mut client, &mut server, usize::MAX);
            client.write(&[IoSlice::new(&text)], 0).expect("it takes more");
        } else {
            client.go_on().expect("a beginning");
        }
        let mut bytes = client.unsent().to_vec();
        for _ in 0..=next(3) {
            let (at, bit) = (next(bytes.len()), next(8));
            match next(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes.insert(at, 1 << bit),
                _ => bytes[at] ^= 1 << bit,
            }
        }
        give(&mut server, &bytes, 1 + next(bytes.len()));
        let mut buffer = [0; 5000];
        while let Ok(count @ 1..) = server.read(&mut buffer) {
            assert!(buffer[..count].iter().all(|&byte| byte == b'x'));
        }
        assert!(server.read(&mut buffer).is_err() || server.read(&mut buffer).is_ok_and(|count| count == 0));
        let _ = server.write(&[IoSlice::new(&text)], 0);
        // The answer may be an alert, which must be understood.
        carry(&mut server, &mut client, usize::MAX);
    }
}
