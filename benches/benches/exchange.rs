//! One whole exchange in three forms: the native engine, the filter in the proxy-wasm host, and the component. The
//! filter also makes metrics of the record; the component returns the record.

use std::hint::black_box;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use benches::{Input, inputs, meter};
use criterion::{Criterion, Throughput, criterion_group};
use host_test::component::{self, Component, Instance};
use host_test::{ChunkPlan, Cut, Exchange, Guest, Headers, Module, Options, drive};
use llm_gauge_engine::config::Policy;
use simulators::build;
use simulators::case::Case;
use wasmtime::component::ResourceAny;

/// Without a judge, with a judge for none or all exchanges, and with exported spans without and with their texts.
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

/// The usual size of chunks in a proxy: one or a few events.
const CHUNK_BYTES: usize = 512;

/// The two compiled files.
struct Wasm {
    filter: Module,
    component: Component,
}

impl Wasm {
    fn load() -> Result<Self> {
        let component = Component::from_file(component::build()?)?;
        Ok(Self { filter: Module::from_file(build::filter(false)?)?, component })
    }
}

/// Fuel and memory of one exchange in a new instance.
struct Cost {
    fuel: u64,
    memory_bytes: usize,
}

fn exchange(c: &mut Criterion) {
    let wasm = Wasm::load().unwrap_or_else(|error| panic!("{error:#}"));
    let policy = Rc::new(Policy::parse(b"{}").unwrap_or_else(|error| panic!("{error}")));
    println!("| exchange | filter: fuel | a byte | memory, KiB | component: fuel | a byte | memory, KiB |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for input in inputs() {
        for (judge, configuration) in VARIANTS {
            print_row(&wasm, &input, judge, configuration).unwrap_or_else(|error| panic!("{error:#}"));
        }
    }
    for input in inputs() {
        let mut group = c.benchmark_group(format!("exchange/{}", input.name));
        group.throughput(Throughput::Bytes(input.response.len() as u64));
        group.bench_function("native", |bencher| {
            bencher.iter(|| {
                let record = meter(&policy, black_box(&input), CHUNK_BYTES);
                let counted = record.map(|record| record.answer.output_tokens.unwrap_or(0));
                assert_eq!(counted, Some(input.output_tokens));
            });
        });
        let mut guest =
            Guest::start(&wasm.filter, Options::configured("{}")).unwrap_or_else(|e| panic!("{e}"));
        let (played, plan) = (played(&input), plan());
        group.bench_function("proxy-wasm", |bencher| {
            bencher.iter(|| drive(&mut guest, black_box(&played), &plan).map(|report| report.fuel));
        });
        let (mut instance, policy) = start(&wasm.component, "{}").unwrap_or_else(|error| panic!("{error:#}"));
        let case = case(&input);
        group.bench_function("component", |bencher| {
            bencher.iter(|| {
                let counted = in_component(&mut instance, policy, black_box(&case)).map(|(tokens, _)| tokens);
                assert_eq!(counted.ok(), Some(input.output_tokens));
            });
        });
    }
}

fn print_row(wasm: &Wasm, input: &Input, judge: &str, configuration: &str) -> Result<()> {
    let (mut instance, policy) = start(&wasm.component, configuration)?;
    let (tokens, fuel) = in_component(&mut instance, policy, &case(input))?;
    assert_eq!(tokens, input.output_tokens);
    let component = Cost { fuel, memory_bytes: instance.memory().bytes };
    let cells = [in_filter(&wasm.filter, configuration, input)?, component].map(|spent| {
        let per_byte = spent.fuel as f64 / input.response.len() as f64;
        format!("{} | {per_byte:.2} | {}", spent.fuel, spent.memory_bytes / 1024)
    });
    println!("| {}{judge} | {} |", input.name, cells.join(" | "));
    Ok(())
}

/// Runs the exchange in the filter, and checks the count.
fn in_filter(module: &Module, configuration: &str, input: &Input) -> Result<Cost> {
    let mut guest = Guest::start(module, Options::configured(configuration))?;
    let report = drive(&mut guest, &played(input), &plan())?;
    let stat = guest
        .host()
        .proxy_state()
        .metrics
        .iter()
        .find(|((name, _), _)| name.starts_with("llm_tokens_total") && name.contains("type=.=output"))
        .map(|(_, metric)| metric.value);
    assert_eq!(stat.unwrap_or(0), input.output_tokens);
    Ok(Cost { fuel: report.fuel, memory_bytes: guest.host().memory.bytes })
}

/// Returns the output tokens and the fuel of an exchange in the component.
fn in_component(instance: &mut Instance, policy: ResourceAny, case: &Case) -> Result<(u64, u64)> {
    let metered = instance.meter(policy, case, &plan())?.context("the policy does not meter the exchange")?;
    Ok((metered.record.usage.output_tokens.unwrap_or(0), metered.fuel))
}

fn start(component: &Component, configuration: &str) -> Result<(Instance, ResourceAny)> {
    let mut instance = component.start()?;
    let policy = instance.policy(configuration.as_bytes())?;
    Ok((instance, policy))
}

fn plan() -> ChunkPlan {
    ChunkPlan { response: Cut::Every(CHUNK_BYTES), ..ChunkPlan::default() }
}

fn played(input: &Input) -> Exchange {
    let request =
        Headers::request("POST", "api.openai.com", input.path).with("content-type", "application/json");
    let response = Headers::response(200).with("content-type", input.content_type);
    Exchange::new(request, input.request.clone(), response, input.response.clone())
}

fn case(input: &Input) -> Case {
    let head = |fields: &[(&str, &str)]| {
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
    };
    Case {
        name: input.name.to_owned(),
        folder: "benches".to_owned(),
        request_head: head(&[
            (":method", "POST"),
            (":path", input.path),
            (":authority", "api.openai.com"),
            ("content-type", "application/json"),
        ]),
        request_body: input.request.clone(),
        response_head: head(&[(":status", "200"), ("content-type", input.content_type)]),
        response_body: input.response.clone(),
        expected: serde_json::Map::new(),
        configuration: Vec::new(),
        expected_metrics: serde_json::Map::new(),
    }
}

criterion_group!(benches, exchange);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
