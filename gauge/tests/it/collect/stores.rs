//! Forwarded rows, read back from a real MLflow and a real Phoenix by their own APIs.
//!
//! Each is about 850 MB from PyPI and takes minutes to start, so these tests are ignored by default:
//!
//! ```text
//! cargo test -p gauge --test it -- --ignored collect::stores --nocapture
//! ```

use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use collector::collect::{Collector, Settings};
use prost::Message as _;
use serde_json::{Value, json};
use simulators::load::{Client, Protocol, Request};
use simulators::python::Package;

use super::PROTOBUF;
use super::messages::{Event, Exchange, SERVICE, events, hex, span_id, spans, trace_id};

/// The maximum time to start a store on a loaded machine. Only a failed run waits that long.
const PATIENCE: Duration = Duration::from_secs(600);

const MLFLOW: Package = Package {
    name: "mlflow",
    version: "3.17.2",
    size: "300 MB",
    folder: "mlflow",
    with_dependencies: true,
    advice: "pip has to reach a package index",
};

const PHOENIX: Package = Package {
    name: "arize-phoenix",
    version: "20.26.1",
    size: "300 MB",
    folder: "phoenix",
    with_dependencies: true,
    advice: "pip has to reach a package index",
};

/// A store in its own process group, as both start helper processes.
struct Store {
    child: Child,
    client: Client,
}

impl Store {
    fn python(package: Package, module: &'static str) -> PathBuf {
        let found = move |folder: &Path| {
            let python = folder.join("bin/python");
            let mut libraries = std::fs::read_dir(folder.join("lib")).ok()?.flatten();
            let has = libraries.any(|lib| lib.path().join("site-packages").join(module).is_dir());
            (python.is_file() && has).then_some(python)
        };
        package.installed(None, found).unwrap()
    }

    async fn start(command: &mut Command, address: SocketAddr, ready: &str) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        let mut store =
            Self { child: command.spawn().unwrap(), client: Client::new(address, Protocol::Http1) };
        let started = Instant::now();
        while store.get(ready).await.is_none() {
            assert_eq!(store.child.try_wait().unwrap(), None, "it ended");
            assert!(started.elapsed() < PATIENCE, "it does not start");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        eprintln!("it is ready after {:.1} s", started.elapsed().as_secs_f64());
        store
    }

    async fn get(&self, path: &str) -> Option<Vec<u8>> {
        let answer = self.client.send(Request::get(path)).await.ok()?.finish().await;
        (answer.status == 200).then_some(answer.body)
    }

    async fn json(&self, request: Request) -> Value {
        let answer = self.client.send(request).await.unwrap().finish().await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// Returns a port that was free a moment ago, since neither store can choose one and report it.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The exchange that both stores price themselves: 600 at 2.50, 400 cached at 1.25 and 200 at 10 dollars a million.
fn judged() -> Exchange {
    Exchange { cost_nanodollars: 4_000_000, ..Exchange::new(1) }
}

/// The scores and the rating of the exchange.
fn said() -> Vec<Event> {
    vec![
        Event::score(1, "faithfulness", 4),
        Event::score(1, "relevance", 5),
        Event::score(1, "completeness", 3),
        Event::hallucination(1, false),
        Event::thumb(1, false, "It invented that."),
    ]
}

/// Sends two exchanges, the scores of one of them first, and waits until all of it has been forwarded. Then all of it
/// is forwarded again, as by a collector that was killed before it recorded the deliveries.
async fn pass_on(target: &str, folder: &Path) {
    let settings = Settings {
        targets: vec![target.parse().unwrap()],
        ..Settings::new(folder.join("gauge.db"), "127.0.0.1:0".parse().unwrap())
    };
    let collector = Collector::start(settings.clone()).await.unwrap();
    let client = Client::new(collector.address(), Protocol::Http1);
    for (path, body) in [
        ("/v1/logs", events(&said()).encode_to_vec()),
        ("/v1/traces", spans(&[judged(), Exchange::new(2)]).encode_to_vec()),
    ] {
        let answer = client.send(Request::post_of(path, PROTOBUF, body)).await.unwrap().finish().await;
        assert_eq!((answer.status, answer.body), (200, Vec::new()));
    }
    arrived(collector, target).await;

    let db = rusqlite::Connection::open(&settings.db).unwrap();
    let again = "insert into outbox (target, kind, payload, payload_bytes, due_ns)
        select ?1, 'evaluation', cast(uid as blob), 0, 0 from evaluations
        union all select ?1, 'spans', ?2, 0, 0";
    let request = spans(&[judged(), Exchange::new(2)]).encode_to_vec();
    db.execute(again, rusqlite::params![target, request]).unwrap();
    arrived(Collector::start(settings).await.unwrap(), target).await;
}

/// Waits until five scores and a batch of spans have arrived.
async fn arrived(collector: Collector, target: &str) {
    let mut changes = collector.changes();
    let all = async {
        while collector.totals().targets[target].delivered < 6 {
            changes.changed().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(PATIENCE, all).await;
    let totals = collector.stop().await;
    eprintln!("{totals}");
    waited.unwrap();
    let passed = &totals.targets[target];
    assert_eq!([passed.delivered, passed.refused, passed.given_up, passed.waiting], [6, 0, 0, 0]);
}

/// Starts an MLflow over SQLite.
async fn mlflow(folder: &Path) -> (Store, SocketAddr) {
    let python = tokio::task::spawn_blocking(|| Store::python(MLFLOW, "mlflow")).await.unwrap();
    let address = free();
    let mut command = Command::new(python);
    command.current_dir(folder).args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]);
    command.args(["--backend-store-uri", "sqlite:///m.db", "--artifacts-destination", "art"]);
    command.args(["--port", &address.port().to_string()]);
    (Store::start(&mut command, address, "/health").await, address)
}

/// Returns MLflow's information on a trace.
async fn trace_info(store: &Store, trace: &str) -> Value {
    store.json(Request::get(&format!("/api/3.0/mlflow/traces/tr-{trace}"))).await["trace"]["trace_info"]
        .take()
}

/// Returns the tokens, and the cost in nanodollars by MLflow's own prices.
fn told(info: &Value) -> (Value, f64) {
    let about = |key: &str| -> Value {
        serde_json::from_str(info["trace_metadata"][key].as_str().unwrap_or_else(|| panic!("{info:#}")))
            .unwrap()
    };
    let tokens = about("mlflow.trace.tokenUsage");
    let nanodollars = about("mlflow.trace.cost")["total_cost"].as_f64().unwrap() * 1e9;
    (json!([tokens["input_tokens"], tokens["output_tokens"]]), nanodollars.round())
}

/// Returns name, value, source and reason of all assessments of this span.
fn assessments(info: &Value, span: &str) -> Value {
    let empty = Vec::new();
    let all = info["assessments"].as_array().unwrap_or(&empty).iter();
    let mut found: Vec<_> = all
        .map(|one| {
            assert_eq!(one["span_id"], span);
            let source = &one["source"]["source_type"];
            json!([one["assessment_name"], one["feedback"]["value"], source, one["rationale"]])
        })
        .collect();
    found.sort_by_key(Value::to_string);
    Value::from(found)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "installs 850 MB from PyPI and takes minutes"]
async fn mlflow_has_what_a_real_envoy_streamed_a_judge_scored_and_a_user_rated() {
    let folder = tempfile::tempdir().unwrap();
    let (store, address) = mlflow(folder.path()).await;
    let joined = crate::joined::play(folder.path(), Some(&format!("mlflow=http://{address}"))).await;
    let mut parts = joined.request_id.split('-');
    let (trace, span) = (parts.next().unwrap(), parts.next().unwrap());

    let info = trace_info(&store, trace).await;
    assert_eq!(told(&info), (json!([1000, 200]), 4_000_000.0));
    let why = "it is always this one";
    let expected = json!([
        ["completeness", 4.0, "LLM_JUDGE", why],
        ["faithfulness", 4.0, "LLM_JUDGE", why],
        ["hallucination", "no", "LLM_JUDGE", why],
        ["relevance", 4.0, "LLM_JUDGE", why],
        ["user_feedback", false, "HUMAN", "Das war der falsche Turm."],
    ]);
    assert_eq!(assessments(&info, span), expected);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "installs 850 MB from PyPI and takes minutes"]
async fn mlflow_has_tokens_cost_scores_and_feedback_on_the_right_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (store, address) = mlflow(folder.path()).await;
    pass_on(&format!("mlflow=http://{address}"), folder.path()).await;

    let info = trace_info(&store, &hex(&trace_id(1))).await;
    // MLflow has its own price table, and computes our cost.
    assert_eq!(told(&info), (json!([1000, 200]), 4_000_000.0));
    let expected = json!([
        ["completeness", 3.0, "LLM_JUDGE", null],
        ["faithfulness", 4.0, "LLM_JUDGE", null],
        ["hallucination", "no", "LLM_JUDGE", null],
        ["relevance", 5.0, "LLM_JUDGE", null],
        ["user_feedback", false, "HUMAN", "It invented that."],
    ]);
    assert_eq!(assessments(&info, &hex(&span_id(1))), expected);

    // The other trace has none, and the search for bad ratings finds the one that has.
    let other = trace_info(&store, &hex(&trace_id(2))).await;
    assert!(other["assessments"].as_array().is_none_or(Vec::is_empty), "{other:#}");
    let experiment = json!([{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}]);
    let search =
        json!({"locations": experiment, "filter": "feedback.user_feedback = 'false'", "max_results": 10});
    let bad = store.json(Request::post("/api/3.0/mlflow/traces/search", &search)).await;
    let bad: Vec<_> = bad["traces"].as_array().unwrap().iter().map(|one| one["trace_id"].clone()).collect();
    assert_eq!(bad, [format!("tr-{}", hex(&trace_id(1)))]);
}

/// Phoenix' gRPC port listens on every address in spite of its settings. So it gets its own network, and the test runs
/// in that network too.
fn runs_in_own_network(test: &str) -> bool {
    const INSIDE: &str = "LLM_GAUGE_OWN_NETWORK";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--net",
        "sh",
        "-c",
        "ip link set lo up && exec \"$@\"",
        "sh",
    ]);
    command.arg(std::env::current_exe().unwrap()).args(["--ignored", "--exact", "--nocapture", test]);
    let ended = command.env(INSIDE, "1").status().expect("unshare (util-linux) is needed");
    assert!(ended.success());
    false
}

#[test]
#[ignore = "installs 850 MB from PyPI and takes minutes; needs unshare and ip"]
fn phoenix_has_tokens_cost_scores_and_feedback_on_the_right_span() {
    // In this network, which can reach the package index.
    let python = Store::python(PHOENIX, "phoenix");
    let test = "collect::stores::phoenix_has_tokens_cost_scores_and_feedback_on_the_right_span";
    if runs_in_own_network(test) {
        tokio::runtime::Runtime::new().unwrap().block_on(phoenix(&python));
    }
}

async fn phoenix(python: &Path) {
    let (folder, address) = (tempfile::tempdir().unwrap(), free());
    let mut command = Command::new(python);
    command.args(["-m", "phoenix.server.main", "serve"]).stderr(Stdio::null());
    for (name, value) in [
        ("PHOENIX_WORKING_DIR", folder.path().to_str().unwrap()),
        ("PHOENIX_HOST", "127.0.0.1"),
        ("PHOENIX_PORT", &address.port().to_string()),
        ("PHOENIX_GRPC_PORT", &free().port().to_string()),
        ("PHOENIX_TELEMETRY_ENABLED", "false"),
        ("PHOENIX_DISABLE_AGENT_ASSISTANT", "true"),
        ("PHOENIX_ALLOW_EXTERNAL_RESOURCES", "false"),
    ] {
        command.env(name, value);
    }
    let store = Store::start(&mut command, address, "/healthz").await;
    pass_on(&format!("phoenix=http://{address}"), folder.path()).await;

    let project = format!("/v1/projects/{SERVICE}");
    let sent = store.json(Request::get(&format!("{project}/spans"))).await;
    let mut tokens: Vec<_> = sent["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| {
            let of = &span["attributes"];
            let counts = [&of["llm.token_count.prompt"], &of["llm.token_count.completion"]];
            json!([span["context"]["span_id"], counts, of["llm_gauge.cost_nanodollars"]])
        })
        .collect();
    tokens.sort_by_key(Value::to_string);
    let expected =
        json!([[hex(&span_id(1)), [1000, 200], 4_000_000], [hex(&span_id(2)), [1000, 200], 1_000_002],]);
    assert_eq!(Value::from(tokens), expected);

    let both = format!("span_ids={}&span_ids={}", hex(&span_id(1)), hex(&span_id(2)));
    let annotations = store.json(Request::get(&format!("{project}/span_annotations?{both}&limit=100"))).await;
    let mut found: Vec<_> = annotations["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert_eq!(one["span_id"], hex(&span_id(1)));
            let result = &one["result"];
            json!([
                one["name"],
                result["score"],
                result["label"],
                one["annotator_kind"],
                result["explanation"]
            ])
        })
        .collect();
    found.sort_by_key(Value::to_string);
    let expected = json!([
        ["completeness", 3.0, "3", "LLM", null],
        ["faithfulness", 4.0, "4", "LLM", null],
        ["hallucination", 0.0, "no", "LLM", null],
        ["relevance", 5.0, "5", "LLM", null],
        ["user_feedback", 0.0, "down", "HUMAN", "It invented that."],
    ]);
    assert_eq!(Value::from(found), expected);

    // Phoenix has its own price table, and computes our cost: twice that of the judged exchange.
    let query = json!({"query": "{projects{edges{node{name costSummary{total{cost}}}}}}"});
    let projects = store.json(Request::post("/graphql", &query)).await;
    let edges = projects["data"]["projects"]["edges"].as_array().unwrap();
    let ours = edges.iter().map(|edge| &edge["node"]).find(|node| node["name"] == SERVICE).unwrap();
    let nanodollars = ours["costSummary"]["total"]["cost"].as_f64().unwrap() * 1e9;
    assert_eq!(nanodollars.round(), 8_000_000.0);
}
