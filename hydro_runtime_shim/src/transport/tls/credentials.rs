//! What a process proves itself with: its certificate and key, and the authority that it believes; read from files, and again when those change.
//!
//! The key is in no variable, where the whole machine's tools would show it, but in a file that only its owner reads.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::verify::{Verifier, identity};
use crate::contract::{TLS_CA, TLS_CERT, TLS_KEY};

/// What this protocol is called among those that are spoken inside TLS: no other server of the machine can be mistaken for a link's end.
pub(super) const PROTOCOL: &[u8] = b"hydro-link/2";
/// A file of certificates is not larger; what is, is something else.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// Where the three files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CredentialFiles {
    /// The certificate, with those between it and the authority's.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// The authority's certificate.
    pub(crate) authority: PathBuf,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The variable that names it.
    pub(crate) variable: &'static str,
    /// Its path.
    pub(crate) path: PathBuf,
    /// What is wrong, as a lowercase fragment.
    pub(crate) reason: String,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Credentials {
    files: CredentialFiles,
    /// Who we are, which the certificate must say, too.
    identity: String,
    /// What the identities of our deployment begin with.
    prefix: String,
    loaded: RefCell<Loaded>,
}

#[derive(Clone, Debug)]
struct Loaded {
    stamps: [Option<Stamp>; 3],
    configs: Configs,
}

/// How rustls is told of it.
#[derive(Clone, Debug)]
pub(super) struct Configs {
    /// For calling.
    pub(super) client: Arc<ClientConfig>,
    /// For being called.
    pub(super) server: Arc<ServerConfig>,
}

/// A file's state; another one: it was written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    changed: SystemTime,
    bytes: u64,
    inode: u64,
}

impl Credentials {
    /// Reads the files.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(crate) fn read(files: CredentialFiles, identity: String, prefix: String) -> Result<Self, Vec<Mistake>> {
        let stamps = files.stamps();
        let configs = load(&files, &identity, &prefix)?;
        Ok(Self { files, identity, prefix, loaded: RefCell::new(Loaded { stamps, configs }) })
    }

    /// Returns what to use for a handshake now: the files are read again if they changed. While they are wrong, which they may be for the moment
    /// in which somebody replaces them, the former ones are used.
    pub(super) fn configs(&self) -> Configs {
        let stamps = self.files.stamps();
        let mut loaded = self.loaded.borrow_mut();
        if loaded.stamps != stamps
            && let Ok(configs) = load(&self.files, &self.identity, &self.prefix)
        {
            *loaded = Loaded { stamps, configs };
        }
        loaded.configs.clone()
    }
}

impl CredentialFiles {
    fn stamps(&self) -> [Option<Stamp>; 3] {
        [&self.certificate, &self.key, &self.authority].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some(Stamp { changed: metadata.modified().ok()?, bytes: metadata.len(), inode: metadata.ino() })
        })
    }
}

/// Returns the cryptography used: one for the whole program, without global state.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn load(files: &CredentialFiles, own: &str, prefix: &str) -> Result<Configs, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let chain = read_chain(&files.certificate, own).map_err(|reason| (TLS_CERT, &files.certificate, reason));
    let key = read_key(&files.key).map_err(|reason| (TLS_KEY, &files.key, reason));
    let verifier = read_authority(&files.authority, prefix).map_err(|reason| (TLS_CA, &files.authority, reason));
    let mut note = |(variable, path, reason): (_, &PathBuf, _)| {
        mistakes.push(Mistake { variable, path: path.clone(), reason });
    };
    let chain = chain.map_err(&mut note).ok();
    let key = key.map_err(&mut note).ok();
    let verifier = verifier.map_err(&mut note).ok();
    let (Some(chain), Some(key), Some(verifier)) = (chain, key, verifier) else { return Err(mistakes) };
    configure(chain, key, Arc::new(verifier)).map_err(|error| {
        let reason = format!("does not fit the certificate of {TLS_CERT}: {error}");
        vec![Mistake { variable: TLS_KEY, path: files.key.clone(), reason }]
    })
}

fn configure(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    verifier: Arc<Verifier>,
) -> Result<Configs, rustls::Error> {
    let versions = &[&rustls::version::TLS13];
    let mut client = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Verifier>::clone(&verifier))
        .with_client_auth_cert(chain.clone(), key.clone_key())?;
    client.alpn_protocols = vec![PROTOCOL.to_vec()];
    // Each connection proves anew who is there: links are long, and a resumed session would outlive its certificate.
    client.resumption = Resumption::disabled();
    client.enable_sni = false;
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    server.alpn_protocols = vec![PROTOCOL.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Configs { client: Arc::new(client), server: Arc::new(server) })
}

fn read_chain(path: &Path, own: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain = certificates(path)?;
    match chain.first().and_then(identity) {
        Some(name) if name == own => Ok(chain),
        Some(name) => Err(format!("the certificate is for `{name}`, and this process is `{own}`")),
        None => Err(format!("the certificate must have one URI among its names: `{own}`")),
    }
}

fn read_authority(path: &Path, prefix: &str) -> Result<Verifier, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    Verifier::new(roots, prefix.to_owned())
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let (bytes, mode) = read(path)?;
    if mode & 0o077 != 0 {
        return Err(format!("others than its owner may use the file; do `chmod 600 {}`", path.display()));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| "holds no private key in PEM form".to_owned())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let (bytes, _) = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err("holds no certificate in PEM form".to_owned()),
    }
}

/// Reads a file and its mode, both of the very same file.
fn read(path: &Path) -> Result<(Vec<u8>, u32), String> {
    let told = |error: io::Error| error.to_string();
    // Asked first: opening a pipe would wait for its other end.
    if !fs::metadata(path).map_err(told)?.is_file() {
        return Err("is no file".to_owned());
    }
    let file = File::open(path).map_err(told)?;
    let metadata = file.metadata().map_err(told)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT_BYTES).read_to_end(&mut bytes).map_err(told)?;
    Ok((bytes, metadata.mode()))
}
