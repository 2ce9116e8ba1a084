//! The stand-in as a server, and everything a judge's server can do wrong.

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

use super::{Asked, answer, completion};
use crate::listen::Listening;

/// The largest request that is read.
const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How a judge's server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It answers with a verdict.
    Obedient,
    /// It answers with a verdict in which every score is this one.
    Always(u8),
    /// It answers with this status and nothing else.
    Status(u16),
    /// It answers with a verdict once it is let: see [`Server::release`].
    Held,
    /// It never answers.
    Silent,
    /// It answers with prose.
    Prose,
    /// It puts its verdict between marks of Markdown.
    Fenced,
    /// It answers with so many bytes.
    Long(usize),
    /// It breaks off after half of its answer.
    Cut,
    /// It is too busy for so many requests, each of which may come back at once, and obedient then.
    Busy(u64),
    /// It answers with a verdict whoever has this key.
    Keyed(&'static str),
}

/// A judge's server on a loopback port; dropping it closes the port.
#[derive(Debug)]
pub struct Server {
    listening: Listening,
    asked: Arc<AtomicU64>,
    release: watch::Sender<bool>,
}

impl Server {
    /// Starts one of this manner.
    pub async fn start(manner: Manner) -> Result<Self> {
        let asked = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&asked);
        let (release, held) = watch::channel(false);
        let listening = Listening::start(move |stream| {
            let (count, held) = (Arc::clone(&count), held.clone());
            async move {
                let service = service_fn(|request| {
                    let before = count.fetch_add(1, Ordering::Relaxed);
                    reply(request, manner, before, held.clone())
                });
                let server = auto::Builder::new(TokioExecutor::new());
                // A connection that breaks is the point of some manners.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listening: listening.await?, asked, release })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// Lets answer what is held, and holds nothing any more.
    pub fn release(&self) {
        self.release.send_replace(true);
    }

    /// How many requests have come.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn reply(
    request: Request<Incoming>,
    manner: Manner,
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
    let response =
        if matches!(manner, Manner::Busy(_)) { response.header("retry-after", "0") } else { response };
    let (status, body) = match manner {
        Manner::Obedient => (200, verdict),
        Manner::Held => {
            // A server that is gone answers nobody.
            held.wait_for(|is_released| *is_released).await?;
            (200, verdict)
        }
        Manner::Always(score) => (200, completion(&Asked::read(&body)?.verdict_of(score))),
        Manner::Status(status) => (status, String::new()),
        Manner::Busy(times) if before < times => (429, String::new()),
        Manner::Keyed(expected) if key != expected => (401, format!("no such key: {key}")),
        Manner::Busy(_) | Manner::Keyed(_) => (200, verdict),
        Manner::Silent => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            (200, verdict)
        }
        Manner::Prose => (200, completion("On the whole I would say five of five.")),
        Manner::Fenced => (200, verdict.replace("\"content\":\"", "\"content\":\"```json\\n")),
        Manner::Long(bytes) => (200, " ".repeat(bytes)),
        Manner::Cut => {
            let half = verdict.get(..verdict.len() / 2).unwrap_or_default();
            (200, half.to_owned())
        }
    };
    Ok(response.status(status).body(Full::new(body.into()))?)
}
