//! Recorded exchanges: `NAME.case.json`, `NAME.response.body` and, where it was JSON, `NAME.request.json`.
//!
//! The body is stored as it is after content decoding, so encoding and length headers are left out of the head
//! that a replay shows. A body of AWS event stream frames may be written as `NAME.response.frames.json` instead:
//! `frames` encodes it. Recordings keep no requests that are forms (they hold files): where the head announces one
//! and no request is there, the case sends a form of its own, which names the model the case says was asked for.

pub mod frames;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Header fields as proxy-wasm has them: pseudo headers first, names in lower case.
pub type Fields = Vec<(String, Vec<u8>)>;

/// One recorded exchange and what a meter must make of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// File name without its endings.
    pub name: String,
    /// Name of the folder it lies in, which says what was recorded.
    pub folder: String,
    /// Head of the request.
    pub request_head: Fields,
    /// Body of the request; empty where none was recorded.
    pub request_body: Vec<u8>,
    /// Head of the response.
    pub response_head: Fields,
    /// Body of the response.
    pub response_body: Vec<u8>,
    /// The true values, by name of the record's field.
    pub expected: Map<String, Value>,
    /// The plugin configuration the case is about; empty if it is about none.
    pub configuration: Vec<u8>,
    /// Values some metrics must have, by their exposed names.
    pub expected_metrics: Map<String, Value>,
}

/// Fields of a record that a case's `expected` decides.
pub const COMPARED: &[&str] = &[
    "provider",
    "operation",
    "request_model",
    "response_model",
    "response_id",
    "streaming",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_input_tokens",
    "cache_creation_input_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "tool_use_prompt_tokens",
    "finish_reasons",
    "tool_calls",
    "choices",
    "error_type",
    "error_code",
    "error_in_stream",
    "content_chunks",
    "complete",
];

/// Further fields of a record: what a recording cannot tell, compared where `expected` names them.
pub const COMPARED_IF_NAMED: &[&str] =
    &["status", "error", "usage_missing", "gaps", "estimated_input_tokens", "estimated_output_tokens"];

/// Further values that `expected` may name, which are in no record: the bare engine alone is asked for them
/// ([`native::expectations`](crate::native::expectations)).
pub const COMPARED_NATIVELY: &[&str] = &["first_token_event", "first_answer_event", "judge_input"];

/// A field or a metric that is not as the case expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field's name, or the metric's with its labels.
    pub field: String,
    /// The value that the case expects.
    pub expected: Value,
    /// The value of the run.
    pub actual: Value,
}

#[derive(Deserialize)]
struct File {
    request: Request,
    response: Response,
    expected: Map<String, Value>,
    configuration: Option<Map<String, Value>>,
    #[serde(default)]
    expected_metrics: Map<String, Value>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    host: String,
    path: String,
    #[serde(default)]
    headers: Map<String, Value>,
}

#[derive(Deserialize)]
struct Response {
    status: Option<u16>,
    content_type: Option<String>,
    #[serde(default)]
    headers: Map<String, Value>,
}

impl Case {
    /// Reads the case at `path`, which ends in `.case.json`.
    pub fn read(path: &Path) -> Result<Self> {
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = file.strip_suffix(".case.json") else {
            bail!("{}: a case file ends in .case.json", path.display());
        };
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let beside = |ending: &str| path.with_file_name(format!("{name}.{ending}"));
        let request_body = std::fs::read(beside("request.json")).ok();
        let response_body = response_body(&beside("response.body"), &beside("response.frames.json"))?;
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        Self::from_parts((&folder.to_string_lossy(), name), &text, request_body, response_body)
            .with_context(|| format!("{} is no case file", path.display()))
    }

    /// Makes a case of its folder and name, the text of its case file, and its bodies.
    pub fn from_parts(
        (folder, name): (&str, &str),
        text: &[u8],
        request_body: Option<Vec<u8>>,
        response_body: Vec<u8>,
    ) -> Result<Self> {
        let parsed: File = serde_json::from_slice(text)?;
        let boundary = parsed.request.form_boundary();
        let model = parsed.expected.get("request_model").and_then(Value::as_str);
        let form = boundary.zip(model).map(|(boundary, model)| form(boundary, model));
        let configuration = parsed.configuration.as_ref().map(serde_json::to_vec).transpose()?;
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            request_head: parsed.request.head(),
            request_body: request_body.or(form).unwrap_or_default(),
            response_head: parsed.response.head(),
            response_body,
            expected: parsed.expected,
            configuration: configuration.unwrap_or_default(),
            expected_metrics: parsed.expected_metrics,
        })
    }

    /// The cases at each path: a case file, or every case below a folder, in order of their paths.
    pub fn find(paths: &[PathBuf]) -> Result<Vec<Self>> {
        let mut files = Vec::new();
        for path in paths {
            let before = files.len();
            collect(path, &mut files)?;
            if files.len() == before {
                bail!("no *.case.json at {}", path.display());
            }
        }
        files.sort();
        files.iter().map(|file| Self::read(file)).collect()
    }

    /// Returns the fields in which `record` differs from the expectation.
    pub fn differences(&self, record: &Map<String, Value>) -> Vec<Difference> {
        let mut differences = self.differences_in(COMPARED.iter(), record);
        differences.extend(self.differences_in(self.named(COMPARED_IF_NAMED), record));
        // Not where there is a usage object: some hold no tokens.
        let is_reported = ["input_tokens", "output_tokens"]
            .iter()
            .any(|field| self.expected.get(*field).is_some_and(|tokens| !tokens.is_null()));
        // An estimate means that the usage was not reported.
        let expected = if is_reported { Value::from("reported") } else { Value::Null };
        let actual = record.get("source").cloned().unwrap_or_default();
        if is_reported != (actual == "reported") {
            differences.push(Difference { field: "source".to_owned(), expected, actual });
        }
        differences
    }

    /// Returns the metrics that differ from the expectation, by exposed names. A metric that is not there is null.
    pub fn metric_differences(&self, metrics: &BTreeMap<String, Value>) -> Vec<Difference> {
        let metrics = self.expected_metrics.iter().map(|(name, expected)| Difference {
            field: name.clone(),
            expected: expected.clone(),
            actual: metrics.get(name).cloned().unwrap_or_default(),
        });
        metrics.filter(|metric| metric.expected != metric.actual).collect()
    }

    /// Those of `fields` that `expected` names.
    pub(crate) fn named<'a>(&'a self, fields: &'a [&'static str]) -> impl Iterator<Item = &'a &'static str> {
        fields.iter().filter(|field| self.expected.contains_key(**field))
    }

    /// Returns those of `fields` in which `values` differ from the expectation.
    pub(crate) fn differences_in<'a>(
        &self,
        fields: impl Iterator<Item = &'a &'static str>,
        values: &Map<String, Value>,
    ) -> Vec<Difference> {
        let value = |of: &Map<String, Value>, field: &str| of.get(field).cloned().unwrap_or_default();
        let fields = fields.map(|field| Difference {
            field: (*field).to_owned(),
            expected: value(&self.expected, field),
            actual: value(values, field),
        });
        fields.filter(|difference| difference.expected != difference.actual).collect()
    }
}

/// The stored bytes, or those that the readable frames stand for.
fn response_body(body: &Path, readable: &Path) -> Result<Vec<u8>> {
    if let Ok(text) = std::fs::read(readable) {
        return frames::encode(&text).with_context(|| format!("{} holds no frames", readable.display()));
    }
    std::fs::read(body).with_context(|| format!("the case has no body at {}", body.display()))
}

/// A form with a file and the model's name, in the order in which clients send them.
fn form(boundary: &str, model: &str) -> Vec<u8> {
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF";
    let model = format!("Content-Disposition: form-data; name=\"model\"\r\n\r\n{model}");
    format!("--{boundary}\r\n{file}\r\n--{boundary}\r\n{model}\r\n--{boundary}--\r\n").into_bytes()
}

impl Request {
    /// The boundary of the form that the head announces.
    fn form_boundary(&self) -> Option<&str> {
        let (_, content_type) =
            self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
        let (_, boundary) =
            content_type.as_str()?.strip_prefix("multipart/form-data")?.split_once("boundary=")?;
        Some(boundary.split(';').next()?.trim().trim_matches('"'))
    }

    fn head(&self) -> Fields {
        let mut head = vec![
            (":method".to_owned(), self.method.clone().into_bytes()),
            (":path".to_owned(), self.path.clone().into_bytes()),
            (":authority".to_owned(), self.host.clone().into_bytes()),
        ];
        push_fields(&mut head, &self.headers);
        head
    }
}

impl Response {
    fn head(&self) -> Fields {
        let status = self.status.unwrap_or(200).to_string();
        let mut head = vec![(":status".to_owned(), status.into_bytes())];
        if let Some(content_type) = &self.content_type {
            head.push(("content-type".to_owned(), content_type.clone().into_bytes()));
        }
        push_fields(&mut head, &self.headers);
        head
    }
}

/// Headers of the wire, not of the exchange: bodies are stored decoded, and whole.
const NOT_REPLAYED: &[&str] = &["content-encoding", "content-length", "transfer-encoding", "connection"];

fn push_fields(head: &mut Fields, headers: &Map<String, Value>) {
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let is_there = head.iter().any(|(other, _)| *other == name);
        if let Value::String(value) = value
            && !is_there
            && !NOT_REPLAYED.contains(&name.as_str())
        {
            head.push((name, value.clone().into_bytes()));
        }
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
        for entry in entries {
            let entry = entry?.path();
            if entry.is_dir() || entry.to_string_lossy().ends_with(".case.json") {
                collect(&entry, files)?;
            }
        }
    } else if path.exists() {
        files.push(path.to_owned());
    } else {
        bail!("there is nothing at {}", path.display());
    }
    Ok(())
}
