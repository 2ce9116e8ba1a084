//! The compiled configuration, which answers every question of the hot path.

use std::rc::Rc;

use llm_gauge_decode::MemoryBudget;

use super::keys::root::{
    ESTIMATE, EVENT_BYTES, FILTER_STATE, LIMITS_NAMES, REQUEST_BYTES, ROOT_NAMES, STREAMING_NAMES, USAGE,
    WORKER_BYTES,
};
use super::rules::{self, MatchRule};
use super::section::{Section, listed, quoted};
use super::{ConfigError, Label, Models};
use super::{document, feedback, judge, labels, prices, redact, telemetry};
use crate::feedback::FeedbackPlan;
use crate::filter_state::FILTER_STATE_KEYS;
use crate::formats::{self, Format, ReadDepth};
use crate::head::Headers;
use crate::ids::{self, SigningKey};
use crate::json::JsonValue;
use crate::judge::JudgePlan;
use crate::judge::capture::ContextSource;
use crate::limits::CONTENT_CHARS_DEFAULT;
use crate::metrics;
use crate::price::PriceTable;
use crate::scan::Paths;
use crate::telemetry::{Content, Redactor, TelemetryPlan};

/// The compiled configuration of the filter.
#[derive(Debug)]
pub struct Policy {
    /// The rules that select requests. `None` if the path of a request decides.
    pub(super) rules: Option<Vec<MatchRule>>,
    labels: Vec<Label>,
    models: Models,
    requests_usage: bool,
    estimates: bool,
    prices: Option<Rc<PriceTable>>,
    judge: Option<Rc<JudgePlan>>,
    feedback: Option<Rc<FeedbackPlan>>,
    telemetry: Option<Rc<TelemetryPlan>>,
    redactor: Rc<Redactor>,
    filter_state: Vec<&'static str>,
    event_bytes_max: u64,
    request_bytes_max: usize,
    worker_bytes: usize,
    memory: MemoryBudget,
    /// The paths of usage and errors, by the index of a format.
    paths: Vec<FormatPaths>,
    /// The paths of exchanges whose texts are captured, by the index of a format. Empty if none are captured.
    sampled_paths: Vec<FormatPaths>,
    fingerprint: String,
}

/// The paths that are read from the documents of one format.
#[derive(Debug)]
pub struct FormatPaths {
    /// Paths in requests.
    pub request: Paths,
    /// Paths in responses.
    pub response: Paths,
}

impl FormatPaths {
    /// Returns the paths of usage and errors, and of texts if tokens are estimated from them.
    fn new(format: &'static Format, estimates: bool) -> Self {
        let wanted = match estimates && format.has_usage {
            true => ReadDepth::Estimate,
            false => ReadDepth::Counts,
        };
        Self {
            request: formats::paths(format.request, "", wanted),
            response: formats::paths(format.response, format.kind, wanted),
        }
    }

    /// Returns the paths of exchanges whose texts are captured.
    fn sampled(format: &'static Format, sources: &[ContextSource]) -> Self {
        Self {
            request: request_paths(format, sources),
            response: formats::paths(format.response, format.kind, ReadDepth::Texts),
        }
    }
}

impl Policy {
    /// Reads and compiles a configuration. An empty document counts as `{}`.
    pub fn parse(document: &[u8]) -> Result<Self, ConfigError> {
        let document = if document.trim_ascii().is_empty() { b"{}" } else { document };
        Self::compile(&document::read(document)?, fingerprint(document))
    }

    /// Compiles the sections from top to bottom, since some need the settings of those before them.
    fn compile(document: &JsonValue, fingerprint: String) -> Result<Self, ConfigError> {
        let document = Section::new((String::new(), document), &ROOT_NAMES)?;
        let service = document.text("service")?.unwrap_or("llm-gauge");
        let rules = rules::read(&document)?;
        let labels = labels::read(&document)?;
        let models = Models::read(&document)?;
        let requests_usage = document.section("streaming", &STREAMING_NAMES)?.choice(&USAGE)? == 1;
        let estimates = document.switch(&ESTIMATE)?;
        let prices = prices::read(&document)?;
        let judge = judge::read(&document, &labels, prices.as_ref())?;
        let feedback = feedback::read(&document)?;
        let telemetry = telemetry::read(&document, service, judge.is_some())?;
        let redactor = redact::read(&document)?;
        let filter_state = filter_state(&document)?;
        let limits = document.section("limits", &LIMITS_NAMES)?;
        let worker_bytes = limits.size(&WORKER_BYTES)?;
        Ok(Self {
            event_bytes_max: limits.integer(&EVENT_BYTES)?,
            request_bytes_max: limits.size(&REQUEST_BYTES)?,
            worker_bytes,
            memory: MemoryBudget::new(worker_bytes),
            paths: paths(estimates),
            sampled_paths: sampled_paths(judge.as_ref(), telemetry.as_ref()),
            rules,
            labels,
            models,
            requests_usage,
            estimates,
            prices: prices.map(Rc::new),
            judge: judge.map(Rc::new),
            feedback: feedback.map(Rc::new),
            telemetry: telemetry.map(Rc::new),
            redactor: Rc::new(redactor),
            filter_state,
            fingerprint,
        })
    }

    /// Returns the paths to read of the format with this index. `None` if there is no such format.
    pub(crate) fn paths(&self, format_index: usize, is_sampled: bool) -> Option<&FormatPaths> {
        let paths = if is_sampled { &self.sampled_paths } else { &self.paths };
        paths.get(format_index)
    }

    /// Replaces the row of a format by one with the same name, for exchanges whose [`Route`](super::Route) has it. A
    /// replay uses this to find the rules of a row that no case needs.
    pub fn replace_row(&mut self, row: &'static Format) {
        let Some(index) = formats::ALL.iter().position(|known| known.name == row.name) else {
            return;
        };
        let (sources, _) = self.texts();
        let sampled = FormatPaths::sampled(row, sources);
        if let Some(paths) = self.sampled_paths.get_mut(index) {
            *paths = sampled;
        }
        if let Some(paths) = self.paths.get_mut(index) {
            *paths = FormatPaths::new(row, self.estimates);
        }
    }

    /// Returns the settings of the judge. `None` if no judge is configured.
    pub fn judge(&self) -> Option<&Rc<JudgePlan>> {
        self.judge.as_ref()
    }

    /// Returns the settings of feedback. `None` if no feedback is configured.
    pub fn feedback(&self) -> Option<&Rc<FeedbackPlan>> {
        self.feedback.as_ref()
    }

    /// Returns the key that signs request ids. `None` if they are not signed.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.feedback()?.signing_key()
    }

    /// Returns the settings of the export of spans and events. `None` if none is configured.
    pub fn telemetry(&self) -> Option<&Rc<TelemetryPlan>> {
        self.telemetry.as_ref()
    }

    /// Returns the redactor of texts that are exported.
    pub fn redactor(&self) -> &Rc<Redactor> {
        &self.redactor
    }

    /// Returns the exchanges whose texts are exported.
    pub fn content(&self) -> Content {
        self.telemetry.as_ref().map_or(Content::None, |plan| plan.content())
    }

    /// Returns whether texts of any exchange are captured.
    pub(crate) fn keeps_texts(&self) -> bool {
        !self.sampled_paths.is_empty()
    }

    /// Returns the sources of captured context, and the bound on the characters of captured texts.
    pub(crate) fn texts(&self) -> (&[ContextSource], usize) {
        self.judge
            .as_ref()
            .map_or((SOURCES, CONTENT_CHARS_DEFAULT), |plan| (plan.sources(), plan.chars_max()))
    }

    /// Returns the values of the extra labels in their order, truncated to the bound of label values. Clients choose
    /// them, and Envoy keeps them for the lifetime of the VM.
    pub fn label_values(&self, head: &Headers<'_>) -> Vec<String> {
        let value = |label: &Label| match head.get(&label.header) {
            Some(value) => metrics::label_value(&String::from_utf8_lossy(value)),
            None => metrics::label_value(&label.default),
        };
        self.labels.iter().map(value).collect()
    }

    /// Returns the extra labels.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Returns the name of each extra label with its value in `values`.
    pub fn labels_of<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.labels.iter().zip(values).map(|(label, value)| (label.name.as_str(), value.as_str()))
    }

    /// Returns the settings that map models to label values.
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Returns the name of a model after the rename rules.
    pub fn renamed<'a>(&'a self, model: &'a str) -> &'a str {
        self.models.renamed(model)
    }

    /// Returns the price table. `None` if no cost is counted.
    pub fn prices(&self) -> Option<&Rc<PriceTable>> {
        self.prices.as_ref()
    }

    /// Returns the additional keys of filter state.
    pub fn filter_state(&self) -> &[&'static str] {
        &self.filter_state
    }

    /// Returns the bound on the bytes of a stream event that is read.
    pub fn event_bytes_max(&self) -> u64 {
        self.event_bytes_max
    }

    /// Returns whether tokens are estimated if no usage is reported.
    pub fn estimates(&self) -> bool {
        self.estimates
    }

    /// Returns whether the filter asks streams for usage if the client does not.
    pub fn requests_usage(&self) -> bool {
        self.requests_usage
    }

    /// Returns the bound on the bytes of a request that is held to be edited.
    pub fn request_bytes_max(&self) -> usize {
        self.request_bytes_max
    }

    /// Returns the memory budget for data whose size peers choose.
    pub fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// Makes exchanges use this memory budget, and sets its size to the configured one. All configurations of one
    /// worker share its memory.
    pub fn share_memory(&mut self, memory: &MemoryBudget) {
        memory.set_bytes_max(self.worker_bytes);
        self.memory = memory.clone();
    }

    /// Returns a short hash that identifies the configuration, for `llm_gauge_build_info`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// The sources of captured context if there is no judge.
const SOURCES: &[ContextSource] =
    &[ContextSource::System, ContextSource::ToolResults, ContextSource::Documents];

fn filter_state(document: &Section<'_>) -> Result<Vec<&'static str>, ConfigError> {
    let known: Vec<_> = FILTER_STATE_KEYS.iter().map(|(name, _)| *name).collect();
    let field = |(path, name): (String, &str)| match known.iter().find(|known| **known == name) {
        Some(known) => Ok(*known),
        None => Err(ConfigError::new(path, ["one of ", &listed(&known)].concat(), quoted(name))),
    };
    document.texts(&FILTER_STATE)?.into_iter().map(field).collect()
}

/// Returns the paths of usage and errors for all formats, and of texts if tokens are estimated from them.
fn paths(estimates: bool) -> Vec<FormatPaths> {
    formats::ALL.iter().map(|format| FormatPaths::new(format, estimates)).collect()
}

/// Returns the paths of exchanges whose texts are captured, for all formats. Empty if neither a judge nor telemetry
/// needs them.
fn sampled_paths(judge: Option<&JudgePlan>, telemetry: Option<&TelemetryPlan>) -> Vec<FormatPaths> {
    if judge.is_none() && telemetry.is_none_or(|plan| plan.content() == Content::None) {
        return Vec::new();
    }
    let sources = judge.map_or(SOURCES, JudgePlan::sources);
    formats::ALL.iter().map(|format| FormatPaths::sampled(format, sources)).collect()
}

/// Returns the paths of a captured request, with those that the operator has configured.
fn request_paths(format: &'static Format, sources: &[ContextSource]) -> Paths {
    let mut paths = formats::paths(format.request, "", ReadDepth::Texts);
    for source in sources {
        if let ContextSource::Pointer(keys) = source {
            paths.add_deep(keys, formats::POINTED);
        }
    }
    paths
}

/// Returns the first 64 bits of the document's SHA-256. It must not reveal the document, which may hold secrets.
fn fingerprint(document: &[u8]) -> String {
    let mut text = String::with_capacity(16);
    ids::push_hex(&mut text, hmac_sha256::Hash::hash(document).first_chunk::<8>().unwrap_or(&[0; 8]));
    text
}

#[cfg(test)]
pub(super) mod tests;
