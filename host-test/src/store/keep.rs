//! Keeping a batch: all of it or nothing, and each row once.

use std::collections::BTreeSet;

use rusqlite::{CachedStatement, Connection, ToSql, TransactionBehavior, params_from_iter};

use super::rows::Row;
use super::{Delivery, Error, Evaluation, Reason, Span, Store, outbox};

/// What is kept together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Spans, by trace and span id.
    pub spans: Vec<Span>,
    /// Evaluations, by uid.
    pub evaluations: Vec<Evaluation>,
    /// What is to be passed on.
    pub deliveries: Vec<Delivery>,
}

/// What became of a batch's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Rows that were not there.
    pub new: u64,
    /// Rows that were there already, just the same: retries.
    pub known: u64,
    /// Rows whose id was there with another content, by their places in `spans`. The first one stays: an id that
    /// comes to mean something else would change what a review has already told.
    pub spans_in_conflict: Vec<usize>,
    /// As for spans.
    pub evaluations_in_conflict: Vec<usize>,
    /// Deliveries that were dropped, as the outbox of their target was full: of several batches, the last one tells.
    pub deliveries_dropped: u64,
}

impl Store {
    /// Keeps a batch. Once it returns `Ok`, the batch stays; with an error, nothing of it is kept.
    pub fn keep(&mut self, batch: &Batch) -> Result<Kept, Error> {
        let kept = self.keep_all(std::slice::from_ref(batch))?;
        Ok(kept.into_iter().next().unwrap_or_default())
    }

    /// Keeps several batches in one transaction, which costs one wait for the disk instead of one each.
    pub fn keep_all(&mut self, batches: &[Batch]) -> Result<Vec<Kept>, Error> {
        let kept = keep_all(&mut self.db, batches);
        kept.map_err(|reason| self.fault(reason))
    }
}

fn keep_all(db: &mut Connection, batches: &[Batch]) -> Result<Vec<Kept>, Reason> {
    // Immediate: a transaction that began as a reader is refused at its first write if another process wrote meanwhile.
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut all = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut kept = Kept::default();
        kept.spans_in_conflict = insert(&change, &batch.spans, &mut kept)?;
        kept.evaluations_in_conflict = insert(&change, &batch.evaluations, &mut kept)?;
        for delivery in &batch.deliveries {
            outbox::push(&change, delivery)?;
        }
        all.push(kept);
    }
    let targets = batches.iter().flat_map(|batch| &batch.deliveries).map(|delivery| delivery.target.as_str());
    for target in targets.collect::<BTreeSet<_>>() {
        let dropped = outbox::trim(&change, target)?;
        if let Some(last) = all.last_mut() {
            last.deliveries_dropped += dropped;
        }
    }
    change.commit()?;
    Ok(all)
}

/// Inserts what is not there, and gives the places of what is there with another content.
fn insert<R: Row>(db: &Connection, rows: &[R], kept: &mut Kept) -> Result<Vec<usize>, Reason> {
    let mut conflicts = Vec::new();
    if rows.is_empty() {
        return Ok(conflicts);
    }
    let (mut inserting, mut comparing) = statements::<R>(db)?;
    for (place, row) in rows.iter().enumerate() {
        let values = row.values();
        if inserting.execute(params_from_iter(&values))? == 1 {
            kept.new += 1;
        } else if comparing.exists::<&[&dyn ToSql]>(&values)? {
            kept.known += 1;
        } else {
            conflicts.push(place);
        }
    }
    Ok(conflicts)
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
    // `is` holds for two nulls, too.
    let same = numbered(&|place, column| format!("{column} is ?{place}")).join(" and ");
    let compare = format!("select 1 from {table} where {same}");
    Ok((db.prepare_cached(&insert)?, db.prepare_cached(&compare)?))
}
