//! What a service may use and do, as people write it, in `Hydro.toml` and in scripts.
//!
//! Pure; knows neither.

/// Properties of units that say how services are kept up, or as whom: those are not the user's.
const OURS: [&str; 16] = [
    "Type",
    "Restart",
    "NotifyAccess",
    "KillMode",
    "RemainAfterExit",
    "PIDFile",
    "BusName",
    "CollectMode",
    "Sockets",
    "User",
    "Group",
    "DynamicUser",
    "StandardInput",
    "StandardOutput",
    "StandardError",
    "Description",
];

/// Understands a size: `512 MiB`, `2G`, `1048576`. Units are powers of 1024.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let shift = match unit.trim() {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        "T" | "TiB" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift).filter(|bytes| *bytes > 0)
}

/// Understands how much of processors' time: `1.5` is one and a half processors. Returns hundredths of one.
#[must_use]
pub fn processors(number: f64) -> Option<u32> {
    let hundredths = (number * 100.0).round();
    // In these bounds the number is exact.
    (1.0..=1_000_000.0).contains(&hundredths).then_some(hundredths as u32)
}

/// Says why a property of a unit is not the user's to say; none: it is.
#[must_use]
pub fn not_yours(property: &str) -> Option<&'static str> {
    if !property.starts_with(|first: char| first.is_ascii_uppercase())
        || !property.chars().all(|letter| letter.is_ascii_alphanumeric())
    {
        return Some("properties are written as in unit files: `ProtectHome`");
    }
    if OURS.contains(&property) || property.starts_with("Exec") || property.starts_with("Restart") {
        return Some("how a service is started, ended and started again is said by the service's other keys");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_are_understood_and_nonsense_is_not() {
        assert_eq!(size("512 MiB"), Some(512 << 20));
        assert_eq!((size("2G"), size("1048576"), size("1 B")), (Some(2 << 30), Some(1 << 20), Some(1)));
        for wrong in ["", "MiB", "1.5 GiB", "-1", "12 parsecs", "0", "99999999999999 TiB", "2g"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
        assert_eq!((processors(1.5), processors(0.01), processors(0.001)), (Some(150), Some(1), None));
        assert_eq!((processors(f64::NAN), processors(-1.0), processors(1e9)), (None, None, None));
    }

    #[test]
    fn what_keeps_services_up_is_not_the_users_to_say() {
        for wrong in ["Restart", "RestartSec", "ExecStart", "User", "protectHome", "", "A=b"] {
            assert!(not_yours(wrong).is_some(), "{wrong}");
        }
        assert!(not_yours("ProtectHome").is_none() && not_yours("LogRateLimitIntervalSec").is_none());
    }
}
