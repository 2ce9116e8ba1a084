//! Reads the store into tallies: each table once, in order, row by row, without the texts.
//!
//! A score or a rating belongs to the week of its exchange, whenever it was given: a late rating changes the week that
//! it is about. If the span was never received, the time of the score is used.

use std::collections::BTreeMap;

use rusqlite::{Connection, Result, Row, params};

use super::tally::{Exchange, Opinion, Rating, Tallies};
use super::week::Week;

/// The name of exchanges without a known model.
const UNKNOWN: &str = "unknown";
const FEEDBACK: &str = "user_feedback";
const HALLUCINATION: &str = "hallucination";

/// Returns the newest week with any exchange or score.
pub fn newest(db: &Connection) -> Result<Option<Week>> {
    let newest = |query: &str| db.query_row(query, [], |row| row.get::<_, Option<i64>>(0));
    let span = newest("select max(start_ns) from spans where model is not null or operation is not null")?;
    // Scores without a span count too. A score of a known span does not, because it belongs to the span's week.
    let score = newest(
        "select max(time_ns) from evaluations e where not exists
            (select 1 from spans s where s.trace_id = e.trace_id and s.span_id = e.span_id)",
    )?;
    Ok(span.max(score).map(Week::of))
}

/// Reads everything between two weeks, both included.
pub fn load(db: &Connection, first: Week, last: Week) -> Result<Tallies> {
    let mut tallies = Tallies::new();
    spans(db, first, last, &mut tallies)?;
    evaluations(db, first, last, &mut tallies)?;
    Ok(tallies)
}

/// Reads spans. Those with neither model nor operation are not exchanges: an application's own, which are stored as
/// well.
fn spans(db: &Connection, first: Week, last: Week, tallies: &mut Tallies) -> Result<()> {
    let mut query = db.prepare(
        "select start_ns, coalesce(model, ?3), coalesce(status, ''), duration_ms, first_token_ms, input_tokens, output_tokens,
                cost_nanodollars
         from spans where start_ns >= ?1 and start_ns < ?2 and (model is not null or operation is not null)",
    )?;
    let mut rows = query.query(params![first.start_ns(), last.plus(1).start_ns(), UNKNOWN])?;
    while let Some(row) = rows.next()? {
        let exchange = Exchange {
            status: row.get(2)?,
            duration_ms: row.get(3)?,
            first_token_ms: row.get(4)?,
            input_tokens: row.get(5)?,
            output_tokens: row.get(6)?,
            cost_nanodollars: row.get(7)?,
        };
        tallies.entry((Week::of(row.get(0)?), row.get(1)?)).or_default().add(&exchange);
    }
    Ok(())
}

fn evaluations(db: &Connection, first: Week, last: Week, tallies: &mut Tallies) -> Result<()> {
    // Ordered by span, so that all scores of one exchange arrive together and none has to be held.
    let mut query = db.prepare(
        "select e.trace_id, e.span_id, coalesce(s.start_ns, min(e.time_ns) over (partition by e.trace_id, e.span_id)),
                coalesce(s.model, e.model, ?1), e.name, coalesce(e.source, ''), e.value, coalesce(e.label, '')
         from evaluations e left join spans s on s.trace_id = e.trace_id and s.span_id = e.span_id
         order by e.trace_id, e.span_id, e.time_ns, e.uid",
    )?;
    let mut rows = query.query([UNKNOWN])?;
    let mut current: Option<SpanOpinion> = None;
    while let Some(row) = rows.next()? {
        let key = (row.get(0)?, row.get(1)?);
        if current.as_ref().is_none_or(|said| said.key != key) {
            let next = SpanOpinion {
                key,
                week: Week::of(row.get(2)?),
                model: row.get(3)?,
                opinion: Opinion::default(),
            };
            if let Some(said) = current.replace(next) {
                said.count(first, last, tallies);
            }
        }
        if let Some(said) = &mut current {
            take(&mut said.opinion, row)?;
        }
    }
    if let Some(said) = current {
        said.count(first, last, tallies);
    }
    Ok(())
}

/// All scores and ratings of one exchange.
struct SpanOpinion {
    key: (String, String),
    week: Week,
    model: String,
    opinion: Opinion,
}

impl SpanOpinion {
    fn count(self, first: Week, last: Week, tallies: &mut Tallies) {
        if (first..=last).contains(&self.week) {
            tallies.entry((self.week, self.model)).or_default().judge(self.key, &self.opinion);
        }
    }
}

fn take(opinion: &mut Opinion, row: &Row<'_>) -> Result<()> {
    let (name, source, label): (String, String, String) = (row.get(4)?, row.get(5)?, row.get(7)?);
    let value: Option<f64> = row.get(6)?;
    if source == "user" || name == FEEDBACK {
        // Ordered by time: if a user changes the rating, only the last one counts.
        opinion.rating = Rating::of(&label).or(opinion.rating);
    } else if name == HALLUCINATION {
        let is_hallucination = match label.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => value.map(|value| value >= 0.5),
        };
        if let Some(is_hallucination) = is_hallucination {
            opinion.hallucinations.add(is_hallucination);
        }
    } else if let Some(value) = value.filter(|value| (1.0..=5.0).contains(value)) {
        opinion.criteria.entry(name).or_default().add(value);
    }
    Ok(())
}

/// Returns the models of some weeks, that with the most exchanges first.
pub fn models(tallies: &Tallies, first: Week) -> Vec<String> {
    let mut requests: BTreeMap<&str, u64> = BTreeMap::new();
    for ((week, model), tally) in tallies {
        if *week >= first {
            *requests.entry(model).or_default() += tally.requests;
        }
    }
    let mut models: Vec<_> = requests.into_iter().collect();
    models.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    models.into_iter().map(|(model, _)| model.to_owned()).collect()
}
