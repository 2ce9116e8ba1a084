//! A rate-limit service: `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit` over gRPC on a loopback port.
//!
//! It decides as the reference service does (<https://github.com/envoyproxy/ratelimit>), as far as Envoy can tell:
//! - a descriptor's own `hits_addend` comes before the request's, and 0 there looks without counting; where a
//!   descriptor has none, the request's 0, which is also its absence, means 1
//! - a descriptor is over its limit when its counter, this call's hits included, is above it: at the limit is within
//! - hits count whether or not they are over, and one descriptor over its limit is the answer for the call
//! - what no limit fits is not limited
//!
//! Different is the clock. A window lasts until [`RateLimits::next_window`], so that no test runs into midnight. Every
//! call is kept for the test to read.

mod counters;
mod grpc;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::watch;

use self::counters::Counters;
use crate::listen::Listening;

/// How long a call may take to come: generous, as it only ends a run that has failed anyway.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many calls are kept; later ones are answered and not kept.
const CALLS_MAX: usize = 10_000;

/// A limit, given at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The domain it is for.
    pub domain: String,
    /// The keys of the descriptors it is for, in their order, each with a value, or for any value: then each value
    /// has a counter of its own.
    pub keys: Vec<(String, Option<String>)>,
    /// Hits in a window that are within it.
    pub hits_per_window: u64,
}

/// One call, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The domain.
    pub domain: String,
    /// What is to be limited.
    pub descriptors: Vec<Descriptor>,
    /// Hits for the descriptors that have none of their own; 0 when the call has none either.
    pub hits_addend: u32,
    /// Whether the answer was that a descriptor is over its limit.
    pub over_limit: bool,
}

/// One thing to be limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Keys and values.
    pub entries: Vec<(String, String)>,
    /// Its own hits.
    pub hits_addend: Option<u64>,
}

/// A running service; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct RateLimits {
    listening: Listening,
    state: Arc<State>,
}

impl RateLimits {
    /// Starts one on a free loopback port. Of several limits that fit a descriptor, the first counts.
    pub async fn start(limits: Vec<Limit>) -> Result<Self> {
        let state =
            Arc::new(State { books: Mutex::new(Books::new(limits)), changes: watch::Sender::default() });
        let shared = Arc::clone(&state);
        let listening = Listening::start(move |stream| {
            let state = Arc::clone(&shared);
            async move {
                let service = service_fn(|request| grpc::answer(request, Arc::clone(&state)));
                // Its failure is the peer's, which sees the connection end.
                let server = http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listening: listening.await?, state })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// The calls so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.books().calls.clone()
    }

    /// Waits until `missing` has nothing more to say of the calls so far, and gives those.
    ///
    /// `missing` lists what is not as it should be yet, and its last words are the error's.
    pub async fn until(&self, missing: impl Fn(&[Call]) -> Vec<String>) -> Result<Vec<Call>> {
        let mut changes = self.state.changes.subscribe();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !missing(&self.calls()).is_empty() && changes.changed().await.is_ok() {}
        });
        let late = waited.await.is_err();
        let calls = self.calls();
        let left = missing(&calls);
        match left.is_empty() {
            true => Ok(calls),
            false if late => Err(anyhow!("after {PATIENCE:?} of waiting:\n  {}", left.join("\n  "))),
            false => Err(anyhow!("{}", left.join("\n  "))),
        }
    }

    /// Begins the next window: all counters are 0 again.
    pub fn next_window(&self) {
        self.state.books().counters.clear();
    }
}

/// What all connections share.
#[derive(Debug)]
struct State {
    books: Mutex<Books>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct Books {
    counters: Counters,
    calls: Vec<Call>,
}

impl Books {
    fn new(limits: Vec<Limit>) -> Self {
        Self { counters: Counters::new(limits), calls: Vec::new() }
    }
}

impl State {
    /// Counts a call, keeps it, and gives for each descriptor whether it is over its limit.
    fn decide(&self, mut call: Call) -> Vec<bool> {
        let over = {
            let mut books = self.books();
            let over = books.counters.count(&call);
            call.over_limit = over.contains(&true);
            if books.calls.len() < CALLS_MAX {
                books.calls.push(call);
            }
            over
        };
        self.changes.send_modify(|count| *count += 1);
        over
    }

    /// A panic elsewhere leaves the books consistent: every change is made in one go.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
