//! Deliveries to other stores, written with their rows, so that a restart continues from there.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Error, Evaluation, Reason, Store};

/// Maximum number of deliveries that wait for one target: more than one per second for a day. Older ones are not worth
/// the disk space, and their rows are in the database anyway.
pub const WAITING_MAX: i64 = 100_000;

/// Maximum bytes of the deliveries that wait for one target.
pub const WAITING_BYTES_MAX: i64 = 1 << 30;

/// The part of the waiting deliveries that is dropped when a bound is exceeded, so that not every later batch has to
/// check.
const PART_DROPPED: i64 = 16;

/// A delivery that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// The id in the outbox.
    pub id: i64,
    /// The number of failed tries.
    pub attempts: u32,
    /// The kind of the payload.
    pub kind: Kind,
    /// The payload to deliver.
    pub payload: Vec<u8>,
}

/// The kinds of payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An OTLP request with spans, in protobuf.
    Spans,
    /// The uid of an evaluation.
    Evaluation,
}

impl Store {
    /// Returns the target's next deliveries at `now_ns`, those that are due the longest first.
    pub fn due(&self, target: &str, now_ns: i64, count_max: u32) -> Result<Vec<DueDelivery>, Error> {
        let read = || -> Result<Vec<DueDelivery>, Reason> {
            let mut query = self.db.prepare_cached(
                "select id, attempts, kind, payload from outbox where target = ?1 and due_ns <= ?2
                 order by due_ns, id limit ?3",
            )?;
            let rows = query.query_map(params![target, now_ns, count_max], due)?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        read().map_err(|reason| self.fault(reason))
    }

    /// Returns the time at which the target's next delivery is due; `None` if none waits.
    pub fn next_due_ns(&self, target: &str) -> Result<Option<i64>, Error> {
        let next =
            self.db.query_row("select min(due_ns) from outbox where target = ?1", [target], |row| row.get(0));
        next.map_err(|error| self.fault(error))
    }

    /// Returns the number of deliveries that wait for the target.
    pub fn waiting(&self, target: &str) -> Result<u64, Error> {
        let size = size(&self.db, target).map_err(|reason| self.fault(reason))?;
        Ok(size.0.unsigned_abs())
    }

    /// Returns the numbers of deliveries that wait for other targets than these.
    pub fn waiting_for_others(&self, targets: &[String]) -> Result<Vec<(String, u64)>, Error> {
        let read = || -> Result<Vec<(String, u64)>, Reason> {
            let mut query = self.db.prepare("select target, count(*) from outbox group by target")?;
            let all = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
            let all = all.collect::<Result<Vec<(String, u64)>, _>>()?;
            Ok(all.into_iter().filter(|(target, _)| !targets.contains(target)).collect())
        };
        read().map_err(|reason| self.fault(reason))
    }

    /// Removes deliveries that have arrived or are given up.
    pub fn settle(&mut self, ids: &[i64]) -> Result<(), Error> {
        self.each(ids, "delete from outbox where id = ?1", None)
    }

    /// Postpones deliveries after a failed try.
    pub fn postpone(&mut self, ids: &[i64], due_ns: i64) -> Result<(), Error> {
        self.each(ids, "update outbox set attempts = attempts + 1, due_ns = ?2 where id = ?1", Some(due_ns))
    }

    /// Queues deliveries behind those that are due before `due_ns`, without counting a try.
    pub fn put_behind(&mut self, ids: &[i64], due_ns: i64) -> Result<(), Error> {
        self.each(ids, "update outbox set due_ns = ?2 where id = ?1", Some(due_ns))
    }

    /// Returns the evaluation of a uid; `None` if it does not exist.
    pub fn evaluation(&self, uid: &str) -> Result<Option<Evaluation>, Error> {
        let found = self.db.query_row("select * from evaluations where uid = ?1", [uid], Evaluation::of);
        found.optional().map_err(|error| self.fault(error))
    }

    fn each(&mut self, ids: &[i64], statement: &str, due_ns: Option<i64>) -> Result<(), Error> {
        let mut change = || -> Result<(), Reason> {
            let change = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            for id in ids {
                let mut statement = change.prepare_cached(statement)?;
                match due_ns {
                    Some(due_ns) => statement.execute([*id, due_ns])?,
                    None => statement.execute([*id])?,
                };
            }
            Ok(change.commit()?)
        };
        change().map_err(|reason| self.fault(reason))
    }
}

/// Adds a delivery.
pub(super) fn push(db: &Connection, target: &str, kind: Kind, payload: &[u8]) -> Result<(), Reason> {
    let mut add = db.prepare_cached(
        "insert into outbox (target, kind, payload, payload_bytes, due_ns, stored_ns)
         values (?1, ?2, ?3, ?4, 0, unixepoch() * 1000000000)",
    )?;
    let payload_bytes = i64::try_from(payload.len()).unwrap_or(i64::MAX);
    add.execute(params![target, kind.name(), payload, payload_bytes])?;
    Ok(())
}

/// Drops a target's oldest deliveries until the rest is within the bounds. Returns the number of dropped ones.
pub(super) fn trim(db: &Connection, target: &str) -> Result<u64, Reason> {
    trim_to(db, target, WAITING_MAX, WAITING_BYTES_MAX)
}

pub(super) fn trim_to(db: &Connection, target: &str, count_max: i64, bytes_max: i64) -> Result<u64, Reason> {
    let mut dropped = 0;
    loop {
        let (count, bytes) = size(db, target)?;
        if count <= count_max && bytes <= bytes_max {
            return Ok(dropped);
        }
        let mut drop = db.prepare_cached(
            "delete from outbox where id in (select id from outbox where target = ?1 order by id limit ?2)",
        )?;
        let excess = (count - count_max).max(0) + count / PART_DROPPED + 1;
        dropped += u64::try_from(drop.execute(params![target, excess])?).unwrap_or_default();
    }
}

/// Returns the number and the bytes of the waiting deliveries.
fn size(db: &Connection, target: &str) -> Result<(i64, i64), Reason> {
    let mut query = db.prepare_cached(
        "select count(*), coalesce(sum(payload_bytes), 0) from outbox indexed by outbox_by_size where target = ?1",
    )?;
    Ok(query.query_row([target], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn due(row: &Row<'_>) -> rusqlite::Result<DueDelivery> {
    let kind: String = row.get("kind")?;
    let kind = if kind == Kind::Spans.name() { Kind::Spans } else { Kind::Evaluation };
    Ok(DueDelivery { id: row.get("id")?, attempts: row.get("attempts")?, kind, payload: row.get("payload")? })
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Evaluation => "evaluation",
        }
    }
}
