//! Labels whose values clients choose: a value must not break out of its label, and must not fill the proxy.

use llm_gauge_engine::limits::LABEL_BYTES_MAX;
use serde_json::{Value, json};
use simulators::envoy::Stats;
use simulators::load::{Client, Protocol, Request};
use simulators::provider::Provider;

use super::promtool::{Opinion, opinion};
use super::rig::{Rig, run, shipped};

/// Maximum values of models and tenants in each worker.
const MODELS_MAX: usize = 40;
const TENANTS_MAX: usize = 20;

/// The number of Envoy's workers.
const WORKERS: usize = 2;

/// Exchanges that fill the tables, and those after them, each with its own model and tenant.
const FILLING: usize = 800;
const FURTHER: usize = 6_000;

/// The number of connections, so that both workers have some.
const CONNECTIONS: usize = 8;

async fn rig() -> Rig {
    let provider = Provider::start().await.unwrap();
    let configuration = json!({
        "match": [{"path": "/v1/*", "provider": "openai"}],
        "models": {"max_series": MODELS_MAX},
        "labels": [{"name": "tenant", "header": "x-tenant", "max_values": TENANTS_MAX, "default": "none"}],
    });
    let mut bootstrap = shipped().await.configuration(&configuration.to_string()).unwrap();
    bootstrap = bootstrap.label("tenant").unwrap();
    for cluster in ["openai", "anthropic"] {
        bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
    }
    Rig::over(provider, bootstrap).await
}

/// Returns a request whose model is these bytes, unchanged between the quotes of a JSON string.
fn request(model: &[u8]) -> Request {
    let body = [br#"{"messages":[],"model":""#, model, br#""}"#].concat();
    Request::post_bytes("/v1/chat/completions", body)
}

/// Checks that Prometheus can read the whole scrape, and that every label in our series is known.
async fn readable(rig: &Rig, test: &str) -> Stats {
    let scrape = rig.envoy.admin().get("/stats/prometheus").await.unwrap();
    if let Opinion::Refused(words) = opinion(test, &scrape) {
        panic!("{words}\n{scrape}");
    }
    // Refuses one error that promtool allows: duplicate series.
    let stats = Stats::parse(&scrape).unwrap();
    let strays = stats.only(|series| {
        let mut own = llm_gauge_engine::metrics::label_names();
        own.extend(["tenant", "le"]);
        let is_ours = series.name.starts_with("llm_");
        let is_known = |name: &str| {
            llm_gauge_engine::metrics::ALL.iter().any(|metric| {
                name.strip_prefix(metric.name)
                    .is_some_and(|end| ["", "_bucket", "_sum", "_count"].contains(&end))
            })
        };
        is_ours
            && (!is_known(&series.name) || !series.labels.keys().all(|label| own.contains(&label.as_str())))
    });
    assert!(strays.is_empty(), "{strays}");
    stats
}

/// Returns bytes that a client sends, with the resulting label value.
fn hostile() -> Vec<(Vec<u8>, String)> {
    let long = "x".repeat(64 * 1024);
    // Every third byte starts a character: the cut is within one, and removes all of it.
    let letters = "日".repeat(64 * 1024 / 3);
    vec![
        (long.clone().into_bytes(), long[..LABEL_BYTES_MAX].to_owned()),
        (letters.into_bytes(), "日".repeat(LABEL_BYTES_MAX / 3)),
        (br"c\u0000\u0001\b\t\r\n\u001b[31m\u007f\u0085c".to_vec(), "c_______[31m__c".to_owned()),
        (b"bare\x00\x01\x1f\x7fc".to_vec(), "bare____c".to_owned()),
        (b"bytes-\xff\xfe-\xc3".to_vec(), "bytes-\u{fffd}\u{fffd}-\u{fffd}".to_owned()),
        (br"half-\ud800".to_vec(), "half-\u{fffd}".to_owned()),
        (b"a;.;.status=.=evil;.;b;.;;.;".to_vec(), "a;_;_status=_=evil;_;b;_;;_;".to_owned()),
        (
            br#"quote\"} 9\nllm_fake_total{model=\"x"#.to_vec(),
            "quote\"} 9_llm_fake_total{model=\"x".to_owned(),
        ),
    ]
}

#[test]
fn hostile_models_stay_in_their_label() {
    run(async {
        let rig = rig().await;
        for (model, _) in hostile() {
            rig.send(Protocol::Http1, request(&model)).await.finish().await;
        }
        let expected: Vec<_> = hostile().into_iter().map(|(_, label)| label).collect();
        let all = rig.envoy.admin().until(|stats| each_has_one(stats, "model", &expected));
        all.await.unwrap();
        readable(&rig, "hostile_models").await;
    });
}

#[test]
fn hostile_headers_stay_in_their_label() {
    run(async {
        let rig = rig().await;
        // The characters that HTTP allows in a value: no control characters but the tab.
        let is_allowed = |value: &[u8]| !value.iter().any(|byte| byte.is_ascii_control());
        let mut values: Vec<_> = hostile().into_iter().filter(|(value, _)| is_allowed(value)).collect();
        values.push((b"tab\tc".to_vec(), "tab_c".to_owned()));
        for (value, _) in &mut values {
            value.truncate(8 * 1024 / 3 * 3);
        }
        for (value, _) in &values {
            let request = request(b"one").header_bytes("x-tenant", value);
            assert_eq!(rig.send(Protocol::Http1, request).await.finish().await.status, 200);
        }
        // A header is not JSON: its escapes are literal.
        let expected: Vec<_> = values
            .into_iter()
            .map(
                |(value, label)| {
                    if value.contains(&b'\\') { String::from_utf8(value).unwrap() } else { label }
                },
            )
            .collect();
        let all = rig.envoy.admin().until(|stats| each_has_one(stats, "tenant", &expected));
        all.await.unwrap();
        readable(&rig, "hostile_headers").await;
    });
}

/// Checks that each of these values has had one request, and that there is no other.
fn each_has_one(stats: &Stats, label: &str, expected: &[String]) -> Vec<String> {
    let mut expected: Vec<_> = expected.to_vec();
    expected.sort();
    let found = stats.values_of("llm_requests_total", label);
    if found != expected {
        return vec![format!("expected {expected:?}, found {found:?}")];
    }
    let count = |value: &String| stats.sum("llm_requests_total", &[(label, value)]);
    let wrong = expected.iter().filter(|value| count(value) != 1.0);
    wrong.map(|value| format!("{value:?}: {}", count(value))).collect()
}

/// Sends this many exchanges, each with a new model and a new tenant.
async fn flood(clients: &[Client], from: usize, count: usize) {
    let each = count / clients.len();
    let tasks: Vec<_> = clients
        .iter()
        .cloned()
        .enumerate()
        .map(|(place, client)| {
            tokio::spawn(async move {
                for number in (0..each).map(|number| from + place * each + number) {
                    let model = format!("{number}-{}", "unknown-".repeat(125));
                    let tenant = format!("{number}-{}", "tenant-".repeat(40));
                    let request = request(model.as_bytes()).header("x-tenant", &tenant);
                    assert_eq!(client.send(request).await.unwrap().finish().await.status, 200);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Returns the bytes that Envoy has allocated, once all of `count` exchanges are counted.
async fn settled(rig: &Rig, count: usize) -> (Stats, u64) {
    let all = rig.envoy.admin().until(|stats| {
        let found = stats.sum("llm_requests_total", &[]);
        let durations = stats.sum("llm_request_duration_milliseconds_count", &[]);
        if [found, durations] == [count as f64; 2] {
            Vec::new()
        } else {
            vec![format!("expected {count}, found {found} and {durations}")]
        }
    });
    all.await.unwrap();
    let stats = readable(rig, "thousands").await;
    let memory: Value = serde_json::from_str(&rig.envoy.admin().get("/memory").await.unwrap()).unwrap();
    (stats, memory["allocated"].as_str().unwrap().parse().unwrap())
}

#[test]
fn thousands_of_names_fill_nothing() {
    run(async {
        let rig = rig().await;
        let connect = |_| Client::new(rig.envoy.listener(), Protocol::Http1);
        let clients: Vec<_> = (0..CONNECTIONS).map(connect).collect();
        flood(&clients, 0, FILLING).await;
        let (filled, before) = settled(&rig, FILLING).await;
        flood(&clients, FILLING, FURTHER).await;
        let (after, now) = settled(&rig, FILLING + FURTHER).await;

        let name = "llm_requests_total";
        for (label, limit, max) in [("model", "models", MODELS_MAX), ("tenant", "tenant", TENANTS_MAX)] {
            let values = after.values_of(name, label).len();
            assert!(max < values && values <= max * WORKERS + 1, "{label} has {values} values");
            // A value without a series is counted twice: as `other`, and as folded.
            let others = after.sum(name, &[(label, "other")]);
            assert_eq!(others, after.sum("llm_gauge_series_overflow_total", &[("limit", limit)]), "{label}");
            assert_eq!(others, (FILLING + FURTHER - (values - 1)) as f64, "{label}");
        }
        let keys = |stats: &Stats| stats.only(|series| series.name.starts_with("llm_")).to_string();
        let names = |stats: &Stats| {
            keys(stats)
                .lines()
                .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&filled), names(&after), "names came that made new series");
        // If Envoy had kept only the label of each further name, it would have grown by more than this.
        let growth = now.saturating_sub(before);
        println!("Envoy has {now} bytes allocated, {growth} more than {FURTHER} exchanges before");
        assert!(growth < (FURTHER * LABEL_BYTES_MAX) as u64, "Envoy grew by {growth} bytes");
    });
}
