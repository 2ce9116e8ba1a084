//! Stores a batch: all of it or nothing, and each row once. Only new rows go to the outbox.

use std::borrow::Cow;
use std::collections::BTreeSet;

use rusqlite::{CachedStatement, Connection, TransactionBehavior, params_from_iter};

use super::outbox::Kind;
use super::rows::Row;
use super::{Error, Evaluation, Reason, Span, Store, outbox, request};

/// Rows that are stored together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Spans, by trace and span id.
    pub spans: Vec<Span>,
    /// Evaluations, by uid.
    pub evaluations: Vec<Evaluation>,
    /// The OTLP request of the spans, if it is to be forwarded: these spans in this order, and no others.
    pub request: Vec<u8>,
    /// The targets to forward new rows to. Known rows have been forwarded already.
    pub targets: Vec<String>,
}

/// The result of storing a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    /// The result of its spans.
    pub spans: RowsOutcome,
    /// The result of its evaluations.
    pub evaluations: RowsOutcome,
    /// Deliveries that were dropped because the outbox of their target was full. Of several batches, the last one has
    /// them.
    pub deliveries_dropped: u64,
}

/// The result of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsOutcome {
    /// New rows, by their index in the batch.
    pub new: Vec<usize>,
    /// The number of known rows with the same contents, which are retries.
    pub known: u64,
    /// Rows with a known id and other contents, by their index. The first row stays: changing it would change what a
    /// review has already reported.
    pub in_conflict: Vec<usize>,
}

impl Store {
    /// Stores a batch. If it returns `Ok`, the batch is durable; on an error, nothing of it is stored in the file of that
    /// name.
    pub fn write(&mut self, batch: &Batch) -> Result<BatchOutcome, Error> {
        let kept = self.write_all(std::slice::from_ref(batch))?;
        Ok(kept.into_iter().next().unwrap_or_default())
    }

    /// Stores several batches in one transaction, which costs one wait for the disk instead of one each.
    pub fn write_all(&mut self, batches: &[Batch]) -> Result<Vec<BatchOutcome>, Error> {
        self.is_in_place()?;
        let kept = write_all(&mut self.db, batches).map_err(|reason| self.fault(reason))?;
        // Again, because a commit to a file that no one can find any more is no reason to acknowledge anything.
        self.is_in_place()?;
        Ok(kept)
    }
}

fn write_all(db: &mut Connection, batches: &[Batch]) -> Result<Vec<BatchOutcome>, Reason> {
    // Immediate: a transaction that began as a reader is refused at its first write if another process wrote meanwhile.
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut all = Vec::with_capacity(batches.len());
    for batch in batches {
        let spans = insert(&change, &batch.spans)?;
        let evaluations = insert(&change, &batch.evaluations)?;
        // Known rows, and rows in conflict, are not forwarded: other stores have or will get the first version.
        let passed_on = match spans.new.len() {
            0 => None,
            _ if batch.targets.is_empty() => None,
            count if count == batch.spans.len() => Some(Cow::Borrowed(batch.request.as_slice())),
            _ => Some(request::only(&batch.request, &spans.new)),
        };
        for target in &batch.targets {
            if let Some(request) = &passed_on {
                outbox::push(&change, target, Kind::Spans, request)?;
            }
            for evaluation in evaluations.new.iter().filter_map(|place| batch.evaluations.get(*place)) {
                outbox::push(&change, target, Kind::Evaluation, evaluation.uid.as_bytes())?;
            }
        }
        all.push(BatchOutcome { spans, evaluations, deliveries_dropped: 0 });
    }
    for target in batches.iter().flat_map(|batch| &batch.targets).collect::<BTreeSet<_>>() {
        let dropped = outbox::trim(&change, target)?;
        if let Some(last) = all.last_mut() {
            last.deliveries_dropped += dropped;
        }
    }
    change.commit()?;
    Ok(all)
}

/// Inserts the new rows.
fn insert<R: Row>(db: &Connection, rows: &[R]) -> Result<RowsOutcome, Reason> {
    let mut fate = RowsOutcome::default();
    if rows.is_empty() {
        return Ok(fate);
    }
    let (mut inserting, mut comparing) = statements::<R>(db)?;
    for (place, row) in rows.iter().enumerate() {
        let values = row.values();
        if inserting.execute(params_from_iter(&values))? == 1 {
            fate.new.push(place);
        } else if comparing.exists(params_from_iter(&values))? {
            fate.known += 1;
        } else {
            fate.in_conflict.push(place);
        }
    }
    Ok(fate)
}

fn statements<R: Row>(db: &Connection) -> Result<(CachedStatement<'_>, CachedStatement<'_>), Reason> {
    let columns = R::TABLE.columns;
    let numbered = |form: &dyn Fn(usize, &str) -> String| -> Vec<String> {
        columns.iter().enumerate().map(|(place, column)| form(place + 1, column)).collect()
    };
    let (table, key) = (R::TABLE.name, columns[..R::TABLE.key].join(", "));
    let values = numbered(&|place, _| format!("?{place}")).join(", ");
    let insert = format!(
        "insert into {table} ({}) values ({values}) on conflict ({key}) do nothing",
        columns.join(", ")
    );
    // `is` also holds for two nulls.
    let same = numbered(&|place, column| format!("{column} is ?{place}")).join(" and ");
    let compare = format!("select 1 from {table} where {same}");
    Ok((db.prepare_cached(&insert)?, db.prepare_cached(&compare)?))
}
