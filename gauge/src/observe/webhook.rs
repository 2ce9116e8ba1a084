//! The webhooks that Alertmanager delivers to, one for each of its receivers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use simulators::listen::LoopbackListener;

/// The largest message that is read; and how many are kept, which no demo comes near.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
const NOTIFICATIONS_MAX: usize = 10_000;

/// One alert, as it was delivered.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The path it came to, without the slash: the receiver.
    pub receiver: String,
    /// Its name.
    pub alert: String,
    /// Whether it says that it is over.
    pub is_resolved: bool,
    /// What it says.
    pub summary: String,
    /// When it came.
    pub came: Instant,
}

/// A server that takes webhooks; dropping it closes its port.
#[derive(Debug)]
pub struct WebhookReceiver {
    listener: LoopbackListener,
    notifications: Arc<Mutex<Vec<Notification>>>,
}

impl WebhookReceiver {
    /// Starts one on a free loopback port.
    pub async fn start() -> Result<Self> {
        let notifications = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&notifications);
        let listener = LoopbackListener::start(move |stream| {
            let notifications = Arc::clone(&shared);
            async move {
                let service = service_fn(|request| take(request, Arc::clone(&notifications)));
                let server = auto::Builder::new(TokioExecutor::new());
                // Alertmanager sends again what it could not deliver.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listener: listener.await?, notifications })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Everything that came, in that order.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.notifications.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(
    request: Request<Incoming>,
    notifications: Arc<Mutex<Vec<Notification>>>,
) -> Result<Response<Full<Bytes>>> {
    let receiver = request.uri().path().trim_start_matches('/').to_owned();
    let body = Limited::new(request.into_body(), MESSAGE_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    let message: Value = serde_json::from_slice(&body).context("a webhook is JSON")?;
    let mut notifications = notifications.lock().unwrap_or_else(PoisonError::into_inner);
    for alert in message["alerts"].as_array().into_iter().flatten() {
        if notifications.len() < NOTIFICATIONS_MAX {
            notifications.push(Notification {
                receiver: receiver.clone(),
                alert: text(&alert["labels"]["alertname"]),
                is_resolved: alert["status"] == "resolved",
                summary: text(&alert["annotations"]["summary"]),
                came: Instant::now(),
            });
        }
    }
    Ok(Response::new(Full::new(Bytes::new())))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
