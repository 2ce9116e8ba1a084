//! Meters one LLM exchange: bytes and times in, a record and effects out.
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
//! - [`exchange`]: the state machine of one request and its response; its end makes a [`record::Record`], once
//! - [`request`], [`response`]: what a format's rules make of the request's and the response's documents
//! - [`rewrite`]: usage on request: the splice in a request, the chunk hidden from a response
//! - [`formats`]: the wire formats, a const row each, and how a request finds its row; providers are named there
//!   and nowhere else
//! - [`scan`]: bytes in, `(path, scalar)` out: JSON, event streams, bodies
//! - [`estimate`]: how many tokens a text is, if the provider does not report it
//! - [`judge`]: which exchanges are sampled, the capture of their texts, the prompt, the dispatcher of callouts to the
//!   judge, and its verdicts
//! - [`callouts`]: HTTP calls to other clusters, and the one queue for those to judges and to telemetry receivers
//! - [`feedback`]: what users say of answers, as a score of the exchange
//! - [`telemetry`]: a record becomes a span; spans and scores in OpenTelemetry's bytes; what is taken out of texts
//!   before; the exporter of their batches
//! - [`effects`]: a record and a policy become [`effects::Effects`]; [`metrics`] is the table of names and labels,
//!   [`series`] the bound on label values
//! - [`price`]: what tokens cost
//! - [`config`]: the operator's document becomes the policy that the hot path reads; [`pattern`] for its globs
//! - leaf values: [`record`], [`usage`], [`filter_state`], [`head`], [`ids`], [`limits`], [`json`]
//!
//! # What is not here
//!
//! - No IO, no clock, no log, no host: times and random bytes come in as arguments, effects go out as values.
//! - No failure: metering goes blind at a [`record::Gap`] and says so; it never stops traffic, and only [`rewrite`]
//!   changes any, where the configuration asks for it.
//! - No tree of traffic and no second look: every byte of a body is walked once, and what no path wants is stepped over.
//! - No buffer without a bound in [`limits`].
//! - No panic that bytes could reach: the lints of this crate deny what could.
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
