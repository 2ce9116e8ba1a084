//! Requests to other stores, and the treatment of their responses.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use simulators::listen::LoopbackListener;

use super::*;
use crate::store::{Batch, Id, Span};

/// A store that answers with given statuses, and keeps the requests.
struct FakeStore {
    listening: LoopbackListener,
    asked: Arc<Mutex<Vec<RecordedRequest>>>,
}

#[derive(Clone, Debug, PartialEq)]
struct RecordedRequest {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl FakeStore {
    /// Answers with these statuses in turn, and with the last one for all further requests.
    async fn start(statuses: &[u16]) -> Self {
        let statuses = Arc::new(Mutex::new(statuses.iter().copied().collect::<VecDeque<_>>()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let listening = LoopbackListener::start(move |stream| {
            let (statuses, kept) = (Arc::clone(&statuses), Arc::clone(&kept));
            async move {
                let service = service_fn(|request: Request<hyper::body::Incoming>| {
                    let (statuses, kept) = (Arc::clone(&statuses), Arc::clone(&kept));
                    async move {
                        let (head, body) = request.into_parts();
                        let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
                        let headers = head.headers.iter();
                        let asked = RecordedRequest {
                            line: format!("{} {}", head.method, head.uri),
                            headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
                            body: body.collect().await.unwrap().to_bytes().into(),
                        };
                        kept.lock().unwrap().push(asked);
                        let mut left = statuses.lock().unwrap();
                        let status = if left.len() > 1 { left.pop_front() } else { left.front().copied() };
                        let response = Response::builder().status(status.unwrap());
                        response.body(Full::new(Bytes::from_static(b"{\"detail\": \"as told\"}")))
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Self { listening: listening.await.unwrap(), asked }
    }

    fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|asked| asked.line.clone()).collect()
    }
}

fn evaluation(label: &str, value: f64) -> Evaluation {
    Evaluation {
        uid: "uid-1".into(),
        trace_id: Id([0xAB; 16]),
        span_id: Id([0xCD; 8]),
        request_id: None,
        model: Some("gpt-4o".into()),
        name: "faithfulness".into(),
        source: Some("judge".into()),
        judge_model: Some("gpt-4o-mini".into()),
        value: Some(value),
        label: Some(label.into()),
        explanation: Some("It says \"so\".".into()),
        time_ns: 1_764_316_802_250_000_000,
    }
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

/// Returns a forwarder with one batch in its outbox: a span, and a score of it.
fn forwarder(target: Target, folder: &Path) -> Forwarder {
    let mut store = Store::open(&folder.join("gauge.db")).unwrap();
    let span = Span { trace_id: Id([0xAB; 16]), span_id: Id([0xCD; 8]), ..Span::default() };
    let batch = Batch {
        spans: vec![span],
        evaluations: vec![evaluation("4", 4.0)],
        request: b"the request".to_vec(),
        targets: vec![target.name()],
    };
    store.write(&batch).unwrap();
    let totals_cell = Arc::new(SharedTotals::new(&[target.name()]));
    Forwarder::new(target, store, totals_cell)
}

/// Returns the counts of delivered, refused, given up and waiting deliveries.
fn passed(forwarder: &Forwarder) -> [u64; 4] {
    let passed = forwarder.totals_cell.totals().targets.remove(&forwarder.name).unwrap();
    [passed.delivered, passed.refused, passed.given_up, passed.waiting]
}

#[test]
fn a_score_is_an_assessment_in_mlflow() {
    let post = mlflow::post(&evaluation("4", 4.0));
    let trace = "tr-abababababababababababababababab";
    assert_eq!(post.path, format!("/api/3.0/mlflow/traces/{trace}/assessments"));
    let body: Value = serde_json::from_slice(&post.body).unwrap();
    let expected = json!({"assessment": {
        "assessment_id": "a-4a49acf8a6bd727728495d1e541a8408",
        "assessment_name": "faithfulness",
        "trace_id": trace,
        "span_id": "cdcdcdcdcdcdcdcd",
        "source": {"source_type": "LLM_JUDGE", "source_id": "gpt-4o-mini"},
        "feedback": {"value": 4.0},
        "rationale": "It says \"so\".",
        "metadata": {"uid": "uid-1", "label": "4", "model": "gpt-4o"},
        "create_time": "2025-11-28T08:00:02.250Z",
        "last_update_time": "2025-11-28T08:00:02.250Z",
    }});
    assert_eq!(body, expected);

    let values = [
        ("up", 1.0, json!(true)),
        ("down", 0.0, json!(false)),
        ("yes", 1.0, json!("yes")),
        ("3", 3.0, json!(3.0)),
    ];
    for (label, number, value) in values {
        let by_user =
            Evaluation { source: Some("user".into()), judge_model: None, ..evaluation(label, number) };
        let body: Value = serde_json::from_slice(&mlflow::post(&by_user).body).unwrap();
        assert_eq!(body["assessment"]["feedback"]["value"], value);
        assert_eq!(body["assessment"]["source"], json!({"source_type": "HUMAN", "source_id": "user"}));
    }
}

#[test]
fn a_score_is_an_annotation_in_phoenix() {
    let post = phoenix::post(&evaluation("4", 4.0));
    assert_eq!(post.path, "/v1/span_annotations?sync=true");
    let body: Value = serde_json::from_slice(&post.body).unwrap();
    let expected = json!({"data": [{
        "span_id": "cdcdcdcdcdcdcdcd",
        "name": "faithfulness",
        "annotator_kind": "LLM",
        "result": {"label": "4", "score": 4.0, "explanation": "It says \"so\"."},
        "metadata": {"model": "gpt-4o", "judge_model": "gpt-4o-mini"},
        "identifier": "uid-1",
    }]});
    assert_eq!(body, expected);
}

#[test]
fn targets_and_headers_are_read_or_refused_with_the_reason() {
    let mlflow = target("mlflow=http://localhost:5000/tracking/");
    assert_eq!(
        (mlflow.name().as_str(), mlflow.base.as_str()),
        ("mlflow=http://localhost:5000/tracking", "/tracking")
    );
    assert_eq!(target("phoenix=http://[::1]").authority, "[::1]:80");
    for (text, reason) in [
        ("http://localhost", "expected KIND=URL"),
        ("mlflow=https://localhost", "for https let an Envoy listener"),
        ("mlflow=localhost:5000", "expected an http:// URL"),
        ("mlflow=http://user:secret@host", "--header KIND:authorization=env:NAME"),
        ("mlflow=http://host/?a=b", "without a query"),
        ("langsmith=http://host", "expected mlflow or phoenix, got \"langsmith\""),
    ] {
        let said = text.parse::<Target>().unwrap_err();
        assert!(said.contains(reason), "{text}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }

    let header: Header = "mlflow:x-mlflow-experiment-id=3".parse().unwrap();
    let with =
        with_headers(vec![mlflow.clone(), target("phoenix=http://localhost")], vec![header.clone()]).unwrap();
    assert_eq!(with[0].headers.len(), 1);
    assert_eq!(with[1].headers.len(), 0);
    assert!(!format!("{with:?}").contains('3'), "{with:?} shows the value of a header");
    let said = with_headers(vec![target("phoenix=http://localhost")], vec![header]).unwrap_err().to_string();
    assert_eq!(said, "--header mlflow:x-mlflow-experiment-id: there is no --forward mlflow=URL");
    let said = with_headers(vec![mlflow.clone(), mlflow], vec![]).unwrap_err().to_string();
    assert_eq!(said, "--forward mlflow=http://localhost:5000/tracking: given twice");
    for (text, reason) in [
        ("mlflow:x", "expected KIND:NAME=VALUE"),
        ("mlflow:a b=c", "is not a header name"),
        ("mlflow:a=env:LLM_GAUGE_UNSET_VARIABLE", "is not set"),
        ("mlflow:a=b\nc", "invalid in a header"),
    ] {
        let said = text.parse::<Header>().unwrap_err();
        assert!(said.contains(reason), "{text}: {said}");
    }
}

#[test]
fn pauses_double_up_to_an_hour_in_all() {
    assert_eq!([1, 2, 3, 10].map(pause_after), [500, 1000, 2000, 256_000].map(Duration::from_millis));
    assert_eq!([11, 40, u32::MAX].map(pause_after), [PAUSE_MAX; 3]);
    let all: Duration = (1..ATTEMPTS_MAX).map(pause_after).sum();
    assert_eq!(all.as_secs(), 2911);
}

#[tokio::test(flavor = "multi_thread")]
async fn due_deliveries_are_sent_with_the_targets_headers() {
    let (fake, folder) = (FakeStore::start(&[200]).await, tempfile::tempdir().unwrap());
    let mut target = target(&format!("mlflow=http://{}/base", fake.address()));
    target.headers.push(("authorization".parse().unwrap(), "Bearer x".parse().unwrap()));
    let mut forwarder = forwarder(target, folder.path());
    assert_eq!(forwarder.round().await.unwrap(), None);
    assert_eq!(passed(&forwarder), [2, 0, 0, 0]);
    let score = "POST /base/api/3.0/mlflow/traces/tr-abababababababababababababababab/assessments";
    assert_eq!(fake.lines(), ["POST /base/v1/traces", score]);
    let asked = fake.asked.lock().unwrap()[0].clone();
    assert_eq!(asked.body, b"the request");
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("authorization", "Bearer x"),
        ("x-mlflow-experiment-id", "0"),
    ] {
        assert!(asked.headers.contains(&(name.into(), value.into())), "{name} in {:?}", asked.headers);
    }
    assert_eq!(forwarder.round().await.unwrap(), Some(PAUSE_MAX), "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_whose_span_is_not_known_yet_is_tried_again() {
    let (fake, folder) = (FakeStore::start(&[200, 404, 200]).await, tempfile::tempdir().unwrap());
    let mut forwarder = forwarder(target(&format!("phoenix=http://{}", fake.address())), folder.path());
    forwarder.round().await.unwrap();
    assert_eq!(passed(&forwarder), [1, 0, 0, 1]);
    let next_ns = forwarder.store.next_due_ns(&forwarder.name).unwrap().unwrap();
    let waits = forwarder.store.due(&forwarder.name, next_ns, 9).unwrap();
    assert_eq!((waits.len(), waits[0].attempts), (1, 1));
    // Its time has come.
    forwarder.store.postpone(&[waits[0].id], 0).unwrap();
    forwarder.round().await.unwrap();
    assert_eq!(passed(&forwarder), [2, 0, 0, 0]);
    let score = "POST /v1/span_annotations?sync=true";
    assert_eq!(fake.lines(), ["POST /v1/traces", score, score]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_whose_span_never_comes_is_given_up() {
    let (fake, folder) = (FakeStore::start(&[200, 404]).await, tempfile::tempdir().unwrap());
    let mut forwarder = forwarder(target(&format!("phoenix=http://{}", fake.address())), folder.path());
    forwarder.round().await.unwrap();
    for _ in 1..ATTEMPTS_MAX - 1 {
        let waits = forwarder.store.due(&forwarder.name, i64::MAX, 9).unwrap();
        forwarder.store.postpone(&[waits[0].id], 0).unwrap();
    }
    forwarder.round().await.unwrap();
    assert_eq!(passed(&forwarder), [1, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_delivery_is_not_sent_again() {
    let (fake, folder) = (FakeStore::start(&[422, 200]).await, tempfile::tempdir().unwrap());
    let mut forwarder = forwarder(target(&format!("phoenix=http://{}", fake.address())), folder.path());
    forwarder.round().await.unwrap();
    assert_eq!(passed(&forwarder), [1, 1, 0, 0]);
    assert_eq!(fake.lines().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_loses_nothing_and_a_restart_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (down, up) = (FakeStore::start(&[503]).await, FakeStore::start(&[200]).await);
    let aim = target(&format!("mlflow=http://{}", down.address()));
    let mut first = forwarder(aim.clone(), folder.path());
    assert_eq!(first.round().await.unwrap(), Some(PAUSE_MIN));
    assert_eq!(first.round().await.unwrap(), Some(PAUSE_MIN * 2));
    assert_eq!(passed(&first), [0, 0, 0, 2]);
    assert_eq!(down.lines(), ["POST /v1/traces"; 2]);
    drop(first);

    // A later collector, with the store up again. The outbox has the store's name, so only the address differs here.
    let store = Store::open(&folder.path().join("gauge.db")).unwrap();
    let mut second = Forwarder::new(aim.clone(), store, Arc::new(SharedTotals::new(&[aim.name()])));
    second.client = Client::new(&target(&format!("mlflow=http://{}", up.address())));
    second.round().await.unwrap();
    assert_eq!(passed(&second), [2, 0, 0, 0]);

    drop(up);
    let mut gone = Client::new(&target("mlflow=http://127.0.0.1:1"));
    let said = gone.get("/").await.unwrap_err();
    assert!(format!("{said:#}").starts_with("it cannot be reached: "), "{said:#}");
}

/// Returns the number of tries of each waiting delivery, in the order in which they are due.
fn attempts(forwarder: &Forwarder) -> Vec<u32> {
    let due = forwarder.store.due(&forwarder.name, i64::MAX, 99).unwrap();
    due.iter().map(|due| due.attempts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_at_everything_is_down_and_costs_no_attempts() {
    let (fake, folder) = (FakeStore::start(&[500; 81]).await, tempfile::tempdir().unwrap());
    let mut forwarder = forwarder(target(&format!("phoenix=http://{}", fake.address())), folder.path());
    for failures in 1..=40 {
        let pause = pause_after(failures).min(DOWN_PAUSE_MAX);
        assert_eq!(forwarder.round().await.unwrap(), Some(pause));
    }
    assert_eq!((passed(&forwarder), attempts(&forwarder)), ([0, 0, 0, 2], vec![0, 0]));
    assert_eq!(fake.lines().len(), 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_while_others_arrive_is_given_up() {
    let (fake, folder) = (FakeStore::start(&[500, 200, 500, 503, 500]).await, tempfile::tempdir().unwrap());
    let mut forwarder = forwarder(target(&format!("phoenix=http://{}", fake.address())), folder.path());
    assert_eq!(forwarder.round().await.unwrap(), None);
    assert_eq!((passed(&forwarder), attempts(&forwarder)), ([1, 0, 0, 1], vec![1]));
    // Alone, it fails without end, since its failures could be those of the whole store.
    let alone = forwarder.store.due(&forwarder.name, i64::MAX, 9).unwrap()[0].id;
    for _ in 1..ATTEMPTS_MAX - 1 {
        forwarder.store.postpone(&[alone], 0).unwrap();
    }
    assert_eq!(forwarder.round().await.unwrap(), Some(PAUSE_MIN));
    assert_eq!(forwarder.round().await.unwrap(), Some(PAUSE_MIN * 2));
    assert_eq!((passed(&forwarder), attempts(&forwarder)), ([1, 0, 0, 1], vec![ATTEMPTS_MAX - 1]));
    // Beside a delivery that arrives, it has had its tries.
    let up = FakeStore::start(&[500, 200]).await;
    forwarder.client = Client::new(&target(&format!("phoenix=http://{}", up.address())));
    let other = Evaluation { uid: "uid-2".into(), ..evaluation("4", 4.0) };
    let targets = vec![forwarder.name.clone()];
    let batch = Batch { evaluations: vec![other], targets, ..Batch::default() };
    forwarder.store.write(&batch).unwrap();
    assert_eq!(forwarder.round().await.unwrap(), None);
    assert_eq!((passed(&forwarder), forwarder.failures), ([2, 0, 1, 0], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_of_failures_does_not_keep_others_from_being_tried() {
    let mut statuses = [500; ROUND as usize + 1];
    statuses[ROUND as usize] = 200;
    let (fake, folder) = (FakeStore::start(&statuses).await, tempfile::tempdir().unwrap());
    let mut forwarder = forwarder(target(&format!("phoenix=http://{}", fake.address())), folder.path());
    let uids = (2..=ROUND).map(|number| format!("uid-{number}"));
    let evaluations = uids.map(|uid| Evaluation { uid, ..evaluation("4", 4.0) }).collect();
    let batch = Batch { evaluations, targets: vec![forwarder.name.clone()], ..Batch::default() };
    forwarder.store.write(&batch).unwrap();
    let last = forwarder.store.due(&forwarder.name, 0, 99).unwrap().pop().unwrap();
    assert_eq!(forwarder.round().await.unwrap(), Some(PAUSE_MIN));
    let next = forwarder.store.due(&forwarder.name, i64::MAX, 99).unwrap();
    assert_eq!((next.len(), next[0].id, next[0].attempts), (ROUND as usize + 1, last.id, 0));
    assert_eq!(forwarder.round().await.unwrap(), None);
    assert_eq!(passed(&forwarder), [ROUND.into(), 0, 0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mlflow_fails_at_a_score_that_it_has_and_is_asked_whether_it_has_it() {
    let (fake, folder) = (FakeStore::start(&[200, 500, 200]).await, tempfile::tempdir().unwrap());
    let mut forwarder = forwarder(target(&format!("mlflow=http://{}", fake.address())), folder.path());
    forwarder.round().await.unwrap();
    assert_eq!(passed(&forwarder), [2, 0, 0, 0]);
    let id = "a-4a49acf8a6bd727728495d1e541a8408";
    let seen = format!("GET /api/3.0/mlflow/traces/tr-abababababababababababababababab/assessments/{id}");
    assert_eq!(fake.lines()[2], seen);
}

#[test]
fn a_wrong_password_or_url_loses_nothing() {
    use Outcome::*;
    let words = |status: u16| format!("it answered {status}: no");
    for (kind, status, expected) in [
        (Kind::Spans, 202, Arrived),
        (Kind::Spans, 404, Down(words(404))),
        (Kind::Evaluation, 404, NotYet(words(404))),
        (Kind::Spans, 500, Failed(words(500))),
        (Kind::Evaluation, 500, Failed(words(500))),
        (Kind::Spans, 401, Down(words(401))),
        (Kind::Evaluation, 429, Down(words(429))),
        (Kind::Spans, 503, Down(words(503))),
        (Kind::Spans, 422, Refused(words(422))),
        (Kind::Evaluation, 400, Refused(words(400))),
    ] {
        assert_eq!(outcome(kind, status, "no"), expected, "{status}");
    }
}
