//! A deployment's certificate authority, and the certificates of its members.
//!
//! The authority is kept with its key in a folder that only this user may enter, so that what is started later is believed by what runs. Members have
//! certificates for a day, which are replaced long before they end: programs look at their files at each new connection.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hydro_runtime_shim::contract::{TLS_CA, TLS_CERT, TLS_KEY, identity_of};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, string,
};

use crate::report::{ExitCode, Failure};
use crate::sys;

/// How long a member's certificate counts, unless the deployment says otherwise.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// It is replaced after this share of its time: two more attempts fit before it ends.
const RENEWAL_SHARE: u32 = 3;
/// Clocks of two machines may differ by this.
const LEEWAY: Duration = Duration::from_secs(300);
/// The authority's certificate and key in its folder.
const CERTIFICATE: &str = "authority.pem";
const KEY: &str = "authority.key";

/// See the module.
pub(super) struct Authority {
    deployment: String,
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    lifetime: Duration,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Authority {
    /// Opens the authority of a deployment, or makes one. `root` is the workspace's; `lifetime` is that of members' certificates, none: a day.
    ///
    /// # Errors
    /// Its files cannot be read or written.
    pub(super) fn open(root: &Path, deployment: &str, lifetime: Option<Duration>) -> Result<Self, Failure> {
        let name = blake3::hash(deployment.as_bytes()).to_hex();
        let folder = root.join(".hydro").join("tls").join(&name[..16]);
        Self::open_in(&folder, deployment, lifetime.unwrap_or(LIFETIME)).map_err(|error| {
            let message = format!("cannot keep the certificates of `{deployment}` in `{}`", folder.display());
            let hint = "encrypted links need a folder that only you may enter; if its files are damaged, remove it";
            Failure::new(ExitCode::DeployFailed, message).cause(error).hint(hint)
        })
    }

    fn open_in(folder: &Path, deployment: &str, lifetime: Duration) -> io::Result<Self> {
        sys::fs::create_private_folder(folder)?;
        if let Some(state) = folder.ancestors().nth(2) {
            // Nobody shall commit keys by accident.
            sys::fs::write_if_changed(&state.join(".gitignore"), b"*\n")?;
        }
        // Two commands may deploy at once, and must not make two authorities.
        let _lock = sys::fs::Lock::acquire(&folder.join("lock"))?;
        let params = authority_params(deployment);
        let key = match std::fs::read_to_string(folder.join(KEY)) {
            Ok(text) => KeyPair::from_pem(&text).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate().map_err(io::Error::other)?;
                let certificate = params.self_signed(&key).map_err(io::Error::other)?;
                sys::fs::write_private(&folder.join(CERTIFICATE), certificate.pem().as_bytes())?;
                // The key comes last: where it is, everything is.
                sys::fs::write_private(&folder.join(KEY), key.serialize_pem().as_bytes())?;
                key
            }
            Err(error) => return Err(error),
        };
        let issuer = Issuer::new(params, key);
        Ok(Self { deployment: deployment.to_owned(), folder: folder.to_owned(), issuer, lifetime })
    }

    /// Returns after what time a member needs another certificate.
    pub(super) fn renewal(&self) -> Duration {
        self.lifetime / RENEWAL_SHARE
    }

    /// Gives a member a new certificate; returns the variables that name its files. Certificate and key are one file, so that nobody ever sees one without
    /// the other.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn issue(&self, service: &str, member: u32) -> io::Result<BTreeMap<String, String>> {
        let identity = identity_of(&self.deployment, service, member);
        let params = member_params(&identity, self.lifetime).map_err(io::Error::other)?;
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let path = self.folder.join(format!("{service}.{member}.pem"));
        sys::fs::write_private(&path, format!("{}{}", certificate.pem(), key.serialize_pem()).as_bytes())?;
        let files = [(TLS_CERT, path.clone()), (TLS_KEY, path), (TLS_CA, self.folder.join(CERTIFICATE))];
        Ok(files.into_iter().map(|(name, path)| (name.to_owned(), path.display().to_string())).collect())
    }
}

/// What the authority says of itself: the same each time, as its name is in all that it issued.
fn authority_params(deployment: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("hydro deployment {deployment}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn member_params(identity: &str, lifetime: Duration) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(string::Ia5String::try_from(identity)?)];
    // Every member calls and is called.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let now = SystemTime::now();
    (params.not_before, params.not_after) = ((now - LEEWAY).into(), (now + lifetime).into());
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_authority_is_kept_and_its_files_are_its_owner_s_alone() {
        let root = tempfile::tempdir().unwrap();
        let first = Authority::open(root.path(), "my deployment", None).unwrap();
        let variables = first.issue("a", 0).unwrap();
        let pem = |name: &str| std::fs::read_to_string(&variables[name]).unwrap();
        let (authority, old) = (pem(TLS_CA), pem(TLS_CERT));
        assert!(old.contains("BEGIN CERTIFICATE") && pem(TLS_KEY).contains("BEGIN PRIVATE KEY"));
        let again = Authority::open(root.path(), "my deployment", None).unwrap();
        assert_eq!(again.issue("a", 0).unwrap(), variables);
        assert_eq!(pem(TLS_CA), authority, "what runs believes what is started later");
        assert_ne!(pem(TLS_CERT), old, "each certificate is a new one");
        assert_eq!(mode(&first.folder), 0o700);
        // The lock holds nothing.
        let files = std::fs::read_dir(&first.folder).unwrap().map(|file| file.unwrap().path());
        let secret: Vec<PathBuf> = files.filter(|path| !path.ends_with("lock")).collect();
        assert_eq!(secret.len(), 3, "{secret:?}");
        assert!(secret.iter().all(|path| mode(path) & 0o077 == 0), "{secret:?}");
        let other = Authority::open(root.path(), "another", None).unwrap();
        assert_ne!(other.issue("a", 0).unwrap()[TLS_CA], variables[TLS_CA]);
        assert!(std::fs::read_to_string(root.path().join(".hydro/.gitignore")).unwrap().contains('*'));
    }

    #[test]
    fn a_damaged_key_is_told_with_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = Authority::open(root.path(), "d", None).unwrap().folder;
        std::fs::write(folder.join(KEY), "nothing").unwrap();
        let failure = Authority::open(root.path(), "d", None).unwrap_err();
        assert!(failure.message.starts_with("cannot keep the certificates of `d` in `"), "{}", failure.message);
        assert!(failure.hint.is_some());
    }
}
