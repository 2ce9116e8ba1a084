//! Handles requests. Their cost is bounded by the constants of this module, whatever is sent.
//!
//! A request passes two semaphores. With a place it may send more than [`SMALL_BODY_BYTES`], so at most [`PLACES`] large
//! bodies are in memory, 128 MiB together. With a turn it is also parsed and stored. A request without a place costs its
//! head, a small body, and what flow control lets in: 64 KiB per HTTP/2 connection, and hyper's buffer, at most 408 KiB,
//! for HTTP/1. So a peer that sends little cannot take a place, and one that sends slowly loses it to those that wait.
//!
//! hyper serves it without a framework: there are two paths, and a framework reads bodies before a place is taken.

mod answer;

use std::convert::Infallible;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::connections::{ActiveRequest, Connection, Connections, Phase};
use super::hosts::HostPolicy;
use super::read::{self, DecodedRequest, Encoding, Signal};
use super::totals::SharedTotals;
use super::until_stopped;
use super::writer::Job;
pub(super) use answer::Refusal;
use answer::Reply;

/// Maximum bytes of a body, as sent and decompressed. A hostile one, all empty messages, takes about 150 times as much
/// while it is parsed. So only [`TURNS`] are parsed at once, and one more if the writer has to leave out known spans.
pub(super) const BODY_BYTES_MAX: usize = 8 << 20;

/// Maximum number of requests that are parsed and stored at the same time. Others wait for their turn.
pub(super) const TURNS: usize = 4;

/// Maximum bytes of a body that needs no place. Most batches of a gateway with little traffic are smaller.
pub(super) const SMALL_BODY_BYTES: usize = 64 << 10;

/// Maximum number of requests whose large bodies are in memory: those that are parsed, and those that wait for it.
pub(super) const PLACES: usize = 16;

/// Maximum wait for a place before a request gets 503. OTLP's exporters give up after 10 s, and a 503 is easier to
/// understand than a missing response.
pub(super) const PLACE_PATIENCE: Duration = Duration::from_secs(5);

/// Maximum number of parallel requests on one HTTP/2 connection. A gateway has two for each of its workers.
const STREAMS_MAX: u32 = 8;

/// The flow-control window of an HTTP/2 connection, which is the minimum of the protocol.
const WINDOW_BYTES: u32 = 65_535;

/// Maximum number of connections. A further one takes the place of a slow or idle one, or waits to be accepted.
pub(super) const CONNECTIONS_MAX: usize = 128;

/// Time after which a connection that sends nothing, or a request that is not complete, may be cut off to make room.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// Maximum time to receive a request. A gateway's callout gives up long before.
const PATIENCE: Duration = Duration::from_secs(15);

/// The `retry-after` for senders.
const RETRY_AFTER_SECONDS: u64 = 5;

/// The state that all connections share.
#[derive(Debug)]
pub(super) struct ReceiverState {
    pub hosts: HostPolicy,
    pub connections: Arc<Connections>,
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
        // One more than the maximum, because only a waiting peer is a reason to close another connection.
        let is_open = connections.len() <= shared.connections.max();
        if shared.connections.make_room() {
            shared.totals_cell.count(|totals| totals.connections_closed += 1);
        }
        tokio::select! {
            accepted = listener.accept(), if is_open => match accepted {
                Ok((stream, _)) => {
                    let open = shared.connections.open();
                    connections.spawn(connection(stream, open, Arc::clone(&shared), stopped.clone()));
                }
                // Out of file descriptors: only time, and connections that end, help.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            // A connection that is not slow yet may be slow at that time.
            () = tokio::time::sleep(shared.connections.grace()), if !is_open => {}
            () = until_stopped(stopped.clone()) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    open: Connection,
    shared: Arc<ReceiverState>,
    stopped: watch::Receiver<bool>,
) {
    let service = service_fn(|request| respond(request, open.request(), Arc::clone(&shared)));
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
        () = open.cut() => return,
        () = until_stopped(stopped) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

async fn respond(
    request: Request<Incoming>,
    active: ActiveRequest,
    shared: Arc<ReceiverState>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let encoding = Encoding::of(request.headers().get(CONTENT_TYPE));
    let reply = match take(request, encoding, &active, &shared).await {
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
    active: &ActiveRequest,
    shared: &ReceiverState,
) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    shared.hosts.check(&head.uri, &head.headers)?;
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
    let received = tokio::time::timeout(PATIENCE, receive(body, active, shared)).await;
    let (body, _place) = received.map_err(|_| Refusal::too_slow())??;
    active.enter(Phase::Complete);
    // The semaphore is never closed. A turn that does not come in time is worth another try.
    let turn = tokio::time::timeout(PATIENCE, shared.turns.acquire()).await;
    let _turn = turn.map_err(|_| Refusal::unavailable("too many requests wait"))?;
    let body = if is_gzip { unpacked(&body)?.into() } else { body };
    let found = read::read(signal, encoding, body, !shared.targets.is_empty());
    let found = found.map_err(|words| Refusal::bad(&words))?;
    let reply = keep(found, signal, shared).await?;
    active.stored();
    Ok(reply)
}

/// Receives a body, and takes a place as soon as it is large.
async fn receive<'a>(
    body: Incoming,
    active: &ActiveRequest,
    shared: &'a ReceiverState,
) -> Result<(Bytes, Option<SemaphorePermit<'a>>), Refusal> {
    let mut body = Limited::new(body, BODY_BYTES_MAX);
    let (mut bytes, mut place) = (BytesMut::new(), None);
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = active.cut() => return Err(Refusal::unavailable("the body was slow, and others wait")),
        };
        let Some(frame) = frame else { return Ok((bytes.freeze(), place)) };
        let frame = frame.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => Refusal::too_large(BODY_BYTES_MAX),
            None => Refusal::bad(&format!("the body ended early: {error}")),
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if place.is_none() && bytes.len() + data.len() > SMALL_BODY_BYTES {
            // The semaphore is never closed.
            let acquired = tokio::time::timeout(shared.place_patience, active.acquire(&shared.places)).await;
            place = acquired.ok().and_then(Result::ok);
            if place.is_none() {
                return Err(Refusal::unavailable("too many requests are coming in"));
            }
        }
        bytes.extend_from_slice(&data);
    }
}

/// Passes the rows to the writer, and waits until they are stored.
async fn keep(found: DecodedRequest, signal: Signal, shared: &ReceiverState) -> Result<Reply, Refusal> {
    let DecodedRequest { mut batch, mut rejected } = found;
    batch.targets.clone_from(&shared.targets);
    let names = read::names(&batch);
    let (done, kept) = oneshot::channel();
    let gone = || Refusal::unavailable("the collector is stopping");
    shared.writing.send(Job::Store { batch, done }).await.map_err(|_| gone())?;
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
