//! The compiled configuration: every question the hot path asks has its answer ready.

mod checks;
mod rules;

use core::fmt;
use std::rc::Rc;

use checks::{at_least_one, check_judge_prices, check_labels, check_limits, filter_state};
use llm_gauge_decode::MemoryBudget;
use rules::Rule;

use crate::config::keys::Refusal;
use crate::config::{Config, Label, StreamUsage, Switch};
use crate::exhibit::Source;
use crate::feedback;
use crate::formats::{self, Format, Wanted};
use crate::head::Headers;
use crate::ids::{self, Key};
use crate::judge::Plan;
use crate::limits::CONTENT_CHARS_DEFAULT;
use crate::metrics;
use crate::pattern::Pattern;
use crate::price::Table;
use crate::scan::Paths;
use crate::telemetry::{self, Content, Redactor};

/// What the filter does, compiled from a [`Config`].
#[derive(Debug)]
pub struct Policy {
    rules: Option<Vec<Rule>>,
    plans: Vec<Plans>,
    /// The same of exchanges whose texts are kept; empty where none are.
    sampled_plans: Vec<Plans>,
    judge: Option<Rc<Plan>>,
    telemetry: Option<Rc<telemetry::Plan>>,
    redactor: Rc<Redactor>,
    feedback: Option<Rc<feedback::Plan>>,
    labels: Vec<Label>,
    models: crate::config::Models,
    renames: Vec<(Pattern, String)>,
    prices: Option<Rc<Table>>,
    filter_state: Vec<&'static str>,
    event_bytes_max: u64,
    estimates: bool,
    asks_usage: bool,
    request_bytes_max: usize,
    worker_bytes: usize,
    memory: MemoryBudget,
    fingerprint: String,
}

/// Why a configuration is refused; its `Display` names the key and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Path of the key, such as `models.max_series` or `match[0].format`; empty for the document itself.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
}

/// The wanted places of one format, compiled once.
#[derive(Debug)]
pub struct Plans {
    /// Of its requests.
    pub request: Paths,
    /// Of its responses.
    pub response: Paths,
}

/// How one request is metered.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its wire format.
    pub format: &'static Format,
    /// `gen_ai.provider.name`
    pub provider: String,
    /// Whether a rule or the host tells the provider, so that the response need not.
    pub is_provider_known: bool,
    /// The model, where the path names it.
    pub model_in_path: Option<String>,
    /// The number of the format's [`Plans`].
    pub(crate) plan: usize,
}

/// Where Envoy sends a request, as far as rules ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `xds.route_name`
    pub route: String,
    /// `xds.cluster_name`
    pub cluster: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}", self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl Policy {
    /// Reads and compiles a configuration; nothing at all counts as `{}`.
    pub fn parse(document: &[u8]) -> Result<Self, ConfigError> {
        let document = if document.trim_ascii().is_empty() { b"{}" } else { document };
        if document.trim_ascii().starts_with(b"[") {
            // serde would take a list for the values of the keys in their order.
            let message = "invalid type: sequence, expected an object".to_owned();
            return Err(ConfigError { path: String::new(), message });
        }
        let mut json = serde_json::Deserializer::from_slice(document);
        let config: Config = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            // The document itself is `.` there, a key that was not read to its end `?`.
            let path = path.trim_end_matches(['.', '?']).to_owned();
            ConfigError { message: error.into_inner().to_string(), path }
        })?;
        json.end().map_err(|error| ConfigError { path: String::new(), message: error.to_string() })?;
        Self::compile(config, fingerprint(document))
    }

    /// Gives a configuration its meaning.
    fn compile(config: Config, fingerprint: String) -> Result<Self, ConfigError> {
        let rules = config.rules.as_deref().map(|rules| {
            let numbered = rules.iter().enumerate();
            numbered.map(|(number, rule)| Rule::compile(number, rule)).collect::<Result<Vec<_>, _>>()
        });
        check_labels(&config.labels)?;
        at_least_one("models.max_series", config.models.max_series)?;
        check_limits(&config.limits)?;
        let estimates = config.estimate == Switch::On;
        let wanted = |format: &Format| match estimates && format.has_usage {
            true => Wanted::Estimate,
            false => Wanted::Counts,
        };
        let prices = config.prices.map(Table::new).transpose();
        let prices =
            prices.map_err(|(key, message)| ConfigError { path: format!("prices.{key}"), message })?;
        let plans = |format: &&'static Format| Plans {
            request: formats::paths(format.request, "", wanted(format)),
            response: formats::paths(format.response, format.kind, wanted(format)),
        };
        let judge = config.judge.map(|judge| Plan::compile(&judge, &config.labels)).transpose();
        let judge = judge.map_err(|refusal| below("judge", refusal))?;
        let feedback = config.feedback.as_ref().map(feedback::Plan::compile).transpose();
        let feedback = feedback.map_err(|refusal| below("feedback", refusal))?;
        check_judge_prices(judge.as_ref(), prices.as_ref())?;
        let service = config.service.as_deref();
        let compiled = |tree| telemetry::Plan::compile(tree, service, judge.is_some());
        let telemetry = config.telemetry.as_ref().map(compiled).transpose();
        let telemetry = telemetry.map_err(|refusal| below("telemetry", refusal))?;
        let redactor = config.redact.as_ref().map(Redactor::compile).transpose();
        let redactor = redactor.map_err(|refusal| below("redact", refusal))?;
        let sources = judge.as_ref().map_or(SOURCES, Plan::sources);
        let keeps_texts = keeps_texts(judge.as_ref(), telemetry.as_ref());
        let sampled_plans = formats::ALL.iter().filter(|_| keeps_texts).map(|format| Plans {
            request: request_paths(format, sources),
            response: formats::paths(format.response, format.kind, Wanted::Texts),
        });
        Ok(Self {
            rules: rules.transpose()?,
            plans: formats::ALL.iter().map(plans).collect(),
            sampled_plans: sampled_plans.collect(),
            judge: judge.map(Rc::new),
            telemetry: telemetry.map(Rc::new),
            redactor: Rc::new(redactor.unwrap_or_default()),
            feedback: feedback.map(Rc::new),
            renames: config.models.rename.iter().map(|rename| rename.compile()).collect(),
            prices: prices.map(Rc::new),
            filter_state: filter_state(&config.filter_state)?,
            labels: config.labels,
            models: config.models,
            event_bytes_max: config.limits.event_bytes,
            estimates,
            asks_usage: config.streaming.usage == StreamUsage::Request,
            request_bytes_max: config.limits.request_bytes,
            worker_bytes: config.limits.worker_bytes,
            memory: MemoryBudget::new(config.limits.worker_bytes),
            fingerprint,
        })
    }

    /// Whether a request may be metered, by what is cheapest to ask. `false` is final.
    pub fn may_meter(&self, method: &[u8]) -> bool {
        match &self.rules {
            Some(_) => method == b"POST",
            None => formats::may_ask(method),
        }
    }

    /// Whether rules ask for the [`Place`] of a request.
    pub fn asks_for_place(&self) -> bool {
        let mut rules = self.rules.iter().flatten();
        rules.any(|rule| rule.route.is_some() || rule.cluster.is_some())
    }

    /// How a request is metered; `None`: not at all.
    pub fn route(&self, head: &Headers<'_>, place: &Place) -> Option<Route> {
        if head.get("x-llm-gauge") == Some(b"internal") {
            return None; // our own judge and telemetry calls
        }
        let (method, raw_path) = (head.get(":method")?, head.get(":path")?);
        let raw_host = head.get(":authority").unwrap_or_default();
        if self.rules.is_some() && method != b"POST" {
            return None;
        }
        let path = String::from_utf8_lossy(raw_path);
        // Proxies route hosts whatever their case; a client must not slip past a rule by it.
        let host = String::from_utf8_lossy(raw_host).to_ascii_lowercase();
        let rule = match &self.rules {
            None => None,
            Some(rules) => Some(rules.iter().find(|rule| rule.fits(&path, &host, place))?),
        };
        let named = rule.and_then(|rule| rule.format);
        let format = named.or_else(|| claimed(method, raw_host, raw_path))?;
        let ruled = rule.and_then(|rule| rule.provider.as_deref());
        let known = ruled.or_else(|| formats::provider_of(&host));
        Some(Route {
            format,
            provider: known.unwrap_or(format.provider).to_owned(),
            is_provider_known: known.is_some(),
            model_in_path: formats::model_in_path(format, &path),
            plan: formats::ALL.iter().position(|row| row.name == format.name)?,
        })
    }

    /// The wanted places of the format with this number.
    pub(crate) fn plans(&self, plan: usize, is_sampled: bool) -> Option<&Plans> {
        let plans = if is_sampled { &self.sampled_plans } else { &self.plans };
        plans.get(plan)
    }

    /// How answers are judged, if they are.
    pub fn judge(&self) -> Option<&Rc<Plan>> {
        self.judge.as_ref()
    }

    /// How feedback is taken, if it is.
    pub fn feedback(&self) -> Option<&Rc<feedback::Plan>> {
        self.feedback.as_ref()
    }

    /// What the ids of exchanges are signed with.
    pub fn signing_key(&self) -> Option<&Key> {
        self.feedback()?.signing_key()
    }

    /// Where spans and events go, if anywhere.
    pub fn telemetry(&self) -> Option<&Rc<telemetry::Plan>> {
        self.telemetry.as_ref()
    }

    /// What is taken out of texts before they leave.
    pub fn redactor(&self) -> &Rc<Redactor> {
        &self.redactor
    }

    /// Whose texts may leave with spans.
    pub fn content(&self) -> Content {
        self.telemetry.as_ref().map_or(Content::None, |plan| plan.content())
    }

    /// Whether texts of any exchange are kept.
    pub(crate) fn keeps_texts(&self) -> bool {
        !self.sampled_plans.is_empty()
    }

    /// What texts beside the question and the answer are kept, and up to how many characters.
    pub(crate) fn texts(&self) -> (&[Source], usize) {
        self.judge
            .as_ref()
            .map_or((SOURCES, CONTENT_CHARS_DEFAULT), |plan| (plan.sources(), plan.chars_max()))
    }

    /// The values of the extra labels, in their order, as long as a label value can be: clients choose them, and
    /// they are kept for as long as the VM lives.
    pub fn label_values(&self, head: &Headers<'_>) -> Vec<String> {
        let value = |label: &Label| match head.get(&label.header) {
            Some(value) => metrics::label_value(&String::from_utf8_lossy(value)),
            None => metrics::label_value(&label.default),
        };
        self.labels.iter().map(value).collect()
    }

    /// The extra labels.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The extra labels' names, each with its value among `values`.
    pub fn labels_of<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.labels.iter().zip(values).map(|(label, value)| (label.name.as_str(), value.as_str()))
    }

    /// How models become label values.
    pub fn models(&self) -> &crate::config::Models {
        &self.models
    }

    /// The name of a model after the rename rules.
    pub fn renamed<'a>(&'a self, model: &'a str) -> &'a str {
        let rule = self.renames.iter().find(|(pattern, _)| pattern.fits(model));
        rule.map_or(model, |(_, to)| to)
    }

    /// What tokens cost, if that is to be counted.
    pub fn prices(&self) -> Option<&Rc<Table>> {
        self.prices.as_ref()
    }

    /// Further keys of filter state.
    pub fn filter_state(&self) -> &[&'static str] {
        &self.filter_state
    }

    /// Bytes of one stream event that are still read.
    pub fn event_bytes_max(&self) -> u64 {
        self.event_bytes_max
    }

    /// Whether tokens that nobody reported are estimated.
    pub fn estimates(&self) -> bool {
        self.estimates
    }

    /// Whether streams are asked for usage where the client does not ask.
    pub fn asks_usage(&self) -> bool {
        self.asks_usage
    }

    /// Bytes of a request that is held to be edited.
    pub fn request_bytes_max(&self) -> usize {
        self.request_bytes_max
    }

    /// The memory that its exchanges take what peers send from.
    pub fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// Has exchanges take their memory from this budget, which grants what the configuration says from now on: all
    /// configurations of one worker share its memory.
    pub fn share_memory(&mut self, memory: &MemoryBudget) {
        memory.set_bytes_max(self.worker_bytes);
        self.memory = memory.clone();
    }

    /// Tells configurations apart (`llm_gauge_build_info`); not a secret and no proof of anything.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// What goes with the question where no judge says it.
const SOURCES: &[Source] = &[Source::System, Source::ToolResults, Source::Documents];

fn keeps_texts(judge: Option<&Plan>, telemetry: Option<&telemetry::Plan>) -> bool {
    judge.is_some() || telemetry.is_some_and(|plan| plan.content() != Content::None)
}

/// The fault of a key below another.
fn below(key: &str, (path, message): Refusal) -> ConfigError {
    ConfigError { path: [key, &path].concat(), message }
}

/// The format of a request by its method, host and path.
fn claimed(method: &[u8], host: &[u8], path: &[u8]) -> Option<&'static Format> {
    let host = String::from_utf8_lossy(host).to_ascii_lowercase();
    formats::claimed(&String::from_utf8_lossy(method), &host, &String::from_utf8_lossy(path))
}

/// What is wanted of a sampled request: also the places that the operator points to.
fn request_paths(format: &'static Format, sources: &[Source]) -> Paths {
    let mut paths = formats::paths(format.request, "", Wanted::Texts);
    for source in sources {
        if let Source::Pointer(keys) = source {
            paths.add_deep(keys, formats::POINTED);
        }
    }
    paths
}

/// The first 64 bits of SHA-256: the document may hold secrets, and this is shown to all who read metrics.
fn fingerprint(document: &[u8]) -> String {
    let mut text = String::with_capacity(16);
    ids::push_hex(&mut text, hmac_sha256::Hash::hash(document).first_chunk::<8>().unwrap_or(&[0; 8]));
    text
}

#[cfg(test)]
mod tests;
