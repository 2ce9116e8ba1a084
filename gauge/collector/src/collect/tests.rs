//! Databases that cannot be written: acknowledged batches are never lost, and others are never stored.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Sent};
use prost::Message as _;
use simulators::load::{Answer, Client, Protocol, Request};
use tempfile::{TempDir, tempdir};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("gauge.db")
    }

    /// Returns a collector over a database with this pragma.
    async fn collector(&self, pragma: &str) -> Collector {
        let store = Store::open(&self.path()).unwrap();
        store.connection().execute_batch(pragma).unwrap();
        let settings =
            Settings { db: self.path(), listen: "127.0.0.1:0".parse().unwrap(), targets: Vec::new() };
        Collector::over(store, settings).await.unwrap()
    }

    fn spans(&self) -> i64 {
        let store = Store::read(&self.path()).unwrap();
        store.connection().query_row("select count(*) from spans", [], |row| row.get(0)).unwrap()
    }
}

fn body(number: u8, name: &str) -> Vec<u8> {
    let span = Sent {
        trace_id: vec![number; 16],
        span_id: vec![number; 8],
        name: name.into(),
        start_time_unix_nano: 1,
        ..Sent::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

async fn post(collector: &Collector, body: Vec<u8>) -> Answer {
    let client = Client::new(collector.address(), Protocol::Http1);
    let request = Request::post_of("/v1/traces", "application/x-protobuf", body);
    client.send(request).await.unwrap().finish().await
}

fn is_put_off(answer: &Answer, words: &str) {
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    let said = String::from_utf8_lossy(&answer.body);
    assert!(said.contains(words), "{said}");
}

/// The body is never sent: a request that waits for a place is not asked for it.
#[tokio::test]
async fn without_a_place_no_body_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (writing, _jobs) = tokio::sync::mpsc::channel(1);
    let shared = Arc::new(ReceiverState {
        places: Semaphore::new(1),
        place_patience: Duration::ZERO,
        turns: Semaphore::new(1),
        writing,
        totals_cell: Arc::new(SharedTotals::new(&[])),
        targets: Vec::new(),
    });
    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(receive::accept(listener, Arc::clone(&shared), stopped));
    let place = shared.places.acquire().await.unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"code":14,"message":"too many requests are coming in"}"#), "{answer}");
    assert_eq!(shared.totals_cell.totals().unavailable, 1);

    // With a place it is asked for, and the place is free again after it.
    drop(place);
    let request = Request::post_of("/v1/traces", "application/json", "no JSON");
    let answer = Client::new(address, Protocol::Http2).send(request).await.unwrap().finish().await;
    assert_eq!((answer.status, shared.places.available_permits()), (400, 1));
    stop.send_replace(true);
    accepting.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_puts_senders_off_and_keeps_what_it_has() {
    let scene = Scene::new();
    let collector = scene.collector("pragma max_page_count = 40").await;
    let name = "x".repeat(20_000);
    let mut kept = 0;
    let full = loop {
        let answer = post(&collector, body(kept + 1, &name)).await;
        if answer.status != 200 {
            break answer;
        }
        kept += 1;
    };
    is_put_off(&full, "there is no disk space left for");
    assert!(kept > 0);
    // Small batches are stored as long as they fit.
    let totals = collector.stop().await;
    assert_eq!((totals.spans, totals.unavailable), (u64::from(kept), 1));
    assert_eq!(scene.spans(), i64::from(kept));

    let collector = scene.collector("").await;
    assert_eq!(post(&collector, body(kept + 1, &name)).await.status, 200);
    assert_eq!(scene.spans(), i64::from(kept) + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_not_be_written_puts_senders_off() {
    let scene = Scene::new();
    let collector = scene.collector("pragma query_only = on").await;
    is_put_off(&post(&collector, body(1, "a")).await, "cannot be written");
    assert_eq!(scene.spans(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_process_holds_puts_senders_off_until_it_is_free() {
    let scene = Scene::new();
    let collector = scene.collector("pragma busy_timeout = 0").await;
    let other = rusqlite::Connection::open(scene.path()).unwrap();
    other.execute_batch("begin immediate").unwrap();
    is_put_off(&post(&collector, body(1, "a")).await, "is locked by another process");
    other.execute_batch("commit").unwrap();
    assert_eq!(post(&collector, body(1, "a")).await.status, 200);
    assert_eq!(post(&collector, body(1, "a")).await.status, 200);
    assert_eq!(scene.spans(), 1);
    let totals = collector.stop().await;
    assert_eq!((totals.spans, totals.known, totals.unavailable), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_puts_senders_off() {
    let scene = Scene::new();
    drop(scene.collector("").await.stop().await);
    let mut bytes = std::fs::read(scene.path()).unwrap();
    bytes[4096..].fill(0xAA);
    std::fs::write(scene.path(), bytes).unwrap();
    let collector = scene.collector("").await;
    is_put_off(&post(&collector, body(1, "a")).await, "is damaged: stop what writes it");
}
