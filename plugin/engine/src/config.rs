//! The configuration as an operator writes it. [`Policy::parse`](crate::policy::Policy::parse) gives it meaning.

pub(crate) mod keys;

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// The whole document. Every key may be left out; a key that is not here is refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub struct Config {
    /// Name of the service the metered traffic belongs to.
    pub service: Option<String>,
    /// Which requests are metered, and as what. Without rules: every request to a path of a known format.
    #[serde(rename = "match")]
    pub rules: Option<Vec<MatchRule>>,
    /// Up to four extra labels.
    pub labels: Vec<Label>,
    /// How models become label values.
    pub models: Models,
    /// What is done about usage in streams.
    pub streaming: Streaming,
    /// Whether tokens are estimated where a response ended without reported usage.
    pub estimate: Switch,
    /// What tokens cost; without it no cost is counted.
    pub prices: Option<crate::price::Prices>,
    /// Sampled answers are scored by a judge; without it none is. [`Plan::compile`](crate::judge::Plan::compile) knows its keys:
    /// as derived structs they would make the filter a tenth larger.
    pub judge: Option<crate::tree::Tree>,
    /// Users' feedback is taken; without it nothing of ours is at its path. [`Plan::compile`](crate::feedback::Plan::compile)
    /// knows its keys.
    pub feedback: Option<crate::tree::Tree>,
    /// Where spans and scores go; without it they go nowhere. [`Plan::compile`](crate::telemetry::Plan::compile) knows its keys.
    pub telemetry: Option<crate::tree::Tree>,
    /// What is taken out of texts before they leave.
    pub redact: Option<crate::tree::Tree>,
    /// Further values to set as filter state `wasm.llm.KEY`.
    pub filter_state: Vec<String>,
    /// Bounds.
    pub limits: Limits,
}

/// A rule meters the requests that fit all of its patterns. In a pattern `*` stands for any characters.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub struct MatchRule {
    /// Pattern for the path without its query.
    pub path: Option<String>,
    /// Pattern for the host, with its port if it has one.
    pub host: Option<String>,
    /// Pattern for Envoy's route name (`xds.route_name`).
    pub route: Option<String>,
    /// Pattern for Envoy's cluster name (`xds.cluster_name`).
    pub cluster: Option<String>,
    /// The provider, as a label value.
    pub provider: Option<String>,
    /// The wire format, by its name.
    pub format: Option<String>,
}

/// An extra label, filled from a request header.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct Label {
    /// The label's name.
    pub name: String,
    /// The request header that holds its value.
    pub header: String,
    /// Values with a series of their own; further ones are `other`.
    #[serde(default = "label_values_default", deserialize_with = "whole_number")]
    pub max_values: usize,
    /// The value where the header is missing.
    #[serde(default)]
    pub default: String,
}

fn label_values_default() -> usize {
    crate::limits::LABEL_VALUES_DEFAULT
}

/// How models become label values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub struct Models {
    /// Models that always have a label of their own.
    pub known: Vec<String>,
    /// First rule that fits renames a model.
    pub rename: Vec<Rename>,
    /// Models with a label of their own; further ones are `other`.
    #[serde(deserialize_with = "whole_number")]
    pub max_series: usize,
}

impl Default for Models {
    fn default() -> Self {
        Self { known: Vec::new(), rename: Vec::new(), max_series: crate::limits::MODELS_DEFAULT }
    }
}

/// Models that fit a pattern get one name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct Rename {
    /// Pattern for the model.
    #[serde(rename = "match")]
    pub pattern: String,
    /// The label value.
    pub to: String,
}

/// What is done about usage in streams.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub struct Streaming {
    /// See [`StreamUsage`].
    pub usage: StreamUsage,
}

/// `on` or `off`; also `true` or `false`, which is what YAML makes of the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Switch {
    /// `on`
    #[default]
    On,
    /// `off`
    Off,
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(OnOrOff)
    }
}

struct OnOrOff;

impl Visitor<'_> for OnOrOff {
    type Value = Switch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`on` or `off`")
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<Switch, E> {
        Ok(if is_on { Switch::On } else { Switch::Off })
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Switch, E> {
        match word {
            "on" => Ok(Switch::On),
            "off" => Ok(Switch::Off),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }
}

/// Where usage in streams comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamUsage {
    /// Read what the provider sends.
    #[default]
    Observe,
    /// Ask for it where a client does not, and hide the chunk that holds it.
    Request,
}

/// Bounds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub struct Limits {
    /// Bytes of one stream event that are still read.
    #[serde(deserialize_with = "whole_number")]
    pub event_bytes: u64,
    /// Bytes of a request that is held to be edited.
    #[serde(deserialize_with = "whole_number")]
    pub request_bytes: usize,
    /// Bytes of memory that a worker grants to what peers choose the size of.
    #[serde(deserialize_with = "whole_number")]
    pub worker_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            event_bytes: crate::limits::EVENT_BYTES_DEFAULT,
            request_bytes: crate::limits::REQUEST_BYTES_DEFAULT,
            worker_bytes: crate::limits::WORKER_BYTES_DEFAULT,
        }
    }
}

/// A number, with messages for those who do not know what a `usize` is.
fn whole_number<'de, N: TryFrom<u64>, D: Deserializer<'de>>(json: D) -> Result<N, D::Error> {
    json.deserialize_u64(WholeNumber(PhantomData))
}

struct WholeNumber<N>(PhantomData<N>);

impl<N: TryFrom<u64>> Visitor<'_> for WholeNumber<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<N, E> {
        N::try_from(number).map_err(|_| E::custom(format_args!("{number} is too large a number")))
    }
}
