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

use super::Received;
use crate::listen::Listening;

/// The largest request that is read.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The longest wait for requests.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How a receiver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes everything.
    Willing,
    /// It takes everything but so many items, and says so.
    Partial(u8),
    /// It answers with this status and nothing else.
    Status(u16),
    /// It never answers.
    Silent,
}

#[derive(Default)]
struct State {
    requests: u64,
    zipped: u64,
    received: Received,
    faults: Vec<String>,
}

/// A receiver on a loopback port; dropping it closes the port.
pub struct Receiver {
    listening: Listening,
    state: Arc<Mutex<State>>,
    manner: watch::Sender<Manner>,
    /// Requests so far.
    count: watch::Receiver<u64>,
}

impl Receiver {
    /// Starts one of this manner.
    pub async fn start(manner: Manner) -> Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let (manner, manners) = watch::channel(manner);
        let (counting, count) = watch::channel(0);
        let (shared, counting) = (Arc::clone(&state), Arc::new(counting));
        let listening = Listening::start(move |stream| {
            let (state, manners, counting) = (Arc::clone(&shared), manners.clone(), Arc::clone(&counting));
            async move {
                let service = service_fn(|request| {
                    let (state, counting) = (Arc::clone(&state), Arc::clone(&counting));
                    let manner = *manners.borrow();
                    async move {
                        let answer = take(request, manner, &state).await?;
                        counting.send_modify(|count| *count += 1);
                        if manner == Manner::Silent {
                            tokio::time::sleep(Duration::from_secs(600)).await;
                        }
                        Ok::<_, anyhow::Error>(answer)
                    }
                });
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listening: listening.await?, state, manner, count })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// From now on.
    pub fn behave(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// How many requests have come, and how many of them compressed.
    #[must_use]
    pub fn requests(&self) -> (u64, u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.requests, state.zipped)
    }

    /// What was taken so far, once it is as it should be. What could not be read is a fault at once.
    pub async fn until(&self, is_right: impl Fn(&Received) -> bool) -> Result<Received> {
        let mut count = self.count.clone();
        let waited = tokio::time::timeout(WAIT_MAX, async {
            loop {
                count.borrow_and_update();
                let (received, faults) = self.look();
                if !faults.is_empty() {
                    bail!("requests that nobody can read: {}", faults.join("; "));
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
                "after {WAIT_MAX:?} there are {} spans and {} events, in {:?} requests",
                received.spans.len(),
                received.events.len(),
                self.requests()
            );
        };
        received
    }

    fn look(&self) -> (Received, Vec<String>) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.received.clone(), state.faults.clone())
    }
}

async fn take(
    request: Request<Incoming>,
    manner: Manner,
    state: &Mutex<State>,
) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    let header = |name: &str| match name {
        ":method" => Some(head.method.as_str()),
        ":path" => Some(head.uri.path()),
        name => head.headers.get(name).map(|value| value.to_str().unwrap_or_default()),
    };
    let read = Received::read(header, &body);
    let is_taken = matches!(manner, Manner::Willing | Manner::Partial(_));
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.requests += 1;
    state.zipped += u64::from(header("content-encoding") == Some("gzip"));
    match read {
        Ok(received) if is_taken => state.received.add(received),
        Ok(_) => {}
        Err(error) => state.faults.push(format!("{error:#}")),
    }
    let (status, body) = match manner {
        Manner::Willing | Manner::Silent => (200, Vec::new()),
        Manner::Partial(rejected) => (200, vec![0x0A, 2, 8, rejected & 0x7F]),
        Manner::Status(status) => (status, Vec::new()),
    };
    Ok(Response::builder().status(status).body(Full::new(body.into()))?)
}
