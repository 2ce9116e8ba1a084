//! From a record to effects: the one place that decides what leaves the engine.

use serde::Serialize;

use crate::effect::{Effect, FILTER_STATE_KEYS};
use crate::metrics::{self, Metric};
use crate::policy::Policy;
use crate::price::{Cost, Tokens};
use crate::record::{Record, SOURCE_ESTIMATED, SOURCE_REPORTED, Word};
use crate::series::Series;
use crate::usage::Count;

/// The parts of the inclusive counts that have a series of their own.
const DETAILS: &[(Count, &str)] = &[
    (Count::CacheRead, "cached_input"),
    (Count::CacheWrite, "cache_write"),
    (Count::CacheWrite1h, "cache_write_1h"),
    (Count::Reasoning, "reasoning"),
    (Count::AudioInput, "audio_input"),
    (Count::ImageInput, "image_input"),
    (Count::VideoInput, "video_input"),
    (Count::AudioOutput, "audio_output"),
    (Count::ImageOutput, "image_output"),
    (Count::VideoOutput, "video_output"),
    (Count::ToolUseInput, "tool_use_input"),
];

/// An exchange begins (`by` 1) or has ended (`by` -1).
pub fn active(provider: &str, by: i64) -> Effect {
    let labels = [("provider", provider)];
    Effect::Move { stat: metrics::stat(&metrics::ACTIVE_REQUESTS, labels.into_iter()), by }
}

/// The build and its configuration.
pub fn build_info(policy: &Policy) -> Effect {
    let prices = policy.prices().map_or("none", |table| table.title());
    let labels =
        [("version", env!("CARGO_PKG_VERSION")), ("config", policy.fingerprint()), ("prices", prices)];
    Effect::Set { stat: metrics::stat(&metrics::BUILD_INFO, labels.into_iter()), value: 1 }
}

/// Everything an ended exchange leaves behind.
pub fn of(record: &Record, policy: &Policy, series: &mut Series) -> Vec<Effect> {
    let succeeded = record.status == crate::record::Status::Success;
    let asked = record.request_model.as_deref().map(|model| policy.renamed(model));
    let emission = Emission {
        record,
        policy,
        model: series.model(asked, succeeded),
        extra: series.labels(policy, &record.labels),
        cost: cost(record, policy, asked),
        effects: Vec::with_capacity(16),
    };
    let mut effects = emission.effects(series);
    for (limit, by) in series.take_overflows() {
        let labels = [("limit", limit.as_str())];
        let stat = metrics::stat(&metrics::SERIES_OVERFLOW, labels.into_iter());
        effects.push(Effect::Count { stat, by });
    }
    effects
}

/// What the exchange cost. Prices go by the answering model first, since the name that was asked for may be an alias.
fn cost(record: &Record, policy: &Policy, renamed: Option<&str>) -> Option<Cost> {
    let table = policy.prices()?;
    record.source()?;
    let answer = &record.answer;
    let (input, output) = record.tokens();
    let names = [answer.model.as_deref(), record.request_model.as_deref(), renamed];
    let tokens = Tokens::new(input.unwrap_or(0), output.unwrap_or(0), &answer.usage);
    Some(table.cost(&record.provider, names.into_iter().flatten(), &tokens))
}

/// All that is known of a record, in the form of filter state `wasm.llm.record`.
pub fn full(record: &Record) -> serde_json::Value {
    serde_json::to_value(Full::new(record)).unwrap_or_default()
}

/// The effects of one record as they are put together.
struct Emission<'a> {
    record: &'a Record,
    policy: &'a Policy,
    /// The label value.
    model: String,
    /// The extra labels' values.
    extra: Vec<String>,
    /// Not there where no cost is to be counted, or the usage is not known.
    cost: Option<Cost>,
    effects: Vec<Effect>,
}

impl Emission<'_> {
    fn effects(mut self, series: &mut Series) -> Vec<Effect> {
        self.effects.push(active(&self.record.began_as, -1));
        self.count(&metrics::REQUESTS, "", 1);
        self.times();
        self.tokens();
        self.cost(series);
        if let Some(reason) = self.record.usage_missing {
            self.count(&metrics::USAGE_MISSING, reason.name(), 1);
        }
        for gap in &self.record.gaps {
            self.count(&metrics::GAPS, gap.name(), 1);
        }
        self.filter_state();
        self.effects
    }

    fn times(&mut self) {
        let times = self.record.times;
        let mut observe = |metric: &Metric, value: Option<u64>| {
            if let Some(value) = value {
                let stat = self.stat(metric, ("", ""));
                self.effects.push(Effect::Observe { stat, value });
            }
        };
        observe(&metrics::REQUEST_DURATION, Some(times.duration_ms));
        observe(&metrics::TIME_TO_FIRST_BYTE, times.first_byte_ms);
        observe(&metrics::TIME_TO_FIRST_TOKEN, times.first_token_ms);
        observe(&metrics::TIME_TO_FIRST_ANSWER, times.first_answer_ms);
        observe(&metrics::TIME_PER_OUTPUT_TOKEN, times.per_output_token_us);
    }

    fn tokens(&mut self) {
        let answer = &self.record.answer;
        let (input, output) = (answer.input_tokens.unwrap_or(0), answer.output_tokens.unwrap_or(0));
        let (more_input, more_output) = self.record.estimated_tokens();
        let more_output = more_output.unwrap_or(0).saturating_sub(output);
        for (kind, source, by) in [
            ("input", SOURCE_REPORTED, input),
            ("output", SOURCE_REPORTED, output),
            ("input", SOURCE_ESTIMATED, more_input.unwrap_or(0)),
            ("output", SOURCE_ESTIMATED, more_output),
        ] {
            self.count_from(&metrics::TOKENS, (kind, source), by);
        }
        for (count, name) in DETAILS {
            self.count(&metrics::TOKEN_DETAILS, name, answer.usage.get(*count).unwrap_or(0));
        }
    }

    fn cost(&mut self, series: &mut Series) {
        let Some(cost) = self.cost.take() else {
            return;
        };
        for (class, units) in &cost.classes {
            let stat = self.stat(&metrics::COST, (class, ""));
            let by = series.nanodollars(&stat, *units);
            if by > 0 {
                self.effects.push(Effect::Count { stat, by });
            }
        }
        self.count(&metrics::UNPRICED_TOKENS, "", cost.unpriced_tokens);
        self.cost = Some(cost);
    }

    fn count(&mut self, metric: &Metric, own: &str, by: u64) {
        self.count_from(metric, (own, ""), by);
    }

    fn count_from(&mut self, metric: &Metric, own: (&str, &str), by: u64) {
        // A host refuses to add nothing to a counter.
        if by > 0 {
            let stat = self.stat(metric, own);
            self.effects.push(Effect::Count { stat, by });
        }
    }

    /// The stat of `metric` for this record; `own` are the values of the label that only the metric knows, and of
    /// `source`.
    fn stat(&self, metric: &Metric, (own, source): (&str, &str)) -> String {
        let value = |name: &&'static str| match *name {
            "provider" => self.record.provider.as_str(),
            "model" => self.model.as_str(),
            "operation" => self.record.operation,
            "status" => self.record.status.name(),
            "error" => self.record.error.name(),
            "source" => source,
            _ => own,
        };
        let labels = metric.labels.iter().map(|name| (*name, value(name)));
        let extra = self.policy.labels().iter().zip(&self.extra);
        let extra = extra.map(|(label, value)| (label.name.as_str(), value.as_str()));
        let extra = extra.filter(|_| metric.is_per_exchange);
        metrics::stat(metric, labels.chain(extra))
    }

    fn filter_state(&mut self) {
        let summary = Summary {
            cost_nanodollars: self.cost.as_ref().and_then(Cost::nanodollars),
            ..Summary::new(self.record, &self.model, self.policy, &self.extra)
        };
        self.effects.push(Effect::FilterState { key: "json", value: json(&summary) });
        self.effects.push(Effect::FilterState {
            key: "total_tokens",
            value: summary.total_tokens.unwrap_or(0).to_string(),
        });
        if self.policy.filter_state().is_empty() {
            return;
        }
        let fields = serde_json::to_value(&summary).unwrap_or_default();
        let unknown = |key| FILTER_STATE_KEYS.iter().find(|(known, _)| *known == key);
        for key in self.policy.filter_state() {
            let value = match fields.get(key) {
                _ if *key == "record" => json(&Full::new(self.record)),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => unknown(*key).map_or("-", |(_, unknown)| unknown).to_owned(),
            };
            self.effects.push(Effect::FilterState { key, value });
        }
    }
}

fn json(value: &impl Serialize) -> String {
    // Only maps with odd keys can fail to serialise; these are structs.
    serde_json::to_string(value).unwrap_or_default()
}

/// Filter state `wasm.llm.json`; absent values are left out.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    request_id: &'a str,
    provider: &'a str,
    operation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_model: Option<&'a str>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_model: Option<&'a str>,
    status: &'static str,
    error: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    finish_reasons: &'a [Word],
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_nanodollars: Option<u64>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_answer_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_id: Option<&'a str>,
    #[serde(flatten)]
    labels: std::collections::BTreeMap<&'a str, &'a str>,
}

impl<'a> Summary<'a> {
    fn new(record: &'a Record, model: &'a str, policy: &'a Policy, extra: &'a [String]) -> Self {
        let answer = &record.answer;
        let (input, output) = record.tokens();
        let is_estimated = record.estimated_tokens() != (None, None);
        let sum = || Some(input?.saturating_add(output.unwrap_or(0)));
        let labels = policy.labels().iter().zip(extra);
        Self {
            request_id: &record.request_id,
            provider: &record.provider,
            operation: record.operation,
            request_model: record.request_model.as_deref(),
            model,
            response_model: answer.model.as_deref(),
            status: record.status.name(),
            error: record.error.name(),
            finish_reasons: &answer.finish_reasons,
            input_tokens: input,
            output_tokens: output,
            total_tokens: answer.usage.get(Count::Total).or_else(sum),
            cached_input_tokens: answer.usage.get(Count::CacheRead),
            reasoning_tokens: answer.usage.get(Count::Reasoning),
            source: if is_estimated { Some(SOURCE_ESTIMATED) } else { record.source() },
            cost_nanodollars: None,
            duration_ms: record.times.duration_ms,
            first_byte_ms: record.times.first_byte_ms,
            first_token_ms: record.times.first_token_ms,
            first_answer_ms: record.times.first_answer_ms,
            response_id: answer.id.as_deref(),
            labels: labels.map(|(label, value)| (label.name.as_str(), value.as_str())).collect(),
        }
    }
}

/// Filter state `wasm.llm.record`: all that is known of an exchange, for replays and for a close look at one.
#[derive(Debug, Serialize)]
struct Full<'a> {
    provider: &'a str,
    operation: &'static str,
    request_model: Option<&'a str>,
    response_model: Option<&'a str>,
    response_id: Option<&'a str>,
    streaming: bool,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    cached_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    audio_input_tokens: Option<u64>,
    audio_output_tokens: Option<u64>,
    tool_use_prompt_tokens: Option<u64>,
    finish_reasons: &'a [Word],
    tool_calls: Option<u32>,
    choices: Option<u32>,
    error_type: Option<&'a Word>,
    error_code: Option<&'a Word>,
    error_in_stream: Option<bool>,
    content_chunks: Option<u32>,
    complete: Option<bool>,
    source: Option<&'static str>,
    estimated_input_tokens: Option<u64>,
    estimated_output_tokens: Option<u64>,
    status: &'static str,
    error: &'static str,
    usage_missing: Option<&'static str>,
    gaps: Vec<&'static str>,
}

impl<'a> Full<'a> {
    fn new(record: &'a Record) -> Self {
        let answer = &record.answer;
        let count = |count| answer.usage.get(count);
        let (estimated_input_tokens, estimated_output_tokens) = record.estimated_tokens();
        Self {
            provider: &record.provider,
            operation: record.operation,
            request_model: record.request_model.as_deref(),
            response_model: answer.model.as_deref(),
            response_id: answer.id.as_deref(),
            streaming: answer.streaming,
            input_tokens: answer.input_tokens,
            output_tokens: answer.output_tokens,
            total_tokens: count(Count::Total),
            cached_input_tokens: count(Count::CacheRead),
            cache_creation_input_tokens: count(Count::CacheWrite),
            reasoning_tokens: count(Count::Reasoning),
            audio_input_tokens: count(Count::AudioInput),
            audio_output_tokens: count(Count::AudioOutput),
            tool_use_prompt_tokens: count(Count::ToolUseInput),
            finish_reasons: &answer.finish_reasons,
            tool_calls: answer.tool_calls,
            choices: answer.choices,
            error_type: answer.error_type.as_ref(),
            error_code: answer.error_code.as_ref(),
            error_in_stream: record.error_in_stream(),
            content_chunks: answer.content_chunks,
            complete: answer.complete,
            source: record.source(),
            estimated_input_tokens,
            estimated_output_tokens,
            status: record.status.name(),
            error: record.error.name(),
            usage_missing: record.usage_missing.map(|reason| reason.name()),
            gaps: record.gaps.iter().map(|gap| gap.name()).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
