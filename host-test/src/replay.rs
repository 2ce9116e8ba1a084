//! Recorded exchanges, run through the real wasm, whole and cut up.

mod component;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Map, Value};
use simulators::case::{Case, Difference, Fields};

use crate::proxy_state::{Metric, MetricKind};
use crate::{ChunkPlan, Cut, Exchange, Guest, Headers, Module, Options, StreamReport, drive};

pub use component::run as run_component;
pub use simulators::native::expectations::exposed_name;

/// Bodies up to this size are cut at every offset by [`Split::Every`].
pub const EVERY_OFFSET_BYTES_MAX: usize = 64 * 1024;

/// The number of cuttings of a longer body, at random places from a fixed seed.
pub const RANDOM_CUTTINGS: usize = 200;

/// The ways to cut the bodies of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Bodies are not cut.
    Whole,
    /// Bodies are cut after every N bytes.
    Bytes(usize),
    /// Bodies are cut at every single offset, and once byte by byte.
    Every,
    /// Bodies are cut N times at random places, and once byte by byte.
    Random(usize),
}

/// The result of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseOutcome {
    /// The name of the case.
    pub case: String,
    /// The folder of the case.
    pub folder: String,
    /// The record; null if the exchange was not metered.
    pub record: Value,
    /// Every metric by its name and labels: a number, or the values of a histogram.
    pub metrics: BTreeMap<String, Value>,
    /// The gaps of the record: places that could not be read.
    pub gaps: Vec<Value>,
    /// Wasm fuel of the uncut exchange: about one unit for each instruction.
    pub fuel: u64,
    /// Whether the client got exactly the bytes of the response, in every run.
    pub body_unchanged: bool,
    /// The number of cuttings that were run.
    pub cuttings: usize,
    /// Descriptions of the cuttings that gave another record.
    pub unequal_cuttings: Vec<String>,
    /// Fields and metrics that differ from the expectations of the case.
    pub differences: Vec<Difference>,
}

impl CaseOutcome {
    /// Whether the case passes.
    pub fn is_good(&self) -> bool {
        self.body_unchanged && self.unequal_cuttings.is_empty() && self.differences.is_empty()
    }
}

/// Runs one case in a new instance of the filter, and its other cuttings in a second one.
///
/// With a blank configuration, the case keeps its own.
pub fn run(module: &Module, configuration: &[u8], case: &Case, split: Split) -> Result<CaseOutcome> {
    let configuration = if is_blank(configuration) { &case.configuration } else { configuration };
    let configured = Options::configured(with_record(configuration)?);
    // As the shipped bootstrap has it.
    let options = Options { allow_on_headers_stop_iteration: true, ..configured };
    let mut guest = Guest::start(module, options.clone())?;
    let exchange = exchange(case);
    let first = cuttings(case, split).next().unwrap_or_default();
    let report = drive(&mut guest, &exchange, &first)?;
    let record = record(&report)?;
    let mut outcome = CaseOutcome {
        case: case.name.clone(),
        folder: case.folder.clone(),
        metrics: guest.host().proxy_state().metrics.iter().map(|(key, metric)| series(key, metric)).collect(),
        gaps: record.get("gaps").and_then(Value::as_array).cloned().unwrap_or_default(),
        fuel: report.fuel,
        body_unchanged: report.client.body == case.response_body,
        cuttings: 1,
        unequal_cuttings: Vec::new(),
        differences: Vec::new(),
        record: record.clone(),
    };
    outcome.differences = differences(case, &record, &outcome.metrics);
    let mut guest = Guest::start(module, options)?;
    for plan in cuttings(case, split).skip(1) {
        let report = drive(&mut guest, &exchange, &plan)?;
        outcome.cuttings += 1;
        outcome.body_unchanged &= report.client.body == case.response_body;
        if self::record(&report)? != record {
            outcome.unequal_cuttings.push(format!("{:?}", plan.response));
        }
    }
    Ok(outcome)
}

fn differences(case: &Case, record: &Value, metrics: &BTreeMap<String, Value>) -> Vec<Difference> {
    let mut differences = field_differences(case, record);
    differences.extend(case.metric_differences(metrics));
    differences
}

fn field_differences(case: &Case, record: &Value) -> Vec<Difference> {
    case.differences(record.as_object().unwrap_or(&Map::new()))
}

fn is_blank(configuration: &[u8]) -> bool {
    configuration.iter().all(u8::is_ascii_whitespace)
}

/// Calls `work` for every case, on as many threads as there are processors, and passes the results to `each` in the
/// order of the cases, as soon as possible. The first error of `each` ends the run.
pub fn run_parallel<T: Send>(
    cases: &[Case],
    work: impl Fn(&Case) -> T + Sync,
    mut each: impl FnMut(&Case, T) -> Result<()>,
) -> Result<()> {
    // Threads take one case at a time, since the longest case takes a thousand times as long as the shortest.
    let next = AtomicUsize::new(0);
    let (done, results) = mpsc::channel();
    let (next, work) = (&next, &work);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let done = done.clone();
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else {
                        return;
                    };
                    if done.send((number, work(case))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let mut waiting = BTreeMap::new();
        for case in cases.iter().enumerate() {
            while !waiting.contains_key(&case.0) {
                // A worker that panicked sends nothing more; the scope propagates its panic.
                let Ok((number, result)) = results.recv() else {
                    return Ok(());
                };
                waiting.insert(number, result);
            }
            if let Some(result) = waiting.remove(&case.0) {
                each(case.1, result).inspect_err(|_| next.store(cases.len(), Ordering::Relaxed))?;
            }
        }
        Ok(())
    })
}

/// Returns the exchange of a case.
pub fn exchange(case: &Case) -> Exchange {
    let headers = |fields: &Fields| {
        fields.iter().fold(Headers::new(), |headers, (name, value)| headers.with(name, value))
    };
    Exchange::new(
        headers(&case.request_head),
        case.request_body.clone(),
        headers(&case.response_head),
        case.response_body.clone(),
    )
}

/// Returns the record that the filter left in the filter state; null if it left none.
pub fn record(report: &StreamReport) -> Result<Value> {
    match report.filter_state.get("wasm.llm.record") {
        Some(text) => serde_json::from_slice(text).context("the filter's record is not JSON"),
        None => Ok(Value::Null),
    }
}

/// Returns the configuration with the record added to its filter state.
pub fn with_record(configuration: &[u8]) -> Result<Vec<u8>> {
    let mut configuration: Map<String, Value> = match is_blank(configuration) {
        true => Map::new(),
        false => serde_json::from_slice(configuration).context("the configuration is not a JSON object")?,
    };
    let keys = configuration.entry("filter_state").or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(keys) = keys else {
        bail!("filter_state: expected a list");
    };
    keys.push(Value::from("record"));
    Ok(serde_json::to_vec(&configuration)?)
}

fn cuttings(case: &Case, split: Split) -> Box<dyn Iterator<Item = ChunkPlan>> {
    let response = |response: Cut| ChunkPlan { response, ..ChunkPlan::default() };
    let length = case.response_body.len();
    let whole = std::iter::once(ChunkPlan::whole());
    let random = move |times| (0..times).map(move |seed| response(Cut::At(random_offsets(seed, length))));
    match split {
        Split::Whole => Box::new(whole),
        Split::Bytes(bytes) => Box::new(std::iter::once(ChunkPlan::every(bytes))),
        Split::Random(times) => Box::new(whole.chain(random(times)).chain([ChunkPlan::every(1)])),
        Split::Every if length <= EVERY_OFFSET_BYTES_MAX => {
            let offsets = (1..length).map(move |offset| response(Cut::At(vec![offset])));
            Box::new(whole.chain(offsets).chain([ChunkPlan::every(1)]))
        }
        Split::Every => Box::new(whole.chain(random(RANDOM_CUTTINGS))),
    }
}

/// Returns a few dozen rising offsets, the same for the same seed.
fn random_offsets(seed: usize, length: usize) -> Vec<usize> {
    // SplitMix64: short, and random enough to choose places.
    let mut state = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    };
    let count = 1 + next() % 48;
    let mut offsets: Vec<usize> = (0..count).map(|_| (next() % length.max(1) as u64) as usize).collect();
    offsets.sort_unstable();
    offsets
}

/// Returns a metric under its name in `/stats/prometheus`, and its value.
fn series((stat, _): &(String, MetricKind), metric: &Metric) -> (String, Value) {
    let value = match metric.kind {
        MetricKind::Histogram => Value::from(metric.samples.clone()),
        MetricKind::Gauge => Value::from(metric.value.cast_signed()),
        MetricKind::Counter => Value::from(metric.value),
    };
    (exposed_name(stat), value)
}
