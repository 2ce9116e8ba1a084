//! A new case from a response's body, with what the engine reads of it as what is expected: for its author to check.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use llm_gauge_engine::formats::{self, Format};
use serde::{Serialize, Serializer};
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value, json};

use super::expectations::{Engine, PreparedCase};
use crate::case::{COMPARED, COMPARED_IF_NAMED, COMPARED_NATIVELY, Case, frames};

/// The parts of a new case.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The wire format, whose folder the case is written to.
    pub format: &'static Format,
    /// The name of the case.
    pub name: String,
    /// The purpose of the case, in one sentence.
    pub about: String,
    /// The host that is asked.
    pub host: String,
    /// The path that is asked for.
    pub path: String,
    /// The body of the request. `None` if the case has none.
    pub request_body: Option<Vec<u8>>,
    /// The status of the response.
    pub status: u16,
    /// The content type of the response.
    pub content_type: String,
    /// The body of the response, or a list of frames in readable form.
    pub response_body: ResponseBody,
}

/// A body as the case's files hold it.
#[derive(Clone, Debug)]
pub enum ResponseBody {
    /// `NAME.response.body`: the body itself.
    Bytes(Vec<u8>),
    /// `NAME.response.frames.json`: AWS event stream frames in readable form.
    Frames(Vec<u8>),
}

impl ResponseBody {
    /// Returns the body that a client gets.
    ///
    /// # Errors
    ///
    /// The text is no list of frames.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Frames(text) => frames::encode(text).context("the body is no list of frames"),
        }
    }
}

impl Draft {
    /// Writes the files of the case below `cases`, and returns the path of its case file.
    ///
    /// # Errors
    ///
    /// The case is there already, its request is another format's, or a file cannot be written.
    pub fn write(&self, cases: &Path) -> Result<PathBuf> {
        let folder = cases.join(self.format.name);
        let file = |ending: &str| folder.join(format!("{}.{ending}", self.name));
        let case_file = file("case.json");
        ensure!(!case_file.exists(), "{}: expected a new name, got that of a case", case_file.display());
        self.check_claim()?;
        let text = self.text()?;
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let write = |path: &Path, bytes: &[u8]| {
            std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
        };
        match &self.response_body {
            ResponseBody::Bytes(body) => write(&file("response.body"), body)?,
            ResponseBody::Frames(text) => write(&file("response.frames.json"), text)?,
        }
        if let Some(body) = &self.request_body {
            write(&file("request.json"), body)?;
        }
        write(&case_file, &text)?;
        Ok(case_file)
    }

    fn check_claim(&self) -> Result<()> {
        let (place, expected) = ([self.host.as_str(), &self.path].concat(), self.format.name);
        match formats::claimed("POST", &self.host, &self.path) {
            Some(format) if format.name == expected => Ok(()),
            Some(format) => bail!("{place}: expected a request of {expected}, got one of {}", format.name),
            None => bail!("{place}: expected a request of {expected}, got one that no format claims"),
        }
    }

    /// Returns the text of the case file.
    fn text(&self) -> Result<Vec<u8>> {
        let names = (self.format.name, self.name.as_str());
        let (request_body, response_body) = (self.request_body.clone(), self.response_body.bytes()?);
        let blank = self.text_with(Ordered(Vec::new()), None)?;
        let case = Case::from_parts(names, &blank, request_body, response_body)?;
        let observed = PreparedCase::with_judge_input(&case)?.observe(&Engine::default())?;
        self.text_with(expected(&observed.fields), expected_metrics(observed.metrics))
    }

    fn text_with(
        &self,
        expected: Ordered,
        expected_metrics: Option<BTreeMap<String, Value>>,
    ) -> Result<Vec<u8>> {
        let request = Ordered(vec![
            ("method", "POST".into()),
            ("host", self.host.as_str().into()),
            ("path", self.path.as_str().into()),
            ("headers", json!({"content-type": "application/json"})),
        ]);
        let response = Ordered(vec![
            ("status", self.status.into()),
            ("content_type", self.content_type.as_str().into()),
        ]);
        let file = CaseFile { about: &self.about, request, response, expected, expected_metrics };
        let mut text = Vec::new();
        let formatter = PrettyFormatter::with_indent(b" ");
        file.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))?;
        text.push(b'\n');
        Ok(text)
    }
}

/// Token counts that are in no field of a record.
const COUNTS_WITHOUT_FIELD: &[&str] =
    &["cache_write_1h", "image_input", "video_input", "image_output", "video_output"];

/// Returns the metrics of the counts that are in no field of a record. `None` if there are none.
fn expected_metrics(metrics: BTreeMap<String, Value>) -> Option<BTreeMap<String, Value>> {
    let is_expected = |name: &str| {
        let is_count = |count: &&str| name.contains(&format!("type=\"{count}\""));
        name.starts_with("llm_token_details_total{") && COUNTS_WITHOUT_FIELD.iter().any(is_count)
    };
    let metrics: BTreeMap<_, _> = metrics.into_iter().filter(|(name, _)| is_expected(name)).collect();
    Some(metrics).filter(|metrics| !metrics.is_empty())
}

/// Returns the key `expected` for these values: every field that is compared, null if the response does not say, and
/// the further fields that apply to it.
fn expected(fields: &Map<String, Value>) -> Ordered {
    let value = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let is_stream = value("streaming") == true;
    let mut expected: Vec<_> = COMPARED.iter().map(|name| (*name, value(name))).collect();
    expected.push(("usage_present", (value("source") == "reported").into()));
    expected.extend(COMPARED_IF_NAMED.iter().filter_map(|name| {
        let is_named = !name.starts_with("estimated_") || !value(name).is_null();
        is_named.then(|| (*name, value(name)))
    }));
    expected.extend(COMPARED_NATIVELY.iter().filter_map(|name| {
        let is_named = is_stream || !name.ends_with("_event");
        fields.get(*name).filter(|_| is_named).map(|value| (*name, value.clone()))
    }));
    Ordered(expected)
}

/// A case file, with its keys in the order of the other ones.
#[derive(Serialize)]
struct CaseFile<'a> {
    about: &'a str,
    request: Ordered,
    response: Ordered,
    expected: Ordered,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_metrics: Option<BTreeMap<String, Value>>,
}

/// A JSON object whose keys keep their order.
struct Ordered(Vec<(&'static str, Value)>);

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Returns a host that the format is served at: the one its first claim names, or else its provider's.
pub fn example_host(format: &Format) -> String {
    let claimed = format.claims.first().and_then(|claim| claim.split('/').next()).unwrap_or_default();
    let claimed = claimed.trim_end_matches('*');
    let pattern = match claimed {
        "" => formats::host_pattern(format.provider).unwrap_or("llm.internal"),
        host => host,
    };
    match pattern.strip_prefix('*') {
        Some(rest) => ["example", rest].concat(),
        None => pattern.replace('*', "-example"),
    }
}

/// Returns a path that the format is served at, by its first claim.
pub fn example_path(format: &Format) -> String {
    let claim = format.claims.first().copied().unwrap_or("*/v1/files");
    let path = claim.split_once('/').map_or("", |(_, path)| path);
    let segments = path.split('/').map(|segment| match segment.strip_prefix('*') {
        Some(rest) if rest.is_empty() || rest.starts_with(':') => ["example", rest].concat(),
        _ => segment.replace('*', ""),
    });
    ["/", &segments.collect::<Vec<_>>().join("/")].concat()
}

/// Returns the content type that a body looks like.
pub fn content_type_of(body: &[u8]) -> &'static str {
    let text = body.trim_ascii_start();
    let is_json = |text: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    match text.first() {
        Some(b'[') => "application/json",
        Some(b'{') if is_json(text) => "application/json",
        Some(b'{') if lines.next().is_some_and(is_json) => "application/x-ndjson",
        Some(b'{') => "application/json",
        Some(0) => "application/vnd.amazon.eventstream",
        _ if [&b"data:"[..], b"event:", b"id:", b":"].iter().any(|start| text.starts_with(start)) => {
            "text/event-stream"
        }
        _ => "text/plain",
    }
}

#[cfg(test)]
mod tests;
