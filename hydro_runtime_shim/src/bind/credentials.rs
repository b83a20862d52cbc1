//! The certificate, key and authority that `tls://` needs: named by variables, read and checked before anything starts.

use super::{BindError, Environment, PortBinding};
use crate::contract::{self, Transport, identity_of, identity_prefix};
use crate::transport::{CredentialFiles, Credentials};

/// What a file may be called, for messages.
const EXAMPLES: [(&str, &str, &str); 3] = [
    (contract::TLS_CERT, "`tls://` needs this process's certificate", "/etc/hydro/cert.pem"),
    (contract::TLS_KEY, "`tls://` needs the key of this process's certificate", "/etc/hydro/key.pem"),
    (contract::TLS_CA, "`tls://` needs the certificate of the deployment's authority", "/etc/hydro/ca.pem"),
];

/// Reads the credentials of a process, if any of its ports needs them.
pub(super) fn read(
    (deployment, service, member): (&str, &str, u32),
    ports: &[PortBinding],
    environment: &Environment,
    errors: &mut Vec<BindError>,
) -> Option<Credentials> {
    let is_tls = |binding: &&PortBinding| {
        binding.endpoints.iter().any(|endpoint| matches!(endpoint.transport, Transport::Tls { .. }))
    };
    let port = ports.iter().find(is_tls)?.port;
    if cfg!(not(feature = "tls")) {
        let name = port.variable();
        errors.push(BindError::Malformed {
            value: environment.get(&name).unwrap_or_default().to_owned(),
            reason: "this program was built without TLS; build it with `tls = true` under \
                     `[package.metadata.hydro]` in its package's Cargo.toml"
                .to_owned(),
            example: format!("{name}={}", port.example()),
            name,
        });
        return None;
    }
    let [certificate, key, authority] = EXAMPLES.map(|(name, purpose, example)| {
        let value = environment.get(name);
        if value.is_none() {
            let (name, purpose, example) = (name.to_owned(), purpose.to_owned(), format!("{name}={example}"));
            errors.push(BindError::Missing { name, purpose, example });
        }
        value
    });
    let files = CredentialFiles { certificate: certificate?.into(), key: key?.into(), authority: authority?.into() };
    let identity = identity_of(deployment, service, member);
    Credentials::read(files, identity, identity_prefix(deployment))
        .map_err(|mistakes| {
            errors.extend(mistakes.into_iter().map(|mistake| {
                let example = EXAMPLES.iter().find(|(name, ..)| *name == mistake.variable).map_or("", |found| found.2);
                BindError::Malformed {
                    name: mistake.variable.to_owned(),
                    value: mistake.path.display().to_string(),
                    reason: mistake.reason,
                    example: format!("{}={example}", mistake.variable),
                }
            }));
        })
        .ok()
}
