//! The named pattern of API keys, tokens and private keys.

use core::ops::Range;

use super::patterns::{before, is_zero_width, letters_from};

/// The prefixes of API keys, and the least number of characters after each.
const KEY_PREFIXES: &[(&str, usize)] = &[
    ("sk-", 16),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("rk_test_", 16),
    ("gsk_", 16),
    ("hf_", 16),
    ("r8_", 16),
    ("xai-", 16),
    ("pplx-", 16),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxs-", 10),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghs_", 16),
    ("ghu_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("npm_", 16),
    ("pypi-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("github_oauth_", 16),
    ("ghr_", 16),
    ("xapp-", 10),
    ("xoxe.", 10),
    ("xoxe-", 10),
    ("xoxr-", 10),
    // SendGrid, DigitalOcean, Twilio's keys and accounts.
    ("SG.", 20),
    ("dop_v1_", 32),
    ("doo_v1_", 32),
    ("dor_v1_", 32),
    ("SK", 32),
    ("AC", 32),
    // A JSON Web Token: its header begins with `{"`, which is `eyJ` in base64.
    ("eyJ", 30),
];

/// Returns whether all of a key behind its prefix must be hexadecimal, since the prefix is a usual beginning of words.
fn is_hex_only(prefix: &str) -> bool {
    matches!(prefix, "SK" | "AC")
}

/// Finds an API key or token of a well-known provider, a value after `Bearer` or `Basic`, or a private key.
pub(super) fn api_key(text: &str, from: usize) -> Option<Range<usize>> {
    let mut last = before(text, from);
    for (at, letter) in letters_from(text, from) {
        let previous = last.replace(letter);
        let rest = text.get(at..)?;
        if letter == '-'
            && previous != Some('-')
            && let Some(bytes) = private_key(rest)
        {
            return Some(at..at.saturating_add(bytes));
        }
        if !is_key(letter) || previous.is_some_and(is_key) {
            continue;
        }
        let head = text.get(..at)?;
        if let Some(bytes) = key_at(head, rest) {
            return Some(at..at.saturating_add(bytes));
        }
    }
    None
}

fn is_key(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

/// Returns whether a character may be in a token, whose parts are separated by dots.
fn is_token(letter: char) -> bool {
    is_key(letter) || matches!(letter, '.' | '~' | '+' | '/' | '=')
}

/// The least bytes of a key with its prefix.
const KEY_BYTES_MIN: usize = 14;

/// Returns the length of the key at the start of `rest`, which stands behind `head`.
fn key_at(head: &str, rest: &str) -> Option<usize> {
    // Most words are too short for any key.
    let bytes = key_bytes(rest, |letter| is_token(letter) || letter == ':');
    if bytes < KEY_BYTES_MIN {
        return None;
    }
    let is_behind = |word: &str| {
        head.strip_suffix(' ')
            .and_then(|head| head.get(head.len().checked_sub(word.len())?..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    if let Some((prefix, least)) = KEY_PREFIXES.iter().find(|(prefix, _)| visible_prefix(rest, prefix)) {
        let has_dots = prefix.contains('.') || *prefix == "eyJ";
        let bytes = key_bytes(rest, if has_dots { is_token } else { is_key });
        let key = rest.get(..bytes)?;
        let is_plausible = !is_hex_only(prefix) || key.get(2..)?.bytes().all(|byte| byte.is_ascii_hexdigit());
        return (bytes >= prefix.len().saturating_add(*least) && is_plausible).then_some(bytes);
    }
    let bytes = key_bytes(rest, is_token);
    let key = rest.get(..bytes)?;
    let has_sign = key.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'/' | b'='));
    let is_value =
        is_behind("bearer") || (is_behind("basic") && (has_sign || is_behind("authorization: basic")));
    if is_value && bytes >= 16 {
        return Some(bytes);
    }
    if bytes == 40 && has_sign && is_named_secret(head) {
        return Some(bytes);
    }
    telegram_token(rest)
}

/// Returns the length of a key whose characters are `is_in`, zero-width ones among them.
fn key_bytes(rest: &str, is_in: fn(char) -> bool) -> usize {
    let bytes = rest.find(|letter| !is_in(letter) && !is_zero_width(letter)).unwrap_or(rest.len());
    let key = rest.get(..bytes).unwrap_or_default();
    key.trim_end_matches(|letter| letter == '.' || is_zero_width(letter)).len()
}

/// Returns whether a text begins with a prefix, apart from zero-width characters.
fn visible_prefix(text: &str, prefix: &str) -> bool {
    if text.as_bytes().first() != prefix.as_bytes().first() {
        return false;
    }
    let mut visible = text.chars().filter(|letter| !is_zero_width(*letter));
    prefix.chars().all(|expected| visible.next() == Some(expected))
}

/// Returns whether the text right before a value names an AWS secret access key.
fn is_named_secret(head: &str) -> bool {
    let start = head.ceil_char_boundary(head.len().saturating_sub(32));
    let near = head.get(start..).unwrap_or_default().to_ascii_lowercase();
    near.contains("secret") && near.contains("key")
}

/// Returns the length of a Telegram bot token at the start of a text: the bot's number, a colon, and 35 characters
/// (<https://core.telegram.org/bots/api#authorizing-your-bot>).
fn telegram_token(rest: &str) -> Option<usize> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let secret = rest.get(digits..)?.strip_prefix(':')?;
    let bytes = key_bytes(secret, is_key);
    ((8..=10).contains(&digits) && bytes == 35).then(|| digits.saturating_add(36))
}

/// Returns the length of a private key in PEM at the start of a text, as far as the text goes (RFC 7468).
fn private_key(rest: &str) -> Option<usize> {
    let (label, body) = rest.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    label.ends_with("PRIVATE KEY").then_some(())?;
    let Some((_, tail)) = body.split_once("-----END ") else {
        return Some(rest.len());
    };
    let tail_bytes = tail.find("-----").map_or(tail.len(), |end| end.saturating_add(5));
    Some(rest.len().saturating_sub(tail.len()).saturating_add(tail_bytes))
}
