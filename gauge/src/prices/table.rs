//! Converts the package's data to the rows of the configuration.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::clause::{Clause, Names};

/// The output of `export.py`.
#[derive(Debug, Deserialize)]
pub struct Export {
    /// The version of the package.
    pub version: String,
    /// The day that prices are for.
    pub date: String,
    /// All providers.
    pub providers: Vec<Provider>,
}

/// A provider with its prices.
#[derive(Debug, Deserialize)]
pub struct Provider {
    /// The package's name for it.
    pub id: String,
    /// The providers whose models it also sells, at their prices.
    pub fallback: Vec<String>,
    /// Its models. The first one that matches a name counts.
    pub models: Vec<PackageModel>,
}

/// A model with its prices.
#[derive(Debug, Deserialize)]
pub struct PackageModel {
    /// The package's name for it.
    pub id: String,
    /// The condition on the names that it is requested by.
    #[serde(rename = "match")]
    pub clause: Clause,
    /// Prices per kind: an amount, then starts and amounts of tiers.
    pub prices: BTreeMap<String, Vec<Value>>,
    /// The day of the next known change; `None` if none is known.
    pub next: Option<String>,
    /// Whether prices depend on the time of day.
    pub by_time: bool,
    /// Whether service tiers or batches have other prices.
    pub by_tier: bool,
}

/// The package's kinds of price by tokens, with the class that the filter bills.
pub const CLASSES: &[(&str, &str)] = &[
    ("input_mtok", "input"),
    ("cache_read_mtok", "cached_input"),
    ("cache_write_mtok", "cache_write"),
    ("cache_write_1h_mtok", "cache_write_1h"),
    ("input_audio_mtok", "audio_input"),
    ("cache_audio_read_mtok", "cached_audio_input"),
    ("input_image_mtok", "image_input"),
    ("cache_image_read_mtok", "cached_image_input"),
    ("input_video_mtok", "video_input"),
    ("output_mtok", "output"),
    ("output_reasoning_mtok", "reasoning"),
    ("output_citation_mtok", "citation"),
    ("output_audio_mtok", "audio_output"),
    ("output_image_mtok", "image_output"),
    ("output_video_mtok", "video_output"),
    ("requests_kcount", "request"),
];

/// The kind that the package prices per thousand, and the filter per million.
const BY_THE_THOUSAND: &str = "requests_kcount";

/// Providers with another name in OpenTelemetry than in the package.
const NAMES: &[(&str, &[&str])] = &[
    ("google", &["gcp.gemini", "gcp.vertex_ai", "gcp.gen_ai"]),
    ("aws", &["aws.bedrock"]),
    ("azure", &["azure.ai.openai", "azure.ai.inference"]),
    ("mistral", &["mistral_ai"]),
    ("x-ai", &["x_ai"]),
    ("together", &["together", "together_ai"]),
    ("github-copilot", &["github.copilot"]),
    ("voyageai", &["voyage"]),
    ("zai", &["z_ai"]),
    ("fireworks", &["fireworks_ai"]),
    ("moonshotai", &["moonshot_ai"]),
];

/// The providers of the default table: those with the most traffic.
pub const MAIN: &[&str] = &[
    "anthropic",
    "aws",
    "azure",
    "cohere",
    "deepseek",
    "google",
    "groq",
    "mistral",
    "openai",
    "perplexity",
    "x-ai",
];

/// A finished table.
#[derive(Debug)]
pub struct Table {
    /// The document for the key `prices`.
    pub json: String,
    /// Notes on the table, one line each.
    pub notes: Vec<String>,
}

/// Returns the filter's names for a provider.
pub fn own_names(id: &str) -> Vec<&str> {
    NAMES.iter().find(|(known, _)| *known == id).map_or(vec![id], |(_, names)| names.to_vec())
}

impl Export {
    /// Returns the table of the `chosen` providers, by the package's names or the filter's, and of those whose models
    /// they resell. `None` chooses all.
    pub fn table(&self, chosen: Option<&[String]>) -> Result<Table> {
        let chosen = self.chosen(chosen)?;
        let mut notes = Notes::default();
        let mut rows = Vec::new();
        for provider in self.providers.iter().filter(|provider| chosen.contains(provider.id.as_str())) {
            for model in &provider.models {
                notes.of(model);
                match model.clause.names() {
                    Ok(groups) => rows.extend(groups.iter().map(|names| row(&provider.id, names, model))),
                    Err(reason) => notes.left_out.push(format!("{}/{}: {reason}", provider.id, model.id)),
                }
            }
        }
        let json = self.document(&chosen, &rows);
        let head = format!(
            "genai-prices {} for {}: {} providers, {} rows, {} bytes",
            self.version,
            self.date,
            chosen.len(),
            rows.len(),
            json.len()
        );
        Ok(Table { json, notes: [vec![head], notes.lines()].concat() })
    }

    fn chosen(&self, chosen: Option<&[String]>) -> Result<BTreeSet<&str>> {
        let mut ids = BTreeSet::new();
        for provider in &self.providers {
            let named =
                |name: &String| *name == provider.id || own_names(&provider.id).contains(&name.as_str());
            if chosen.is_none_or(|chosen| chosen.iter().any(named)) {
                ids.insert(provider.id.as_str());
                ids.extend(provider.fallback.iter().map(String::as_str));
            }
        }
        for name in chosen.unwrap_or_default() {
            let is_known = ids.iter().any(|id| id == name || own_names(id).contains(&name.as_str()));
            let known: Vec<_> = self.providers.iter().map(|provider| provider.id.as_str()).collect();
            ensure!(is_known, "unknown provider `{name}`, expected some of {}", known.join(", "));
        }
        Ok(ids)
    }

    /// One line per row, so that a new release of the package shows as a readable difference.
    fn document(&self, chosen: &BTreeSet<&str>, rows: &[String]) -> String {
        let mut providers = BTreeMap::new();
        for provider in self.providers.iter().filter(|provider| chosen.contains(provider.id.as_str())) {
            let asked: Vec<_> =
                [&provider.id].into_iter().chain(&provider.fallback).map(String::as_str).collect();
            for name in own_names(&provider.id) {
                if asked != [name] {
                    providers.insert(name, asked.join(" "));
                }
            }
        }
        let notice = "Made by `cargo gauge prices` from the PyPI package genai-prices, Copyright (c) 2025 to present \
                      Pydantic Services Inc., MIT licence. Dollars for a million tokens.";
        format!(
            "{{\n\"notice\": {},\n\"version\": {},\n\"date\": {},\n\"providers\": {},\n\"rows\": [\n{}\n]}}\n",
            json!(notice),
            json!(format!("genai-prices {}", self.version)),
            json!(self.date),
            json!(providers),
            rows.join(",\n"),
        )
    }
}

/// Returns one row, with its keys in reading order.
fn row(provider: &str, names: &Names, model: &PackageModel) -> String {
    let mut row = format!("{{\"provider\":{},\"match\":{}", json!(provider), json!(names.names.join(" ")));
    if !names.except.is_empty() {
        row.push_str(&format!(",\"except\":{}", json!(names.except.join(" "))));
    }
    for (kind, class) in CLASSES {
        if let Some(price) = model.prices.get(*kind) {
            row.push_str(&format!(",\"{class}\":{}", json!(price_of(kind, price))));
        }
    }
    row + "}"
}

/// Returns a price in the filter's notation: `1.25 >200000 2.5`.
pub fn price_of(kind: &str, price: &[Value]) -> String {
    let words = price.iter().map(|item| match item {
        Value::String(amount) if kind == BY_THE_THOUSAND => thousandfold(amount),
        Value::String(amount) => amount.clone(),
        start => format!(">{start}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Multiplies a decimal by a thousand.
fn thousandfold(amount: &str) -> String {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let padded = format!("{fraction:0<3}");
    let (moved, rest) = padded.split_at(3);
    let digits = format!("{whole}{moved}.{rest}");
    let digits = digits.trim_start_matches('0').trim_end_matches('.');
    if digits.is_empty() || digits.starts_with('.') { format!("0{digits}") } else { digits.to_owned() }
}

/// The counts behind the notes of a table.
#[derive(Debug, Default)]
struct Notes {
    left_out: Vec<String>,
    not_by_tokens: BTreeMap<String, usize>,
    without_price: usize,
    by_time: usize,
    by_tier: usize,
    next: Option<String>,
}

impl Notes {
    fn of(&mut self, model: &PackageModel) {
        let is_known = |kind: &String| CLASSES.iter().any(|(known, _)| known == kind);
        for kind in model.prices.keys().filter(|kind| !is_known(kind)) {
            *self.not_by_tokens.entry(kind.clone()).or_default() += 1;
        }
        self.without_price += usize::from(!model.prices.keys().any(is_known));
        self.by_time += usize::from(model.by_time);
        self.by_tier += usize::from(model.by_tier);
        self.next = [self.next.take(), model.next.clone()].into_iter().flatten().min();
    }

    fn lines(self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut note = |count: usize, words: &str| {
            if count > 0 {
                lines.push(format!("{count} models {words}"));
            }
        };
        note(self.by_time, "have prices by the time of day: those of 12:00 UTC are taken");
        note(
            self.by_tier,
            "have other prices for other service tiers or batches: the standard ones are taken",
        );
        note(self.without_price, "have no price for tokens: their tokens count as unpriced");
        if !self.not_by_tokens.is_empty() {
            let kinds = self.not_by_tokens.iter().map(|(kind, models)| format!("{kind} ({models} models)"));
            lines.push(format!("left out, not by tokens: {}", kinds.collect::<Vec<_>>().join(", ")));
        }
        lines.extend(self.left_out.iter().map(|model| format!("left out, no name for it: {model}")));
        lines.extend(
            self.next.map(|day| format!("the next known change is on {day}: make the rows again then")),
        );
        lines
    }
}
