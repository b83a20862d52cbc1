//! How much memory processes have, as the kernel counts it.

use std::fs;
use std::path::Path;

use benches::figures::median;

/// Returns the medians over all processes of an executable: MiB that are resident, and MiB of those that nobody shares.
pub(crate) fn of_all(is_it: impl Fn(&Path) -> bool) -> (f64, f64) {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let folders = processes.map(|entry| entry.path());
    let found = folders.filter(|folder| fs::read_link(folder.join("exe")).is_ok_and(|program| is_it(&program)));
    let (mut resident, mut own) = (Vec::new(), Vec::new());
    for text in found.filter_map(|folder| fs::read_to_string(folder.join("smaps_rollup")).ok()) {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            kib.unwrap_or(0.0) / 1024.0
        };
        resident.push(field("Rss:"));
        own.push(field("Private_Clean:") + field("Private_Dirty:"));
    }
    (median(&resident), median(&own))
}
