//! Names of models, as rows have them: `*` at an end stands for anything, `#` for one digit.
//!
//! Not the patterns of the rest of the configuration, which have no `#`: dated names need it, since `name-*` would
//! fit the next model of a family as well. And no regular expressions, which weigh more than the whole table.

/// A name or a family of names, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    letters: Box<str>,
    open_before: bool,
    open_after: bool,
}

impl Name {
    /// Reads `text`; `None` where there is a star in it that does not stand at an end.
    pub fn new(text: &str) -> Option<Self> {
        let letters = text.strip_prefix('*').unwrap_or(text);
        let open_before = letters.len() < text.len();
        let inner = letters.strip_suffix('*').unwrap_or(letters);
        let open_after = inner.len() < letters.len();
        let letters = inner.to_ascii_lowercase().into();
        (!inner.contains('*')).then_some(Self { letters, open_before, open_after })
    }

    /// Whether `model`, in lower case, is meant.
    pub fn fits(&self, model: &str) -> bool {
        let (letters, model) = (self.letters.as_bytes(), model.as_bytes());
        let Some(room) = model.len().checked_sub(letters.len()) else {
            return false;
        };
        let same = |place: usize| {
            let mut pairs = model.get(place..).unwrap_or_default().iter().zip(letters);
            pairs.all(|(theirs, ours)| match *ours {
                b'#' => theirs.is_ascii_digit(),
                _ => theirs == ours,
            })
        };
        match (self.open_before, self.open_after) {
            (false, false) => room == 0 && same(0),
            (false, true) => same(0),
            (true, false) => same(room),
            (true, true) => (0..=room).any(same),
        }
    }
}

/// `model` with every `-20251211` at an end of a part as `-2025-12-11`; `None` if there is none.
pub(super) fn with_dates_written_out(model: &str) -> Option<String> {
    let mut written = String::new();
    let mut rest = model;
    while let Some((before, after)) = rest.split_once('-') {
        written.push_str(before);
        written.push('-');
        rest = match date(after) {
            Some((year, month, day, rest)) => {
                written.extend([year, "-", month, "-", day]);
                rest
            }
            None => after,
        };
    }
    written.push_str(rest);
    (written != model).then_some(written)
}

/// Year, month and day at the beginning of `text`, and what is behind them.
fn date(text: &str) -> Option<(&str, &str, &str, &str)> {
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
