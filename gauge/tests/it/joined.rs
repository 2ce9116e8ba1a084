//! One exchange from end to end: streamed through a real Envoy in a trace of its caller, exported, judged, rated with
//! the id in its response, and found in a database with its scores and the comment on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use collector::collect::{Collector, Settings, Totals};
use collector::store::Store;
use serde_json::json;
use simulators::envoy::{Bootstrap, Envoy};
use simulators::load::{Answer, Client, End, Protocol, Request};
use simulators::provider::{EXCHANGE_HEADER, Provider, script};
use simulators::{build, judge};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const COMMENT: &str = "Das war der falsche Turm.";

/// The maximum time of a step on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The result of the exchange.
pub struct JoinedExchange {
    pub totals: Totals,
    pub db: PathBuf,
    pub request_id: String,
}

/// Plays the exchange with a collector whose database is in `folder`, and which forwards to `target` if there is one.
pub async fn play(folder: &Path, target: Option<&str>) -> JoinedExchange {
    let settings = Settings {
        targets: target.map(|target| target.parse().unwrap()).into_iter().collect(),
        ..Settings::new(folder.join("gauge.db"), "127.0.0.1:0".parse().unwrap())
    };
    let db = settings.db.clone();
    let collector = Collector::start(settings).await.unwrap();
    let judge = judge::JudgeServer::start(judge::JudgeBehaviour::Always(4)).await.unwrap();
    let gateway = Gateway::start(&collector, &judge).await;

    let question = json!({"model": "gpt-4o", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "How tall is it? <context>The tower is 120 metres tall.</context>"}]});
    let request = Request::post("/v1/chat/completions", &question)
        .header("traceparent", &format!("00-{TRACE}-{PARENT}-01"))
        .header(script::HEADER, "input=1000; cached=400; output=200; first_ms=0; token_ms=0");
    let request_id = gateway.ask(request).await.header("x-llm-request-id").to_owned();
    until(&collector, |totals| totals.spans == 1 && totals.evaluations == 4).await;

    let feedback = json!({"request_id": request_id, "rating": "down", "comment": COMMENT});
    let answer = gateway.send(Protocol::Http1, Request::post("/feedback", &feedback)).await;
    assert_eq!((answer.status, answer.end), (202, End::Complete));
    until(&collector, |totals| totals.evaluations == 5).await;
    // A batch of spans, four scores and the feedback.
    until(&collector, |totals| totals.targets.values().all(|passed| passed.delivered == 6)).await;
    JoinedExchange { totals: collector.stop().await, db, request_id }
}

/// A provider behind an Envoy that judges, exports and accepts feedback.
struct Gateway {
    provider: Provider,
    envoy: Envoy,
}

impl Gateway {
    async fn start(collector: &Collector, judge: &judge::JudgeServer) -> Self {
        let provider = Provider::start().await.unwrap();
        let filter = tokio::task::spawn_blocking(|| build::filter(false)).await.unwrap().unwrap();
        let mut bootstrap = Bootstrap::shipped().unwrap().filter(&filter).unwrap();
        for cluster in ["openai", "anthropic"] {
            bootstrap = bootstrap.upstream(cluster, provider.address(), Protocol::Http1).unwrap();
        }
        let exported = json!({"content": "sampled", "batch": {"interval_ms": 50}});
        let bootstrap = bootstrap
            .priced()
            .unwrap()
            .exporting(collector.address(), exported)
            .unwrap()
            .judged(json!({"sample_rate": 1}))
            .unwrap()
            .upstream("judge", judge.address(), Protocol::Http1)
            .unwrap()
            .with_feedback(&json!({"secret": "a secret of this one test"}))
            .unwrap();
        Self { provider, envoy: Envoy::start(bootstrap, 2).await.unwrap() }
    }

    async fn send(&self, protocol: Protocol, request: Request) -> Answer {
        let client = Client::new(self.envoy.listener(), protocol);
        client.send(request).await.unwrap().finish().await
    }

    /// Sends a request over HTTP/2. The answer has to be the provider's, byte for byte.
    async fn ask(&self, request: Request) -> Answer {
        let answer = self.send(Protocol::Http2, request).await;
        let id = answer.header(EXCHANGE_HEADER).parse().expect("the provider's answer");
        let entry = self.provider.ledger().entry(id).unwrap();
        assert_eq!((answer.end.clone(), &answer.body), (End::Complete, &entry.body));
        answer
    }
}

async fn until(collector: &Collector, is_there: impl Fn(&Totals) -> bool) {
    let mut changes = collector.changes();
    let all = async {
        while !is_there(&collector.totals()) {
            changes.changed().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(PATIENCE, all).await;
    waited.unwrap_or_else(|_| panic!("{}", collector.totals()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_answer_its_scores_and_what_its_user_said_are_joined_in_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let joined = play(folder.path(), None).await;
    let totals = &joined.totals;
    assert_eq!((totals.spans, totals.evaluations, totals.known, totals.rejected), (1, 5, 0, 0));

    let store = Store::read(&joined.db).unwrap();
    let rows = |query: &str| -> Vec<String> {
        let mut query = store.connection().prepare(query).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let span = rows(
        "select concat_ws(' ', trace_id, parent_span_id, name, status, input_tokens,
               cached_input_tokens, output_tokens, cost_nanodollars, sampled, json_extract(attributes_json,
               '$.\"llm_gauge.request_id\"')) from spans",
    );
    // 600 tokens at 2.50 dollars a million, 400 at 1.25, 200 at 10.
    let id = &joined.request_id;
    assert_eq!(span, [format!("{TRACE} {PARENT} chat gpt-4o success 1000 400 200 4000000 1 {id}")]);
    assert!(id.starts_with(TRACE), "{id}");

    let said = rows(
            "select concat_ws(' ', evaluations.name, evaluations.source, label, value, evaluations.model, explanation)
             from spans join evaluations using (trace_id, span_id) order by evaluations.name",
        );
    assert_eq!(
        said,
        [
            "completeness judge 4 4.0 gpt-4o it is always this one",
            "faithfulness judge 4 4.0 gpt-4o it is always this one",
            "hallucination judge no 0.0 gpt-4o it is always this one",
            "relevance judge 4 4.0 gpt-4o it is always this one",
            "user_feedback user down 0.0 gpt-4o Das war der falsche Turm.",
        ]
    );
}
