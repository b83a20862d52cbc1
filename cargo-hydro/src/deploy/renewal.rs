//! New certificates for members that run.
//!
//! A program looks at its files when it makes a connection; those that it has go on.

use std::sync::Arc;

use super::authority::Authority;
use crate::machine::ExitWatch;
use crate::report::Reporter;

/// Replaces a member's certificate while it runs, each time long before it ends. An attempt that fails is told, and made again.
pub(super) async fn renew(
    authority: Arc<Authority>,
    (service, member): (String, u32),
    exit: ExitWatch,
    reporter: Reporter,
) {
    while tokio::time::timeout(authority.renewal(), exit.wait()).await.is_err() {
        issue_another(&authority, &service, member, &reporter);
    }
}

/// Replaces a member's certificate now. Where that fails the member has the former one, which counts for some time yet.
pub(super) fn issue_another(authority: &Authority, service: &str, member: u32, reporter: &Reporter) {
    if let Err(error) = authority.issue(service, member) {
        reporter.warning(format!(
            "`{service}` (member {member}) gets no new certificate yet: {error}; another attempt follows"
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::deploy::samples::{command, engine};
    use crate::machine::Member;
    use crate::report::ReportOptions;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_certificate_is_replaced_until_its_member_ends_and_a_failure_is_told_and_got_over() {
        let mut sleeper = Default::default();
        command(&mut sleeper, "a", &["sleep", "60"]);
        let (engine, _) = engine(sleeper);
        engine.deploy().await.unwrap();
        let root = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(root.path(), "d", Some(Duration::from_millis(30))).unwrap());
        let path = authority.issue("a", 0).unwrap()["HYDRO_TLS_CERT"].clone();
        let text = || std::fs::read_to_string(&path).unwrap_or_default();
        let first = text();
        let (reporter, captured) = Reporter::captured(ReportOptions::default());
        let renewing = tokio::spawn(renew(
            authority,
            ("a".into(), 0),
            engine.pick("a", Member::exit).unwrap().remove(0),
            reporter,
        ));
        let until = async |is_so: &dyn Fn() -> bool| {
            let waiting = async {
                while !is_so() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(PATIENCE, waiting).await.expect("it happens in time");
        };
        until(&|| text() != first).await;
        let folder = std::path::Path::new(&path).parent().unwrap().to_owned();
        let aside = root.path().join("aside");
        std::fs::rename(&folder, &aside).unwrap();
        until(&|| captured.stderr().contains("`a` (member 0) gets no new certificate yet: ")).await;
        std::fs::rename(&aside, &folder).unwrap();
        let second = text();
        until(&|| text() != second).await;
        engine.kill("a").await.unwrap();
        renewing.await.unwrap();
    }
}
