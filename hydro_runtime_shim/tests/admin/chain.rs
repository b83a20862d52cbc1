//! Three programs in a row, joined over each of the transports: what holds for one must hold for all.

use std::os::unix::fs::PermissionsExt as _;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, string,
};

use crate::support::{Folder, Running, free_place};

/// What carries the links.
#[derive(Clone, Copy, Debug)]
enum Way {
    Tcp,
    SharedMemory,
    Tls,
}

/// `source` → `middle` → `sink`, in which `source` is started by the test.
pub(crate) struct Chain {
    folder: Folder,
    authority: Option<Authority>,
    place: String,
    /// Takes items at one place and passes them on.
    pub(crate) middle: Running,
    /// Takes what the middle passes on.
    pub(crate) sink: Running,
}

/// Does the same to a chain of each kind.
pub(crate) fn over_every_transport(name: &str, test: impl Fn(&Chain)) {
    for way in [Way::Tcp, Way::SharedMemory, Way::Tls] {
        test(&Chain::new(name, way));
    }
}

impl Chain {
    fn new(name: &str, way: Way) -> Self {
        let folder = Folder::new(&format!("{name}-{way:?}"));
        let (place, last) = (way.place(&folder, "middle"), way.place(&folder, "sink"));
        let authority = matches!(way, Way::Tls).then(|| Authority::new(&folder));
        let sink = relay(&folder, authority.as_ref(), "sink", (&last, "null"), &[]);
        let middle = relay(&folder, authority.as_ref(), "middle", (&place, &last), &[]);
        middle.await_ready(true);
        Self { folder, authority, place, middle, sink }
    }

    /// Starts a source of the numbers below `count`.
    pub(crate) fn feed(&self, name: &str, count: &str) -> Running {
        relay(&self.folder, self.authority.as_ref(), name, ("null", &self.place), &["--start-with", count])
    }
}

impl Way {
    fn place(self, folder: &Folder, name: &str) -> String {
        match self {
            Self::Tcp => free_place(),
            Self::SharedMemory => format!("shm:{}", folder.path(&format!("{name}.sock")).display()),
            Self::Tls => free_place().replace("tcp://", "tls://"),
        }
    }
}

fn relay(
    folder: &Folder,
    authority: Option<&Authority>,
    name: &str,
    (from, to): (&str, &str),
    flags: &[&str],
) -> Running {
    let files = authority.map(|authority| authority.issue(folder, name)).unwrap_or_default();
    let mut variables = vec![("HYDRO_INPUT_INBOUND", from), ("HYDRO_OUTPUT_OUTBOUND", to)];
    variables.extend(files.iter().map(|(variable, path)| (*variable, path.as_str())));
    Running::start(folder, name, "relay", flags, &variables)
}

/// Who issues the programs' certificates.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    fn new(folder: &Folder) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "hydro local");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        std::fs::write(folder.path("ca.pem"), pem).expect("written");
        Self(Issuer::new(params, key))
    }

    fn issue(&self, folder: &Folder, service: &str) -> Vec<(&'static str, String)> {
        let mut params = CertificateParams::default();
        let identity = string::Ia5String::try_from(format!("spiffe://local/{service}/0")).expect("ASCII");
        params.subject_alt_names = vec![SanType::URI(identity)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let path = folder.path(&format!("{service}.pem"));
        std::fs::write(&path, format!("{}{}", certificate.pem(), key.serialize_pem())).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
        let paths =
            [("HYDRO_TLS_CERT", path.clone()), ("HYDRO_TLS_KEY", path), ("HYDRO_TLS_CA", folder.path("ca.pem"))];
        paths.map(|(variable, path)| (variable, path.display().to_string())).into()
    }
}
