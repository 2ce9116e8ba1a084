//! The stand-in as a server, with the faults that a judge's server can have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::sync::watch;

use super::{JudgeRequest, answer, completion};
use crate::listen::LoopbackListener;

/// Maximum bytes of a request.
const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The behaviours of a judge's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JudgeBehaviour {
    /// It answers with a verdict.
    Verdict,
    /// It answers with a verdict in which every score is this one.
    Always(u8),
    /// It answers with this status and nothing else.
    Status(u16),
    /// It answers with a verdict once it is released: see [`JudgeServer::release`].
    Held,
    /// It never answers.
    Silent,
    /// It answers with prose.
    Prose,
    /// It puts its verdict between marks of Markdown.
    Fenced,
    /// It answers with this number of bytes.
    Long(usize),
    /// It cuts the connection after half of its answer.
    Cut,
    /// It answers the first N requests with 429 and `retry-after: 0`, and the others with a verdict.
    Busy(u64),
    /// It answers requests with this key with a verdict, and the others with 401.
    Keyed(&'static str),
}

/// A judge's server on a loopback port. Dropping it closes the port.
#[derive(Debug)]
pub struct JudgeServer {
    listener: LoopbackListener,
    requests: Arc<AtomicU64>,
    release: watch::Sender<bool>,
}

impl JudgeServer {
    /// Starts a server with this behaviour.
    pub async fn start(behaviour: JudgeBehaviour) -> Result<Self> {
        let requests = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&requests);
        let (release, held) = watch::channel(false);
        let listener = LoopbackListener::start(move |stream| {
            let (count, held) = (Arc::clone(&count), held.clone());
            async move {
                let service = service_fn(|request| {
                    let before = count.fetch_add(1, Ordering::Relaxed);
                    reply(request, behaviour, before, held.clone())
                });
                let server = auto::Builder::new(TokioExecutor::new());
                // Connection errors are expected: some behaviours break the connection.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listener: listener.await?, requests, release })
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Answers the held requests, and holds no further ones.
    pub fn release(&self) {
        self.release.send_replace(true);
    }

    /// Returns the number of requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

async fn reply(
    request: Request<Incoming>,
    behaviour: JudgeBehaviour,
    before: u64,
    mut held: watch::Receiver<bool>,
) -> Result<Response<Full<Bytes>>> {
    let key =
        request.headers().get("authorization").and_then(|key| key.to_str().ok()?.strip_prefix("Bearer "));
    let key = key.unwrap_or_default().to_owned();
    let body = Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    let verdict = answer(&body)?;
    let response = Response::builder().header("content-type", "application/json");
    let response = if matches!(behaviour, JudgeBehaviour::Busy(_)) {
        response.header("retry-after", "0")
    } else {
        response
    };
    let (status, body) = match behaviour {
        JudgeBehaviour::Verdict => (200, verdict),
        JudgeBehaviour::Held => {
            // If the server has been dropped, the request is not answered.
            held.wait_for(|is_released| *is_released).await?;
            (200, verdict)
        }
        JudgeBehaviour::Always(score) => (200, completion(&JudgeRequest::read(&body)?.verdict_of(score))),
        JudgeBehaviour::Status(status) => (status, String::new()),
        JudgeBehaviour::Busy(times) if before < times => (429, String::new()),
        JudgeBehaviour::Keyed(expected) if key != expected => (401, format!("unknown key: {key}")),
        JudgeBehaviour::Busy(_) | JudgeBehaviour::Keyed(_) => (200, verdict),
        JudgeBehaviour::Silent => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            (200, verdict)
        }
        JudgeBehaviour::Prose => (200, completion("On the whole I would say five of five.")),
        JudgeBehaviour::Fenced => (200, verdict.replace("\"content\":\"", "\"content\":\"```json\\n")),
        JudgeBehaviour::Long(bytes) => (200, " ".repeat(bytes)),
        JudgeBehaviour::Cut => {
            let half = verdict.get(..verdict.len() / 2).unwrap_or_default();
            (200, half.to_owned())
        }
    };
    Ok(response.status(status).body(Full::new(body.into()))?)
}
