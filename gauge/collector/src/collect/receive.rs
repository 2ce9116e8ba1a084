//! Handles requests. Their cost is bounded by the constants of this module, whatever is sent.
//!
//! A request passes two semaphores. With a place it may send its body, so at most [`PLACES`] bodies are in memory, 128
//! MiB together. With a turn it is also parsed and stored. A request without a place costs its head and what flow
//! control lets in: 64 KiB per HTTP/2 connection, and hyper's buffer, at most 408 KiB, for HTTP/1.
//!
//! hyper serves it without a framework: there are two paths, and a framework reads bodies before a place is taken.

mod answer;

use std::convert::Infallible;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::read::{self, DecodedRequest, Encoding, Signal};
use super::totals::SharedTotals;
use super::until_stopped;
use super::writer::Job;
use answer::{Refusal, Reply};

/// Maximum bytes of a body, as sent and decompressed. A hostile one, all empty messages, takes about 150 times as much
/// while it is parsed. So only [`TURNS`] are parsed at once, and one more if the writer has to leave out known spans.
pub(super) const BODY_BYTES_MAX: usize = 8 << 20;

/// Maximum number of requests that are parsed and stored at the same time. Others wait for their turn.
pub(super) const TURNS: usize = 4;

/// Maximum number of requests whose bodies are in memory: those that are parsed, and those that wait for it.
pub(super) const PLACES: usize = 16;

/// Maximum wait for a place before a request gets 503. OTLP's exporters give up after 10 s, and a 503 is easier to
/// understand than a missing response.
pub(super) const PLACE_PATIENCE: Duration = Duration::from_secs(5);

/// Maximum number of parallel requests on one HTTP/2 connection. A gateway has two for each of its workers.
const STREAMS_MAX: u32 = 8;

/// The flow-control window of an HTTP/2 connection, which is the minimum of the protocol.
const WINDOW_BYTES: u32 = 65_535;

/// Maximum number of connections. Further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 128;

/// Maximum time to receive a request. A gateway's callout gives up long before.
const PATIENCE: Duration = Duration::from_secs(15);

/// The `retry-after` for senders.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The state that all connections share.
#[derive(Debug)]
pub(super) struct ReceiverState {
    pub places: Semaphore,
    pub place_patience: Duration,
    pub turns: Semaphore,
    pub writing: mpsc::Sender<Job>,
    pub totals_cell: Arc<SharedTotals>,
    /// Names of the forwarding targets.
    pub targets: Vec<String>,
}

/// Accepts connections until the collector stops, and waits for their active requests.
pub(super) async fn accept(
    listener: TcpListener,
    shared: Arc<ReceiverState>,
    stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let is_open = connections.len() < CONNECTIONS_MAX;
        tokio::select! {
            accepted = listener.accept(), if is_open => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared), stopped.clone()));
                }
                // Out of file descriptors: only time, and connections that end, help.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            () = until_stopped(stopped.clone()) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, shared: Arc<ReceiverState>, stopped: watch::Receiver<bool>) {
    let service = service_fn(|request| respond(request, Arc::clone(&shared)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    let mut serving = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // The error is the peer's, which sees the connection end.
        _ = serving.as_mut() => return,
        () = until_stopped(stopped) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<ReceiverState>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let encoding = Encoding::of(request.headers().get(CONTENT_TYPE));
    let reply = match take(request, encoding, &shared).await {
        Ok(reply) => reply,
        Err(refusal) => {
            shared.totals_cell.count(|totals| match refusal.is_for_now() {
                true => totals.unavailable += 1,
                false => totals.refused += 1,
            });
            Reply::Refused(refusal)
        }
    };
    Ok(reply.response(encoding.unwrap_or(Encoding::Json)))
}

/// Handles one request to its end.
async fn take(
    request: Request<Incoming>,
    encoding: Option<Encoding>,
    shared: &ReceiverState,
) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    let signal = match head.uri.path() {
        "/v1/traces" => Signal::Traces,
        "/v1/logs" => Signal::Logs,
        path => return Err(Refusal::unknown_path(path)),
    };
    if head.method != Method::POST {
        return Err(Refusal::method());
    }
    let encoding = encoding.ok_or_else(Refusal::content_type)?;
    let is_gzip = is_gzip(&head.headers)?;
    // Before the body is received, since the sender can hold it: a request that waits here costs next to nothing.
    let place = tokio::time::timeout(shared.place_patience, shared.places.acquire()).await;
    let _place = place.map_err(|_| Refusal::unavailable("too many requests are coming in"))?;
    let body = tokio::time::timeout(PATIENCE, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let body = body.map_err(|_| Refusal::too_slow())?.map_err(|error| {
        match error.downcast_ref::<LengthLimitError>() {
            Some(_) => Refusal::too_large(BODY_BYTES_MAX),
            None => Refusal::bad(&format!("the body ended early: {error}")),
        }
    })?;
    let body = body.to_bytes();
    // The semaphore is never closed. A turn that does not come in time is worth another try.
    let turn = tokio::time::timeout(PATIENCE, shared.turns.acquire()).await;
    let _turn = turn.map_err(|_| Refusal::unavailable("too many requests wait"))?;
    let body = if is_gzip { unpacked(&body)?.into() } else { body };
    let found = read::read(signal, encoding, body, !shared.targets.is_empty());
    let found = found.map_err(|words| Refusal::bad(&words))?;
    keep(found, signal, shared).await
}

/// Passes the rows to the writer, and waits until they are stored.
async fn keep(found: DecodedRequest, signal: Signal, shared: &ReceiverState) -> Result<Reply, Refusal> {
    let DecodedRequest { mut batch, mut rejected } = found;
    batch.targets.clone_from(&shared.targets);
    let names = read::names(&batch);
    let (done, kept) = oneshot::channel();
    let gone = || Refusal::unavailable("the collector is stopping");
    shared.writing.send(Job { batch, done }).await.map_err(|_| gone())?;
    let kept = kept.await.map_err(|_| gone())?.map_err(|words| Refusal::unavailable(&words))?;
    shared.totals_cell.count(|totals| totals.rejected += rejected.count);
    for place in kept.spans.in_conflict.iter().chain(&kept.evaluations.in_conflict) {
        let name = names.get(*place).map_or("", String::as_str);
        rejected.add(&format!("{name} was stored before with another content"));
    }
    Ok(Reply::Stored { signal, rejected })
}

/// Whether the body is compressed with gzip. Any other encoding is refused.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    match encoding.as_deref() {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(_) => Err(Refusal::content_encoding()),
    }
}

/// Decompresses up to the maximum size of a body, and not a byte further: a zip bomb costs no more than a large body.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let unpacking = flate2::read::MultiGzDecoder::new(packed).take(bound).read_to_end(&mut bytes);
    unpacking.map_err(|error| Refusal::bad(&format!("the body is not gzip: {error}")))?;
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Refusal::too_large(BODY_BYTES_MAX));
    }
    Ok(bytes)
}
