//! The webhooks of Alertmanager's receivers.

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

/// Maximum bytes of a message, and maximum number of stored notifications, which a demo does not reach.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
const NOTIFICATIONS_MAX: usize = 10_000;

/// One alert in a notification.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The name of the receiver, which is the path without the slash.
    pub receiver: String,
    /// The name of the alert.
    pub alert: String,
    /// Whether the alert is resolved.
    pub is_resolved: bool,
    /// The summary annotation.
    pub summary: String,
    /// The time at which it was received.
    pub came: Instant,
}

/// A server that receives webhooks. Dropping it closes its port.
#[derive(Debug)]
pub struct WebhookReceiver {
    listener: LoopbackListener,
    notifications: Arc<Mutex<Vec<Notification>>>,
}

impl WebhookReceiver {
    /// Starts a server on a free loopback port.
    pub async fn start() -> Result<Self> {
        let notifications = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&notifications);
        let listener = LoopbackListener::start(move |stream| {
            let notifications = Arc::clone(&shared);
            async move {
                let service = service_fn(|request| take(request, Arc::clone(&notifications)));
                let server = auto::Builder::new(TokioExecutor::new());
                // Alertmanager retries failed deliveries.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Ok(Self { listener: listener.await?, notifications })
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Returns all notifications, in order.
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
