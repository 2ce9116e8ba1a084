//! The engine meters one LLM exchange: bytes and times are fed in, and a record and effects come out.
//!
//! ```text
//!  request head ─┐                                                   ┌─> metrics
//!  request body ─┼─> exchange ── bytes ─> scan ── (path, scalar) ─┐   │
//!  response head ┤      │                                        │   ├─> filter state
//!  response body ┤      │        formats say which paths ────────┤   │
//!  end ──────────┘      └──────────< record <── response ────────┘   │
//!                                      └────────> effects ───────────┴─> the shell performs them
//! ```
//!
//! # The map, in reading order
//!
//! - [`exchange`]: the state machine of one request and its response, which makes one [`record::Record`] at its end
//! - [`request`], [`response`]: the rules of a format, applied to the documents of a request and a response
//! - [`rewrite`]: requests usage from streams: the splice into a request, the chunk removed from a response
//! - [`formats`]: the wire formats, a const row each, and the choice of the row for a request; only this module names
//!   providers
//! - [`scan`]: JSON, event streams and bodies: bytes are fed in, `(path, scalar)` pairs come out
//! - [`estimate`]: the number of tokens in a text, for providers that do not report it
//! - [`judge`]: sampling, the capture of texts, the prompt, the dispatcher of callouts to judges, and their verdicts
//! - [`callouts`]: HTTP calls to other clusters, and the queue for calls to judges and to telemetry receivers
//! - [`feedback`]: ratings of answers by users, which become scores of their exchanges
//! - [`telemetry`]: spans of records; the OTLP encoding of spans and scores; the redaction of texts; the exporter of
//!   batches
//! - [`effects`]: converts a record and a policy to [`effects::Effects`]; [`metrics`] is the table of names and
//!   labels, [`series`] bounds the label values
//! - [`price`]: the cost of tokens
//! - [`config`]: compiles the operator's document to the policy that the hot path reads; [`pattern`] has its globs
//! - values without behaviour: [`record`], [`usage`], [`filter_state`], [`head`], [`ids`], [`limits`], [`json`]
//!
//! # What is not here
//!
//! - No IO, no clock, no log, no host: times and random bytes are arguments, and effects are return values.
//! - No failure: a part that cannot be read is reported as a [`record::Gap`]. Metering never stops traffic, and only
//!   [`rewrite`] changes it, if the configuration asks for that.
//! - No document tree of traffic and no second pass: every byte of a body is read once, and values at unwanted paths
//!   are skipped.
//! - No buffer without a bound in [`limits`].
//! - No reachable panic: the lints of this crate deny all code that could panic.
//!
//! # An exchange
//!
//! ```
//! use std::rc::Rc;
//! use llm_gauge_engine::{exchange::{End, Exchange}, head::Headers, config::{Place, Policy}};
//!
//! let policy = Rc::new(Policy::parse(b"{}").unwrap());
//! let head = [(&b":method"[..], &b"POST"[..]), (b":path", b"/v1/chat/completions"), (b":authority", b"api.openai.com")];
//! let mut exchange = Exchange::begin(&policy, &Headers::new(head), &Place::default(), [7; 24], 0).unwrap();
//! exchange.request_body(br#"{"model":"gpt-4o"}"#);
//! exchange.request_end();
//! exchange.response_head(&Headers::new([(&b":status"[..], &b"200"[..])]));
//! exchange.response_body(br#"{"usage":{"prompt_tokens":3,"compl"#, 40_000_000);
//! exchange.response_body(br#"etion_tokens":4}}"#, 50_000_000);
//! exchange.response_end();
//!
//! let record = exchange.finish(&End { code: Some(200), ..End::default() }, 60_000_000);
//! assert_eq!(record.request_model.as_deref(), Some("gpt-4o"));
//! assert_eq!((record.answer.input_tokens, record.answer.output_tokens), (Some(3), Some(4)));
//! assert_eq!((record.times.first_byte_ms, record.times.duration_ms), (Some(40), 60));
//! ```

pub mod exchange;

pub mod request;
pub mod response;
pub mod rewrite;

pub mod formats;
pub mod scan;

pub mod estimate;

pub mod judge;

pub mod telemetry;

pub mod feedback;

pub mod effects;
pub mod filter_state;
pub mod metrics;
pub mod series;

pub mod config;
pub mod pattern;
pub mod price;

pub mod callouts;
pub mod head;
pub mod ids;
pub mod json;
pub mod limits;
pub mod record;
mod simd;
pub mod usage;

#[cfg(test)]
mod testing;
