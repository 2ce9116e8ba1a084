//! A database that cannot take it: nothing acknowledged is lost, and what is not acknowledged is not kept.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Sent};
use prost::Message as _;
use tempfile::{TempDir, tempdir};

use super::*;
use crate::load::{Answer, Client, Protocol, Request};

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

    /// A collector over a database with this pragma.
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
    is_put_off(&full, "there is no room left for");
    assert!(kept > 0);
    // Small ones go on for as long as they fit.
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
    is_put_off(&post(&collector, body(1, "a")).await, "may not be written");
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
