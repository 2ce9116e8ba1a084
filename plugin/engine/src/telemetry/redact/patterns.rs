//! The named patterns. Each reads a text once, and reads a part of it again a bounded number of times.

use core::ops::Range;

use super::keys::api_key;

/// A function that returns the first match in a text from a byte offset on. A match is never empty.
pub(super) type Find = fn(&str, usize) -> Option<Range<usize>>;

/// A named pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedPattern {
    /// The name in the configuration.
    pub(super) name: &'static str,
    pub(super) find: Find,
    /// The size of the window that holds a match.
    pub(super) window_bytes: usize,
    /// Whether a match may begin at each digit, which takes many steps.
    pub(super) is_number: bool,
}

/// Every named pattern.
pub(super) const ALL: &[NamedPattern] = &[
    NamedPattern { name: "email", find: email, window_bytes: 512, is_number: false },
    NamedPattern { name: "card", find: card, window_bytes: 512, is_number: true },
    NamedPattern { name: "phone", find: phone, window_bytes: 512, is_number: true },
    // A private key of 4096 bits has 3,200 characters.
    NamedPattern { name: "api_key", find: api_key, window_bytes: 4096, is_number: false },
    NamedPattern { name: "ssn", find: ssn, window_bytes: 512, is_number: true },
];

/// Returns whether a letter belongs to a word. Only letters of scripts that put spaces between words do: in other
/// scripts, the letters around an address would be read as part of it.
fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '\u{C0}'..='\u{52F}')
}

/// Returns the value of a digit, ASCII or full-width. `None` for other characters.
fn digit(letter: char) -> Option<u32> {
    let wide = u32::from(letter).wrapping_sub(u32::from('０'));
    letter.to_digit(10).or(Some(wide).filter(|digit| *digit < 10))
}

/// Returns whether a character is a space or hyphen of any width, a tab, or a line end.
fn is_gap(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '－')
}

/// Returns whether a character has no width. Such characters are often copied along with a number, and do not change
/// it.
pub(super) fn is_zero_width(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{FEFF}')
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
}

/// The longest gap between two groups, in characters: two spaces, or a hyphen and a line end.
const GAP_MAX: usize = 2;

pub(super) fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

pub(super) fn letters_from(text: &str, from: usize) -> impl Iterator<Item = (usize, char)> {
    let rest = text.get(from..).unwrap_or_default();
    rest.char_indices().map(move |(at, letter)| (from.saturating_add(at), letter))
}

/// A number in groups of digits.
struct DigitGroups {
    digits: Vec<u32>,
    /// The number of digits up to the end of each complete group, and the offset of that end.
    ends: Vec<(usize, usize)>,
}

impl DigitGroups {
    /// Reads a number from `at` up to a date.
    ///
    /// A group that exceeds `digits_max` is left out. So the beginning of a longer group is not taken for a match, and
    /// a match before other numbers is still found.
    ///
    /// Since digits and gaps are bounded, a part of the text with zero-width characters is read a bounded number of
    /// times.
    fn read(text: &str, at: usize, is_gap: fn(char) -> bool, digits_max: usize) -> Self {
        let mut groups = Self { digits: Vec::new(), ends: Vec::new() };
        let (mut gap, mut end) = (0, at);
        for (at, letter) in letters_from(text, at).filter(|(_, letter)| !is_zero_width(*letter)) {
            if let Some(digit) = digit(letter) {
                let is_first = groups.digits.is_empty();
                if gap > 0 && !is_first {
                    groups.ends.push((groups.digits.len(), end));
                }
                if (gap > 0 || is_first) && is_date(text, at) {
                    return groups;
                }
                if groups.digits.len() == digits_max {
                    return groups;
                }
                groups.digits.push(digit);
                (gap, end) = (0, at.saturating_add(letter.len_utf8()));
            } else if is_gap(letter) && gap < GAP_MAX {
                gap = gap.saturating_add(1);
            } else {
                break;
            }
        }
        groups.ends.push((groups.digits.len(), end));
        groups
    }

    /// Returns the number of digits up to the end of each group.
    fn counts(&self) -> Vec<usize> {
        self.ends.iter().map(|(digits, _)| *digits).collect()
    }
}

/// Returns whether there is a date such as 2024-01-02, 02/01/2024 or 02.01.2024. Several dates, or a date after
/// another number, have as many digits as a match. With hyphens only dates that start with the year count, since
/// numbers contain hyphens too.
fn is_date(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes().get(at..).unwrap_or_default();
    let (year, signs, parts) = match bytes {
        [y, z, _, _, s @ b'-', m, n, t @ b'-', d, e, ..] => ([y, z], [s, t], [m, n, d, e]),
        [d, e, s @ (b'/' | b'.'), m, n, t @ (b'/' | b'.'), y, z, _, _, ..] => ([y, z], [s, t], [m, n, d, e]),
        _ => return false,
    };
    matches!(year, [b'1', b'9'] | [b'2', b'0'])
        && signs[0] == signs[1]
        && matches!(parts, [b'0'..=b'3', b'0'..=b'9', b'0'..=b'3', b'0'..=b'9'])
        && !bytes.get(10).is_some_and(u8::is_ascii_digit)
}

/// Finds a payment card number: 13 to 19 digits with a valid checksum, in any groups.
fn card(text: &str, from: usize) -> Option<Range<usize>> {
    let mut last = before(text, from);
    for (at, letter) in letters_from(text, from) {
        let previous = last.replace(letter);
        let is_start =
            digit(letter).is_some_and(|digit| (2..=6).contains(&digit)) && previous.and_then(digit).is_none();
        // Digits after a decimal point belong to a fraction.
        if !is_start
            || (previous == Some('.') && before(text, at.saturating_sub(1)).and_then(digit).is_some())
        {
            continue;
        }
        let is_card_gap = |letter: char| is_gap(letter) || matches!(letter, '.' | '/' | '_' | ',');
        let groups = DigitGroups::read(text, at, is_card_gap, 19);
        let is_card = |digits: usize| {
            digits >= 13 && groups.digits.get(..digits).is_some_and(|digits| luhn(digits) == 0)
        };
        if let Some((_, end)) = groups.ends.iter().rev().find(|(digits, _)| is_card(*digits)) {
            return Some(at..*end);
        }
    }
    None
}

/// Returns the checksum of a payment card number, which is 0 if it is valid (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u32]) -> u32 {
    let doubled = |digit: u32| [0, 2, 4, 6, 8, 1, 3, 5, 7, 9].get(digit as usize).copied().unwrap_or(0);
    let from_end = digits.iter().rev().zip([false, true].into_iter().cycle());
    let sum = from_end.map(|(digit, is_doubled)| if is_doubled { doubled(*digit) } else { *digit });
    sum.fold(0, u32::saturating_add) % 10
}

/// Finds a social security number of the United States, in its groups.
fn ssn(text: &str, from: usize) -> Option<Range<usize>> {
    let mut last = before(text, from);
    for (at, letter) in letters_from(text, from) {
        let previous = last.replace(letter);
        if digit(letter).is_none() || previous.is_some_and(|letter| is_word(letter) || letter == '-') {
            continue;
        }
        let groups = DigitGroups::read(text, at, is_gap, 9);
        let number = |range: Range<usize>| {
            let digits = groups.digits.get(range)?;
            Some(digits.iter().fold(0_u32, |sum, digit| sum.saturating_mul(10).saturating_add(*digit)))
        };
        let is_valid_area = |area: u32| area != 0 && area != 666 && area < 900;
        let end = groups.ends.last().map(|(_, end)| *end);
        if groups.counts() == [3, 5, 9]
            && number(0..3).is_some_and(is_valid_area)
            && number(3..5) != Some(0)
            && number(5..9) != Some(0)
        {
            return end.map(|end| at..end);
        }
    }
    None
}

/// Finds a telephone number: one with a country code, or in the groups of North America or of countries whose numbers
/// begin with a zero. Digits without any separator are not matched, since they could be anything.
fn phone(text: &str, from: usize) -> Option<Range<usize>> {
    let is_phone_gap = |letter: char| is_gap(letter) || matches!(letter, '.' | '/' | '(' | ')');
    let mut last = before(text, from);
    for (at, letter) in letters_from(text, from) {
        let previous = last.replace(letter);
        let is_inside = |letter: char| is_word(letter) || matches!(letter, '.' | '-' | '+' | '/');
        // One character between two numbers is enough.
        let is_next = from > 0 && at == from.saturating_add(1);
        if previous.is_some_and(is_inside) && !is_next {
            continue;
        }
        let after = at.saturating_add(letter.len_utf8());
        if matches!(letter, '+' | '＋') {
            let groups = DigitGroups::read(text, after, is_phone_gap, 15);
            let end = groups.ends.iter().rev().find(|(digits, _)| (8..=15).contains(digits));
            if let Some((_, end)) = end {
                return Some(at..*end);
            }
        } else if let Some(end) = after_double_zero(text, at, is_phone_gap) {
            return Some(at..end);
        } else if letter == '(' || digit(letter).is_some() {
            let groups = DigitGroups::read(text, at, is_phone_gap, 12);
            let counts = groups.counts();
            let is_phone = |last_group: usize, end: usize| {
                let (counts, written) = (counts.get(..=last_group), text.get(at..end));
                counts
                    .zip(written)
                    .is_some_and(|(counts, written)| is_national(counts, &groups.digits, written))
            };
            let mut ends = groups.ends.iter().enumerate().rev();
            if let Some((_, (_, end))) = ends.find(|(last_group, (_, end))| is_phone(*last_group, *end)) {
                return Some(at..*end);
            }
        }
    }
    None
}

/// Returns the end of a telephone number in groups that begins with `00` in place of `+`.
fn after_double_zero(text: &str, at: usize, is_gap: fn(char) -> bool) -> Option<usize> {
    text.get(at..)?.starts_with("00").then_some(())?;
    let groups = DigitGroups::read(text, at, is_gap, 17);
    let is_international = matches!(groups.digits.as_slice(), [0, 0, 1..=9, ..]) && groups.ends.len() > 1;
    let mut ends = groups.ends.iter().rev().filter(|_| is_international);
    ends.find(|(digits, _)| (10..=17).contains(digits)).map(|(_, end)| *end)
}

/// Returns whether the first groups of a number, written like this, are a national telephone number. `counts` has the
/// number of digits up to the end of each group.
fn is_national(counts: &[usize], digits: &[u32], written: &str) -> bool {
    match (counts, digits) {
        ([3, 6, 10], [2..=9, ..]) | ([1, 4, 7, 11], [1, 2..=9, ..]) | ([2, 4, 6, 8, 10], [0, 1..=9, ..]) => {
            true
        }
        ([first, .., all], [0, 1..=9, ..]) => *first >= 3 && (9..=12).contains(all) && !written.contains('.'),
        _ => false,
    }
}

/// The ways to write an @: as a character of any width, and escaped in URLs and HTML.
const AT_SIGNS: &[&str] = &["@", "＠", "%40", "&#64;", "&#x40;", "&commat;"];

/// Returns the position and the length of the next @ from a byte offset on.
fn next_at_sign(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    rest.match_indices(['@', '＠', '%', '&']).find_map(|(at, _)| {
        let sign =
            AT_SIGNS.iter().find(|sign| rest.get(at..).is_some_and(|rest| rest.starts_with(**sign)))?;
        Some((from.saturating_add(at), sign.len()))
    })
}

/// Finds an email address.
fn email(text: &str, from: usize) -> Option<Range<usize>> {
    let is_inside = |letter: char| is_word(letter) || is_zero_width(letter);
    let is_local = |letter: char| is_inside(letter) || matches!(letter, '.' | '_' | '%' | '+' | '-' | '\'');
    let is_host = |letter: char| is_inside(letter) || matches!(letter, '.' | '-');
    let mut begin = from;
    while let Some((at, length)) = next_at_sign(text, begin) {
        let local = text.get(begin..at)?;
        let kept = local.trim_end_matches(is_local);
        let start = begin.saturating_add(kept.len());
        let local = text.get(start..at)?;
        let is_edge = |letter: char| matches!(letter, '.' | '\'') || is_zero_width(letter);
        let start = start.saturating_add(local.len().saturating_sub(local.trim_start_matches(is_edge).len()));
        let after = at.saturating_add(length);
        begin = after;
        let rest = text.get(after..)?;
        let host_bytes = rest.find(|letter| !is_host(letter)).unwrap_or(rest.len());
        if let Some(bytes) = host(rest.get(..host_bytes)?).filter(|_| start < at) {
            return Some(start..after.saturating_add(bytes));
        }
    }
    None
}

/// Returns the length of the host name with a domain at the start of `name`. `None` if there is none.
fn host(name: &str) -> Option<usize> {
    let mut name = name;
    loop {
        name = name.trim_end_matches(|letter| matches!(letter, '.' | '-') || is_zero_width(letter));
        let (_, domain) = name.rsplit_once('.')?;
        let is_domain = domain.chars().count() >= 2 && !domain.chars().any(|letter| digit(letter).is_some());
        if is_domain || domain.starts_with("xn--") {
            return Some(name.len());
        }
        name = name.strip_suffix(domain)?;
    }
}
