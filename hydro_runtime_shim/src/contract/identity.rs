//! Who a process is, as its certificate says it: `spiffe://DEPLOYMENT/SERVICE/MEMBER`, the one name in there.
//!
//! Knows no certificates.

use std::fmt::Write as _;

/// Returns the identity of a member.
#[must_use]
pub fn identity_of(deployment: &str, service: &str, member: u32) -> String {
    format!("{}{}/{member}", identity_prefix(deployment), escaped(service))
}

/// Returns what the identities of all members of a deployment begin with.
#[must_use]
pub fn identity_prefix(deployment: &str) -> String {
    format!("spiffe://{}/", escaped(deployment))
}

/// Names may hold anything, a URI may not; and two names must not become one.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            text.push(byte.into());
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_uris_and_no_two_are_one() {
        assert_eq!(identity_of("prod", "kvs-store_1", 3), "spiffe://prod/kvs-store_1/3");
        assert_eq!(identity_of("a b", "x/1", 0), "spiffe://a%20b/x%2F1/0");
        assert_ne!(identity_of("a/b", "c", 0), identity_of("a", "b/c", 0));
        assert!(!identity_of("prod2", "a", 0).starts_with(&identity_prefix("prod")));
    }
}
