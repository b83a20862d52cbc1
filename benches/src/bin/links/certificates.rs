//! `--tls`: what encryption costs. The same programs by plain and by encrypted TCP, in turns: processor time of both ends for each message.

use std::path::PathBuf;
use std::time::Duration;

use benches::figures::{Bar, half_range, median, rate, ratio, table};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, string};

use crate::cell::{Cell, Kind, Path, Transport};
use crate::ours;

/// What we promise: CPU for each message over that of the plain link.
const BAR: f64 = 2.2;

/// The files of two programs and of the authority that both believe.
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes certificates for programs of these names.
    ///
    /// # Errors
    /// The temp folder cannot be written to.
    pub(crate) fn make(programs: impl Iterator<Item = String>) -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("benches-{}-tls", std::process::id()));
        let made = Self { folder };
        std::fs::create_dir_all(&made.folder).map_err(|error| error.to_string())?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let told = |error: rcgen::Error| error.to_string();
        let key = KeyPair::generate().map_err(told)?;
        made.write("ca", &authority.self_signed(&key).map_err(told)?.pem())?;
        let issuer = Issuer::new(authority, key);
        for program in programs {
            let mut params = CertificateParams::default();
            let name = string::Ia5String::try_from(format!("spiffe://local/{program}/0")).map_err(told)?;
            params.subject_alt_names = vec![SanType::URI(name)];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
            let key = KeyPair::generate().map_err(told)?;
            let certificate = params.signed_by(&key, &issuer).map_err(told)?;
            made.write(&program, &format!("{}{}", certificate.pem(), key.serialize_pem()))?;
        }
        Ok(made)
    }

    /// Returns the variables of a program.
    pub(crate) fn variables(&self, program: &str) -> [(&'static str, PathBuf); 3] {
        [("HYDRO_TLS_CERT", program), ("HYDRO_TLS_KEY", program), ("HYDRO_TLS_CA", "ca")]
            .map(|(variable, name)| (variable, self.folder.join(name)))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.folder.join(name);
        let written = std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)));
        written.map_err(|error| error.to_string())
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Nanoseconds of processors for each message, and messages per second.
type Figures = (Vec<f64>, Vec<f64>);

/// Measures and prints the table.
///
/// # Errors
/// A program does not do its work.
pub(crate) fn measure(
    programs: &ours::Programs,
    sizes: &[usize],
    (repetitions, seconds, first): (usize, f64, bool),
) -> Result<(), String> {
    let mut rows = vec![["bytes", "plain, CPU", "TLS, CPU", "TLS / plain", "plain", "TLS"].map(str::to_owned).to_vec()];
    for &bytes in sizes {
        let mut figures: [Figures; 2] = Default::default();
        for _ in 0..repetitions {
            for (transport, (costs, rates)) in [Transport::Tcp, Transport::Tls].into_iter().zip(&mut figures) {
                let (path, kind) = (Path::Ours, Kind::Throughput);
                let cell = Cell { path, kind, bytes, seconds, transport, spin: false, first };
                let (receiver, sender) = ours::start(&cell, programs)?;
                let patience = Duration::from_secs_f64(seconds + 10.0);
                let figure = receiver.hear("RESULT", patience)?;
                let per_second: f64 = figure.parse().map_err(|_| format!("`{figure}` is no figure"))?;
                let cpu = sender.end() + receiver.end();
                costs.push(cpu / (per_second * seconds) * 1e9);
                rates.push(per_second);
            }
        }
        let [(plain, plain_rate), (tls, tls_rate)] = figures;
        let cost = |figures: &[f64]| format!("{:.1} ns ±{:.0}%", median(figures), half_range(figures) * 100.0);
        rows.push(vec![
            bytes.to_string(),
            cost(&plain),
            cost(&tls),
            ratio(median(&tls) / median(&plain), Some(Bar::AtMost(BAR))),
            rate(median(&plain_rate)),
            rate(median(&tls_rate)),
        ]);
    }
    println!("TCP, processor time of both ends for each message, and messages per second\n{}", table(&rows));
    Ok(())
}
