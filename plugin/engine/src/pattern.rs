//! Patterns of the configuration: text in which `*` stands for any characters.

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// What stands between the stars; one part and no star is an exact text.
    parts: Vec<String>,
}

impl Pattern {
    /// Every text is a pattern.
    pub fn new(text: &str) -> Self {
        Self { parts: text.split('*').map(str::to_owned).collect() }
    }

    /// Whether the whole of `text` fits.
    pub fn fits(&self, text: &str) -> bool {
        parts_fit(self.parts.iter().map(String::as_str), text)
    }
}

/// Whether the whole of `text` fits `pattern`, which need not be compiled for a single question.
///
/// Every request is held against a list of these, and nearly all differ at their first or last letters: those are
/// looked at before anything is searched for.
pub fn fits(pattern: &str, text: &str) -> bool {
    tails_fit(pattern.as_bytes(), text.as_bytes())
        && heads_fit(pattern.as_bytes(), text.as_bytes())
        && parts_fit(pattern.split('*'), text)
}

/// Whether a pattern and a text agree from their ends as far as both go, or up to the last star.
fn tails_fit(mut pattern: &[u8], mut text: &[u8]) -> bool {
    while let (Some((of_pattern, pattern_left)), Some((of_text, text_left))) =
        (pattern.split_last(), text.split_last())
    {
        if of_pattern != of_text {
            return *of_pattern == b'*';
        }
        (pattern, text) = (pattern_left, text_left);
    }
    true
}

/// The same from their beginnings, up to the first star.
fn heads_fit(pattern: &[u8], text: &[u8]) -> bool {
    let differing = pattern.iter().zip(text).find(|(of_pattern, of_text)| of_pattern != of_text);
    differing.is_none_or(|(of_pattern, _)| *of_pattern == b'*')
}

fn parts_fit<'p>(mut parts: impl Iterator<Item = &'p str>, text: &str) -> bool {
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(mut part) = parts.next() else {
        return rest.is_empty();
    };
    // The leftmost place for each part leaves the most room for the next: no other need be tried.
    for next in parts {
        match after(rest, part) {
            Some(behind) => rest = behind,
            None => return false,
        }
        part = next;
    }
    rest.ends_with(part)
}

/// What follows the first `part`. `str::split_once` prepares for long texts, which costs more than paths are long.
fn after<'t>(text: &'t str, part: &str) -> Option<&'t str> {
    if part.is_empty() {
        return Some(text);
    }
    let at = text.as_bytes().windows(part.len()).position(|window| window == part.as_bytes())?;
    text.get(at.saturating_add(part.len())..)
}

#[cfg(test)]
mod tests;
