//! Which rules of a format's row its cases need: a case has to fail when a rule is left out, or nothing holds the rule.
//!
//! A rule is left out as an author would: from the list that it is in. A list that several rows share is shorter for
//! all of them then, and a case of any of them may be the one that fails.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};
use llm_gauge_engine::formats::{self, Format, Rule};
use serde::Serialize;

use super::expectations::{Engine, PreparedCase};
use crate::case::Case;

/// The document that a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RulePart {
    /// The body of the request.
    Request,
    /// The head of the response.
    ResponseHead,
    /// The documents of the response's body.
    Response,
}

/// A rule of a row, and a case that fails without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleUse {
    /// The document that it reads.
    pub part: RulePart,
    /// The rule in words: its place, its field, and the documents that it is for.
    pub rule: String,
    /// The first case that fails without it, `FORMAT/NAME`; `None` if all cases come out the same.
    pub needed_by: Option<String>,
}

/// A row without one of its rules.
#[derive(Clone)]
struct Removal {
    part: RulePart,
    rule: String,
    /// The row, and every other row that shares the list, without the rule.
    rows: Vec<&'static Format>,
}

/// Returns the rules of `format` in their order, each with a case of `cases` that fails without it.
///
/// # Errors
///
/// A case does not come out as it expects even with all rules.
pub fn uses(format: &'static Format, cases: &[Case]) -> Result<Vec<RuleUse>> {
    let removals = removals(format);
    let is_wanted =
        |case: &&Case| removals.iter().flat_map(|removal| &removal.rows).any(|row| row.name == case.folder);
    let prepared = cases.iter().filter(is_wanted).map(PreparedCase::new).collect::<Result<Vec<_>>>()?;
    let engine = Engine::default();
    for case in &prepared {
        if let Some(difference) = case.differences(&engine)?.first() {
            let (folder, name) = (&case.case.folder, &case.case.name);
            bail!(
                "{folder}/{name}: {}: expected {}, got {}, with all rules of its row",
                difference.field,
                difference.expected,
                difference.actual
            );
        }
    }
    removals.into_iter().map(|removal| removal.into_use(&prepared)).collect()
}

/// Returns the rules of all rows, each with its row and a case of `cases` that fails without it. Every processor takes
/// one row after another.
///
/// # Errors
///
/// A case does not come out as it expects even with all rules.
pub fn uses_of_all(cases: &[Case]) -> Result<Vec<(&'static Format, RuleUse)>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(format) = formats::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push((*format, uses(format, cases)?));
        }
        Ok(found)
    };
    let results: Vec<Result<_>> = std::thread::scope(|scope| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")).collect()
    });
    let rows = results.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten();
    Ok(rows.flat_map(|(format, uses)| uses.into_iter().map(move |rule| (format, rule))).collect())
}

impl Removal {
    fn into_use(self, cases: &[PreparedCase<'_>]) -> Result<RuleUse> {
        let mut needed_by = None;
        'rows: for row in &self.rows {
            let engine = Engine::with_row(row);
            for case in cases.iter().filter(|case| case.case.folder == row.name) {
                if !case.differences(&engine)?.is_empty() {
                    needed_by = Some(format!("{}/{}", case.case.folder, case.case.name));
                    break 'rows;
                }
            }
        }
        Ok(RuleUse { part: self.part, rule: self.rule, needed_by })
    }
}

/// Returns one removal for each rule of the row.
fn removals(format: &'static Format) -> Vec<Removal> {
    let request = Lists {
        part: RulePart::Request,
        of: |row| row.request.to_vec(),
        replace: |row, lists| Format { request: lists.leak(), ..*row },
        in_words,
    };
    let head = Lists {
        part: RulePart::ResponseHead,
        of: |row| vec![row.headers],
        replace: |row, lists| Format { headers: lists.first().copied().unwrap_or_default(), ..*row },
        in_words: |(name, field)| format!("{name}: {field:?}"),
    };
    let response = Lists {
        part: RulePart::Response,
        of: |row| row.response.to_vec(),
        replace: |row, lists| Format { response: lists.leak(), ..*row },
        in_words,
    };
    [request.removals(format), head.removals(format), response.removals(format)].concat()
}

/// How the lists of one part of a row are read and replaced.
struct Lists<T: 'static> {
    part: RulePart,
    of: fn(&'static Format) -> Vec<&'static [T]>,
    replace: fn(&'static Format, Vec<&'static [T]>) -> Format,
    in_words: fn(&T) -> String,
}

impl<T: Copy + PartialEq> Lists<T> {
    fn removals(&self, format: &'static Format) -> Vec<Removal> {
        let mut removals = Vec::new();
        for list in (self.of)(format) {
            for (place, rule) in list.iter().enumerate() {
                let shorter = without(list, place);
                // The row itself is the first one: its own cases are to be named.
                let others = formats::ALL.iter().copied().filter(|row| row.name != format.name);
                let rows = std::iter::once(format).chain(others);
                let rows = rows.filter_map(|row| self.with_shorter(row, list, shorter)).collect();
                removals.push(Removal { part: self.part, rule: (self.in_words)(rule), rows });
            }
        }
        removals
    }

    /// Returns the row with `shorter` in place of `list`; `None` if it does not have the list.
    fn with_shorter(
        &self,
        row: &'static Format,
        list: &'static [T],
        shorter: &'static [T],
    ) -> Option<&'static Format> {
        let mut lists = (self.of)(row);
        *lists.iter_mut().find(|other| **other == list)? = shorter;
        Some(Box::leak(Box::new((self.replace)(row, lists))))
    }
}

/// Returns the list without the element at `place`. It is leaked, as rows are constants: a run makes some hundreds.
fn without<T: Copy>(list: &[T], place: usize) -> &'static [T] {
    let mut shorter = list.to_vec();
    shorter.remove(place);
    shorter.leak()
}

fn in_words<F: fmt::Debug>(rule: &Rule<F>) -> String {
    let field = format!("{:?}", rule.field);
    // A table of a provider's words would take three lines.
    let field = field.split_once("([").map_or(field.as_str(), |(name, _)| name);
    let mut words = format!("{}: {field}", rule.path);
    if let Some(only) = rule.only {
        words.push_str(&format!(" if \"{only}\""));
    }
    match rule.kind {
        Some("") => words.push_str(" in documents without a kind"),
        Some(kind) => words.push_str(&format!(" in \"{kind}\"")),
        None => {}
    }
    words
}

#[cfg(test)]
mod tests;
