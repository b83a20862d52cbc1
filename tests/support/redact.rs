//! Takes out of a text what differs from run to run: `[ROOT]`, `[TARGET]`, `[PORT]`, `[PID]`, `[TIME]`, `[HASH]`, `[N]`.

use std::path::Path;

use super::place::shared_target;

/// Takes out a workspace's place and all that differs from run to run.
pub(crate) fn redact(text: &str, root: &Path) -> String {
    let target = shared_target();
    redact_texts(text, &[(&root.to_string_lossy(), "[ROOT]"), (&target.to_string_lossy(), "[TARGET]")])
}

/// Takes out these texts, then numbers by what stands around them.
fn redact_texts(text: &str, known: &[(&str, &str)]) -> String {
    let text = known.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let text = after(&text, "127.0.0.1:", "[PORT]", |c| c.is_ascii_digit());
    let text = after(&text, "(pid ", "[PID]", |c| c.is_ascii_digit());
    let text = after(&text, "thread 'main' (", "[PID]", |c| c.is_ascii_digit());
    let text = after(&text, "/rustc/", "[HASH]", |c| c.is_ascii_hexdigit());
    let text = after(&text, "runtime-", "[HASH]", |c| c.is_ascii_hexdigit());
    // Whether another test builds just now is chance.
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("Waiting for another build"));
    let text = lines.map(times).map(|line| others(&line)).collect::<Vec<_>>().join("\n");
    if text.is_empty() { text } else { text + "\n" }
}

fn after(text: &str, start: &str, mark: &str, is_part: fn(char) -> bool) -> String {
    let mut parts = text.split(start);
    let mut redacted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(is_part);
        redacted.push_str(start);
        redacted.push_str(if rest.len() < part.len() { mark } else { "" });
        redacted.push_str(rest);
    }
    redacted
}

/// `and 173 others`: how many types implement a trait depends on all crates that are linked.
fn others(line: &str) -> String {
    let end = line.trim_start();
    match end.strip_prefix("and ").and_then(|rest| rest.strip_suffix(" others")) {
        Some(count) if count.parse::<u32>().is_ok() => {
            format!("{}and [N] others", &line[..line.len() - end.len()])
        }
        _ => line.to_owned(),
    }
}

/// `in 12.3 s` and `[   0.421s]`.
fn times(line: &str) -> String {
    let mut line = line.to_owned();
    if let (Some(start), Some(end)) = (line.find("[ "), line.find("s]"))
        && start < end
        && line[start + 1..end].trim().parse::<f64>().is_ok()
    {
        line.replace_range(start..end + 2, "[TIME]");
    }
    if let Some(start) = line.rfind(" in ")
        && line[start + 4..].strip_suffix(" s").is_some_and(|number| number.parse::<f64>().is_ok())
    {
        line.replace_range(start + 4.., "[TIME]");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_taken_out_and_nothing_else() {
        let text = "Started a at 127.0.0.1:4001 (pid 77)\n  PASS [   0.421s] x\n  Built a, b in 12.3 s\nin 3 steps";
        let redacted =
            "Started a at 127.0.0.1:[PORT] (pid [PID])\n  PASS [TIME] x\n  Built a, b in [TIME]\nin 3 steps\n";
        assert_eq!(redact_texts(text, &[]), redacted);
    }
}
