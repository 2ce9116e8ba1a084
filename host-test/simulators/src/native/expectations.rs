//! All that a case expects, held against the bare engine: the record, its metrics, the documents with which the first
//! tokens arrive, and the texts for a judge.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context, Result};
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::effects::{active_requests, exchange_effects};
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::formats::Format;
use llm_gauge_engine::judge::capture::JudgeDecision;
use llm_gauge_engine::metrics::StatUpdate;
use llm_gauge_engine::record::{Gap, Record};
use llm_gauge_engine::scan::{At, Body, Documents, FramingHints, NodeId, Paths, Scalar, Sink};
use llm_gauge_engine::series::Series;
use serde_json::{Map, Value, json};

use super::{fields, good_end, headers, run};
use crate::case::{COMPARED_NATIVELY, Case, Difference};

/// The time between two documents of a response. Times are reported in milliseconds, so each is the number of a
/// document.
const DOCUMENT_NS: u64 = 1_000_000;

/// The engine with one row replaced, or none, and the configurations that it has compiled: a compiled configuration
/// serves many cases, and takes longer to make than a case to run.
#[derive(Debug, Default)]
pub struct Engine {
    row: Option<&'static Format>,
    policies: RefCell<BTreeMap<Vec<u8>, Rc<Policy>>>,
}

impl Engine {
    /// The engine with `row` in place of its row of that name.
    pub fn with_row(row: &'static Format) -> Self {
        Self { row: Some(row), policies: RefCell::default() }
    }

    /// Returns the compiled configuration.
    fn policy(&self, configuration: &[u8]) -> Result<Rc<Policy>> {
        if let Some(policy) = self.policies.borrow().get(configuration) {
            return Ok(Rc::clone(policy));
        }
        let mut policy = Policy::parse(configuration).map_err(anyhow::Error::msg)?;
        if let Some(row) = self.row {
            policy.replace_row(row);
        }
        let policy = Rc::new(policy);
        self.policies.borrow_mut().insert(configuration.to_vec(), Rc::clone(&policy));
        Ok(policy)
    }
}

/// A case that is ready to be run many times.
#[derive(Clone, Debug)]
pub struct PreparedCase<'a> {
    /// The case.
    pub case: &'a Case,
    /// The offsets at which the documents of the response's body end.
    document_ends: Vec<usize>,
    /// The configuration in which the exchange is sampled; `None` if no texts for a judge are looked at.
    sampling: Option<Vec<u8>>,
}

/// The values that the engine reads from a case.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The record, and the values of [`COMPARED_NATIVELY`] that were looked at.
    pub fields: Map<String, Value>,
    /// The metrics, by their exposed names.
    pub metrics: BTreeMap<String, Value>,
}

impl<'a> PreparedCase<'a> {
    /// Prepares a case. Texts for a judge take a second run, and are looked at if the case expects any.
    ///
    /// # Errors
    ///
    /// The configuration of the case is refused, or does not meter it.
    pub fn new(case: &'a Case) -> Result<Self> {
        Self::prepare(case, case.expected.contains_key("judge_input"))
    }

    /// Prepares a case whose texts for a judge are looked at in any case.
    ///
    /// # Errors
    ///
    /// The configuration of the case is refused, or does not meter it.
    pub fn with_judge_input(case: &'a Case) -> Result<Self> {
        Self::prepare(case, true)
    }

    fn prepare(case: &'a Case, has_judge_input: bool) -> Result<Self> {
        let policy = Engine::default().policy(&case.configuration)?;
        let route = policy.route(&headers(&case.request_head), &Place::default());
        let format = route.with_context(|| format!("{}/{} is not metered", case.folder, case.name))?.format;
        let sampling = has_judge_input.then(|| sampling(&case.configuration)).transpose()?;
        Ok(Self { case, document_ends: document_ends(case, format), sampling })
    }

    /// Runs the case.
    ///
    /// # Errors
    ///
    /// A configuration is refused.
    pub fn observe(&self, engine: &Engine) -> Result<Observation> {
        let policy = engine.policy(&self.case.configuration)?;
        let record = self.record(&policy, engine)?;
        let effects = exchange_effects(&record, &policy, &mut Series::new(&policy));
        let mut observed = fields(&record);
        let times = record.times;
        observed.insert("first_token_event".to_owned(), times.first_token_ms.into());
        observed.insert("first_answer_event".to_owned(), times.first_answer_ms.into());
        if let Some(configuration) = &self.sampling {
            let judged = self.record(&engine.policy(configuration)?, engine)?.judged;
            observed.extend(judged.map(|shown| ("judge_input".to_owned(), judge_input(&shown))));
        }
        let begun = active_requests(&record.initial_provider, 1);
        let metrics = metrics(std::iter::once(begun).chain(effects.stats));
        Ok(Observation { fields: observed, metrics })
    }

    /// Returns the differences between the run of the case and what it expects.
    ///
    /// # Errors
    ///
    /// A configuration is refused.
    pub fn differences(&self, engine: &Engine) -> Result<Vec<Difference>> {
        let Observation { fields, metrics } = self.observe(engine)?;
        let mut differences = self.case.differences(&fields);
        differences.extend(self.case.differences_in(self.case.named(COMPARED_NATIVELY), &fields));
        differences.extend(self.case.metric_differences(&metrics));
        Ok(differences)
    }

    fn record(&self, policy: &Rc<Policy>, engine: &Engine) -> Result<Record> {
        let head = headers(&self.case.request_head);
        let mut route = policy.route(&head, &Place::default()).context("the case is not metered")?;
        let row = engine.row.filter(|row| row.name == route.format.name);
        route.format = row.unwrap_or(route.format);
        let exchange = Exchange::begin_on(policy, route, &head, [7; 24], 0);
        let exchange = exchange.map_err(|reason| anyhow::anyhow!("the case is not metered: {reason:?}"))?;
        let body = self.case.response_body.as_slice();
        let starts = std::iter::once(0).chain(self.document_ends.iter().copied());
        let ends = self.document_ends.iter().copied().chain([body.len()]);
        let pieces =
            starts.zip(ends).zip(1..).map(|((start, end), number)| (&body[start..end], DOCUMENT_NS * number));
        Ok(run(exchange, self.case, pieces, good_end()))
    }
}

/// Returns the configuration with a judge that takes every exchange and all context, unless it has a judge of its own.
fn sampling(configuration: &[u8]) -> Result<Vec<u8>> {
    let mut document: Map<String, Value> = match configuration {
        [] => Map::new(),
        text => serde_json::from_slice(text)?,
    };
    document.entry("judge").or_insert_with(|| {
        let context = ["system", "tool_results", "documents"];
        json!({"cluster": "judge", "model": "judge", "sample_rate": 1, "context": context})
    });
    Ok(serde_json::to_vec(&document)?)
}

/// Returns what a judge is shown, as `expected` has it: null if there is nothing to judge.
fn judge_input(decision: &JudgeDecision) -> Value {
    match decision {
        JudgeDecision::Input(texts) => {
            json!({"question": texts.question, "context": texts.context, "answer": texts.answer})
        }
        JudgeDecision::Nothing => Value::Null,
        JudgeDecision::TooLarge => Value::from("too_large"),
        JudgeDecision::NoMemory => Value::from("memory"),
    }
}

/// Returns the values of metrics after these updates.
fn metrics(updates: impl Iterator<Item = StatUpdate>) -> BTreeMap<String, Value> {
    let mut metrics = BTreeMap::new();
    let mut change = |stat: &str, change: &dyn Fn(&Value) -> Value| {
        let value: &mut Value = metrics.entry(exposed_name(stat)).or_default();
        *value = change(value);
    };
    for update in updates {
        match update {
            StatUpdate::Count { stat, by } => {
                change(&stat, &|value| value.as_u64().unwrap_or(0).saturating_add(by).into());
            }
            StatUpdate::Add { stat, by } => {
                change(&stat, &|value| value.as_i64().unwrap_or(0).saturating_add(by).into());
            }
            StatUpdate::Set { stat, value } => change(&stat, &|_| value.into()),
            StatUpdate::Observe { stat, value } => change(&stat, &|samples| {
                let samples = samples.as_array().into_iter().flatten().cloned();
                samples.chain([Value::from(value)]).collect()
            }),
        }
    }
    metrics
}

/// Returns the name of a stat as `/stats/prometheus` has it: `NAME.label=.=value;.;.label=.=value;.;` as
/// `NAME{label="value",label="value"}`.
pub fn exposed_name(stat: &str) -> String {
    let Some((name, mut rest)) = stat.split_once('.') else {
        return stat.to_owned();
    };
    let mut labels = Vec::new();
    while let Some((label, after)) = rest.split_once("=.=") {
        let Some((value, after)) = after.split_once(";.;") else {
            break;
        };
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        labels.push(format!("{label}=\"{value}\""));
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    format!("{name}{{{}}}", labels.join(","))
}

/// Returns the offsets at which the documents of the response's body end, as the engine's framing has them.
fn document_ends(case: &Case, format: &Format) -> Vec<usize> {
    let announced = FramingHints {
        sse: headers(&case.response_head).media_type_is("text/event-stream"),
        array_is_stream: format.array_is_stream,
    };
    let (mut body, paths) = (Body::new(announced, u64::MAX), Paths::default());
    let mut counter = DocumentCounter::default();
    let mut ends = Vec::new();
    for (offset, byte) in case.response_body.iter().enumerate() {
        let before = counter.documents;
        body.feed(std::slice::from_ref(byte), &paths, &mut counter);
        if counter.documents > before {
            ends.push(offset + 1);
        }
    }
    ends
}

/// Counts documents, also those that cannot be read.
#[derive(Debug, Default)]
struct DocumentCounter {
    documents: usize,
}

impl Sink for DocumentCounter {
    fn open(&mut self, _node: NodeId, _at: At) {}

    fn scalar(&mut self, _node: NodeId, _at: At, _value: Scalar<'_>) {}

    fn flow(&mut self, _node: NodeId, _at: At, _piece: &[u8]) {}
}

impl Documents for DocumentCounter {
    fn document(&mut self) {
        self.documents += 1;
    }

    fn discard(&mut self) {
        self.documents += 1;
    }

    fn done_mark(&mut self) {}

    fn exception(&mut self, _kind: &[u8]) {}

    fn gap(&mut self, _gap: Gap) {}
}
