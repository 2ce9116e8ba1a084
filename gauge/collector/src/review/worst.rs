//! The exchanges to look at first: ten per week and model, selected in one pass, with their texts read afterwards.

use rusqlite::{Connection, OptionalExtension, Result, params};
use serde::Serialize;
use serde_json::Value;

use super::week::moment;

/// Maximum number for each week and model.
const WORST_MAX: usize = 10;
/// Maximum characters of a question or an answer. The store has the whole text.
const TEXT_CHARS_MAX: usize = 2_000;
/// Maximum characters of a reason or a comment.
const WORD_CHARS_MAX: usize = 1_000;
/// Maximum number of scores and comments of one exchange.
const WORDS_MAX: i64 = 40;

/// An exchange by its trace and span, with its faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The sum of its faults, from 0 to 3.
    pub faults: f64,
    /// The trace and the span.
    pub key: (String, String),
}

/// The worst exchanges so far, the worst first.
#[derive(Debug, Default)]
pub struct WorstExchanges(Vec<Candidate>);

impl WorstExchanges {
    /// Adds an exchange if it is among the worst. An exchange without faults never is.
    pub fn offer(&mut self, candidate: Candidate) {
        if candidate.faults <= 0.0 {
            return;
        }
        // Ties are ordered by trace, so that a report does not depend on the order of rows.
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

    /// Reads everything that is known about the exchanges.
    pub fn read(&self, db: &Connection) -> Result<Vec<WorstExchange>> {
        self.0.iter().map(|candidate| WorstExchange::read(db, candidate)).collect()
    }
}

/// An exchange to look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorstExchange {
    /// The trace id.
    pub trace_id: String,
    /// The span id.
    pub span_id: String,
    /// The time at which it began, or that of its first score if its span was never received.
    pub at: String,
    /// The sum of its faults, from 0 to 3. A mean of the criteria four points lower, a hallucination, and a bad rating
    /// count one each.
    pub faults: f64,
    /// The user's last message; `None` if it was not stored.
    pub question: Option<String>,
    /// The answer; `None` if it was not stored.
    pub answer: Option<String>,
    /// Its scores and comments.
    pub words: Vec<Annotation>,
}

/// One score or comment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Annotation {
    /// The name of the criterion, `hallucination` or `user_feedback`.
    pub name: String,
    /// Whether it is a user's; else it is a judge's.
    pub is_by_user: bool,
    /// The judge's model; `None` for a user, or if it is unknown.
    pub judge_model: Option<String>,
    /// The score as a label.
    pub label: String,
    /// The judge's reason or the user's comment; `None` if there is none.
    pub explanation: Option<String>,
}

impl WorstExchange {
    fn read(db: &Connection, candidate: &Candidate) -> Result<Self> {
        let (trace, span) = &candidate.key;
        let mut words = db.prepare_cached(
            "select name, coalesce(source, '') = 'user' or name = 'user_feedback', judge_model,
                    coalesce(label, cast(value as text), ''), explanation, time_ns
             from evaluations where trace_id = ?1 and span_id = ?2 order by 2, name, time_ns, uid limit ?3",
        )?;
        let words = words.query_map(params![trace, span, WORDS_MAX], |row| {
            let explanation: Option<String> = row.get(4)?;
            let word = Annotation {
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

/// Returns the last message of a role if the text is a list of messages, as in `gen_ai.input.messages`; else the text.
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
