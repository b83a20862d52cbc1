//! TOML values as the text that a program takes for a parameter, and their names in messages.
//!
//! Knows nothing of the keys they belong to.

use serde_json::Value as Json;
use toml::de::DeValue;

/// Returns what a message calls a value of this kind.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Writes a value as a parameter takes it: a string as it is, everything else as JSON.
///
/// # Errors
/// Tells what JSON cannot say.
pub(super) fn param_text(value: &DeValue<'_>) -> Result<String, &'static str> {
    match json(value)? {
        Json::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

fn json(value: &DeValue<'_>) -> Result<Json, &'static str> {
    Ok(match value {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Integer(integer) => {
            let (text, radix) = (integer.as_str(), integer.radix());
            let signed = i64::from_str_radix(text, radix).map(Json::from);
            let either = signed.or_else(|_| u64::from_str_radix(text, radix).map(Json::from));
            either.map_err(|_| "does not fit into 64 bits")?
        }
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            Json::Number(number.ok_or("is no number that JSON knows")?)
        }
        DeValue::Boolean(truth) => Json::Bool(*truth),
        DeValue::Datetime(date) => Json::String(date.to_string()),
        DeValue::Array(values) => {
            Json::Array(values.iter().map(|value| json(value.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), json(value.get_ref())?)));
            Json::Object(entries.collect::<Result<_, &'static str>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Result<String, &'static str> {
        param_text(DeValue::parse(value).expect(value).get_ref())
    }

    #[test]
    fn strings_are_plain_and_everything_else_is_json() {
        for (toml, expected) in [
            ("\"a b\"", "a b"),
            ("100", "100"),
            ("-1_000", "-1000"),
            ("0xff", "255"),
            ("18446744073709551615", "18446744073709551615"),
            ("1.5", "1.5"),
            ("true", "true"),
            ("[1, \"x\"]", "[1,\"x\"]"),
            ("{ a = { b = [] } }", "{\"a\":{\"b\":[]}}"),
            ("1979-05-27", "1979-05-27"),
        ] {
            assert_eq!(text(toml).as_deref(), Ok(expected), "{toml}");
        }
        assert!(text("inf").is_err());
        assert!(text("99999999999999999999").is_err());
    }
}
