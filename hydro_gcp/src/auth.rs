//! Credentials: a token that is given, or what Google's own tools use (Application Default Credentials): the file that `GOOGLE_APPLICATION_CREDENTIALS` names, that of
//! `gcloud auth application-default login`, or the service account of the machine this runs on.
//!
//! Does not know what they are for.

use std::sync::Arc;

use gcloud_sdk::GoogleAuthHeaders;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::error::{Error, Kind};

/// What requests prove with who sends them.
#[derive(Clone)]
pub struct Credentials(Source);

#[derive(Clone)]
enum Source {
    Given(HeaderMap),
    Found(Arc<GoogleAuthHeaders>),
}

impl Credentials {
    /// Takes an access token, which is used as long as it lasts.
    ///
    /// # Errors
    /// It has characters that no token has.
    pub fn token(token: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.map_err(|_| Error::new(Kind::Credentials, "use the access token", "it is no token"))?;
        value.set_sensitive(true);
        Ok(Self(Source::Given(HeaderMap::from_iter([(AUTHORIZATION, value)]))))
    }

    /// Finds credentials as Google's own tools do. They renew themselves while the runtime lives in which this is called.
    ///
    /// # Errors
    /// There are some, and they are not well-formed. That there are none shows at the first request.
    pub async fn find() -> Result<Self, Error> {
        trust();
        let found = GoogleAuthHeaders::from_adc().await;
        found.map(|headers| Self(Source::Found(Arc::new(headers)))).map_err(|error| unusable(&error))
    }

    /// Returns the headers of a request.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, Error> {
        match &self.0 {
            Source::Given(headers) => Ok(headers.clone()),
            Source::Found(found) => {
                let headers = found.headers().await.map_err(|error| unusable(&error))?;
                Ok(headers.as_ref().clone())
            }
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self.0, Source::Given(_)) { "a token" } else { "found credentials" })
    }
}

/// TLS and the signatures of service accounts need a library, which whoever came first has chosen.
pub(crate) fn trust() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may be faster; then there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn unusable(error: &dyn std::error::Error) -> Error {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    Error::new(Kind::Credentials, "use the credentials", words)
}
