//! Who may ask: tokens that are given out as Google's servers give them out, and what is said to others.

use serde_json::json;

use super::TOKEN;
use super::http::{Answer, Asked};

/// The tokens that are good.
pub(super) struct Tokens {
    good: Vec<String>,
    given: usize,
    /// Service accounts sign tokens themselves; these count until all have expired.
    signed: bool,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self { good: vec![TOKEN.to_owned()], given: 0, signed: true }
    }

    pub(super) fn expire(&mut self) {
        self.good.clear();
        self.signed = false;
    }

    pub(super) fn give(&mut self, token: &str) {
        self.good.push(token.to_owned());
    }

    /// Answers what is asked of the servers of tokens: a machine's own (metadata), and that of users and accounts.
    pub(super) fn answer(&mut self, asked: &Asked) -> Option<Answer> {
        let is_metadata = asked.path.starts_with("/computeMetadata/") || asked.path == "/";
        if !is_metadata && asked.path != "/token" {
            return None;
        }
        let mut answer = match asked.path.rsplit('/').next().unwrap_or_default() {
            "token" => {
                self.given += 1;
                // Which way it came shows in the token.
                let way = if is_metadata { "machine" } else { "user" };
                let token = format!("{way}-token-{}", self.given);
                self.good.push(token.clone());
                let body = json!({ "access_token": token, "expires_in": 3600, "token_type": "Bearer" });
                Answer::json(200, &body)
            }
            "universe-domain" | "universe_domain" => {
                Answer { status: 200, headers: Vec::new(), body: "googleapis.com".to_owned() }
            }
            "email" => Answer { status: 200, headers: Vec::new(), body: "machine@hydro-1234.iam".to_owned() },
            _ => Answer { status: 200, headers: Vec::new(), body: "ok".to_owned() },
        };
        if is_metadata {
            answer.headers.push(("metadata-flavor".to_owned(), "Google".to_owned()));
        }
        Some(answer)
    }

    /// Returns what is said to those who may not ask.
    pub(super) fn refusal(&self, asked: &Asked) -> Option<Answer> {
        let Some(token) = asked.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer ")) else {
            return Some(Answer::error(401, "required", "Login Required."));
        };
        let is_signed = self.signed && token.starts_with("ey") && token.split('.').count() == 3;
        if is_signed || self.good.iter().any(|good| good == token) {
            return None;
        }
        Some(Answer::error(401, "authError", "Request had invalid authentication credentials."))
    }
}
