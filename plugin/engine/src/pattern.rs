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
    let (pattern_bytes, text_bytes) = (pattern.as_bytes(), text.as_bytes());
    ends_fit(pattern_bytes.iter().rev(), text_bytes.iter().rev())
        && ends_fit(pattern_bytes.iter(), text_bytes.iter())
        && parts_fit(pattern.split('*'), text)
}

/// Whether a pattern and a text agree from one end as far as both go, or up to the first star.
fn ends_fit<'b>(pattern: impl Iterator<Item = &'b u8>, text: impl Iterator<Item = &'b u8>) -> bool {
    for (of_pattern, of_text) in pattern.zip(text) {
        if *of_pattern == b'*' {
            return true;
        }
        if of_pattern != of_text {
            return false;
        }
    }
    true
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
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
        part = next;
    }
    rest.ends_with(part)
}

#[cfg(test)]
mod tests;
