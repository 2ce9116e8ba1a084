//! One database, and its errors.

mod delete;

use std::fs;
use std::path::Path;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Sent};
use prost::Message as _;
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use super::rows::Row;
use super::*;

/// A folder with a database, which is removed at the end of the test.
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

    fn store(&self) -> Store {
        Store::open(&self.path()).unwrap()
    }

    /// Returns another program's connection to it.
    fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Returns the error of opening it, without the path.
    fn refusal(&self) -> String {
        said(&self.path(), Store::open(&self.path()))
    }
}

fn said<T>(path: &Path, result: Result<T, Error>) -> String {
    let error = result.err().expect("it has to fail");
    error.to_string().replace(&path.display().to_string(), "FILE")
}

fn span(number: u8) -> Span {
    Span {
        trace_id: Id([number; 16]),
        span_id: Id([number; 8]),
        parent_span_id: Some(Id([9; 8])),
        name: "chat gpt-4o".into(),
        start_ns: 1_700_000_000_000_000_000,
        end_ns: 1_700_000_001_000_000_000,
        model: Some("gpt-4o".into()),
        input_tokens: Some(1000),
        sampled: Some(true),
        input_text: Some("Wie heißt du?\0".into()),
        attributes_json: "{}".into(),
        ..Span::default()
    }
}

fn evaluation(uid: &str, value: f64) -> Evaluation {
    Evaluation {
        uid: uid.into(),
        trace_id: Id([1; 16]),
        span_id: Id([1; 8]),
        name: "faithfulness".into(),
        value: Some(value),
        label: Some("4".into()),
        time_ns: 1_700_000_002_000_000_000,
        ..Evaluation::default()
    }
}

fn for_target(target: &str, request: &[u8], span: Span) -> Batch {
    Batch { spans: vec![span], request: request.into(), targets: vec![target.into()], ..Batch::default() }
}

fn spans(store: &Store) -> Vec<Span> {
    let mut query = store.connection().prepare("select * from spans order by trace_id").unwrap();
    query.query_map([], Span::of).unwrap().map(Result::unwrap).collect()
}

#[test]
fn stored_rows_are_read_by_another_process() {
    let scene = Scene::new();
    let batch =
        Batch { spans: vec![span(1), span(2)], evaluations: vec![evaluation("a", 4.0)], ..Batch::default() };
    let kept = scene.store().write(&batch).unwrap();
    assert_eq!((kept.spans.new, kept.evaluations.new), (vec![0, 1], vec![0]));

    let store = Store::read(&scene.path()).unwrap();
    assert_eq!(spans(&store), [span(1), span(2)]);
    assert_eq!(store.evaluation("a").unwrap(), Some(evaluation("a", 4.0)));
    assert_eq!(store.evaluation("b").unwrap(), None);
}

#[test]
fn a_retry_is_known_and_another_content_is_a_conflict() {
    let scene = Scene::new();
    let mut store = scene.store();
    let batch = Batch { spans: vec![span(1)], evaluations: vec![evaluation("a", 4.0)], ..Batch::default() };
    store.write(&batch).unwrap();
    let known = RowsOutcome { known: 1, ..RowsOutcome::default() };
    let expected = BatchOutcome { spans: known.clone(), evaluations: known, deliveries_dropped: 0 };
    assert_eq!(store.write(&batch).unwrap(), expected);

    let other = Span { input_tokens: None, ..span(1) };
    let batch = Batch {
        spans: vec![span(2), other],
        evaluations: vec![evaluation("a", 1.0), evaluation("b", 2.0)],
        ..Batch::default()
    };
    let expected = BatchOutcome {
        spans: RowsOutcome { new: vec![0], known: 0, in_conflict: vec![1] },
        evaluations: RowsOutcome { new: vec![1], known: 0, in_conflict: vec![0] },
        deliveries_dropped: 0,
    };
    assert_eq!(store.write(&batch).unwrap(), expected);
    assert_eq!(spans(&store), [span(1), span(2)]);
    assert_eq!(store.evaluation("a").unwrap(), Some(evaluation("a", 4.0)));
}

#[test]
fn the_file_is_its_owners_and_syncs_every_commit() {
    let scene = Scene::new();
    let store = scene.store();
    let pragma = |name: &str| {
        store.connection().query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(pragma("synchronous"), 2);
    assert_eq!(pragma("user_version"), schema::LATEST);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |name: &str| fs::metadata(scene.folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("gauge.db"), mode("gauge.db-wal")], [0o600; 2]);
    }
}

#[test]
fn an_older_file_is_brought_up_with_all_it_holds() {
    let scene = Scene::new();
    let mut db = scene.raw();
    schema::migrate_to(&mut db, 1).unwrap();
    let values = span(1);
    let columns = Span::TABLE.columns;
    let marks = vec!["?"; columns.len()].join(", ");
    let insert = format!("insert into spans ({}) values ({marks})", columns.join(", "));
    db.execute(&insert, rusqlite::params_from_iter(values.values())).unwrap();
    drop(db);
    assert_eq!(spans(&Store::read(&scene.path()).unwrap()), [span(1)], "an older file is read as it is");

    let mut store = scene.store();
    assert_eq!(spans(&store), [span(1)]);
    store.write(&for_target("a", b"1", span(2))).unwrap();
    assert_eq!(store.waiting("a").unwrap(), 1);
}

#[test]
fn foreign_files_are_refused_and_unchanged() {
    let scene = Scene::new();
    assert_eq!(
        said(&scene.path(), Store::read(&scene.path())),
        "FILE does not exist: `cargo gauge collect --db FILE` creates it"
    );

    scene.raw().execute_batch("create table bookmarks (url)").unwrap();
    assert_eq!(scene.refusal(), "FILE is another program's database: name another file");

    let scene = Scene::new();
    drop(scene.store());
    scene.raw().pragma_update(None, "user_version", schema::LATEST + 1).unwrap();
    assert_eq!(
        scene.refusal(),
        "FILE was written by a later version (its schema is 4, this one knows up to 3): use that version, or name \
         another file"
    );
    let later = said(&scene.path(), Store::read(&scene.path()));
    assert_eq!(later, scene.refusal());

    let scene = Scene::new();
    fs::write(scene.path(), "This text is not a database. ".repeat(50)).unwrap();
    assert_eq!(scene.refusal(), "FILE is not an SQLite database: name another file");

    let scene = Scene::new();
    scene.raw().execute_batch("vacuum").unwrap();
    assert_eq!(
        said(&scene.path(), Store::read(&scene.path())),
        "FILE is empty: let `cargo gauge collect` write it first"
    );

    let nowhere = scene.folder.path().join("no/such/folder.db");
    let words = said(&nowhere, Store::open(&nowhere));
    assert!(
        words.starts_with("cannot create FILE (") && words.contains("name a file in a folder"),
        "{words}"
    );
}

#[test]
fn a_locked_database_keeps_nothing_and_goes_on_when_it_is_free() {
    let scene = Scene::new();
    let mut store = scene.store();
    store.db.busy_timeout(Duration::ZERO).unwrap();
    let other = scene.raw();
    other.execute_batch("begin immediate").unwrap();
    let batch = Batch { spans: vec![span(1)], ..Batch::default() };
    let words = said(&scene.path(), store.write(&batch));
    assert_eq!(
        words,
        "FILE is locked by another process: end it (`fuser FILE` names it) or wait until it is done"
    );
    other.execute_batch("rollback").unwrap();
    assert_eq!(store.write(&batch).unwrap().spans.new, [0]);
}

#[test]
fn a_full_database_keeps_nothing_of_a_batch_and_goes_on_when_there_is_room() {
    let scene = Scene::new();
    let mut store = scene.store();
    let pages: i64 = store.connection().query_row("pragma page_count", [], |row| row.get(0)).unwrap();
    store.db.pragma_update(None, "max_page_count", pages + 2).unwrap();
    let large = Span { input_text: Some("x".repeat(100_000)), ..span(2) };
    let batch = Batch { spans: vec![span(1), large.clone()], ..Batch::default() };
    let words = said(&scene.path(), store.write(&batch));
    assert_eq!(words, "there is no disk space left for FILE: free some, or move it to a larger disk");
    assert_eq!(spans(&store), []);
    store.db.pragma_update(None, "max_page_count", pages + 100).unwrap();
    assert_eq!(store.write(&batch).unwrap().spans.new, [0, 1]);
    assert_eq!(spans(&store), [span(1), large]);
}

#[test]
fn a_database_that_may_not_be_written_says_so() {
    let scene = Scene::new();
    drop(scene.store());
    // The test may run as root, which file modes do not restrict.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let mut store = Store::connect(&scene.path(), flags).unwrap();
    let words = said(&scene.path(), store.write(&Batch { spans: vec![span(1)], ..Batch::default() }));
    assert_eq!(words, "FILE cannot be written: give this user the right to write it and its folder");
}

#[test]
fn a_damaged_database_says_what_can_be_saved() {
    let scene = Scene::new();
    let batch = Batch { spans: (1..200).map(span).collect(), ..Batch::default() };
    scene.store().write(&batch).unwrap();
    let mut bytes = fs::read(scene.path()).unwrap();
    bytes[4096..].fill(0xAA);
    fs::write(scene.path(), bytes).unwrap();
    let mut store = scene.store();
    assert_eq!(
        said(&scene.path(), store.write(&Batch { spans: vec![span(201)], ..Batch::default() })),
        "FILE is damaged: stop what writes it, and save what can be read with `sqlite3 FILE .recover | sqlite3 NEW`, \
         or put a backup in its place"
    );
}

#[test]
fn new_rows_wait_in_order_until_they_are_settled() {
    let scene = Scene::new();
    let mut store = scene.store();
    let mut batch = for_target("a", b"1", span(1));
    batch.evaluations.push(evaluation("uid", 4.0));
    batch.targets.push("b".into());
    store.write(&batch).unwrap();
    store.write(&batch).unwrap(); // known already: nothing to forward
    let due = store.due("a", 0, 10).unwrap();
    let waiting: Vec<_> = due.iter().map(|due| (due.kind, due.payload.as_slice())).collect();
    assert_eq!(waiting, [(Kind::Spans, &b"1"[..]), (Kind::Evaluation, b"uid")]);

    store.postpone(&[due[0].id], 50).unwrap();
    drop(store);
    let mut store = scene.store();
    assert_eq!(store.due("a", 49, 10).unwrap(), [due[1].clone()]);
    let again = store.due("a", 50, 10).unwrap();
    assert_eq!((again[1].attempts, &again[1].payload), (1, &due[0].payload));
    store.settle(&[due[1].id]).unwrap();
    assert_eq!((store.next_due_ns("a").unwrap(), store.waiting("a").unwrap()), (Some(50), 1));
    assert_eq!((store.next_due_ns("c").unwrap(), store.waiting("b").unwrap()), (None, 2));
    assert_eq!(store.waiting_for_others(&["a".into()]).unwrap(), [("b".to_owned(), 2)]);
}

/// Returns a request with a resource and a scope for each list of spans, and its bytes.
fn request(lists: &[&[u8]]) -> Vec<u8> {
    let list = |numbers: &&[u8]| {
        let spans = numbers.iter().map(|number| Sent { trace_id: vec![*number; 16], ..Sent::default() });
        let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
        ResourceSpans { scope_spans, ..ResourceSpans::default() }
    };
    ExportTraceServiceRequest { resource_spans: lists.iter().map(list).collect() }.encode_to_vec()
}

#[test]
fn only_the_new_spans_of_a_batch_are_forwarded() {
    let scene = Scene::new();
    let mut store = scene.store();
    store.write(&Batch { spans: vec![span(1), span(2)], ..Batch::default() }).unwrap();
    let in_conflict = Span { input_tokens: None, ..span(2) };
    let batch = Batch {
        spans: vec![span(1), span(3), in_conflict, span(4), span(4)],
        request: request(&[&[1, 3], &[2], &[4, 4]]),
        targets: vec!["a".into(), "b".into()],
        ..Batch::default()
    };
    let kept = store.write(&batch).unwrap().spans;
    assert_eq!(kept, RowsOutcome { new: vec![1, 3], known: 2, in_conflict: vec![2] });
    for target in ["a", "b"] {
        let due = store.due(target, 0, 10).unwrap();
        let waiting: Vec<_> = due.iter().map(|due| &due.payload).collect();
        assert_eq!(waiting, [&request(&[&[3], &[4]])]);
    }
}

#[test]
fn the_outbox_drops_its_oldest_deliveries_over_the_limit() {
    let scene = Scene::new();
    let mut store = scene.store();
    for number in 0..40 {
        store.write(&for_target("a", &[number; 10], span(number))).unwrap();
    }
    let oldest = |store: &Store| store.due("a", 0, 1).unwrap()[0].payload[0];
    assert_eq!(outbox::trim_to(&store.db, "a", 40, 400).unwrap(), 0);
    assert_eq!(outbox::trim_to(&store.db, "a", 39, 400).unwrap(), 4);
    assert_eq!((oldest(&store), store.waiting("a").unwrap()), (4, 36));
    assert_eq!(outbox::trim_to(&store.db, "a", 39, 300).unwrap(), 6);
    assert_eq!((oldest(&store), store.waiting("a").unwrap()), (10, 30));
}

#[test]
fn ids_are_hex_of_their_length() {
    let id = Id([0xAB, 0, 1]);
    assert_eq!(id.to_string(), "ab0001");
    assert_eq!(Id::from_hex("AB0001"), Some(id));
    for text in ["", "ab00", "ab00012", "ab000g", "+b0001", "äb001"] {
        assert_eq!(Id::<3>::from_hex(text), None, "{text}");
    }
}
