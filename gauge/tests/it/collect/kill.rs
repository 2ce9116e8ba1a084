//! The `collect` command, killed: every acknowledged batch is stored exactly once.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use prost::Message as _;
use serde_json::{Value, json};
use simulators::load::{Client, Protocol, Request};
use tokio::sync::{Mutex, watch};

use super::messages::{Event, Exchange, events, spans};
use super::{PROTOBUF, rows};

/// A collector in its own process.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(db: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gauge"));
        command.args(["collect", "--listen", "127.0.0.1:0", "--db"]).arg(db).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        // The pipe has room for the few lines that may follow.
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
        let address = said.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.unwrap_or_else(|| panic!("{said}")).parse().unwrap();
        Self { child, address }
    }

    fn signal(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SENDERS: u64 = 8;
const ROUNDS: u64 = 12;

/// Sends batches until the collector is gone: up to ninety spans, and then a score for the first of them. A batch
/// without a response is sent again in the next round, as by any sender.
#[derive(Default)]
struct Sender {
    next: u64,
    unanswered: Option<u64>,
    /// The batches whose spans were acknowledged, and those whose score was.
    spans: Vec<u64>,
    scores: Vec<u64>,
}

/// Returns the exchanges of a batch. Their numbers and their count depend on the number of the batch.
fn batch(number: u64) -> Vec<Exchange> {
    (0..1 + number % 90).map(|place| Exchange::new(number * 100 + place)).collect()
}

impl Sender {
    async fn run(&mut self, address: SocketAddr, count: &watch::Sender<u64>) {
        let client = Client::new(address, Protocol::Http1);
        loop {
            let number = self.unanswered.take().unwrap_or(self.next);
            self.next = self.next.max(number + SENDERS);
            self.unanswered = Some(number);
            let exchanges = batch(number);
            let score = events(&[Event::score(exchanges[0].number, "relevance", 4)]);
            for (path, body, acknowledged) in [
                ("/v1/traces", spans(&exchanges).encode_to_vec(), &mut self.spans),
                ("/v1/logs", score.encode_to_vec(), &mut self.scores),
            ] {
                // The head is enough, because it is written after the commit.
                let Ok(answer) = client.send(Request::post_of(path, PROTOBUF, body)).await else { return };
                acknowledged.push(number);
                count.send_modify(|count| *count += 1);
                assert_eq!(answer.finish().await.status, 200);
            }
            self.unanswered = None;
        }
    }
}

/// Runs a collector from its start to a kill while batches are in progress.
async fn live(db: &Path, senders: &[Arc<Mutex<Sender>>], enough: u64) {
    let mut process = Process::start(db, &[]);
    let (count, mut counted) = watch::channel(0);
    let count = Arc::new(count);
    let run = |sender: &Arc<Mutex<Sender>>| {
        let (sender, count, address) = (Arc::clone(sender), Arc::clone(&count), process.address);
        tokio::spawn(async move { sender.lock().await.run(address, &count).await })
    };
    let tasks: Vec<_> = senders.iter().map(run).collect();
    counted.wait_for(|count| *count >= enough).await.unwrap();
    process.child.kill().unwrap();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_batches_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("gauge.db");
    let new = |place| Arc::new(Mutex::new(Sender { next: place, ..Sender::default() }));
    let senders: Vec<_> = (1..=SENDERS).map(new).collect();
    for round in 0..ROUNDS {
        // The kill comes after a different number of batches each time; the place within a batch depends on the
        // machine's load.
        live(&db, &senders, 10 + (round * 7919) % 23).await;
    }
    // A last collector repairs what the last kill left, and a reader then finds everything.
    drop(Process::start(&db, &[]));
    assert_eq!(rows(&db, "pragma integrity_check"), ["ok"]);
    let by_batch = "select number || ': ' || count(*) from
        (select (cost_nanodollars - 1000000) / 100 as number from spans) group by number";
    let kept: BTreeSet<_> = rows(&db, by_batch).into_iter().collect();
    let scored: BTreeSet<_> = rows(&db, "select uid from evaluations").into_iter().collect();
    let (mut lost, mut acknowledged, mut sent) = (Vec::new(), 0, 0);
    for sender in &senders {
        let sender = sender.lock().await;
        let spans = sender.spans.iter().map(|number| format!("{number}: {}", batch(*number).len()));
        lost.extend(spans.filter(|batch| !kept.contains(batch)));
        let scores = sender.scores.iter().map(|number| format!("{}-relevance", number * 100));
        lost.extend(scores.filter(|uid| !scored.contains(uid)));
        acknowledged += sender.scores.len();
        sent += sender.scores.len() + usize::from(sender.unanswered.is_some());
    }
    assert_eq!(lost, [""; 0]);
    assert!(kept.len() <= sent && scored.len() <= sent, "{} and {} of {sent}", kept.len(), scored.len());
    assert!(acknowledged > 50, "{acknowledged} batches are no test");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_prints_its_totals_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(&folder.path().join("gauge.db"), &["--json"]);
    let client = Client::new(process.address, Protocol::Http1);
    let body = spans(&[Exchange::new(1)]).encode_to_vec();
    let answer = client.send(Request::post_of("/v1/traces", PROTOBUF, body)).await.unwrap().finish().await;
    assert_eq!(answer.status, 200);
    // The client's connection is still open.
    process.signal("-TERM");
    let stdout = process.child.stdout.take().unwrap();
    let totals: Value = serde_json::from_reader(stdout).unwrap();
    assert!(process.child.wait().unwrap().success());
    let expected = json!({
        "requests": 1, "refused": 0, "unavailable": 0, "connections_closed": 0, "deleted": 0, "spans": 1, "evaluations": 0, "known": 0, "rejected": 0,
        "targets": {},
    });
    assert_eq!(totals, expected);
}

#[test]
fn invalid_arguments_are_reported_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("gauge.db");
    std::fs::write(&db, "Not a database. ".repeat(100)).unwrap();
    let db = db.to_str().unwrap();
    for (arguments, said) in [
        (&["--db", db][..], "is not an SQLite database: name another file"),
        (&["--db", "/nowhere/gauge.db"], "cannot create /nowhere/gauge.db ("),
        (&[], "--db <FILE>"),
        (&["--db", db, "--forward", "mlflow"], "expected KIND=URL, such as mlflow=http://127.0.0.1:5000"),
        (&["--db", db, "--header", "mlflow:a=b"], "--header mlflow:a: there is no --forward mlflow=URL"),
        (
            &["--db", db, "--keep", "90"],
            "expected days or weeks such as 90d or 13w, at most 36500d, got `90`",
        ),
        (&["--db", db, "--listen", "localhost"], "invalid value 'localhost' for '--listen <ADDRESS>'"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_gauge")).arg("collect").args(arguments).output().unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}", output.status);
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains(said), "{words}");
        assert_eq!(output.stdout, b"");
    }
}
