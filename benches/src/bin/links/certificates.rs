//! The certificates of the programs that encrypt their links. Knows no links.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, string};

/// Returns a folder of this process that nobody else may write in.
pub(crate) fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("benches-{}-tls", std::process::id()))
}

/// The files of two programs and of the authority that both believe.
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes certificates for programs of these names.
    ///
    /// # Errors
    /// The temp folder cannot be written to.
    pub(crate) fn make(programs: impl Iterator<Item = String>) -> Result<Self, String> {
        let made = Self { folder: folder() };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&made.folder).map_err(|error| error.to_string())?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let told = |error: rcgen::Error| error.to_string();
        let key = KeyPair::generate().map_err(told)?;
        made.write("ca", &authority.self_signed(&key).map_err(told)?.pem())?;
        let issuer = Issuer::new(authority, key);
        for program in programs {
            let mut params = CertificateParams::default();
            let name = string::Ia5String::try_from(format!("spiffe://local/{program}/0")).map_err(told)?;
            params.subject_alt_names = vec![SanType::URI(name)];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
            let key = KeyPair::generate().map_err(told)?;
            let certificate = params.signed_by(&key, &issuer).map_err(told)?;
            made.write(&program, &format!("{}{}", certificate.pem(), key.serialize_pem()))?;
        }
        Ok(made)
    }

    /// Returns the variables of a program.
    pub(crate) fn variables(&self, program: &str) -> [(&'static str, PathBuf); 3] {
        [("HYDRO_TLS_CERT", program), ("HYDRO_TLS_KEY", program), ("HYDRO_TLS_CA", "ca")]
            .map(|(variable, name)| (variable, self.folder.join(name)))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.join(name);
        let written = std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)));
        written.map_err(|error| error.to_string())
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
