//! What is removed from texts before they leave; [`config`](crate::config) compiles the patterns.
//!
//! A text is looked at whole, right before it is put into a message, so that what came in pieces is found all the
//! same. The named patterns are written by hand, as they walk a text once and mostly step over it; for the operator's own
//! ones there is a regular expression, in time that grows with the text and with the expression and not beyond.
//!
//! It is of spans and scores alone. The judge's own call gets the texts as they are: a mark in the place of a name would
//! change what is scored, and who may see them there is said by the cluster that is configured.

mod patterns;

use core::ops::Range;

use regex_lite::{Regex, RegexBuilder};

use crate::limits::REGEX_COMPILED_BYTES_MAX;

/// What is taken out of texts.
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
    /// A redactor that applies these, in their order.
    pub(crate) fn new(redactions: Vec<Redaction>) -> Self {
        Self { redactions }
    }

    /// The text without what is not to leave.
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
    /// Returns one of the named patterns. `None` if there is none of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (name, find) = patterns::ALL.iter().find(|(known, _)| *known == name)?;
        Some(Self { mark: mark(name), finder: Finder::Named(*find) })
    }

    /// Compiles a regular expression of the operator's. `None` if it matches the empty text, which is everywhere.
    pub(crate) fn regex(name: &str, regex: &str) -> Result<Option<Self>, regex_lite::Error> {
        let regex = RegexBuilder::new(regex).size_limit(REGEX_COMPILED_BYTES_MAX).build()?;
        let is_everywhere = regex.is_match("");
        Ok((!is_everywhere).then(|| Self { mark: mark(name), finder: Finder::Regex(regex) }))
    }

    /// `None` where nothing is found.
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
