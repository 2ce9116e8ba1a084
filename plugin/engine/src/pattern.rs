//! Glob patterns of the configuration and of format rows: `*` matches any characters.

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The texts between the stars. A pattern without a star has one part and matches that text alone.
    parts: Vec<String>,
}

impl Pattern {
    /// Compiles a pattern. Every text is a valid pattern.
    pub fn new(text: &str) -> Self {
        Self { parts: text.split('*').map(str::to_owned).collect() }
    }

    /// Returns whether the whole of `text` matches.
    pub fn fits(&self, text: &str) -> bool {
        parts_fit(self.parts.iter().map(String::as_str), text)
    }
}

/// Returns whether the whole of `text` matches `pattern`, without compiling it.
///
/// Every request is compared with a list of these, and nearly all differ in their first or last letters: those are
/// compared before anything is searched for.
pub fn fits(pattern: &str, text: &str) -> bool {
    tails_fit(pattern.as_bytes(), text.as_bytes())
        && heads_fit(pattern.as_bytes(), text.as_bytes())
        && parts_fit(pattern.split('*'), text)
}

/// Returns whether a pattern and a text are equal from their ends, up to the last star or the start of either.
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

/// Returns whether a pattern and a text are equal from their starts, up to the first star or the end of either.
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
    // The leftmost match of a part leaves the most text for the next part, so no other match has to be tried.
    for next in parts {
        match after(rest, part) {
            Some(behind) => rest = behind,
            None => return false,
        }
        part = next;
    }
    rest.ends_with(part)
}

/// Returns the text after the first `part`. `str::split_once` builds a searcher, which costs more than a scan of a
/// path.
fn after<'t>(text: &'t str, part: &str) -> Option<&'t str> {
    if part.is_empty() {
        return Some(text);
    }
    let at = text.as_bytes().windows(part.len()).position(|window| window == part.as_bytes())?;
    text.get(at.saturating_add(part.len())..)
}

#[cfg(test)]
mod tests;
