//! The engine without a host: the twin that a run of the real wasm is held against, and the fast way to try
//! every split of a body. [`expectations`] compares all that a case expects,
//! [`rules`] leaves out one rule after another, and [`draft`] writes a new case.

pub mod draft;
pub mod expectations;
pub mod rules;

use std::rc::Rc;

use anyhow::{Context, Result};
use llm_gauge_engine::config::{Place, Policy};
use llm_gauge_engine::effects::record_json;
use llm_gauge_engine::exchange::End;
use llm_gauge_engine::exchange::Exchange;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::record::Record;
use serde_json::{Map, Value};

use crate::case::{Case, Fields};

/// A proxy's end of an exchange whose response came to its end.
pub fn good_end() -> End {
    End { code: None, flags: 0, details: "via_upstream".to_owned() }
}

/// The record of a case whose response body comes in these pieces and ends well.
pub fn record<'b>(
    policy: &Rc<Policy>,
    case: &Case,
    pieces: impl Iterator<Item = &'b [u8]>,
) -> Result<Record> {
    record_ending(policy, case, pieces, good_end())
}

/// The record of a case whose response body comes in these pieces, and then ends as the proxy says: with any
/// of the response flags set, it breaks off. Without a code of its own the end has the response's.
pub fn record_ending<'b>(
    policy: &Rc<Policy>,
    case: &Case,
    pieces: impl Iterator<Item = &'b [u8]>,
    end: End,
) -> Result<Record> {
    let record = meter(policy, case, pieces, end);
    record.with_context(|| format!("{}/{} is not metered", case.folder, case.name))
}

/// Like [`record_ending`], but `None` if the policy does not meter the case.
pub fn meter<'b>(
    policy: &Rc<Policy>,
    case: &Case,
    pieces: impl Iterator<Item = &'b [u8]>,
    end: End,
) -> Option<Record> {
    let head = headers(&case.request_head);
    let place = Place::default();
    let exchange = Exchange::begin(policy, &head, &place, [7; 24], 0).ok()?;
    Some(run(exchange, case, pieces.map(|piece| (piece, 0)), end))
}

/// Runs a case to its end, with pieces of the response's body that arrive at their times.
fn run<'b>(
    mut exchange: Exchange,
    case: &Case,
    pieces: impl Iterator<Item = (&'b [u8], u64)>,
    end: End,
) -> Record {
    exchange.request_body(&case.request_body);
    exchange.request_end();
    let head = headers(&case.response_head);
    exchange.response_head(&head);
    let mut last_ns = 0;
    for (piece, now_ns) in pieces {
        exchange.response_body(piece, now_ns);
        last_ns = now_ns;
    }
    if end.flags == 0 {
        exchange.response_end();
    }
    let end = End { code: end.code.or(head.status()), ..end };
    exchange.finish(&end, last_ns)
}

/// A record in the form in which the filter hands it out.
pub fn fields(record: &Record) -> Map<String, Value> {
    serde_json::from_str(&record_json(record)).unwrap_or_default()
}

fn headers(fields: &Fields) -> Headers<'_> {
    Headers::new(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())))
}
