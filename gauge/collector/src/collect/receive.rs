//! Requests in, answers out. Whatever is sent, it costs no more than is said here.
//!
//! A request passes two gates. With a place it may send its body, so at most [`PLACES`] bodies are in memory, 128 MiB
//! together; with a turn, too, it is read and kept. A request without a place costs its head and what flow control
//! lets in: 64 KiB a connection of HTTP/2, and hyper's buffer, at most 408 KiB, of HTTP/1.

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

use super::read::{self, Encoding, Found, Signal};
use super::told_to_stop;
use super::totals::Watched;
use super::writer::Job;
use answer::{Refusal, Reply};

/// The largest body, as sent and unpacked. A hostile one, all empty messages, takes some 150 times as much while it is
/// read, which is why only [`TURNS`] are read at once, and one more where the writer has to leave out what is not new.
pub(super) const BODY_BYTES_MAX: usize = 8 << 20;

/// Requests that are read and kept at the same time; others wait for their turn.
pub(super) const TURNS: usize = 4;

/// Requests whose bodies are in memory: those that are read, and those that are about to be.
pub(super) const PLACES: usize = 16;

/// How long a request waits for its place before it is told to come back: OTLP's exporters give up after 10 s, and one
/// that is told is easier to understand than one that got no answer.
pub(super) const PLACE_PATIENCE: Duration = Duration::from_secs(5);

/// Requests at the same time on one connection of HTTP/2. A gateway has two under way for each of its workers.
const STREAMS_MAX: u32 = 8;

/// What an HTTP/2 connection may send before anybody reads it, the least that the protocol lets one say.
const WINDOW_BYTES: u32 = 65_535;

/// Connections at the same time. Further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 128;

/// How long a request may take to come in. A gateway's callout gives up long before.
const PATIENCE: Duration = Duration::from_secs(15);

/// When a sender should try again.
const RETRY_AFTER_SECONDS: u64 = 5;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub places: Semaphore,
    pub place_patience: Duration,
    pub turns: Semaphore,
    pub writing: mpsc::Sender<Job>,
    pub watched: Arc<Watched>,
    /// Names of those whom everything is passed on to.
    pub targets: Vec<String>,
}

/// Accepts connections until it is to stop, and waits for what is under way on them.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>, stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let is_open = connections.len() < CONNECTIONS_MAX;
        tokio::select! {
            accepted = listener.accept(), if is_open => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared), stopped.clone()));
                }
                // Out of file descriptors: a connection that ends is what helps, and time that passes.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            () = told_to_stop(stopped.clone()) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, stopped: watch::Receiver<bool>) {
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
        // Its failure is the peer's, which sees the connection end.
        _ = serving.as_mut() => return,
        () = told_to_stop(stopped) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

async fn respond(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let encoding = Encoding::of(request.headers().get(CONTENT_TYPE));
    let reply = match take(request, encoding, &shared).await {
        Ok(reply) => reply,
        Err(refusal) => {
            shared.watched.count(|totals| match refusal.is_for_now() {
                true => totals.unavailable += 1,
                false => totals.refused += 1,
            });
            Reply::Refused(refusal)
        }
    };
    Ok(reply.response(encoding.unwrap_or(Encoding::Json)))
}

/// One request, to its end.
async fn take(
    request: Request<Incoming>,
    encoding: Option<Encoding>,
    shared: &Shared,
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
    // Before the body, which a sender can only hold back: whoever waits here costs next to nothing.
    let place = tokio::time::timeout(shared.place_patience, shared.places.acquire()).await;
    let _place = place.map_err(|_| Refusal::unavailable("too many requests are coming in"))?;
    let body = tokio::time::timeout(PATIENCE, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let body = body.map_err(|_| Refusal::too_slow())?.map_err(|error| {
        match error.downcast_ref::<LengthLimitError>() {
            Some(_) => Refusal::too_large(BODY_BYTES_MAX),
            None => Refusal::bad(&format!("the body broke off: {error}")),
        }
    })?;
    let body = body.to_bytes();
    // Never closed; and a turn that does not come within the time is worth another try.
    let turn = tokio::time::timeout(PATIENCE, shared.turns.acquire()).await;
    let _turn = turn.map_err(|_| Refusal::unavailable("too many requests wait"))?;
    let body = if is_gzip { unpacked(&body)?.into() } else { body };
    let found = read::read(signal, encoding, body, !shared.targets.is_empty());
    let found = found.map_err(|words| Refusal::bad(&words))?;
    keep(found, signal, shared).await
}

/// Hands what was found to the writer, and waits until it is kept.
async fn keep(found: Found, signal: Signal, shared: &Shared) -> Result<Reply, Refusal> {
    let Found { mut batch, mut rejected } = found;
    batch.targets.clone_from(&shared.targets);
    let names = read::names(&batch);
    let (done, kept) = oneshot::channel();
    let gone = || Refusal::unavailable("the collector is about to end");
    shared.writing.send(Job { batch, done }).await.map_err(|_| gone())?;
    let kept = kept.await.map_err(|_| gone())?.map_err(|words| Refusal::unavailable(&words))?;
    shared.watched.count(|totals| totals.rejected += rejected.count);
    for place in kept.spans.in_conflict.iter().chain(&kept.evaluations.in_conflict) {
        let name = names.get(*place).map_or("", String::as_str);
        rejected.add(&format!("{name} was kept before with another content"));
    }
    Ok(Reply::Kept { signal, rejected })
}

/// Whether the body is packed; in a way that is not known here, it cannot be read.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Refusal> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    match encoding.as_deref() {
        None | Some(b"" | b"identity") => Ok(false),
        Some(b"gzip" | b"x-gzip") => Ok(true),
        Some(_) => Err(Refusal::content_encoding()),
    }
}

/// Unpacks as far as a body may be large, and not a byte further: a bomb costs what a large body costs.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let unpacking = flate2::read::MultiGzDecoder::new(packed).take(bound).read_to_end(&mut bytes);
    unpacking.map_err(|error| Refusal::bad(&format!("the body is no gzip: {error}")))?;
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Refusal::too_large(BODY_BYTES_MAX));
    }
    Ok(bytes)
}
