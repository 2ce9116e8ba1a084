//! The pause before a retry.

/// A pause that doubles with each failure. It is spread, so that workers that failed together do not retry together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// Milliseconds after the first failure, and the exclusive upper bound of the spread.
    pub(crate) first_ms: u64,
    /// The longest pause in milliseconds, without the spread.
    pub(crate) max_ms: u64,
}

impl Backoff {
    /// Returns the milliseconds to wait after one failure and `failures` earlier ones, at least the `asked_ms` that the
    /// server requested.
    pub(crate) fn wait_ms(self, failures: u32, asked_ms: u64, random: u16) -> u64 {
        let own_ms = self.first_ms.saturating_mul(1 << failures.min(16)).min(self.max_ms);
        let spread_ms = u64::from(random).checked_rem(self.first_ms).unwrap_or(0);
        own_ms.max(asked_ms).saturating_add(spread_ms)
    }
}

/// Returns the seconds that a `retry-after` requests. A fraction, which some servers send, is rounded up. `None` if it
/// is no number. A date is not supported, since this engine has no wall clock.
pub(crate) fn retry_after_s(value: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(value).ok()?.trim_ascii();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, has_more) = match text.split_once('.') {
        None => (text, false),
        Some((whole, fraction)) if is_number(fraction) => (whole, true),
        Some(_) => return None,
    };
    // The text has only digits, so that parsing fails only if the number is too large.
    is_number(whole).then(|| whole.parse::<u64>().unwrap_or(u64::MAX).saturating_add(has_more.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first_ms: 500, max_ms: 3000 };

    #[test]
    fn pauses_double_up_to_their_maximum() {
        let pauses = [0, 1, 2, 3, u32::MAX].map(|failures| BACKOFF.wait_ms(failures, 0, 0));
        assert_eq!(pauses, [500, 1000, 2000, 3000, 3000]);
    }

    #[test]
    fn pauses_are_at_least_what_the_server_asks_for() {
        let pauses = [0, 999, 1001, u64::MAX].map(|asked_ms| BACKOFF.wait_ms(1, asked_ms, 0));
        assert_eq!(pauses, [1000, 1000, 1001, u64::MAX]);
    }

    #[test]
    fn pauses_are_spread_below_the_first_pause() {
        let pauses = [1, 499, 500, u16::MAX].map(|random| BACKOFF.wait_ms(0, 0, random));
        assert_eq!(pauses, [501, 999, 500, 535]);
        assert_eq!(Backoff { first_ms: 0, max_ms: 0 }.wait_ms(3, 7, 9), 7);
    }

    #[test]
    fn retry_after_is_whole_seconds_rounded_up() {
        let cases: &[(&[u8], Option<u64>)] = &[
            (b"0", Some(0)),
            (b" 30 ", Some(30)),
            (b"1.5", Some(2)),
            (b"99999999999999999999999", Some(u64::MAX)),
            (b"", None),
            (b"1.", None),
            (b".5", None),
            (b"-1", None),
            (b"1e3", None),
            (b"\xFF", None),
            (b"Wed, 21 Oct 2026 07:28:00 GMT", None),
        ];
        for (value, expected) in cases {
            assert_eq!(retry_after_s(value), *expected, "{}", value.escape_ascii());
        }
    }
}
