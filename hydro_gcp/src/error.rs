//! What went wrong: in Google's words, with a kind that programs can tell apart and a hint for people.
//!
//! Knows no request; whoever sends one says what it was for.

use serde::Deserialize;

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There are no credentials, or they cannot be used.
    Credentials,
    /// The credentials are not accepted, or no longer.
    Unauthenticated,
    /// Whom the credentials belong to may not do this.
    Forbidden,
    /// The project does not use the API.
    Disabled,
    /// The project has no billing.
    Billing,
    /// A quota of the project is used up.
    Quota,
    /// The zone has no room for such a machine now.
    Capacity,
    /// It is not there.
    NotFound,
    /// It is there already.
    Exists,
    /// Google does not take the request as it is.
    Invalid,
    /// Google is busy, and stayed so.
    Busy,
    /// Google is not reached.
    Unreachable,
    /// Something else.
    Other,
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {what}: {words}{}", self.code())]
pub struct Error {
    kind: Kind,
    what: String,
    words: String,
    reason: Option<String>,
    project: String,
}

impl Error {
    pub(crate) fn new(kind: Kind, what: impl Into<String>, words: impl Into<String>) -> Self {
        Self { kind, what: what.into(), words: words.into(), reason: None, project: String::new() }
    }

    /// Makes the failure of something that was waited for in vain, in words of the waiting one's own.
    #[must_use]
    pub fn never(what: impl Into<String>, words: impl Into<String>) -> Self {
        Self::new(Kind::Other, what, words)
    }

    /// Makes the failure of a request of what was answered to it.
    pub(crate) fn of_answer(what: &str, status: u16, body: &str) -> Self {
        let told: Option<Told> = serde_json::from_str::<Answer>(body).ok().map(|answer| answer.error);
        let (words, reason) = match told {
            Some(told) => {
                let detail = told.details.into_iter().find_map(|detail| detail.reason);
                // The old form is in the details' stead, or says less than they do.
                (told.message, detail.or_else(|| told.errors.into_iter().find_map(|error| error.reason)))
            }
            None => (format!("the answer was {status}, and not Google's"), None),
        };
        let kind = kind_of(status, reason.as_deref().unwrap_or_default());
        Self { reason, ..Self::new(kind, what, words) }
    }

    /// Makes the failure of an operation.
    pub(crate) fn of_operation(what: &str, code: &str, words: &str) -> Self {
        Self { reason: Some(code.to_owned()), ..Self::new(kind_of(0, code), what, words) }
    }

    pub(crate) fn of_project(mut self, project: &str) -> Self {
        project.clone_into(&mut self.project);
        self
    }

    /// Returns its sort.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what can be done, where something can.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let project = &self.project;
        Some(match self.kind {
            Kind::Credentials | Kind::Unauthenticated => {
                "`gcloud auth application-default login` makes credentials, or set `GOOGLE_APPLICATION_CREDENTIALS` to the file of a service account's key".to_owned()
            }
            Kind::Forbidden => {
                "the account needs the roles `roles/compute.instanceAdmin.v1` and `roles/compute.securityAdmin` in the project".to_owned()
            }
            Kind::Disabled => format!("`gcloud services enable compute.googleapis.com --project {project}` lets the project use it"),
            Kind::Billing => format!("give the project an account that pays: https://console.cloud.google.com/billing/linkedaccount?project={project}"),
            Kind::Quota => format!(
                "ask for more at https://console.cloud.google.com/iam-admin/quotas?project={project}, or take another region, fewer machines, or smaller ones"
            ),
            Kind::Capacity => "take another zone or another type of machine, or try again later".to_owned(),
            Kind::NotFound => "check `project` and `zone`, and that the account may see them: `gcloud projects list`".to_owned(),
            Kind::Invalid => {
                let lists = [("zone", "zones"), ("machineType", "machine-types"), ("Image", "images"), ("network", "networks")];
                let (_, list) = lists.into_iter().rev().find(|(word, _)| self.words.contains(word))?;
                format!("`gcloud compute {list} list --project {project}` tells what there is")
            }
            Kind::Busy | Kind::Unreachable => "try again later; what is done stays done".to_owned(),
            _ => return None,
        })
    }

    fn code(&self) -> String {
        self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
    }
}

/// Whether the same request may be answered otherwise a little later.
pub(crate) fn may_pass(status: u16, reason: Option<&str>) -> bool {
    let is_rate = matches!(reason, Some("rateLimitExceeded" | "userRateLimitExceeded" | "RATE_LIMIT_EXCEEDED"));
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504) || (status == 403 && is_rate)
}

/// Returns why, as far as the answer says.
pub(crate) fn reason_of(body: &str) -> Option<String> {
    let told = serde_json::from_str::<Answer>(body).ok()?.error;
    told.errors.into_iter().find_map(|error| error.reason)
}

/// Codes of answers and of operations, which differ in how they are written and partly mean the same.
fn kind_of(status: u16, reason: &str) -> Kind {
    match reason {
        "accessNotConfigured" | "SERVICE_DISABLED" => return Kind::Disabled,
        "billingNotEnabled" | "BILLING_DISABLED" => return Kind::Billing,
        "rateLimitExceeded" | "userRateLimitExceeded" | "RATE_LIMIT_EXCEEDED" => return Kind::Busy,
        "quotaExceeded" | "QUOTA_EXCEEDED" | "limitExceeded" => return Kind::Quota,
        "ZONE_RESOURCE_POOL_EXHAUSTED" | "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS" | "resourceNotReady" => {
            return Kind::Capacity;
        }
        "RESOURCE_NOT_FOUND" => return Kind::NotFound,
        "RESOURCE_ALREADY_EXISTS" => return Kind::Exists,
        "PERMISSIONS_ERROR" | "PERMISSION_DENIED" => return Kind::Forbidden,
        "INVALID_FIELD_VALUE" | "INVALID_USAGE" => return Kind::Invalid,
        _ => {}
    }
    match status {
        400 => Kind::Invalid,
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 => Kind::Exists,
        408 | 429 | 500..=599 => Kind::Busy,
        _ => Kind::Other,
    }
}

#[derive(Deserialize)]
struct Answer {
    error: Told,
}

#[derive(Deserialize)]
struct Told {
    message: String,
    #[serde(default)]
    errors: Vec<Reason>,
    #[serde(default)]
    details: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_words_stay_and_the_sort_is_told_apart() {
        let answer = |code: u16, reason: &str| {
            format!(
                r#"{{"error":{{"code":{code},"message":"So it is.","errors":[{{"reason":"{reason}","message":"So it is."}}]}}}}"#
            )
        };
        for (status, reason, kind) in [
            (403, "quotaExceeded", Kind::Quota),
            (403, "accessNotConfigured", Kind::Disabled),
            (403, "forbidden", Kind::Forbidden),
            (403, "rateLimitExceeded", Kind::Busy),
            (404, "notFound", Kind::NotFound),
            (409, "alreadyExists", Kind::Exists),
            (401, "authError", Kind::Unauthenticated),
            (503, "backendError", Kind::Busy),
        ] {
            let error = Error::of_answer("make `a`", status, &answer(status, reason)).of_project("p");
            assert_eq!(error.kind(), kind, "{reason}");
            assert_eq!(error.to_string(), format!("cannot make `a`: So it is. ({reason})"));
        }
        let detailed = r#"{"error":{"code":403,"message":"Off.","errors":[{"reason":"forbidden"}],"details":[{"reason":"SERVICE_DISABLED"}]}}"#;
        let error = Error::of_answer("make `a`", 403, detailed).of_project("p");
        assert_eq!(error.kind(), Kind::Disabled);
        assert!(error.hint().is_some_and(|hint| hint.contains("--project p")), "{:?}", error.hint());
        let strange = Error::of_answer("make `a`", 502, "<html>");
        assert_eq!(
            (strange.kind(), strange.to_string()),
            (Kind::Busy, "cannot make `a`: the answer was 502, and not Google's".into())
        );
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        for (status, reason, expected) in [
            (429, None, true),
            (500, None, true),
            (503, Some("backendError"), true),
            (403, Some("rateLimitExceeded"), true),
            (403, Some("quotaExceeded"), false),
            (404, None, false),
            (409, None, false),
        ] {
            assert_eq!(may_pass(status, reason), expected, "{status} {reason:?}");
        }
    }
}
