//! Makes certificates, good and bad, and the files that hold them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, string,
};
use tempfile::TempDir;

use super::super::Process;
use crate::bind::Port;

/// When a certificate counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Validity {
    /// Now.
    Now,
    /// It did.
    Past,
    /// It will.
    Future,
}

/// Somebody who issues certificates.
pub(super) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes an authority; all have the same name.
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "hydro local");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Issues a certificate and puts it into files.
    pub(super) fn member(&self, identity: &str, validity: Validity) -> Member {
        let member = Member::empty(&self.pem);
        self.renew(&member, identity, validity);
        member
    }

    /// Issues another certificate into the same files.
    pub(super) fn renew(&self, member: &Member, identity: &str, validity: Validity) {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(identity, validity).signed_by(&key, &self.issuer).expect("a certificate");
        member.write("cert.pem", &certificate.pem());
        member.write("key.pem", &key.serialize_pem());
    }

    /// Returns files with a certificate that its owner issued, who believes this authority.
    pub(super) fn member_signed_by_itself(&self, identity: &str) -> Member {
        let member = Member::empty(&self.pem);
        let key = KeyPair::generate().expect("a key");
        let certificate = params(identity, Validity::Now).self_signed(&key).expect("a certificate");
        member.write("cert.pem", &certificate.pem());
        member.write("key.pem", &key.serialize_pem());
        member
    }

    /// Makes the owner of the files believe this authority.
    pub(super) fn is_believed_by(&self, member: &Member) {
        member.write("ca.pem", &self.pem);
    }
}

fn params(identity: &str, validity: Validity) -> CertificateParams {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(string::Ia5String::try_from(identity).expect("ASCII"))];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    let (from, to) = match validity {
        Validity::Now => (now - DAY, now + DAY),
        Validity::Past => (now - 3 * DAY, now - DAY),
        Validity::Future => (now + DAY, now + 3 * DAY),
    };
    (params.not_before, params.not_after) = (from.into(), to.into());
    params
}

/// A process's files.
pub(super) struct Member {
    folder: TempDir,
}

impl Member {
    fn empty(authority: &str) -> Self {
        let member = Self { folder: tempfile::tempdir().expect("a folder") };
        member.write("ca.pem", authority);
        member
    }

    /// Returns the path of a file.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner reads.
    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let part = path.with_extension("part");
        fs::write(&part, text).expect("written");
        fs::set_permissions(&part, fs::Permissions::from_mode(0o600)).expect("set");
        fs::rename(part, path).expect("moved");
    }

    /// Returns the variables that name the files.
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        [("HYDRO_TLS_CERT", "cert.pem"), ("HYDRO_TLS_KEY", "key.pem"), ("HYDRO_TLS_CA", "ca.pem")]
            .map(|(variable, name)| (variable, self.path(name).display().to_string()))
    }

    /// Prepares a process that proves itself with them.
    pub(super) fn process(&self, name: &'static str, ports: Vec<Port>, variables: &[(&str, &str)]) -> Process {
        let own = self.variables();
        let all: Vec<_> =
            variables.iter().copied().chain(own.iter().map(|(name, path)| (*name, path.as_str()))).collect();
        Process::new(name, ports, &all)
    }
}
