//! Databases that cannot be written: acknowledged batches are never lost, and others are never stored.

mod slow;

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
        let settings = Settings::new(self.path(), "127.0.0.1:0".parse().unwrap());
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

/// Deletes or moves a file of a running collector's database.
#[cfg(unix)]
async fn without_a_file(name: &str) {
    let scene = Scene::new();
    let collector = scene.collector("").await;
    assert_eq!(post(&collector, body(1, "a")).await.status, 200);
    let (file, away) = (scene.folder.path().join(name), scene.folder.path().join("away"));
    std::fs::rename(&file, &away).unwrap();
    let words = "was deleted, moved or replaced while it was in use: move it back, or restart the collector";
    is_put_off(&post(&collector, body(2, "a")).await, words);
    // Another file of that name is not the one that is open.
    std::fs::write(&file, "").unwrap();
    is_put_off(&post(&collector, body(2, "a")).await, words);
    std::fs::rename(&away, &file).unwrap();
    assert_eq!(post(&collector, body(2, "a")).await.status, 200);
    assert_eq!(scene.spans(), 2);
    let totals = collector.stop().await;
    assert_eq!((totals.spans, totals.known, totals.unavailable), (2, 0, 2));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_puts_senders_off_until_it_is_back() {
    without_a_file("gauge.db").await;
    without_a_file("gauge.db-wal").await;
}

/// Sends spans over HTTP/1.1 with these header lines, and returns the status line and the body.
async fn sent_with(collector: &Collector, lines: &str) -> (String, String) {
    let mut stream = tokio::net::TcpStream::connect(collector.address()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";
    stream.write_all(format!("{head}{lines}\r\n{{}}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_can_neither_send_nor_read() {
    let scene = Scene::new();
    let settings = Settings {
        allow_hosts: vec!["otel.example".into()],
        ..Settings::new(scene.path(), "127.0.0.1:0".parse().unwrap())
    };
    let collector = Collector::start(settings).await.unwrap();
    for lines in ["host: otel\r\n", "host: otel.example:4318\r\n", "host: 127.0.0.1\r\n"] {
        assert_eq!(sent_with(&collector, lines).await, ("HTTP/1.1 200 OK".into(), "{}".into()));
    }
    let (status, body) = sent_with(&collector, "host: rebound.example\r\n").await;
    assert_eq!(status, "HTTP/1.1 421 Misdirected Request");
    assert!(body.contains("start the collector with --allow-host rebound.example"), "{body}");
    let (status, body) = sent_with(&collector, "host: 127.0.0.1\r\norigin: http://evil.example\r\n").await;
    assert_eq!(status, "HTTP/1.1 403 Forbidden");
    assert!(body.contains("origin: expected none, got `http://evil.example`"), "{body}");
    let totals = collector.stop().await;
    assert_eq!((totals.requests, totals.refused), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_weeks_are_deleted_while_senders_send() {
    let scene = Scene::new();
    let mut store = Store::open(&scene.path()).unwrap();
    let now_ns = read::now_ns();
    let keep: Retention = "2w".parse().unwrap();
    let first_kept_ns = keep.first_kept_ns(now_ns);
    let span = |number: u32, start_ns| crate::store::Span {
        trace_id: crate::store::Id(u128::from(number).to_be_bytes()),
        start_ns,
        attributes_json: "{}".into(),
        ..Default::default()
    };
    // The week may end during the test, so that the first week that stays is empty.
    let week_ns = 7 * 86_400_000_000_000;
    let old = (0..1000).map(|number| span(number, first_kept_ns - 1));
    let new = (1000..1003).map(|number| span(number, first_kept_ns + week_ns));
    let batch = crate::store::Batch { spans: old.chain(new).collect(), ..Default::default() };
    store.write(&batch).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let settings = Settings { keep: Some(keep), ..Settings::new(scene.path(), listen) };
    let collector = Collector::over(store, settings).await.unwrap();
    let mut changes = collector.changes();
    while collector.totals().deleted < 1000 {
        changes.changed().await.unwrap();
    }
    assert_eq!(scene.spans(), 3);
    assert_eq!(collector.stop().await.deleted, 1000);
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
