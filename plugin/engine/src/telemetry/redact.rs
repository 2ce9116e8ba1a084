//! Redacts texts before they are exported; [`config`](crate::config) compiles the patterns.
//!
//! A text is redacted as a whole, right before it is put into a message, so that a match is found even if it arrived
//! in pieces. The named patterns are written by hand, since they read a text once and skip most of it. The operator's
//! own patterns are regular expressions, whose time is linear in the text and in the expression.
//!
//! Only spans and scores are redacted. The judge's call has the unredacted texts: a replacement would change what is
//! scored, and the operator chooses its cluster.

mod patterns;

use core::ops::Range;

use regex_lite::{Regex, RegexBuilder};

use crate::limits::REGEX_COMPILED_BYTES_MAX;

/// The patterns that are removed from texts.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    redactions: Vec<Redaction>,
}

/// A pattern and its replacement.
#[derive(Clone, Debug)]
pub(crate) struct Redaction {
    /// The replacement.
    mark: String,
    finder: Finder,
}

#[derive(Clone, Debug)]
enum Finder {
    Named(patterns::Find),
    Regex(Regex),
}

impl Redactor {
    /// Returns a redactor that applies these patterns in their order.
    pub(crate) fn new(redactions: Vec<Redaction>) -> Self {
        Self { redactions }
    }

    /// Returns the text with each match replaced.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for redaction in &self.redactions {
            if let Some(redacted) = redaction.apply(&text) {
                text = redacted;
            }
        }
        text
    }
}

impl Redaction {
    /// Returns the named pattern. `None` if there is no pattern of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (name, find) = patterns::ALL.iter().find(|(known, _)| *known == name)?;
        Some(Self { mark: mark(name), finder: Finder::Named(*find) })
    }

    /// Compiles a regular expression. `None` if it matches the empty text, which is at every position.
    ///
    /// # Errors
    ///
    /// Fails if the expression is invalid, or too large when compiled.
    pub(crate) fn regex(name: &str, regex: &str) -> Result<Option<Self>, regex_lite::Error> {
        let regex = RegexBuilder::new(regex).size_limit(REGEX_COMPILED_BYTES_MAX).build()?;
        let is_everywhere = regex.is_match("");
        Ok((!is_everywhere).then(|| Self { mark: mark(name), finder: Finder::Regex(regex) }))
    }

    /// Returns the text with each match replaced. `None` if there is no match.
    fn apply(&self, text: &str) -> Option<String> {
        let (mut kept, mut from) = (String::new(), 0);
        let mut replace = |found: Range<usize>| {
            kept.push_str(text.get(from..found.start)?);
            kept.push_str(&self.mark);
            from = found.end;
            Some(())
        };
        match &self.finder {
            Finder::Named(find) => {
                let mut found = find(text, 0);
                while let Some(at) = found {
                    found = find(text, at.end);
                    replace(at)?;
                }
            }
            Finder::Regex(regex) => {
                for found in regex.find_iter(text).filter(|found| !found.is_empty()) {
                    replace(found.range())?;
                }
            }
        }
        kept.push_str(text.get(from..)?);
        (from > 0).then_some(kept)
    }
}

/// Returns the names of the named patterns.
pub(crate) fn names() -> Vec<&'static str> {
    patterns::ALL.iter().map(|(name, _)| *name).collect()
}

fn mark(name: &str) -> String {
    ["[", name, "]"].concat()
}

#[cfg(test)]
mod tests;
