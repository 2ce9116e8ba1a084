//! A rate-limit service: `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit` over gRPC on a loopback port.
//!
//! It decides like the reference service (<https://github.com/envoyproxy/ratelimit>), as far as Envoy can observe:
//! - a descriptor's own `hits_addend` takes precedence over the request's, and 0 there reads without counting. If a
//!   descriptor has none, 0 in the request, which is also the encoding of its absence, means 1
//! - a descriptor is over its limit if its counter, including the hits of this call, is above the limit
//! - hits count whether or not they are over, and one descriptor over its limit decides the whole call
//! - a descriptor that no limit matches is not limited
//!
//! The clock differs: a window lasts until [`RateLimits::next_window`], so that no test fails around midnight. Every
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
use crate::listen::LoopbackListener;

/// Maximum wait for a call. It is long, because it only ends runs that have failed anyway.
const PATIENCE: Duration = Duration::from_secs(10);

/// Maximum number of calls that are kept. Later ones are answered and not kept.
const CALLS_MAX: usize = 10_000;

/// A limit that the service is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The domain of the limit.
    pub domain: String,
    /// The keys of the descriptors that it matches, in their order. `None` matches any value, and gives each value its
    /// own counter.
    pub keys: Vec<(String, Option<String>)>,
    /// Maximum hits in a window.
    pub hits_per_window: u64,
}

/// One call as received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The domain of the call.
    pub domain: String,
    /// The descriptors to be limited.
    pub descriptors: Vec<Descriptor>,
    /// Hits for the descriptors without their own `hits_addend`; 0 if the call has none either.
    pub hits_addend: u32,
    /// Whether the answer was that a descriptor is over its limit.
    pub over_limit: bool,
}

/// A descriptor to be limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Keys and values.
    pub entries: Vec<(String, String)>,
    /// The hits of this descriptor; `None` if it takes those of the call.
    pub hits_addend: Option<u64>,
}

/// A running service. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct RateLimits {
    listener: LoopbackListener,
    state: Arc<ServiceState>,
}

impl RateLimits {
    /// Starts a service on a free loopback port. If several limits match a descriptor, the first counts.
    pub async fn start(limits: Vec<Limit>) -> Result<Self> {
        let state = Arc::new(ServiceState {
            log: Mutex::new(CallLog::new(limits)),
            changes: watch::Sender::default(),
        });
        let shared = Arc::clone(&state);
        let listener = LoopbackListener::start(move |stream| {
            let state = Arc::clone(&shared);
            async move {
                let service = service_fn(|request| grpc::answer(request, Arc::clone(&state)));
                // The error is the peer's, which sees the connection end.
                let server = http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listener: listener.await?, state })
    }

    /// Returns the address of the service.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Returns the calls so far, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.log().calls.clone()
    }

    /// Waits until `missing` returns an empty list for the calls so far, and returns those calls.
    ///
    /// `missing` lists what differs from the expectation. Its last list is in the error.
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
            false if late => Err(anyhow!("not reached within {PATIENCE:?}:\n  {}", left.join("\n  "))),
            false => Err(anyhow!("{}", left.join("\n  "))),
        }
    }

    /// Begins the next window, in which all counters are 0 again.
    pub fn next_window(&self) {
        self.state.log().counters.clear();
    }
}

/// The state that all connections share.
#[derive(Debug)]
struct ServiceState {
    log: Mutex<CallLog>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct CallLog {
    counters: Counters,
    calls: Vec<Call>,
}

impl CallLog {
    fn new(limits: Vec<Limit>) -> Self {
        Self { counters: Counters::new(limits), calls: Vec::new() }
    }
}

impl ServiceState {
    /// Counts a call, keeps it, and returns for each descriptor whether it is over its limit.
    fn decide(&self, mut call: Call) -> Vec<bool> {
        let over = {
            let mut log = self.log();
            let over = log.counters.count(&call);
            call.over_limit = over.contains(&true);
            if log.calls.len() < CALLS_MAX {
                log.calls.push(call);
            }
            over
        };
        self.changes.send_modify(|count| *count += 1);
        over
    }

    /// A panic elsewhere leaves the state consistent: every change is a single call.
    fn log(&self) -> MutexGuard<'_, CallLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
