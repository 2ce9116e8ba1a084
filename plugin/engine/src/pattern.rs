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
pub fn fits(pattern: &str, text: &str) -> bool {
    parts_fit(pattern.split('*'), text)
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
