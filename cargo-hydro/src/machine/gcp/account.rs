//! Who asks Google, and where: the environment says it, as it does to Google's own tools.

use hydro_gcp::{Client, Credentials, Error, Settings};

use crate::report::{ExitCode, Failure};
use crate::sys;

/// Where the API answers, up to `/compute/v1`, in place of Google's own address.
const ENDPOINT: &str = "HYDRO_GCP_ENDPOINT";
/// An access token, by the name that other tools have for it.
const TOKEN: &str = "GOOGLE_OAUTH_ACCESS_TOKEN";

/// Credentials, found once for all projects.
#[derive(Clone, Debug)]
pub struct Account {
    credentials: Credentials,
    endpoint: Option<String>,
}

impl Account {
    /// Finds the credentials: a token in the environment, else what Google's own tools use.
    ///
    /// # Errors
    /// They cannot be used.
    pub async fn find() -> Result<Self, Failure> {
        let credentials = match sys::env::text(TOKEN) {
            Some(token) => Credentials::token(&token),
            None => Credentials::find().await,
        };
        Ok(Self { credentials: credentials.map_err(|error| failure(&error))?, endpoint: sys::env::text(ENDPOINT) })
    }

    /// Returns a client of a project.
    ///
    /// # Errors
    /// The project's name cannot be one, or credentials would be sent in the clear.
    pub fn client(&self, project: &str) -> Result<Client, Failure> {
        let (credentials, endpoint) = (self.credentials.clone(), self.endpoint.clone());
        let settings = Settings { project: project.to_owned(), credentials, endpoint, pause: None };
        Client::new(settings).map_err(|error| failure(&error))
    }
}

/// Google's words as a failure of ours.
pub(super) fn failure(error: &Error) -> Failure {
    let failure = Failure::new(ExitCode::DeployFailed, error.to_string());
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
