//! New certificates for members that run.
//!
//! A program looks at its files when it makes a connection; those that it has go on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::authority::Authority;
use crate::machine::{ExitWatch, Place, SshError, SshMachine};
use crate::report::Reporter;

/// Replaces a member's certificate while it runs, each time long before it ends. An attempt that fails is told, and made again.
pub(super) async fn renew(
    authority: Arc<Authority>,
    (service, member, exit): (String, u32, ExitWatch),
    place: Place,
    reporter: Reporter,
) {
    while tokio::time::timeout(authority.renewal(), exit.wait()).await.is_err() {
        issue_another(&authority, (&service, member), &place, &reporter);
    }
}

/// Replaces a member's certificate now. Where that fails the member has the former one, which counts for some time yet.
pub(super) fn issue_another(authority: &Authority, (service, member): (&str, u32), place: &Place, reporter: &Reporter) {
    let warn = move |reporter: &Reporter, service: &str, why: String| {
        reporter.warning(format!(
            "`{service}` (member {member}) gets no new certificate yet: {why}; another attempt follows"
        ));
    };
    match (authority.issue(service, member), place.far().cloned()) {
        (Err(error), _) => warn(reporter, service, error.to_string()),
        (Ok(files), Some(machine)) => {
            let (service, reporter) = (service.to_owned(), reporter.clone());
            tokio::spawn(async move {
                if let Err(error) = carry(files, &machine).await {
                    warn(&reporter, &service, error.causes.join(": "));
                }
            });
        }
        (Ok(_), None) => {}
    }
}

/// Brings certificates to the machine of their member; returns the variables that name them there.
pub(super) async fn carry(
    files: BTreeMap<String, String>,
    machine: &SshMachine,
) -> Result<BTreeMap<String, String>, SshError> {
    let mut there = BTreeMap::new();
    for (variable, path) in files {
        let content = std::fs::read_to_string(&path).map_err(|error| SshError {
            what: format!("cannot read `{path}`"),
            causes: vec![error.to_string()],
            hint: "deploy again".to_owned(),
        })?;
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        there.insert(variable, machine.write(&format!("tls/{name}"), content).await?);
    }
    Ok(there)
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
            ("a".into(), 0, engine.pick("a", Member::exit).unwrap().remove(0)),
            Place::Localhost,
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
