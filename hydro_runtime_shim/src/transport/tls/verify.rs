//! Whom we believe: certificates from the deployment's authority that are valid now and name one member of the deployment.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::credentials::provider;

/// Checks certificates of both sides.
#[derive(Debug)]
pub(super) struct Verifier {
    roots: Arc<RootCertStore>,
    callers: Arc<dyn ClientCertVerifier>,
    provider: Arc<CryptoProvider>,
    /// What the identities of the deployment begin with.
    prefix: String,
}

impl Verifier {
    /// Believes what these authorities say of members of one deployment.
    ///
    /// # Errors
    /// There is no authority.
    pub(super) fn new(roots: RootCertStore, prefix: String) -> Result<Self, String> {
        let (roots, provider) = (Arc::new(roots), provider());
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider)).build();
        let callers = callers.map_err(|error| error.to_string())?;
        Ok(Self { roots, callers, provider, prefix })
    }

    fn check_name(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        match identity(certificate) {
            Some(name) if name.starts_with(&self.prefix) => Ok(()),
            Some(name) => Err(refused(format!("is for `{name}`, and this deployment is `{}`", self.prefix))),
            None => Err(refused("does not name one member of a deployment".to_owned())),
        }
    }
}

/// Returns the one identity in a certificate.
pub(super) fn identity(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let mut names = certificate.valid_uri_names();
    let name = names.next()?.to_owned();
    names.next().is_none().then_some(name)
}

fn refused(reason: String) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Reason(reason)))))
}

/// An authority of the same name has another key: to everybody it is another authority.
fn unknown(error: Error) -> Error {
    match error {
        Error::InvalidCertificate(CertificateError::BadSignature) => CertificateError::UnknownIssuer.into(),
        other => other,
    }
}

/// Nobody asks for a signature of TLS 1.2, which is not compiled in.
fn old_version() -> Error {
    Error::General("TLS 1.2 is not spoken here".to_owned())
}

#[derive(Debug)]
struct Reason(String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}

impl ServerCertVerifier for Verifier {
    /// The name that was dialed counts for nothing: addresses change, and the peer says who it is.
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)
            .map_err(unknown)?;
        self.check_name(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(old_version())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // Whoever calls has one certificate and shows it; strangers need not hear our names.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.callers.verify_client_cert(end_entity, intermediates, now).map_err(unknown)?;
        self.check_name(end_entity)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(old_version())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.callers.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.callers.supported_verify_schemes()
    }
}
