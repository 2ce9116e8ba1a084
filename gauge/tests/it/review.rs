//! The weekly review: its counts, its flags, and its forms.

mod command;
mod numbers;
mod page;
mod planted;

use std::path::PathBuf;

use collector::review::{self, Review, week::Week};
use collector::store::{Batch, Evaluation, Id, Span, Store};
use tempfile::TempDir;

/// A time after all generated data.
const NOW_NS: i64 = 1_900_000_000_000_000_000;
const HOUR_NS: i64 = 3_600_000_000_000;

/// A database for one test.
struct TestDatabase {
    folder: TempDir,
    store: Store,
}

impl TestDatabase {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("made.db")).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("made.db")
    }

    fn keep(&mut self, spans: Vec<Span>, evaluations: Vec<Evaluation>) {
        let batch = Batch { spans, evaluations, ..Batch::default() };
        let kept = self.store.write(&batch).unwrap();
        assert_eq!(kept.spans.new.len(), batch.spans.len());
        assert_eq!(kept.evaluations.new.len(), batch.evaluations.len());
    }

    fn review(&self, weeks: u16) -> Review {
        review::read(&self.path(), weeks, NOW_NS).unwrap()
    }
}

fn week(year: i16, number: i8) -> Week {
    Week::numbered(year, number).unwrap()
}

/// Returns a success of a model, some hours into a week. Its number is its trace.
fn span(number: u8, model: &str, week: Week, hours: i64) -> Span {
    Span {
        trace_id: Id([number; 16]),
        span_id: Id([number; 8]),
        name: format!("chat {model}"),
        start_ns: week.start_ns() + hours * HOUR_NS,
        end_ns: week.start_ns() + hours * HOUR_NS + 1,
        model: Some(model.to_owned()),
        status: Some("success".to_owned()),
        attributes_json: "{}".to_owned(),
        ..Span::default()
    }
}

/// Returns a score of an exchange. Its name determines whether a judge or a user gave it.
fn said(number: u8, name: &str, label: &str, value: f64) -> Evaluation {
    let is_by_user = name == "user_feedback";
    Evaluation {
        uid: format!("{number} {name} {label}"),
        trace_id: Id([number; 16]),
        span_id: Id([number; 8]),
        model: Some("m".to_owned()),
        name: name.to_owned(),
        source: Some(if is_by_user { "user" } else { "judge" }.to_owned()),
        judge_model: (!is_by_user).then(|| "judge".to_owned()),
        value: Some(value),
        label: Some(label.to_owned()),
        ..Evaluation::default()
    }
}
