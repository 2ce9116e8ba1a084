//! One whole exchange: the engine natively, and the filter as wasm in wasmtime with its fuel.

use std::hint::black_box;
use std::rc::Rc;

use anyhow::Result;
use benches::{Input, inputs, meter};
use criterion::{Criterion, Throughput, criterion_group};
use host_test::{ChunkPlan, Cut, Exchange, Guest, Headers, Module, Options, build, drive};
use llm_gauge_engine::policy::Policy;

/// Without a judge, and with one that gets none of the exchanges or all of them; with spans that leave, and with their
/// texts.
const VARIANTS: [(&str, &str); 5] = [
    ("", "{}"),
    (", a judge, unsampled", r#"{"judge":{"cluster":"judge","model":"j","sample_rate":0}}"#),
    (", sampled", r#"{"judge":{"cluster":"judge","model":"j","sample_rate":1}}"#),
    (", exported", r#"{"telemetry":{"cluster":"otel"}}"#),
    (
        ", exported with content",
        r#"{"telemetry":{"cluster":"otel","content":"all"},"redact":["email","card"]}"#,
    ),
];

/// How a proxy gets streams: an event or a few at a time.
const CHUNK_BYTES: usize = 512;

fn native(c: &mut Criterion) {
    let policy = Rc::new(Policy::parse(b"{}").unwrap_or_else(|error| panic!("{error}")));
    let mut group = c.benchmark_group("exchange/native");
    for input in inputs() {
        group.throughput(Throughput::Bytes(input.response.len() as u64));
        group.bench_function(input.name, |bencher| {
            bencher.iter(|| {
                let record = meter(&policy, black_box(&input), CHUNK_BYTES);
                let counted = record.map(|record| record.answer.output_tokens.unwrap_or(0));
                assert_eq!(counted, Some(input.output_tokens));
            });
        });
    }
}

fn wasm(c: &mut Criterion) {
    let module = build::filter(false).and_then(Module::from_file).unwrap_or_else(|error| panic!("{error:#}"));
    let mut group = c.benchmark_group("exchange/wasm");
    for input in inputs() {
        for (judge, configuration) in VARIANTS {
            let fuel = run(&module, configuration, &input).unwrap_or_else(|error| panic!("{error:#}"));
            let per_byte = fuel as f64 / input.response.len() as f64;
            println!("{}{judge}: {fuel} fuel, {per_byte:.2} a byte of the response", input.name);
        }
        group.throughput(Throughput::Bytes(input.response.len() as u64));
        let mut guest = Guest::start(&module, Options::configured("{}")).unwrap_or_else(|e| panic!("{e}"));
        let exchange = exchange(&input);
        let plan = plan();
        group.bench_function(input.name, |bencher| {
            bencher.iter(|| drive(&mut guest, black_box(&exchange), &plan).map(|report| report.fuel));
        });
    }
}

/// The exchange's fuel in a fresh instance, after a look at what was counted.
fn run(module: &Module, configuration: &str, input: &Input) -> Result<u64> {
    let mut guest = Guest::start(module, Options::configured(configuration))?;
    let report = drive(&mut guest, &exchange(input), &plan())?;
    let stat = guest
        .host()
        .world()
        .metrics
        .iter()
        .find(|((name, _), _)| name.starts_with("llm_tokens_total") && name.contains("type=.=output"))
        .map(|(_, metric)| metric.value);
    assert_eq!(stat.unwrap_or(0), input.output_tokens);
    Ok(report.fuel)
}

fn plan() -> ChunkPlan {
    ChunkPlan { response: Cut::Every(CHUNK_BYTES), ..ChunkPlan::default() }
}

fn exchange(input: &Input) -> Exchange {
    let request =
        Headers::request("POST", "api.openai.com", input.path).with("content-type", "application/json");
    let response = Headers::response(200).with("content-type", input.content_type);
    Exchange::new(request, input.request.clone(), response, input.response.clone())
}

criterion_group!(benches, native, wasm);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
