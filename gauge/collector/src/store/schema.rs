//! The schema, as numbered migrations: `PRAGMA user_version` is the number of those that a file has had.
//!
//! A released migration is never edited; a change is a new one at the end. Reading requires only what a file has, so no
//! migration may remove a column.

use rusqlite::{Connection, TransactionBehavior};

use super::Reason;

/// The application id of our files: `gaug`.
const APPLICATION_ID: i64 = 0x6761_7567;

/// The migrations, first to last.
const STEPS: &[&str] = &[RECORDS, OUTBOX, AGES];

/// The schema version that this program writes.
pub const LATEST: i64 = STEPS.len() as i64;

/// Ids are lower-case hex. Times are nanoseconds since 1970, UTC. Unknown values are null.
///
/// The texts are last in their rows: a row that is longer than its page is only read as far as needed.
const RECORDS: &str = "
    create table spans (
        trace_id text not null,
        span_id text not null,
        parent_span_id text,
        name text not null,
        start_ns integer not null,
        end_ns integer not null,
        service text,
        provider text,
        operation text,
        model text,              -- the metric label: what a review groups by
        request_model text,
        response_model text,
        status text,             -- success, error, cancelled
        error text,              -- a class, or none
        input_tokens integer,    -- cached ones in it
        output_tokens integer,   -- reasoning in it
        cached_input_tokens integer,
        reasoning_tokens integer,
        source text,             -- reported, estimated
        cost_nanodollars integer,
        duration_ms integer,
        first_token_ms integer,
        sampled integer,         -- 0 or 1: whether it is to be judged
        input_text text,
        output_text text,
        attributes_json text not null, -- all other attributes of the span
        primary key (trace_id, span_id)
    ) strict;
    create index spans_by_start on spans (start_ns);

    create table evaluations (
        uid text not null primary key,
        trace_id text not null,
        span_id text not null,
        request_id text,
        model text,
        name text not null,      -- a criterion, hallucination, user_feedback
        source text,             -- judge, user
        judge_model text,
        value real,
        label text,
        explanation text,
        time_ns integer not null
    ) strict;
    create index evaluations_by_span on evaluations (trace_id, span_id);
    create index evaluations_by_time on evaluations (time_ns);
";

/// Deliveries to other stores. A row is removed once the other store has it, or once it is given up.
const OUTBOX: &str = "
    create table outbox (
        id integer primary key autoincrement,
        target text not null,    -- kind and address of the other store
        kind text not null,      -- spans: an OTLP request as it came; evaluation: the uid of one
        payload blob not null,
        payload_bytes integer not null,
        attempts integer not null default 0,
        due_ns integer not null  -- not before
    ) strict;
    create index outbox_by_due on outbox (target, due_ns, id);
    create index outbox_by_size on outbox (target, payload_bytes);
";

/// The age of deliveries, so that one that is never fetched is deleted with its rows.
const AGES: &str = "
    alter table outbox add column stored_ns integer not null default 0;
    update outbox set stored_ns = unixepoch() * 1000000000;
    create index outbox_by_time on outbox (stored_ns);
";

/// Returns the version of a file; 0 if it has no tables.
pub(super) fn version(db: &Connection) -> Result<i64, Reason> {
    let number = |name: &str| db.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0));
    let tables: i64 = db.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    let version = number("user_version")?;
    match number("application_id")? {
        APPLICATION_ID if version > LATEST => Err(Reason::Newer { found: version }),
        APPLICATION_ID if version >= 0 => Ok(version),
        0 if version == 0 && tables == 0 => Ok(0),
        _ => Err(Reason::Foreign),
    }
}

/// Applies the missing migrations, all or none of them.
pub(super) fn migrate(db: &mut Connection) -> Result<(), Reason> {
    migrate_to(db, LATEST)
}

/// Migrates up to a version, as an older program would.
pub(super) fn migrate_to(db: &mut Connection, latest: i64) -> Result<(), Reason> {
    if version(db)? >= latest {
        return Ok(()); // without a lock, because another process may be writing
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = version(&change)?;
    for (step, number) in STEPS.iter().zip(1..=latest) {
        if number > done {
            change.execute_batch(step)?;
            change.pragma_update(None, "user_version", number)?;
        }
    }
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(change.commit()?)
}
