//! The effects of an exchange that has ended.

use super::json_object::{FieldValue, json};
use super::record_json::record_json;
use super::summary::{field, summary};
use super::{CalloutJob, Effects, active_requests, count_overflows};
use crate::config::Policy;
use crate::filter_state::{FilterState, unknown};
use crate::formats::price_factor;
use crate::judge::capture::{JudgeDecision, JudgeJob};
use crate::judge::{Outcome, dispatch::stats as judge_stats};
use crate::metrics::{self, Metric, StatUpdate};
use crate::price::{Cost, Tokens};
use crate::record::{Record, SOURCE_ESTIMATED, SOURCE_REPORTED, Status};
use crate::series::Series;
use crate::telemetry::otlp::Signal;
use crate::telemetry::{SpanContext, exchange_span};
use crate::usage::{Count, Usage};

/// The parts of the inclusive counts that have series of their own.
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
    (Count::ToolImageOutput, "image_output"),
];

/// Returns the effects of an exchange that has ended.
pub fn exchange_effects(record: &Record, policy: &Policy, series: &mut Series) -> Effects {
    let renamed = record.request_model.as_deref().map(|model| policy.renamed(model));
    let model = series.model(renamed, record.status == Status::Success);
    let extra = series.labels(policy, &record.labels);
    let provider_model = [("provider", record.provider.as_str()), ("model", model.as_str())];
    let builder = Builder {
        record,
        policy,
        provider_model_labels: metrics::labels(provider_model.into_iter()),
        extra_labels: metrics::labels(policy.labels_of(&extra)),
        model,
        extra,
        cost: cost(record, policy, renamed),
        effects: Effects { stats: Vec::with_capacity(16), ..Effects::default() },
    };
    let mut effects = builder.build(series);
    count_overflows(series, &mut effects.stats);
    effects
}

/// Returns the cost of an exchange. The price is that of the answering model if it has one, since the requested name
/// may be an alias.
///
/// `None` without prices, or if the usage is unknown.
fn cost(record: &Record, policy: &Policy, renamed: Option<&str>) -> Option<Cost> {
    let table = policy.prices()?;
    record.source()?;
    let answer = &record.answer;
    let (input, output) = record.tokens();
    let names = [answer.model.as_deref(), record.request_model.as_deref(), renamed];
    if answer.terms.is_unbilled {
        return None;
    }
    if let Some(units) = answer.terms.stated_units.filter(|_| table.uses_stated_costs()) {
        return Some(Cost::stated(units));
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    let model = answer.model.as_deref().or(record.request_model.as_deref()).unwrap_or_default();
    let Some(factor) = price_factor(&answer.terms, &record.provider, model) else {
        return Some(Cost::unpriced(input.saturating_add(output)));
    };
    let tokens = Tokens::new(input, output, &answer.usage);
    Some(table.cost(&record.provider, names.into_iter().flatten(), &tokens).scaled(factor))
}

/// The builder of a record's effects.
struct Builder<'a> {
    record: &'a Record,
    policy: &'a Policy,
    /// The value of the label `model`.
    model: String,
    /// The values of the extra labels.
    extra: Vec<String>,
    /// The encoded labels with which nearly every stat of the record begins.
    provider_model_labels: String,
    /// The encoded extra labels, with which the stats of an exchange end.
    extra_labels: String,
    /// `None` if there is no cost to count.
    cost: Option<Cost>,
    effects: Effects,
}

impl Builder<'_> {
    fn build(mut self, series: &mut Series) -> Effects {
        self.effects.stats.push(active_requests(&self.record.initial_provider, -1));
        self.count(&metrics::REQUESTS, "", 1);
        self.times();
        self.tokens();
        self.cost(series);
        for ((model, usage), input, output) in self.record.other_models() {
            self.other_model(model, usage, (input, output), series);
        }
        if let Some(reason) = self.record.usage_missing {
            self.count(&metrics::USAGE_MISSING, reason.name(), 1);
        }
        for gap in &self.record.gaps {
            self.count(&metrics::GAPS, gap.name(), 1);
        }
        self.filter_state();
        if let Some(decision) = &self.record.judged {
            self.judge(decision);
        }
        self.span();
        self.effects
    }

    /// Counts a sampled exchange, and its outcome if it cannot be judged. The dispatcher counts the other outcomes.
    #[cold]
    fn judge(&mut self, decision: &JudgeDecision) {
        let Effects { stats, jobs, .. } = &mut self.effects;
        stats.push(judge_stats::sampled(&self.model));
        match decision {
            JudgeDecision::Nothing => stats.push(judge_stats::outcome(&self.model, Outcome::NotApplicable)),
            JudgeDecision::TooLarge => stats.push(judge_stats::outcome(&self.model, Outcome::TooLarge)),
            JudgeDecision::NoMemory => stats.push(judge_stats::outcome(&self.model, Outcome::Memory)),
            JudgeDecision::Input(input) => jobs.push(CalloutJob::Judge(Box::new(JudgeJob {
                request_id: self.record.request_id.clone(),
                ids: self.record.ids,
                model: self.model.clone(),
                input: input.clone(),
            }))),
        }
    }

    fn span(&mut self) {
        let Some(plan) = self.policy.telemetry().filter(|plan| plan.takes(Signal::Spans)) else {
            return;
        };
        let context = SpanContext {
            model: &self.model,
            labels: self.policy.labels_of(&self.extra).collect(),
            cost_nanodollars: self.cost.as_ref().and_then(Cost::nanodollars),
            is_sampled: self.policy.judge().map(|_| self.record.judged.is_some()),
        };
        let span = exchange_span(self.record, &context, plan);
        self.effects.jobs.push(CalloutJob::Span(Box::new(span)));
    }

    fn times(&mut self) {
        let times = self.record.times;
        let mut observe = |metric: &Metric, value: Option<u64>| {
            if let Some(value) = value {
                let stat = self.stat(metric, ("", ""));
                self.effects.stats.push(StatUpdate::Observe { stat, value });
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

    /// Counts the tokens and the cost of another model that took part, under its own name.
    #[cold]
    fn other_model(&mut self, model: &str, usage: &Usage, (input, output): (u64, u64), series: &mut Series) {
        let renamed = self.policy.renamed(model);
        let label = series.model(Some(renamed), self.record.status == Status::Success);
        let provider_model = [("provider", self.record.provider.as_str()), ("model", label.as_str())];
        let labels = metrics::labels(provider_model.into_iter());
        let own_labels = core::mem::replace(&mut self.provider_model_labels, labels);
        self.count_from(&metrics::TOKENS, ("input", SOURCE_REPORTED), input);
        self.count_from(&metrics::TOKENS, ("output", SOURCE_REPORTED), output);
        for (count, name) in DETAILS {
            self.count(&metrics::TOKEN_DETAILS, name, usage.get(*count).unwrap_or(0));
        }
        let table = self.policy.prices().filter(|_| self.record.answer.terms.stated_units.is_none());
        if let Some(table) = table {
            let tokens = Tokens::new(input, output, usage);
            let cost = table.cost(&self.record.provider, [model, renamed], &tokens);
            self.count_cost(&cost, series);
            if let Some(whole) = &mut self.cost {
                whole.add(cost);
            }
        }
        self.provider_model_labels = own_labels;
    }

    fn cost(&mut self, series: &mut Series) {
        if let Some(cost) = self.cost.take() {
            self.count_cost(&cost, series);
            self.cost = Some(cost);
        }
    }

    fn count_cost(&mut self, cost: &Cost, series: &mut Series) {
        for (class, units) in &cost.classes {
            let stat = self.stat(&metrics::COST, (class, ""));
            let by = series.nanodollars(&stat, *units);
            if by > 0 {
                self.effects.stats.push(StatUpdate::Count { stat, by });
            }
        }
        self.count(&metrics::UNPRICED_TOKENS, "", cost.unpriced_tokens);
    }

    fn count(&mut self, metric: &Metric, own: &str, by: u64) {
        self.count_from(metric, (own, ""), by);
    }

    fn count_from(&mut self, metric: &Metric, own: (&str, &str), by: u64) {
        // A host refuses to add 0 to a counter.
        if by > 0 {
            let stat = self.stat(metric, own);
            self.effects.stats.push(StatUpdate::Count { stat, by });
        }
    }

    /// Returns the stat of a metric for this record. `own` is the value of the label that only this metric has, in
    /// addition to `source`.
    fn stat(&self, metric: &Metric, (own, source): (&str, &str)) -> String {
        let mut stat = String::with_capacity(160);
        stat.push_str(metric.name);
        let labels = match metric.labels.strip_prefix(&["provider", "model"]) {
            Some(others) => {
                stat.push_str(&self.provider_model_labels);
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
        let Self { record, policy, model, extra, cost, effects, .. } = self;
        let cost_nanodollars = cost.as_ref().and_then(Cost::nanodollars);
        let summary = summary(record, policy, model, extra, cost_nanodollars);
        let states = &mut effects.filter_state;
        states.push(FilterState { key: "json", value: json(&summary, false) });
        let total = field(&summary, "total_tokens").filter(|total| !matches!(total, FieldValue::Null));
        let value = total.unwrap_or(FieldValue::Number(0)).plain();
        states.push(FilterState { key: "total_tokens", value });
        for key in policy.filter_state() {
            let value = match field(&summary, key) {
                _ if *key == "record" => record_json(record),
                Some(FieldValue::Null) | None => unknown(key).to_owned(),
                Some(value) => value.plain(),
            };
            states.push(FilterState { key, value });
        }
    }
}

#[cfg(test)]
mod tests;
