//! The weekly review in ClickHouse's own engine, on rows exported from the SQLite file: both have to give the same
//! figures.
//!
//! The engine is the PyPI package chdb, 900 MB when installed, so the test is ignored by default:
//!
//! ```text
//! cargo test -p gauge --test it -- --ignored collect::clickhouse
//! ```

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use collector::store::{Evaluation, Span, Store};
use prost::Message as _;
use serde_json::{Map, Value, json};
use simulators::load::Request;
use simulators::python::{self, Package};
use simulators::workspace::workspace_dir;

use super::messages::{Event, Exchange, events, spans};
use super::{PROTOBUF, Scene, rows};

const CHDB: Package = Package {
    name: "chdb",
    version: "4.4.0",
    size: "200 MB",
    folder: "chdb",
    with_dependencies: true,
    advice: "pip has to reach a package index",
};

/// Arguments: the folder of the SQL, and files with rows of the exporter's two tables. The tables have the exporter's
/// columns and types, as far as the SQL reads them. Only the first rows are inserted twice, as by a retry: duplicates
/// of all rows would not change the means.
const RUN: &str = r#"
import sys
from chdb import session
folder, traces, logs = sys.argv[1:]
clickhouse = session.Session()
def run(sql):
    return str(clickhouse.query(sql, "JSONEachRow"))
def run_file(name):
    lines = [line for line in open(f"{folder}/{name}") if not line.startswith("--")]
    return [run(statement) for statement in "".join(lines).split(";") if statement.strip()]
run("CREATE DATABASE otel")
run("USE otel")
run("""CREATE TABLE otel_traces (Timestamp DateTime64(9), TraceId String, SpanId String,
    ServiceName LowCardinality(String), SpanAttributes Map(LowCardinality(String), String), Duration UInt64)
    ENGINE = MergeTree ORDER BY Timestamp""")
run("""CREATE TABLE otel_logs (Timestamp DateTime64(9), TraceId String, SpanId String,
    ServiceName LowCardinality(String), LogAttributes Map(LowCardinality(String), String))
    ENGINE = MergeTree ORDER BY Timestamp""")
run_file("clickhouse.sql")
for table, file in [("otel_traces", traces), ("otel_logs", logs)]:
    for part in ["", "LIMIT 200"]:
        run(f"INSERT INTO {table} SELECT * FROM file('{file}', JSONEachRow) {part}")
print(run_file("review.sql")[-1])
"#;

/// The review's queries in SQLite's dialect. It has no medians, so it lists the durations.
const REVIEW: &str = "
    with exchanges as (
        select *, date(start_ns / 1000000000, 'unixepoch', '-6 days', 'weekday 1') as week from spans
    ),
    traffic as (
        select week, model, count(*) as requests, sum(status = 'error') as errors,
            json_group_array(duration_ms order by duration_ms) as durations,
            sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
            sum(cost_nanodollars) as cost_nanodollars
        from exchanges group by week, model
    ),
    quality as (
        select week, exchanges.model as model,
            avg(value) filter (where e.name = 'faithfulness') as faithfulness,
            avg(value) filter (where e.name = 'relevance') as relevance,
            avg(value) filter (where e.name = 'completeness') as completeness,
            avg(label = 'yes') filter (where e.name = 'hallucination') as hallucination_rate,
            avg(label = 'down') filter (where e.name = 'user_feedback') as thumbs_down_rate
        from evaluations e join exchanges using (trace_id, span_id) group by week, exchanges.model
    )
    select json_object('week', week, 'model', model, 'requests', requests, 'errors', errors,
        'durations', json(durations), 'input_tokens', input_tokens, 'output_tokens', output_tokens,
        'cost_nanodollars', cost_nanodollars, 'faithfulness', faithfulness, 'relevance', relevance,
        'completeness', completeness, 'hallucination_rate', hallucination_rate,
        'thumbs_down_rate', thumbs_down_rate)
    from traffic left join quality using (week, model) order by week, model";

const DAY_NS: u64 = 24 * 60 * 60 * 1_000_000_000;
const WEEK_NS: u64 = 7 * DAY_NS;

/// Five whole weeks of two models, up to the last Monday (1970 began on a Thursday). The numbers have no pattern that a
/// wrong query could match by chance.
fn invented_traffic(now_ns: u64) -> (Vec<Exchange>, Vec<Event>) {
    let (mut exchanges, mut events) = (Vec::new(), Vec::new());
    let monday_ns = (now_ns - 4 * DAY_NS) / WEEK_NS * WEEK_NS + 4 * DAY_NS;
    for number in 1..=900 {
        let mix = number * 2_654_435_761 % 10_007;
        let start_ns = monday_ns - 5 * WEEK_NS + number * (5 * WEEK_NS / 901);
        exchanges.push(Exchange {
            start_ns,
            duration_ms: 200 + mix,
            model: if mix % 3 == 0 { "claude-sonnet-4-5" } else { "gpt-4o" },
            is_error: mix % 17 == 0,
            input_tokens: 100 + mix % 1001,
            output_tokens: 10 + mix % 101,
            cost_nanodollars: 1_000_000 + mix * 37,
            ..Exchange::new(number)
        });
        let score = |salt: u64| u8::try_from(1 + (mix + salt) % 5).unwrap();
        if mix % 4 == 0 {
            for (name, salt) in [("faithfulness", 0), ("relevance", 1), ("completeness", 2)] {
                events.push(Event::score(number, name, score(salt + mix % 7)));
            }
            events.push(Event::hallucination(number, mix % 11 < 3));
        }
        if mix % 7 == 1 {
            events.push(Event::thumb(number, mix % 5 > 1, ""));
        }
    }
    // All in this week, which is not the week of any of their exchanges.
    events.iter_mut().for_each(|event| event.time_ns = now_ns);
    (exchanges, events)
}

/// Returns attributes as the exporter writes them: in one map of strings.
fn attributes(pairs: &[(&str, Value)]) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let known = pairs.iter().filter(|(_, value)| !value.is_null());
    Value::Object(known.map(|(name, value)| ((*name).to_owned(), text(value).into())).collect::<Map<_, _>>())
}

fn trace(span: &Span) -> Value {
    let attributes = attributes(&[
        ("gen_ai.provider.name", json!(span.provider)),
        ("gen_ai.operation.name", json!(span.operation)),
        ("gen_ai.usage.input_tokens", json!(span.input_tokens)),
        ("gen_ai.usage.output_tokens", json!(span.output_tokens)),
        ("llm_gauge.model", json!(span.model)),
        ("llm_gauge.status", json!(span.status)),
        ("llm_gauge.error", json!(span.error)),
        ("llm_gauge.cost_nanodollars", json!(span.cost_nanodollars)),
        ("llm_gauge.duration_ms", json!(span.duration_ms)),
    ]);
    json!({
        "Timestamp": time(span.start_ns), "TraceId": span.trace_id.to_string(), "SpanId": span.span_id.to_string(),
        "ServiceName": span.service, "SpanAttributes": attributes, "Duration": span.end_ns - span.start_ns,
    })
}

fn log(evaluation: &Evaluation) -> Value {
    let attributes = attributes(&[
        ("event.name", json!("gen_ai.evaluation.result")),
        ("gen_ai.evaluation.name", json!(evaluation.name)),
        ("gen_ai.evaluation.score.value", json!(evaluation.value)),
        ("gen_ai.evaluation.score.label", json!(evaluation.label)),
        ("llm_gauge.model", json!(evaluation.model)),
        ("llm_gauge.evaluation.source", json!(evaluation.source)),
        ("log.record.uid", json!(evaluation.uid)),
    ]);
    json!({
        "Timestamp": time(evaluation.time_ns), "TraceId": evaluation.trace_id.to_string(),
        "SpanId": evaluation.span_id.to_string(), "ServiceName": "gateway", "LogAttributes": attributes,
    })
}

/// Formats seconds since 1970 with nine decimals, which ClickHouse reads as a time.
fn time(ns: i64) -> String {
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

fn exported(db: &Path, folder: &Path) -> [String; 2] {
    let store = Store::read(db).unwrap();
    let lines = |table: &str, line: &dyn Fn(&rusqlite::Row<'_>) -> rusqlite::Result<Value>| {
        let mut query = store.connection().prepare(&format!("select * from {table}")).unwrap();
        let lines: Vec<_> =
            query.query_map([], line).unwrap().map(|line| line.unwrap().to_string()).collect();
        let file = folder.join(format!("{table}.jsonl"));
        std::fs::write(&file, lines.join("\n")).unwrap();
        file.to_str().unwrap().to_owned()
    };
    [
        lines("spans", &|row| Ok(trace(&Span::of(row)?))),
        lines("evaluations", &|row| Ok(log(&Evaluation::of(row)?))),
    ]
}

/// Returns SQLite's row, with the durations as ClickHouse's quantiles.
fn with_quantiles(line: &str) -> Value {
    let mut row: Value = serde_json::from_str(line).unwrap();
    let durations = row.as_object_mut().unwrap().remove("durations").unwrap();
    let durations = durations.as_array().unwrap();
    row["p50_ms"] = durations[durations.len() / 2].clone();
    row["p99_ms"] = durations[durations.len() * 99 / 100].clone();
    row
}

/// Rounds means to nine places: they are sums of doubles, whose order is not defined.
fn rounded(mut row: Value) -> Value {
    for value in row.as_object_mut().unwrap().values_mut() {
        if let (true, Some(number)) = (value.is_number(), value.as_f64()) {
            *value = json!(format!("{number:.9}"));
        }
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "installs 900 MB from PyPI"]
async fn the_review_on_clickhouse_comes_to_the_figures_of_sqlite() {
    let found = |folder: &Path| {
        let python = folder.join("bin/python");
        let mut libraries = std::fs::read_dir(folder.join("lib")).ok()?.flatten();
        let has = libraries.any(|lib| lib.path().join("site-packages/chdb").is_dir());
        (python.is_file() && has).then_some(python)
    };
    let python = tokio::task::spawn_blocking(move || CHDB.installed(None, found)).await.unwrap().unwrap();

    let scene = Scene::start().await;
    let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let (exchanges, scores) = invented_traffic(now_ns.try_into().unwrap());
    for (path, body) in
        [("/v1/traces", spans(&exchanges).encode_to_vec()), ("/v1/logs", events(&scores).encode_to_vec())]
    {
        let answer = scene.send(Request::post_of(path, PROTOBUF, body)).await;
        assert_eq!((answer.status, answer.body), (200, Vec::new()));
    }
    let expected: Vec<_> =
        rows(&scene.path(), REVIEW).iter().map(|line| rounded(with_quantiles(line))).collect();
    // Every row needs values to compare.
    assert_eq!(expected.len(), 10);
    assert!(expected.iter().all(|row| !row["faithfulness"].is_null() && !row["thumbs_down_rate"].is_null()));

    let [traces, logs] = exported(&scene.path(), scene.folder.path());
    let sql = workspace_dir().join("envoy/telemetry");
    let mut command = Command::new(python);
    command.args(["-c", RUN]).arg(sql).args([traces, logs]);
    let printed = tokio::task::spawn_blocking(move || python::run(&mut command, "")).await.unwrap().unwrap();
    let printed = String::from_utf8(printed).unwrap();
    let lines = printed.lines().filter(|line| !line.is_empty());
    let found: Vec<_> = lines.map(|line| rounded(serde_json::from_str(line).unwrap())).collect();
    assert_eq!(found, expected);
}
