//! The collector, from the side of its senders.

mod clickhouse;
mod kill;
mod messages;
mod stores;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use collector::collect::{Collector, Settings};
use collector::store::Store;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::{Value, json};
use simulators::load::{Answer, Client, Protocol, Request};
use tempfile::TempDir;

use messages::{Event, Exchange, events, spans};

const PROTOBUF: &str = "application/x-protobuf";

/// A collector for one test.
struct Scene {
    collector: Collector,
    client: Client,
    folder: TempDir,
}

impl Scene {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let settings = Settings::new(folder.path().join("gauge.db"), listen);
        let collector = Collector::start(settings).await.unwrap();
        let client = Client::new(collector.address(), Protocol::Http1);
        Self { collector, client, folder }
    }

    async fn send(&self, request: Request) -> Answer {
        self.client.send(request).await.unwrap().finish().await
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("gauge.db")
    }

    fn rows(&self, query: &str) -> Vec<String> {
        rows(&self.path(), query)
    }
}

/// Returns the first column of a query's rows.
fn rows(path: &Path, query: &str) -> Vec<String> {
    let store = Store::read(path).unwrap();
    let mut query = store.connection().prepare(query).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::best());
    packing.write_all(bytes).unwrap();
    packing.finish().unwrap()
}

fn packed(path: &str, content_type: &str, body: &[u8]) -> Request {
    Request::post_of(path, content_type, gzip(body)).header("content-encoding", "gzip")
}

/// `google.rpc.Status`, decoded independently.
#[derive(Clone, PartialEq, Eq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_all_encodings_are_stored_once() {
    let scene = Scene::start().await;
    let spans = spans(&[Exchange::new(1), Exchange::new(2)]);
    let events = events(&[Event::score(1, "faithfulness", 4), Event::thumb(1, false, "It invented that.")]);
    let forms = [
        ("/v1/traces", spans.encode_to_vec(), serde_json::to_vec(&spans).unwrap()),
        ("/v1/logs", events.encode_to_vec(), serde_json::to_vec(&events).unwrap()),
    ];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = Client::new(scene.collector.address(), protocol);
        for (path, protobuf, json) in &forms {
            let typed = "application/json; charset=utf-8";
            for (content_type, body, empty) in [(PROTOBUF, protobuf, &b""[..]), (typed, json, b"{}")] {
                let plain = Request::post_of(path, content_type, body.clone());
                for request in [plain, packed(path, content_type, body)] {
                    let answer = client.send(request).await.unwrap().finish().await;
                    assert_eq!((answer.status, answer.body.as_slice()), (200, empty));
                    assert_eq!(answer.header("content-type"), content_type.split(';').next().unwrap());
                }
            }
        }
    }
    let by_span = "select spans.name || ' ' || cost_nanodollars || ' ' || coalesce(group_concat(evaluations.label), '-')
        from spans left join evaluations using (trace_id, span_id) group by spans.span_id";
    assert_eq!(scene.rows(by_span), ["chat gpt-4o 1000001 4,down", "chat gpt-4o 1000002 -"]);
    let totals = scene.collector.stop().await;
    assert_eq!((totals.requests, totals.spans, totals.evaluations, totals.known), (16, 2, 2, 28));
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_requests_are_refused_in_the_senders_encoding() {
    let scene = Scene::start().await;
    let json = "application/json";
    let post = |path, content_type: &str, body: &[u8]| Request::post_of(path, content_type, body.to_vec());
    let large = vec![b' '; (8 << 20) + 1];
    // A body that decompresses to a thousand times its size.
    let bomb = gzip(&vec![0; 64 << 20]);
    assert!(bomb.len() < 300_000);
    let encoded = |encoding: &str, body: Vec<u8>| {
        Request::post_of("/v1/traces", PROTOBUF, body).header("content-encoding", encoding)
    };
    let good = spans(&[Exchange::new(1)]).encode_to_vec();
    let mut cut = gzip(&good);
    cut.truncate(cut.len() - 4);
    for (request, status, code, words) in [
        (post("/v1/traces", PROTOBUF, b"\xff\xff"), 400, 3, "not OTLP in protobuf"),
        (post("/v1/logs", PROTOBUF, &good), 400, 3, "not OTLP in protobuf"),
        (post("/v1/logs", json, b"{"), 400, 3, "not OTLP in JSON"),
        (encoded("gzip", good.clone()), 400, 3, "the body is not gzip"),
        (encoded("gzip", cut), 400, 3, "the body is not gzip"),
        (encoded("gzip", bomb), 413, 8, "larger than 8388608 bytes: send smaller batches"),
        (post("/v1/traces", json, &large), 413, 8, "larger than 8388608 bytes: send smaller batches"),
        (encoded("zstd", good.clone()), 415, 3, "content-encoding: expected gzip"),
        (post("/v1/traces", "text/plain", &good), 415, 3, "content-type: expected application/x-protobuf or"),
        (
            post("/v1/metrics", PROTOBUF, &good),
            404,
            12,
            "unknown path /v1/metrics: expected /v1/traces for spans",
        ),
        (Request::get("/v1/traces"), 405, 12, "expected POST"),
    ] {
        let is_protobuf = request.header_value("content-type") == Some(PROTOBUF);
        let answer = scene.send(request).await;
        let said = match is_protobuf {
            true => Status::decode(answer.body.as_slice()).unwrap(),
            false => {
                let said: Value = serde_json::from_slice(&answer.body).unwrap();
                let code = said["code"].as_i64().unwrap().try_into().unwrap();
                Status { code, message: said["message"].as_str().unwrap().to_owned() }
            }
        };
        assert_eq!((answer.status, said.code), (status, code), "{said:?}");
        assert!(said.message.contains(words), "{said:?}");
        let allow = if status == 405 { "POST" } else { "" };
        assert_eq!((answer.header("allow"), answer.header("retry-after")), (allow, ""));
    }
    let totals = scene.collector.stop().await;
    assert_eq!((totals.refused, totals.requests, totals.unavailable), (11, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_items_make_a_partial_success() {
    let scene = Scene::start().await;
    let mut mixed = spans(&[Exchange::new(1), Exchange::new(2)]);
    mixed.resource_spans[0].scope_spans[0].spans[1].trace_id.pop();
    let words = "span \"chat gpt-4o\": its trace id has 15 bytes, expected 16";
    let answer = scene.send(Request::post_of("/v1/traces", PROTOBUF, mixed.encode_to_vec())).await;
    let partial =
        ExportTraceServiceResponse::decode(answer.body.as_slice()).unwrap().partial_success.unwrap();
    assert_eq!((answer.status, partial.rejected_spans, partial.error_message.as_str()), (200, 1, words));

    let answer = scene.send(Request::post("/v1/traces", &serde_json::to_value(&mixed).unwrap())).await;
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(said, json!({"partialSuccess": {"rejectedSpans": "1", "errorMessage": words}}));

    // The same id with another score: the first one stays.
    let post = |score| {
        Request::post_of("/v1/logs", PROTOBUF, events(&[Event::score(1, "relevance", score)]).encode_to_vec())
    };
    assert_eq!(scene.send(post(2)).await.body, b"");
    let answer = scene.send(post(5)).await;
    let partial = ExportLogsServiceResponse::decode(answer.body.as_slice()).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 1);
    assert_eq!(partial.error_message, "event 1-relevance was stored before with another content");
    assert_eq!(scene.rows("select label from evaluations"), ["2"]);
    let totals = scene.collector.stop().await;
    assert_eq!((totals.spans, totals.known, totals.evaluations, totals.rejected), (1, 1, 1, 3));
}
