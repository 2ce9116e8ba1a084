//! The mark of the filter's own calls, the header `x-llm-gauge`. If such a call passes a listener with this filter, it
//! is not metered, since a judge's calls would otherwise be judged themselves.
//!
//! ```text
//! 692951f3-5d41402abc4b2a76b9719d911017c592
//! time     signature
//! ```
//!
//! A client must not be able to evade metering, so a mark is signed by a key that clients do not know, and valid for a
//! few minutes only: receivers of the calls see it too.

use crate::ids::{SigningKey, parse_hex, push_hex};

/// The header of the mark.
pub const MARK_HEADER: &str = "x-llm-gauge";

/// The difference in seconds between two clocks up to which a mark is valid.
const AGE_S_MAX: u32 = 300;

/// Signs and verifies marks.
#[derive(Debug)]
pub struct CalloutMark {
    keys: Vec<SigningKey>,
}

impl CalloutMark {
    /// Returns the mark that the first of `keys` signs, and that any of them verifies.
    pub fn new(keys: Vec<SigningKey>) -> Self {
        Self { keys }
    }

    /// Returns the value of the header for a call at this time. `None` if there is no key.
    pub fn value(&self, unix_s: u32) -> Option<String> {
        let key = self.keys.first()?;
        let mut value = String::with_capacity(41);
        push_hex(&mut value, &unix_s.to_be_bytes());
        value.push('-');
        push_hex(&mut value, &key.sign_mark(unix_s));
        Some(value)
    }

    /// Returns whether a value of the header is a valid mark at this time.
    pub fn is_valid(&self, value: &[u8], unix_s: u32) -> bool {
        let Some((time, signature)) = value.split_at_checked(8) else {
            return false;
        };
        let (Some(time), Some(signature)) =
            (parse_hex(time).map(u32::from_be_bytes), signature.strip_prefix(b"-").and_then(parse_hex))
        else {
            return false;
        };
        time.abs_diff(unix_s) <= AGE_S_MAX
            && self.keys.iter().any(|key| key.has_signed_mark(time, &signature))
    }
}

#[cfg(test)]
mod tests {
    use super::CalloutMark;
    use crate::ids::SigningKey;

    fn mark(secrets: &[&str]) -> CalloutMark {
        CalloutMark::new(secrets.iter().map(|secret| SigningKey::new(secret.as_bytes())).collect())
    }

    #[test]
    fn marks_are_valid_for_five_minutes() {
        let own = mark(&["one"]);
        let value = own.value(1_000_000).unwrap();
        assert_eq!(value.len(), 41);
        for (unix_s, is_valid) in [(999_699, false), (999_700, true), (1_000_300, true), (1_000_301, false)] {
            assert_eq!(own.is_valid(value.as_bytes(), unix_s), is_valid, "{unix_s}");
        }
    }

    #[test]
    fn only_known_keys_sign_marks() {
        let value = mark(&["one"]).value(7).unwrap();
        assert!(mark(&["two", "one"]).is_valid(value.as_bytes(), 7));
        assert!(!mark(&["two"]).is_valid(value.as_bytes(), 7));
        assert!(!mark(&[]).is_valid(value.as_bytes(), 7));
        assert_eq!(mark(&[]).value(7), None);
    }

    #[test]
    fn anything_else_is_no_mark() {
        let own = mark(&["one"]);
        let value = own.value(7).unwrap();
        for (at, byte) in value.bytes().enumerate() {
            let mut other = value.clone().into_bytes();
            other[at] = if byte == b'0' { b'1' } else { b'0' };
            assert!(!own.is_valid(&other, 7), "{at}");
        }
        for other in ["", "internal", "00000007", "00000007-", value.get(..40).unwrap(), &format!("{value}0")]
        {
            assert!(!own.is_valid(other.as_bytes(), 7), "{other}");
        }
    }
}
