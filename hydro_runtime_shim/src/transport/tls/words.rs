//! rustls's errors in a user's words. The alert that the other end gets of ours is told there in the words for alerts.

use rustls::{AlertDescription, CertificateError, Error};

/// Returns why no connection is made, about "the peer" or "we".
pub(super) fn told(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(certificate) => distrust(certificate),
        Error::NoCertificatesPresented => "the peer shows no certificate".to_owned(),
        Error::AlertReceived(alert) => refusal(*alert),
        Error::PeerIncompatible(_) => "the peer does not speak TLS 1.3".to_owned(),
        Error::NoApplicationProtocol => "the peer speaks TLS, but not for links between programs".to_owned(),
        Error::InvalidMessage(_) => "the peer does not speak TLS".to_owned(),
        Error::DecryptError => "what the peer sent was changed on its way, or recorded and played back".to_owned(),
        other => format!("TLS: {other}"),
    }
}

fn distrust(error: &CertificateError) -> String {
    let why = match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is not from this deployment's authority".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; is the clock of one machine wrong?".to_owned()
        }
        CertificateError::Other(reason) => reason.to_string(),
        other => format!("cannot be accepted: {other}"),
    };
    format!("the peer's certificate {why}")
}

fn refusal(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::UnknownCA => "our certificate is not from its deployment's authority",
        AlertDescription::CertificateExpired => "our certificate has expired, or is not valid yet by its clock",
        AlertDescription::CertificateUnknown => "our certificate does not belong to its deployment",
        AlertDescription::CertificateRequired => "we show no certificate",
        AlertDescription::NoApplicationProtocol => "it speaks TLS, but not for links between programs",
        AlertDescription::ProtocolVersion => "it does not speak TLS 1.3",
        AlertDescription::DecryptError | AlertDescription::BadRecordMac => {
            "what we sent was changed on its way, or recorded and played back"
        }
        other => return format!("the peer refuses: TLS alert {other:?}"),
    };
    format!("the peer refuses: {why}")
}
