//! Redacts texts before they are exported; [`config`](crate::config) compiles the patterns.
//!
//! A text is redacted as a whole, right before it is put into a message, so that a match is found even if it arrived
//! in pieces. The named patterns are written by hand, since they read a text once and skip most of it. The operator's
//! own patterns are regular expressions, whose time is linear in the expression and the text that a search reads.
//!
//! A client chooses the text, so a search reads a window of it, and a [`RedactionJob`] counts steps: in slices, since
//! other requests of the worker wait meanwhile, and in all, since a text may hold a match at every character.
//!
//! Only spans and scores are redacted. The judge's call has the unredacted texts: a replacement would change what is
//! scored, and the operator chooses its cluster.

mod keys;
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
    Named(patterns::NamedPattern),
    /// An expression, and its compiled size in bytes.
    Regex(Regex, u64),
}

impl Redactor {
    /// Returns a redactor that applies these patterns in their order.
    pub(crate) fn new(redactions: Vec<Redaction>) -> Self {
        Self { redactions }
    }

    /// Returns whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.redactions.is_empty()
    }

    /// Returns the text with each match replaced, without a bound.
    #[cfg(test)]
    pub fn apply(&self, text: &str) -> String {
        let mut job = RedactionJob::new(text.to_owned());
        match job.run(self, &mut u64::MAX.clone(), &mut u64::MAX.clone()) {
            Some(Ok(text)) => text,
            None | Some(Err(OverBudget)) => String::new(),
        }
    }
}

/// The error that the redaction of an exchange would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverBudget;

/// A text that is being redacted, one pattern after the other.
#[derive(Debug)]
pub(crate) struct RedactionJob {
    text: String,
    /// The index of the current pattern.
    pattern: usize,
    /// The text before `from` with the matches of the current pattern replaced.
    kept: String,
    from: usize,
    /// The position of the next search.
    at: usize,
}

impl RedactionJob {
    /// Begins the redaction of a text.
    pub(crate) fn new(text: String) -> Self {
        Self { text, pattern: 0, kept: String::new(), from: 0, at: 0 }
    }

    /// Continues for about `slice` steps, and takes the steps from `slice` and from `budget`. Returns the redacted
    /// text. `None` if the slice is used up.
    pub(crate) fn run(
        &mut self,
        redactor: &Redactor,
        slice: &mut u64,
        budget: &mut u64,
    ) -> Option<Result<String, OverBudget>> {
        while let Some(redaction) = redactor.redactions.get(self.pattern) {
            if *slice == 0 {
                return None;
            }
            let Search { found, resume_at, steps } = redaction.search(&self.text, self.at);
            *slice = slice.saturating_sub(steps);
            match budget.checked_sub(steps) {
                Some(rest) => *budget = rest,
                None => return Some(Err(OverBudget)),
            }
            match (found, resume_at) {
                (Some(found), _) => self.replace(&found, &redaction.mark),
                (None, Some(at)) => self.at = at,
                (None, None) => self.end_pattern(),
            }
        }
        Some(Ok(core::mem::take(&mut self.text)))
    }

    fn replace(&mut self, found: &Range<usize>, mark: &str) {
        self.kept.push_str(self.text.get(self.from..found.start).unwrap_or_default());
        self.kept.push_str(mark);
        self.from = found.end;
        self.at = found.end;
    }

    fn end_pattern(&mut self) {
        if self.from > 0 {
            self.kept.push_str(self.text.get(self.from..).unwrap_or_default());
            self.text = core::mem::take(&mut self.kept);
        }
        (self.pattern, self.from, self.at) = (self.pattern.saturating_add(1), 0, 0);
    }
}

/// The result of one search.
struct Search {
    found: Option<Range<usize>>,
    /// The position of the next search, if nothing was found before it.
    resume_at: Option<usize>,
    steps: u64,
}

/// The largest window in which a match is searched, in bytes. A match within half of it is always found.
const WINDOW_MAX: usize = 512;

/// The smallest window of a large expression.
const WINDOW_MIN: usize = 96;

/// The bytes behind a match that a window must have, or else the match may continue beyond it: zero-width characters
/// stand between the digits of a number.
const MARGIN: usize = 64;

/// The part of a window that is searched first, since a text may hold many matches.
const FIRST_PART: usize = 4;

/// The steps that the search of one window may take, which sets its size.
const WINDOW_STEPS: u64 = 4_000_000;

/// The steps for each byte of a text and each byte of a compiled expression.
const REGEX_STEPS: u64 = 16;

/// The steps for each byte that a named pattern reads.
const NAMED_STEPS: u64 = 256;

/// The further steps for each digit, at which a number may begin.
const DIGIT_STEPS: u64 = 10_000;

impl Redaction {
    /// Returns the named pattern. `None` if there is no pattern of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let pattern = patterns::ALL.iter().find(|pattern| pattern.name == name)?;
        Some(Self { mark: mark(name), finder: Finder::Named(*pattern) })
    }

    /// Compiles a regular expression. `None` if it matches the empty text, which is at every position.
    ///
    /// # Errors
    ///
    /// Fails if the expression is invalid, or too large when compiled.
    pub(crate) fn regex(name: &str, regex: &str) -> Result<Option<Self>, regex_lite::Error> {
        let build = |bytes_max| RegexBuilder::new(regex).size_limit(bytes_max).build();
        let compiled = build(REGEX_COMPILED_BYTES_MAX)?;
        // The least limit that it fits in is its size, which the time of a search is proportional to.
        let (mut too_small, mut bytes) = (0, REGEX_COMPILED_BYTES_MAX);
        while bytes.saturating_sub(too_small) > 1 {
            let middle = too_small.midpoint(bytes);
            if build(middle).is_ok() { bytes = middle } else { too_small = middle }
        }
        let is_everywhere = compiled.is_match("");
        let finder = Finder::Regex(compiled, bytes as u64);
        Ok((!is_everywhere).then(|| Self { mark: mark(name), finder }))
    }

    /// Returns the size of the windows that are searched.
    fn window(&self) -> usize {
        let compiled_bytes = match &self.finder {
            Finder::Named(pattern) => return pattern.window_bytes,
            Finder::Regex(_, compiled_bytes) => compiled_bytes,
        };
        let bytes = WINDOW_STEPS.checked_div(compiled_bytes.saturating_mul(REGEX_STEPS)).unwrap_or(0);
        usize::try_from(bytes).unwrap_or(0).clamp(WINDOW_MIN, WINDOW_MAX)
    }

    /// Searches the first match from `at` on in the next windows.
    fn search(&self, text: &str, at: usize) -> Search {
        let (mut steps, mut end) = (0, at);
        let window = self.window();
        for size in [window / FIRST_PART, window] {
            end = text.ceil_char_boundary(at.saturating_add(size));
            let found = self.find(text.get(..end).unwrap_or_default(), at, &mut steps);
            let Some(found) = found else {
                if end == text.len() {
                    return Search { found: None, resume_at: None, steps };
                }
                continue;
            };
            if found.end.saturating_add(MARGIN) <= end || end == text.len() {
                return Search { found: Some(found), resume_at: None, steps };
            }
            // It may continue beyond the window.
            let end = text.ceil_char_boundary(found.start.saturating_add(window).saturating_add(MARGIN));
            let longer = self.find(text.get(..end).unwrap_or_default(), found.start, &mut steps);
            return Search { found: longer.or(Some(found)), resume_at: None, steps };
        }
        let resume_at = text.floor_char_boundary(end.saturating_sub(window / 2));
        Search { found: None, resume_at: Some(resume_at), steps }
    }

    /// Returns the first match in `text` from `at` on, and adds the steps of the search.
    fn find(&self, text: &str, at: usize, steps: &mut u64) -> Option<Range<usize>> {
        let read = text.as_bytes().get(at..).unwrap_or_default();
        let (steps_per_byte, found) = match &self.finder {
            Finder::Named(pattern) => {
                let numbers =
                    read.iter().filter(|byte| pattern.is_number && byte.is_ascii_digit()).count() as u64;
                *steps = steps.saturating_add(numbers.saturating_mul(DIGIT_STEPS));
                (NAMED_STEPS, (pattern.find)(text, at))
            }
            Finder::Regex(regex, compiled_bytes) => {
                let found = regex.find_at(text, at).map(|found| found.range());
                let steps_per_byte = compiled_bytes.saturating_mul(REGEX_STEPS);
                (steps_per_byte, found.filter(|found| !found.is_empty()))
            }
        };
        *steps = steps.saturating_add(steps_per_byte.saturating_mul(read.len() as u64));
        found
    }
}

/// Returns the names of the named patterns.
pub(crate) fn names() -> Vec<&'static str> {
    patterns::ALL.iter().map(|pattern| pattern.name).collect()
}

fn mark(name: &str) -> String {
    ["[", name, "]"].concat()
}

#[cfg(test)]
mod tests;
