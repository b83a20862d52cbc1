//! Files that are brought to a machine: named by their content, compressed on the way, checked there, and begun where a broken connection left them.
//!
//! A file that is there is not sent again. Knows nothing of what the files are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use flate2::Compression;
use flate2::read::GzEncoder;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::SshError;
use super::session::Connection;

/// Where files are, below the user's home folder there.
const FOLDER: &str = ".hydro/artifacts";

/// A file to be brought.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upload {
    /// The file here.
    pub local: PathBuf,
    /// Its hash, which names it there.
    pub hash: String,
}

impl Upload {
    fn name(&self) -> String {
        self.local.file_name().map_or_else(|| "program".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Returns where it is there.
    #[must_use]
    pub fn place(&self, home: &str) -> String {
        format!("{home}/{FOLDER}/{}/{}", self.hash, self.name())
    }
}

/// Brings a file there, unless it is there; returns how many bytes were sent.
pub(super) async fn bring(connection: &Connection, upload: &Upload, home: &str) -> Result<u64, SshError> {
    let place = upload.place(home);
    let begun = connection.sh(&ask(&place), &[]).await?;
    let Some(begun) = begun.trim().strip_prefix("part ") else { return Ok(0) };
    let begun: usize = begun.trim().parse().unwrap_or(0);
    let packing = packing(upload);
    let local = upload.local.clone();
    let pack = || async { tokio::task::spawn_blocking(move || pack(&local)).await.map_err(io::Error::other)? };
    let packed = packing
        .get_or_try_init(pack)
        .await
        .map_err(|error| SshError::new(format!("cannot read `{}`", upload.local.display()), error, "build it again"))?;
    // What is there may be of a longer file than this one ever was.
    let (begun, rest) = packed.bytes.get(begun..).map_or((0, packed.bytes.as_slice()), |rest| (begun, rest));
    connection.sh(&take(&place, begun > 0, packed), rest).await?;
    Ok(rest.len() as u64)
}

/// A file as it goes over the wire.
#[derive(Debug)]
struct Packed {
    bytes: Vec<u8>,
    /// SHA-256 of what it was.
    sum: String,
}

/// A file that is being packed, or was; whoever comes meanwhile waits for it.
type Packing = OnceCell<Packed>;

/// Returns where a file is packed, once for all machines that take it at the same time.
fn packing(upload: &Upload) -> Arc<Packing> {
    static PACKINGS: Mutex<BTreeMap<Upload, Weak<Packing>>> = Mutex::new(BTreeMap::new());
    let mut packings = PACKINGS.lock().unwrap_or_else(PoisonError::into_inner);
    packings.retain(|_, packing| packing.strong_count() > 0);
    let known = packings.get(upload).and_then(Weak::upgrade);
    known.unwrap_or_else(|| {
        let packing = Arc::default();
        packings.insert(upload.clone(), Arc::downgrade(&packing));
        packing
    })
}

/// Says `have`, or `part N` for what an earlier attempt left.
fn ask(place: &str) -> String {
    format!(
        "if [ -x '{place}' ]; then echo have; else echo part $(wc -c < '{place}.gz.part' 2>/dev/null || echo 0); fi"
    )
}

/// Takes the rest, and puts the file in its place when it is whole. What has come of one that is not whole stays for the next attempt.
fn take(place: &str, goes_on: bool, packed: &Packed) -> String {
    let folder = Path::new(place).parent().unwrap_or(Path::new("/")).display().to_string();
    let onto = if goes_on { ">>" } else { ">" };
    let (size, sum) = (packed.bytes.len(), &packed.sum);
    format!(
        "set -e; mkdir -p '{folder}'; cat {onto} '{place}.gz.part'; \
         if [ \"$(wc -c < '{place}.gz.part')\" -lt {size} ]; then echo 'it did not arrive whole' >&2; exit 1; fi; gzip -dc '{place}.gz.part' > '{place}.part' || \
         {{ rm -f '{place}.gz.part' '{place}.part'; exit 1; }}; \
         found=$(sha256sum < '{place}.part' | cut -d' ' -f1); rm -f '{place}.gz.part'; \
         if [ \"$found\" != {sum} ]; then rm -f '{place}.part'; echo 'it arrived damaged' >&2; exit 1; fi; \
         chmod 755 '{place}.part'; mv '{place}.part' '{place}'"
    )
}

fn pack(path: &Path) -> io::Result<Packed> {
    let content = std::fs::read(path)?;
    let mut bytes = Vec::new();
    GzEncoder::new(content.as_slice(), Compression::fast()).read_to_end(&mut bytes)?;
    let mut sum = String::new();
    for byte in Sha256::digest(&content) {
        // Writing to a text cannot fail.
        let _ = write!(sum, "{byte:02x}");
    }
    Ok(Packed { bytes, sum })
}
