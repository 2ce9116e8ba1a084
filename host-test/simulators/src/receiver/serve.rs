//! The receiver as a server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::sync::watch;

use super::ReceivedTelemetry;
use crate::listen::LoopbackListener;

/// Maximum bytes of a request.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Maximum wait for requests.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The behaviours of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverBehaviour {
    /// It accepts everything.
    Accept,
    /// It rejects this number of items, and reports that in its response.
    Partial(u8),
    /// It answers with this status and nothing else.
    Status(u16),
    /// It never answers.
    Silent,
}

#[derive(Default)]
struct ReceiverState {
    requests: u64,
    compressed: u64,
    received: ReceivedTelemetry,
    faults: Vec<String>,
}

/// A receiver on a loopback port. Dropping it closes the port.
pub struct Receiver {
    listener: LoopbackListener,
    state: Arc<Mutex<ReceiverState>>,
    behaviour: watch::Sender<ReceiverBehaviour>,
    /// The number of requests so far.
    count: watch::Receiver<u64>,
}

impl Receiver {
    /// Starts a receiver with this behaviour.
    pub async fn start(behaviour: ReceiverBehaviour) -> Result<Self> {
        let state = Arc::new(Mutex::new(ReceiverState::default()));
        let (behaviour, manners) = watch::channel(behaviour);
        let (counting, count) = watch::channel(0);
        let (shared, counting) = (Arc::clone(&state), Arc::new(counting));
        let listener = LoopbackListener::start(move |stream| {
            let (state, manners, counting) = (Arc::clone(&shared), manners.clone(), Arc::clone(&counting));
            async move {
                let service = service_fn(|request| {
                    let (state, counting) = (Arc::clone(&state), Arc::clone(&counting));
                    let behaviour = *manners.borrow();
                    async move {
                        let answer = take(request, behaviour, &state).await?;
                        counting.send_modify(|count| *count += 1);
                        if behaviour == ReceiverBehaviour::Silent {
                            tokio::time::sleep(Duration::from_secs(600)).await;
                        }
                        Ok::<_, anyhow::Error>(answer)
                    }
                });
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listener: listener.await?, state, behaviour, count })
    }

    /// Returns the address of the receiver.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Sets the behaviour from now on.
    pub fn behave(&self, behaviour: ReceiverBehaviour) {
        self.behaviour.send_replace(behaviour);
    }

    /// Returns the number of requests so far, and how many of them were compressed.
    #[must_use]
    pub fn requests(&self) -> (u64, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.requests, state.compressed)
    }

    /// Waits until `is_right` accepts the received contents, and returns them. An unreadable request is an error at
    /// once.
    pub async fn until(&self, is_right: impl Fn(&ReceivedTelemetry) -> bool) -> Result<ReceivedTelemetry> {
        let mut count = self.count.clone();
        let waited = tokio::time::timeout(WAIT_MAX, async {
            loop {
                count.borrow_and_update();
                let (received, faults) = self.look();
                if !faults.is_empty() {
                    bail!("unreadable requests: {}", faults.join("; "));
                }
                if is_right(&received) {
                    return Ok(received);
                }
                count.changed().await?;
            }
        });
        let Ok(received) = waited.await else {
            let (received, _) = self.look();
            bail!(
                "after {WAIT_MAX:?} there are {} spans and {} events in {:?} requests",
                received.spans.len(),
                received.events.len(),
                self.requests()
            );
        };
        received
    }

    fn look(&self) -> (ReceivedTelemetry, Vec<String>) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.received.clone(), state.faults.clone())
    }
}

async fn take(
    request: Request<Incoming>,
    behaviour: ReceiverBehaviour,
    state: &Mutex<ReceiverState>,
) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    let header = |name: &str| match name {
        ":method" => Some(head.method.as_str()),
        ":path" => Some(head.uri.path()),
        name => head.headers.get(name).map(|value| value.to_str().unwrap_or_default()),
    };
    let read = ReceivedTelemetry::read(header, &body);
    let is_taken = matches!(behaviour, ReceiverBehaviour::Accept | ReceiverBehaviour::Partial(_));
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.requests += 1;
    state.compressed += u64::from(header("content-encoding") == Some("gzip"));
    match read {
        Ok(received) if is_taken => state.received.add(received),
        Ok(_) => {}
        Err(error) => state.faults.push(format!("{error:#}")),
    }
    let (status, body) = match behaviour {
        ReceiverBehaviour::Accept | ReceiverBehaviour::Silent => (200, Vec::new()),
        ReceiverBehaviour::Partial(rejected) => (200, vec![0x0A, 2, 8, rejected & 0x7F]),
        ReceiverBehaviour::Status(status) => (status, Vec::new()),
    };
    Ok(Response::builder().status(status).body(Full::new(body.into()))?)
}
