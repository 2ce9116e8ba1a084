//! Model names as rows have them: `*` at an end matches any text, `#` matches one digit.
//!
//! The [patterns](crate::pattern) of other keys have no `#`. Dated names need it, since `name-*` would also match the
//! next model of a family. Regular expressions would need more memory than the whole table.

/// A name, or a pattern for a family of names, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName {
    letters: Box<str>,
    open_before: bool,
    open_after: bool,
}

impl ModelName {
    /// Parses `text`; `None` if it has a star that is not at an end.
    pub fn new(text: &str) -> Option<Self> {
        let letters = text.strip_prefix('*').unwrap_or(text);
        let open_before = letters.len() < text.len();
        let inner = letters.strip_suffix('*').unwrap_or(letters);
        let open_after = inner.len() < letters.len();
        let letters = inner.to_ascii_lowercase().into();
        (!inner.contains('*')).then_some(Self { letters, open_before, open_after })
    }

    /// Whether the name matches `model`, which must be in lower case.
    pub fn fits(&self, model: &str) -> bool {
        let (letters, model) = (self.letters.as_bytes(), model.as_bytes());
        let Some(room) = model.len().checked_sub(letters.len()) else {
            return false;
        };
        let matches_at = |place: usize| {
            let mut pairs = model.get(place..).unwrap_or_default().iter().zip(letters);
            pairs.all(|(theirs, ours)| match *ours {
                b'#' => theirs.is_ascii_digit(),
                _ => theirs == ours,
            })
        };
        match (self.open_before, self.open_after) {
            (false, false) => room == 0 && matches_at(0),
            (false, true) => matches_at(0),
            (true, false) => matches_at(room),
            (true, true) => (0..=room).any(matches_at),
        }
    }
}

/// Returns `model` with dates such as `-20251211` as `-2025-12-11`; `None` if there are none.
pub(super) fn hyphenate_dates(model: &str) -> Option<String> {
    let mut hyphenated = String::new();
    let mut rest = model;
    while let Some((before, after)) = rest.split_once('-') {
        hyphenated.push_str(before);
        hyphenated.push('-');
        rest = match split_date(after) {
            Some((year, month, day, rest)) => {
                hyphenated.extend([year, "-", month, "-", day]);
                rest
            }
            None => after,
        };
    }
    hyphenated.push_str(rest);
    (hyphenated != model).then_some(hyphenated)
}

/// Splits a date off the beginning of `text`, as year, month and day; `None` if there is no date.
fn split_date(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (year, rest) = text.split_at_checked(4)?;
    let (month, rest) = rest.split_at_checked(2)?;
    let (day, rest) = rest.split_at_checked(2)?;
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let is_date = [year, month, day].into_iter().all(is_number)
        && year.starts_with("20")
        && ("01"..="12").contains(&month)
        && ("01"..="31").contains(&day);
    (is_date && (rest.is_empty() || rest.starts_with(['-', ':']))).then_some((year, month, day, rest))
}

#[cfg(test)]
mod tests;
