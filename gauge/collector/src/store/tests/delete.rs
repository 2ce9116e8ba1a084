//! Old rows: exactly those before the bound are deleted, with what belongs to them.

use super::*;

const BOUND_NS: i64 = 1_700_000_000_000_000_000;

fn at(number: u8, start_ns: i64) -> Span {
    Span { start_ns, ..span(number) }
}

fn score(uid: &str, number: u8, time_ns: i64) -> Evaluation {
    Evaluation { trace_id: Id([number; 16]), span_id: Id([number; 8]), time_ns, ..evaluation(uid, 4.0) }
}

fn uids(store: &Store) -> Vec<String> {
    let mut query = store.connection().prepare("select uid from evaluations order by uid").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Deletes in batches until there is nothing left to do, and returns the deleted spans, evaluations and deliveries.
fn delete_all(store: &mut Store, rows_max: i64) -> (u64, u64, u64) {
    let mut sums = (0, 0, 0);
    loop {
        let deleted = store.delete_before(BOUND_NS, rows_max).unwrap();
        assert!(deleted.spans + deleted.evaluations + deleted.deliveries <= rows_max.unsigned_abs());
        sums = (sums.0 + deleted.spans, sums.1 + deleted.evaluations, sums.2 + deleted.deliveries);
        if !deleted.has_more {
            return sums;
        }
    }
}

#[test]
fn rows_before_the_bound_are_deleted_in_batches_of_any_size() {
    for rows_max in [1, 2, 3, 5, 7, 200] {
        let scene = Scene::new();
        let mut store = scene.store();
        let spans_written =
            vec![at(1, BOUND_NS - 1), at(2, BOUND_NS), at(3, BOUND_NS - 9), at(4, BOUND_NS + 1)];
        let evaluations = vec![
            // Of an old span, even if given later.
            score("a", 1, BOUND_NS - 1),
            score("b", 1, BOUND_NS + 5),
            // Of a span that stays, even if its clock was behind.
            score("c", 2, BOUND_NS - 1),
            score("d", 2, BOUND_NS + 5),
            // Without a span: the first one counts.
            score("e", 8, BOUND_NS - 1),
            score("f", 8, BOUND_NS + 5),
            score("g", 8, BOUND_NS + 6),
            score("h", 9, BOUND_NS),
        ];
        let batch = Batch { spans: spans_written, evaluations, ..Batch::default() };
        store.write(&batch).unwrap();
        assert_eq!(delete_all(&mut store, rows_max), (2, 5, 0), "{rows_max}");
        let left: Vec<_> = spans(&store).iter().map(|span| span.trace_id).collect();
        assert_eq!(left, [Id([2; 16]), Id([4; 16])]);
        assert_eq!(uids(&store), ["c", "d", "h"]);
        assert_eq!(store.delete_before(BOUND_NS, rows_max).unwrap(), DeleteOutcome::default());
    }
}

#[test]
fn deliveries_that_nobody_fetches_are_deleted_at_the_age_of_their_rows() {
    let scene = Scene::new();
    let mut store = scene.store();
    for number in 1..=3 {
        store.write(&for_target("a", &[number], at(number, BOUND_NS))).unwrap();
    }
    let stored = "update outbox set stored_ns = ?1 + id - 3";
    store.connection().execute(stored, [BOUND_NS]).unwrap();
    assert_eq!(delete_all(&mut store, 1), (0, 0, 2));
    assert_eq!(store.due("a", 0, 9).unwrap()[0].payload, [3]);
    assert_eq!(store.waiting("a").unwrap(), 1);
}

#[test]
fn a_new_file_returns_the_space_of_deleted_rows() {
    let scene = Scene::new();
    let mut store = scene.store();
    let number = |store: &Store, name: &str| {
        store.connection().query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let empty = number(&store, "page_count");
    let large = |number| Span { input_text: Some("x".repeat(200_000)), ..at(number, BOUND_NS - 1) };
    store.write(&Batch { spans: (1..=100).map(large).collect(), ..Batch::default() }).unwrap();
    assert!(number(&store, "page_count") > 4000);
    assert_eq!(delete_all(&mut store, ROWS_MAX), (100, 0, 0));
    assert_eq!(number(&store, "freelist_count"), 0);
    let left = number(&store, "page_count");
    assert!(left <= empty + 2, "{left} pages, {empty} of them without rows");
}

#[test]
fn an_older_file_uses_the_space_of_deleted_rows_again() {
    let scene = Scene::new();
    let mut db = scene.raw();
    schema::migrate_to(&mut db, 2).unwrap();
    let delivery = "insert into outbox (target, kind, payload, payload_bytes, due_ns) values ('a', 'spans', x'01', 1, 0)";
    db.execute(delivery, []).unwrap();
    drop(db);
    let mut store = scene.store();
    let pages = |store: &Store| {
        store.connection().query_row("pragma page_count", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let large = |number| Span { input_text: Some("x".repeat(200_000)), ..at(number, BOUND_NS - 1) };
    store.write(&Batch { spans: (1..=20).map(large).collect(), ..Batch::default() }).unwrap();
    let before = pages(&store);
    assert_eq!(delete_all(&mut store, ROWS_MAX), (20, 0, 0), "the delivery is as old as its migration");
    store.write(&Batch { spans: (1..=20).map(large).collect(), ..Batch::default() }).unwrap();
    assert_eq!(pages(&store), before);
}
