//! Deletes old rows in batches, and returns their space.
//!
//! A score belongs to the week of its exchange, whenever it was given, as the review has it: scores are deleted before
//! their span, and those without a span when the first of them is old.

use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::{Error, Reason, Store};

/// Maximum number of rows of one batch. A row may hold a quarter of a megabyte of texts.
pub const ROWS_MAX: i64 = 200;

/// Maximum number of free pages that are returned to the file system after a batch: 4 MiB.
const PAGES_MAX: u32 = 1024;

/// The evaluations of the oldest spans. The spans are limited as well, so that the statement never reads more than it
/// may delete.
const EVALUATIONS: &str = "
    delete from evaluations where uid in (
        select e.uid
        from (select trace_id, span_id from spans where start_ns < ?1 order by start_ns limit ?3)
        join evaluations e using (trace_id, span_id) limit ?2)";

/// Spans whose evaluations are deleted.
const SPANS: &str = "
    delete from spans where rowid in (select rowid from spans where start_ns < ?1 order by start_ns limit ?2)";

/// The evaluations of old exchanges whose span was never received; the newest first, so that what a batch leaves of an
/// exchange still counts as old.
const WITHOUT_SPAN: &str = "
    delete from evaluations where uid in (
        select e.uid
        from (select trace_id, span_id from evaluations o where time_ns < ?1 and not exists
                  (select 1 from spans s where s.trace_id = o.trace_id and s.span_id = o.span_id)
              order by time_ns limit ?3)
        join evaluations e using (trace_id, span_id)
        order by e.time_ns desc, e.uid desc limit ?2)";

const DELIVERIES: &str = "
    delete from outbox where id in (select id from outbox where stored_ns < ?1 order by stored_ns limit ?2)";

/// The result of deleting a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOutcome {
    /// The number of deleted spans.
    pub spans: u64,
    /// The number of deleted evaluations.
    pub evaluations: u64,
    /// The number of deliveries that were given up. Their rows were as old.
    pub deliveries: u64,
    /// Whether there may be more to delete.
    pub has_more: bool,
}

impl Store {
    /// Deletes at most `rows_max` rows of exchanges before a time, and returns free space to the file system.
    ///
    /// Space can only be returned in a file that this version has created. In an older one it is used again.
    pub fn delete_before(&mut self, before_ns: i64, rows_max: i64) -> Result<DeleteOutcome, Error> {
        let deleted = delete(&mut self.db, before_ns, rows_max);
        deleted.map_err(|reason| self.fault(reason))
    }
}

fn delete(db: &mut Connection, before_ns: i64, rows_max: i64) -> Result<DeleteOutcome, Reason> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut left = rows_max;
    let mut of = |statement: &str| -> Result<u64, Reason> {
        if left == 0 {
            return Ok(0);
        }
        let mut statement = change.prepare_cached(statement)?;
        let values = [before_ns, left, rows_max].into_iter().take(statement.parameter_count());
        let count = statement.execute(params_from_iter(values))?;
        left -= i64::try_from(count).unwrap_or(left);
        Ok(u64::try_from(count).unwrap_or_default())
    };
    // In this order: a statement only runs if the one before has left nothing.
    let (judged, spans) = (of(EVALUATIONS)?, of(SPANS)?);
    let (without_span, deliveries) = (of(WITHOUT_SPAN)?, of(DELIVERIES)?);
    let evaluations = judged + without_span;
    change.commit()?;
    let is_free = vacuum(db)?;
    Ok(DeleteOutcome { spans, evaluations, deliveries, has_more: left == 0 || is_free })
}

/// Returns free pages to the file system. Returns whether there are more.
fn vacuum(db: &Connection) -> Result<bool, Reason> {
    let number = |name: &str| db.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0));
    // 2 is incremental. Only an empty file can be changed to it, or a whole copy of the file.
    if number("auto_vacuum")? != 2 || number("freelist_count")? == 0 {
        return Ok(false);
    }
    // Each step of the statement frees one page.
    let mut freeing = db.prepare(&format!("pragma incremental_vacuum({PAGES_MAX})"))?;
    let mut rows = freeing.query([])?;
    while rows.next()?.is_some() {}
    Ok(number("freelist_count")? > 0)
}
