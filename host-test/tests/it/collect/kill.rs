//! The `collect` command, killed: what it acknowledged is there, once.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use host_test::load::{Client, Protocol, Request};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::messages::{Event, Exchange, events, spans};
use super::{PROTOBUF, rows};

/// A collector in a process of its own.
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
        // The pipe holds the few lines that may follow.
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

const SENDERS: u64 = 4;
const ROUNDS: u64 = 8;

/// Sends batches until the collector is gone. Each has up to nine spans, and a score for the first of them; a batch
/// without an answer is sent again in the next round, as any sender does.
struct Sender {
    next: u64,
    unanswered: Option<u64>,
    acknowledged: Vec<u64>,
}

/// The exchanges of a batch: numbers of its own, and how many is told by its number.
fn batch(number: u64) -> Vec<Exchange> {
    (0..1 + number % 9).map(|place| Exchange::new(number * 10 + place + 1)).collect()
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
            for (path, body) in
                [("/v1/traces", spans(&exchanges).encode_to_vec()), ("/v1/logs", score.encode_to_vec())]
            {
                let Ok(exchange) = client.send(Request::post_of(path, PROTOBUF, body)).await else { return };
                // The head is enough: it is written after the commit.
                assert_eq!(exchange.finish().await.status, 200);
            }
            self.unanswered = None;
            self.acknowledged.push(number);
            count.send_modify(|count| *count += 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("gauge.db");
    let new = |place| Sender { next: place, unanswered: None, acknowledged: Vec::new() };
    let senders: Vec<_> = (0..SENDERS).map(|place| Arc::new(tokio::sync::Mutex::new(new(place)))).collect();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for round in 0..ROUNDS {
        let process = Process::start(&db, &[]);
        let (count, mut counted) = watch::channel(0);
        let count = Arc::new(count);
        let tasks: Vec<_> = senders
            .iter()
            .map(|sender| {
                let (sender, count, address) = (Arc::clone(sender), Arc::clone(&count), process.address);
                tokio::spawn(async move { sender.lock().await.run(address, &count).await })
            })
            .collect();
        // After another number of batches each time; where in a batch that is, the machine's load says.
        let enough = 3 + (round * 7919) % 23;
        counted.wait_for(|count| *count >= enough).await.unwrap();
        process.signal("-KILL");
        for task in tasks {
            task.await.unwrap();
        }
        seen.lock().unwrap().push(*counted.borrow());
    }
    let mut acknowledged = BTreeMap::new();
    let mut sent = 0;
    for sender in &senders {
        let sender = sender.lock().await;
        acknowledged.extend(sender.acknowledged.iter().map(|number| (*number, batch(*number).len())));
        sent += sender.acknowledged.len() + usize::from(sender.unanswered.is_some());
    }
    // A last collector repairs what the last kill left, and everything is as a reader finds it.
    drop(Process::start(&db, &[]));
    assert_eq!(rows(&db, "pragma integrity_check"), ["ok"]);
    let mut missing = Vec::new();
    for number in acknowledged.keys() {
        let first = number * 10 + 1;
        let last = number * 10 + 10;
        let found = rows(
            &db,
            &format!(
                "select count(*) || ' ' || (select count(*) from evaluations where uid = '{first}-relevance')
                 from spans where cost_nanodollars between 1000000 + {first} and 1000000 + {last}"
            ),
        );
        let expected = format!("{} 1", acknowledged[number]);
        if found != [expected.as_str()] {
            missing.push(format!("batch {number}: expected {expected}, found {found:?}"));
        }
    }
    assert_eq!(missing, [""; 0]);
    let kept: usize = rows(&db, "select cast(count(*) as text) from evaluations")[0].parse().unwrap();
    assert!((acknowledged.len()..=sent).contains(&kept), "{kept} batches of {sent}");
    eprintln!("{} batches acknowledged in {ROUNDS} lives: {seen:?}", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_it_ends_with_its_totals() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(&folder.path().join("gauge.db"), &["--json"]);
    let client = Client::new(process.address, Protocol::Http1);
    let body = spans(&[Exchange::new(1)]).encode_to_vec();
    let answer = client.send(Request::post_of("/v1/traces", PROTOBUF, body)).await.unwrap().finish().await;
    assert_eq!(answer.status, 200);
    // With the client's connection still open.
    process.signal("-TERM");
    let stdout = process.child.stdout.take().unwrap();
    let totals: Value = serde_json::from_reader(stdout).unwrap();
    assert!(process.child.wait().unwrap().success());
    let expected = json!({
        "requests": 1, "refused": 0, "unavailable": 0, "spans": 1, "evaluations": 0, "known": 0, "rejected": 0,
        "targets": {},
    });
    assert_eq!(totals, expected);
}

#[test]
fn what_cannot_be_done_is_said_and_not_tried() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("gauge.db");
    std::fs::write(&db, "Dear diary. ".repeat(100)).unwrap();
    let db = db.to_str().unwrap();
    for (arguments, said) in [
        (&["--db", db][..], "is not an SQLite database: name another file"),
        (&["--db", "/nowhere/gauge.db"], "cannot make /nowhere/gauge.db ("),
        (&[], "--db <FILE>"),
        (&["--db", db, "--forward", "mlflow"], "expected KIND=URL, such as mlflow=http://127.0.0.1:5000"),
        (&["--db", db, "--header", "mlflow:a=b"], "--header mlflow:a is for no --forward mlflow=URL"),
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
