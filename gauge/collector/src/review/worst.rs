//! The exchanges to look at first: ten a week and model, kept while everything passes by once, their texts read after.

use rusqlite::{Connection, OptionalExtension, Result, params};
use serde::Serialize;
use serde_json::Value;

use super::week::moment;

/// So many are shown of each week and model.
const WORST_MAX: usize = 10;
/// A question or answer is cut after so many characters: a page is to be read, and the store has the whole of it.
const TEXT_CHARS_MAX: usize = 2_000;
/// So is a reason or comment.
const WORD_CHARS_MAX: usize = 1_000;
/// Scores and words of one exchange that are shown.
const WORDS_MAX: i64 = 40;

/// An exchange by its trace and span, and how bad it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// From 0, nothing wrong, to 3, everything that can be said.
    pub faults: f64,
    /// Trace and span.
    pub key: (String, String),
}

/// The worst so far, the worst first.
#[derive(Debug, Default)]
pub struct Worst(Vec<Candidate>);

impl Worst {
    /// Takes it if it is among the worst; one that nobody finds fault with never is.
    pub fn offer(&mut self, candidate: Candidate) {
        if candidate.faults <= 0.0 {
            return;
        }
        // Ties by trace, so that a report is the same however rows are ordered.
        let before = |other: &Candidate| {
            let order = candidate.faults.total_cmp(&other.faults);
            order.then_with(|| other.key.cmp(&candidate.key)).is_le()
        };
        let at = self.0.partition_point(before);
        if at < WORST_MAX {
            self.0.insert(at, candidate);
            self.0.truncate(WORST_MAX);
        }
    }

    /// With all that is known of them.
    pub fn read(&self, db: &Connection) -> Result<Vec<Bad>> {
        self.0.iter().map(|candidate| Bad::read(db, candidate)).collect()
    }
}

/// An exchange worth a look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bad {
    /// Its trace.
    pub trace_id: String,
    /// Its span.
    pub span_id: String,
    /// When it began, or when it was first spoken of where its span never came.
    pub at: String,
    /// From 0, nothing wrong, to 3: four points less by the criteria's mean, something made up, and a bad rating count
    /// one each.
    pub faults: f64,
    /// The user's last message, if it was kept.
    pub question: Option<String>,
    /// The answer, if it was kept.
    pub answer: Option<String>,
    /// What was said of it.
    pub words: Vec<Word>,
}

/// One score or comment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Word {
    /// The criterion, `hallucination` or `user_feedback`.
    pub name: String,
    /// Whether a user said it; else a judge did.
    pub is_by_user: bool,
    /// The judge's model.
    pub judge_model: Option<String>,
    /// The score in a word.
    pub label: String,
    /// The judge's reason or the user's comment.
    pub explanation: Option<String>,
}

impl Bad {
    fn read(db: &Connection, candidate: &Candidate) -> Result<Self> {
        let (trace, span) = &candidate.key;
        let mut words = db.prepare_cached(
            "select name, coalesce(source, '') = 'user' or name = 'user_feedback', judge_model,
                    coalesce(label, cast(value as text), ''), explanation, time_ns
             from evaluations where trace_id = ?1 and span_id = ?2 order by 2, name, time_ns, uid limit ?3",
        )?;
        let words = words.query_map(params![trace, span, WORDS_MAX], |row| {
            let explanation: Option<String> = row.get(4)?;
            let word = Word {
                name: row.get(0)?,
                is_by_user: row.get(1)?,
                judge_model: row.get(2)?,
                label: row.get(3)?,
                explanation: explanation.map(|text| cut(&text, WORD_CHARS_MAX)),
            };
            Ok((word, row.get::<_, i64>(5)?))
        })?;
        let (words, times): (Vec<_>, Vec<_>) = words.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let mut texts = db.prepare_cached(
            "select start_ns, input_text, output_text from spans where trace_id = ?1 and span_id = ?2",
        )?;
        let texts = texts.query_row(params![trace, span], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?))
        });
        let (start, input, output) =
            texts.optional()?.map_or((None, None, None), |(a, b, c)| (Some(a), b, c));
        Ok(Self {
            trace_id: trace.clone(),
            span_id: span.clone(),
            at: moment(start.or_else(|| times.into_iter().min()).unwrap_or(0)),
            faults: candidate.faults,
            question: input.map(|text| cut(&said(&text, "user"), TEXT_CHARS_MAX)),
            answer: output.map(|text| cut(&said(&text, "assistant"), TEXT_CHARS_MAX)),
            words,
        })
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{} …", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The last message of a role, where the text is a list of messages as `gen_ai.input.messages` has it; else the text.
fn said(text: &str, role: &str) -> String {
    let Ok(Value::Array(messages)) = serde_json::from_str(text) else { return text.to_owned() };
    let of_role = messages.iter().rev().find(|message| message["role"] == role).or(messages.last());
    let parts = of_role.and_then(|message| message["parts"].as_array());
    let texts = parts.into_iter().flatten().filter_map(|part| part["content"].as_str());
    let said = texts.collect::<Vec<_>>().join("\n");
    if said.is_empty() { text.to_owned() } else { said }
}

#[cfg(test)]
mod tests;
