//! From a record to effects: the one place that decides what leaves the engine.

mod feedback;
mod fields;

pub use feedback::given;
use fields::{Fields, Value, json};

use crate::config::Policy;
use crate::desk::tell;
use crate::effect::{Effect, FILTER_STATE_KEYS};
use crate::exhibit::{Job, Shown};
use crate::judge::Outcome;
use crate::metrics::{self, Metric};
use crate::otlp::Signal;
use crate::price::{Cost, Tokens};
use crate::record::{Record, SOURCE_ESTIMATED, SOURCE_REPORTED};
use crate::series::Series;
use crate::trace::{self, Told};
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

/// An exchange is not metered, since the worker's memory is overdrawn.
pub fn dropped_exchange() -> Effect {
    let labels = [("kind", "exchanges")];
    Effect::Count { stat: metrics::stat(&metrics::DROPPED, labels.into_iter()), by: 1 }
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
    let model = series.model(asked, succeeded);
    let extra = series.labels(policy, &record.labels);
    let whose = [("provider", record.provider.as_str()), ("model", model.as_str())];
    let emission = Emission {
        record,
        policy,
        whose: metrics::labels(whose.into_iter()),
        extra_labels: metrics::labels(policy.labels_of(&extra)),
        model,
        extra,
        cost: cost(record, policy, asked),
        effects: Vec::with_capacity(16),
    };
    let mut effects = emission.effects(series);
    overflows(series, &mut effects);
    effects
}

fn overflows(series: &mut Series, effects: &mut Vec<Effect>) {
    for (limit, by) in series.take_overflows() {
        let labels = [("limit", limit.as_str())];
        let stat = metrics::stat(&metrics::SERIES_OVERFLOW, labels.into_iter());
        effects.push(Effect::Count { stat, by });
    }
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

/// The effects of one record as they are put together.
struct Emission<'a> {
    record: &'a Record,
    policy: &'a Policy,
    /// The label value.
    model: String,
    /// The extra labels' values.
    extra: Vec<String>,
    /// The labels that nearly every stat of the record begins with, as they stand there.
    whose: String,
    /// The labels that it ends with.
    extra_labels: String,
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
        if let Some(shown) = &self.record.judged {
            self.judge(shown);
        }
        self.span();
        self.effects
    }

    /// A sampled exchange is counted here, and again with what becomes of it.
    #[cold]
    fn judge(&mut self, shown: &Shown) {
        self.effects.push(tell::sampled(&self.model));
        self.effects.push(match shown {
            Shown::Nothing => tell::outcome(&self.model, Outcome::NotApplicable),
            Shown::TooLarge => tell::outcome(&self.model, Outcome::TooLarge),
            Shown::NoMemory => tell::outcome(&self.model, Outcome::Memory),
            Shown::Exhibit(exhibit) => Effect::Judge(Box::new(Job {
                request_id: self.record.request_id.clone(),
                ids: self.record.ids,
                model: self.model.clone(),
                exhibit: exhibit.clone(),
            })),
        });
    }

    fn span(&mut self) {
        let Some(plan) = self.policy.telemetry().filter(|plan| plan.takes(Signal::Spans)) else {
            return;
        };
        let told = Told {
            model: &self.model,
            labels: self.policy.labels_of(&self.extra).collect(),
            cost_nanodollars: self.cost.as_ref().and_then(Cost::nanodollars),
            is_sampled: self.policy.judge().map(|_| self.record.judged.is_some()),
        };
        let span = trace::span(self.record, &told, plan, self.policy.redactor());
        self.effects.push(Effect::Span(Box::new(span)));
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
        let mut stat = String::with_capacity(160);
        stat.push_str(metric.name);
        let labels = match metric.labels.strip_prefix(&["provider", "model"]) {
            Some(others) => {
                stat.push_str(&self.whose);
                others
            }
            None => metric.labels,
        };
        for name in labels {
            let value = match *name {
                "operation" => self.record.operation,
                "status" => self.record.status.name(),
                "error" => self.record.error.name(),
                "source" => source,
                _ => own,
            };
            metrics::push_label(&mut stat, name, value);
        }
        if metric.is_per_exchange {
            stat.push_str(&self.extra_labels);
        }
        stat
    }

    fn filter_state(&mut self) {
        let summary = self.summary();
        let mut states = vec![("json", json(&summary, false))];
        let total = value(&summary, "total_tokens").filter(|value| !matches!(value, Value::Null));
        states.push(("total_tokens", total.unwrap_or(Value::Number(0)).plain()));
        let unknown = |key| FILTER_STATE_KEYS.iter().find(|(known, _)| *known == key);
        for key in self.policy.filter_state() {
            let told = match value(&summary, key) {
                _ if *key == "record" => full(self.record),
                Some(Value::Null) | None => unknown(*key).map_or("-", |(_, unknown)| unknown).to_owned(),
                Some(value) => value.plain(),
            };
            states.push((key, told));
        }
        self.effects.extend(states.into_iter().map(|(key, value)| Effect::FilterState { key, value }));
    }

    /// Filter state `wasm.llm.json`.
    fn summary(&self) -> Fields<'_> {
        let Self { record, policy, .. } = self;
        let (answer, times) = (&record.answer, &record.times);
        let (input, output) = record.tokens();
        let is_estimated = record.estimated_tokens() != (None, None);
        let sum = || Some(input?.saturating_add(output.unwrap_or(0)));
        let mut fields = Vec::with_capacity(32);
        fields.extend([
            ("request_id", record.request_id.as_str().into()),
            ("provider", record.provider.as_str().into()),
            ("operation", record.operation.into()),
            ("request_model", record.request_model.as_deref().into()),
            ("model", self.model.as_str().into()),
            ("response_model", answer.model.as_deref().into()),
            ("status", record.status.name().into()),
            ("error", record.error.name().into()),
        ]);
        // Nobody said why it ended: that is not known, rather than no reason.
        if !answer.finish_reasons.is_empty() {
            fields.push(("finish_reasons", Value::Words(&answer.finish_reasons)));
        }
        fields.extend([
            ("input_tokens", input.into()),
            ("output_tokens", output.into()),
            ("total_tokens", answer.usage.get(Count::Total).or_else(sum).into()),
            ("cached_input_tokens", answer.usage.get(Count::CacheRead).into()),
            ("reasoning_tokens", answer.usage.get(Count::Reasoning).into()),
            ("source", if is_estimated { SOURCE_ESTIMATED.into() } else { record.source().into() }),
            ("cost_nanodollars", self.cost.as_ref().and_then(Cost::nanodollars).into()),
            ("duration_ms", times.duration_ms.into()),
            ("first_byte_ms", times.first_byte_ms.into()),
            ("first_token_ms", times.first_token_ms.into()),
            ("first_answer_ms", times.first_answer_ms.into()),
            ("response_id", answer.id.as_deref().into()),
        ]);
        if policy.judge().is_some() {
            fields.push(("sampled", record.judged.is_some().into()));
        }
        fields.extend(policy.labels_of(&self.extra).map(|(name, value)| (name, value.into())));
        fields
    }
}

fn value<'a>(fields: &Fields<'a>, name: &str) -> Option<Value<'a>> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// All that is known of a record, for replays and for a close look at one: the JSON object in filter state
/// `wasm.llm.record`. What is not known is null.
pub fn full(record: &Record) -> String {
    let answer = &record.answer;
    let count = |count| Value::from(answer.usage.get(count));
    let (estimated_input_tokens, estimated_output_tokens) = record.estimated_tokens();
    let gaps: Vec<_> = record.gaps.iter().map(|gap| gap.name()).collect();
    let fields = vec![
        ("provider", record.provider.as_str().into()),
        ("operation", record.operation.into()),
        ("request_model", record.request_model.as_deref().into()),
        ("response_model", answer.model.as_deref().into()),
        ("response_id", answer.id.as_deref().into()),
        ("streaming", answer.streaming.into()),
        ("input_tokens", answer.input_tokens.into()),
        ("output_tokens", answer.output_tokens.into()),
        ("total_tokens", count(Count::Total)),
        ("cached_input_tokens", count(Count::CacheRead)),
        ("cache_creation_input_tokens", count(Count::CacheWrite)),
        ("reasoning_tokens", count(Count::Reasoning)),
        ("audio_input_tokens", count(Count::AudioInput)),
        ("audio_output_tokens", count(Count::AudioOutput)),
        ("tool_use_prompt_tokens", count(Count::ToolUseInput)),
        ("finish_reasons", Value::Words(&answer.finish_reasons)),
        ("tool_calls", answer.tool_calls.into()),
        ("choices", answer.choices.into()),
        ("error_type", answer.error_type.as_ref().into()),
        ("error_code", answer.error_code.as_ref().into()),
        ("error_in_stream", record.error_in_stream().into()),
        ("content_chunks", answer.content_chunks.into()),
        ("complete", answer.complete.into()),
        ("source", record.source().into()),
        ("estimated_input_tokens", estimated_input_tokens.into()),
        ("estimated_output_tokens", estimated_output_tokens.into()),
        ("status", record.status.name().into()),
        ("error", record.error.name().into()),
        ("usage_missing", record.usage_missing.map(|reason| reason.name()).into()),
        ("gaps", Value::Names(&gaps)),
    ];
    json(&fields, true)
}

#[cfg(test)]
mod tests;
