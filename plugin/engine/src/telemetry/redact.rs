//! The key `redact`, compiled: what is taken out of texts before they leave.
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

use crate::config::keys::{Keys, Refusal, refuse};
use crate::limits::{REDACT_PATTERNS_MAX, REGEX_BYTES_MAX, REGEX_COMPILED_BYTES_MAX};
use crate::tree::Tree;

/// What is taken out of texts.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    /// What stands where it was found.
    mark: String,
    finder: Finder,
}

#[derive(Clone, Debug)]
enum Finder {
    Named(patterns::Find),
    Regex(Regex),
}

impl Redactor {
    /// Gives the key its meaning: a list of names and of expressions with names.
    pub fn compile(config: &Tree) -> Result<Self, Refusal> {
        let Some(items) = config.list() else {
            return refuse(String::new(), "expected a list");
        };
        if items.len() > REDACT_PATTERNS_MAX {
            return refuse(String::new(), format!("expected at most {REDACT_PATTERNS_MAX} patterns"));
        }
        let patterns = items.iter().enumerate().map(|(number, item)| pattern(format!("[{number}]"), item));
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()? })
    }

    /// The text without what is not to leave.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for pattern in &self.patterns {
            if let Some(redacted) = pattern.apply(&text) {
                text = redacted;
            }
        }
        text
    }
}

impl Pattern {
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

fn pattern(path: String, item: &Tree) -> Result<Pattern, Refusal> {
    if let Some(name) = item.text() {
        let named = patterns::ALL.iter().find(|(known, _)| *known == name);
        return match named {
            Some((name, find)) => Ok(Pattern { mark: mark(name), finder: Finder::Named(*find) }),
            None => {
                let names: Vec<_> = patterns::ALL.iter().map(|(name, _)| *name).collect();
                refuse(path, ["expected one of `", &names.join("`, `"), "`, or an object"].concat())
            }
        };
    }
    let keys = Keys::of(item, path, &["name", "regex"])?;
    let (name, source) = (keys.required("name")?, keys.required("regex")?);
    if !crate::metrics::is_label_name(name) {
        return keys.refuse("name", "expected lower-case letters, digits and _, a letter first");
    }
    if source.len() > REGEX_BYTES_MAX {
        return keys.refuse("regex", format!("expected at most {REGEX_BYTES_MAX} bytes"));
    }
    match RegexBuilder::new(source).size_limit(REGEX_COMPILED_BYTES_MAX).build() {
        Ok(regex) if regex.is_match("") => {
            keys.refuse("regex", "expected one that does not fit nothing at all")
        }
        Ok(regex) => Ok(Pattern { mark: mark(name), finder: Finder::Regex(regex) }),
        Err(error) => keys.refuse("regex", error.to_string()),
    }
}

fn mark(name: &str) -> String {
    ["[", name, "]"].concat()
}

#[cfg(test)]
mod tests;
