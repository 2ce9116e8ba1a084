//! The client's side: requests over HTTP/1.1 or cleartext HTTP/2, read to the end or abandoned on the way.
//!
//! It never retries and never follows a redirect, so what one call sent is what one call counts.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Method};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

/// The version of HTTP on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1. Connections are kept for further requests, as SDKs do; leaving closes the exchange's one.
    Http1,
    /// HTTP/2 without TLS by prior knowledge, all requests of a client on one connection; leaving resets the
    /// stream.
    Http2,
}

/// What to send.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

impl Request {
    /// A GET.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A request without a body, of any method.
    pub fn of(method: &str, path: &str) -> Result<Self> {
        Ok(Self { method: method.parse()?, ..Self::get(path) })
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(path: &str, body: &Value) -> Self {
        Self::post_bytes(path, body.to_string())
    }

    /// A POST of just these bytes, said to be JSON.
    #[must_use]
    pub fn post_bytes(path: &str, body: impl Into<Bytes>) -> Self {
        Self::post_of(path, "application/json", body)
    }

    /// A POST of any other type.
    #[must_use]
    pub fn post_of(path: &str, content_type: &str, body: impl Into<Bytes>) -> Self {
        let request =
            Self { method: Method::POST, path: path.to_owned(), headers: Vec::new(), body: body.into() };
        request.header("content-type", content_type)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_bytes(name, value.as_bytes())
    }

    /// Adds a header whose value may be no text.
    #[must_use]
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a header that was added, if it is text.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

/// A client of one address.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    protocol: Protocol,
    idle: Arc<Mutex<Vec<Http1>>>,
    shared: Arc<tokio::sync::Mutex<Option<Http2>>>,
}

/// A connection that serves one exchange at a time.
#[derive(Debug)]
struct Http1 {
    sender: http1::SendRequest<Full<Bytes>>,
    _task: Connection,
}

/// A connection that serves all of them.
#[derive(Debug)]
struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    _task: Connection,
}

impl Client {
    /// A client that connects when it sends.
    #[must_use]
    pub fn new(address: SocketAddr, protocol: Protocol) -> Self {
        Self { address, protocol, idle: Arc::default(), shared: Arc::default() }
    }

    /// Where it sends to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and waits for the response's headers.
    ///
    /// Dropping this future, or the exchange it gives, leaves: the other side sees a closed connection
    /// (HTTP/1.1) or a stream reset (HTTP/2).
    pub async fn send(&self, request: Request) -> Result<Exchange> {
        let started = Instant::now();
        let mut head = hyper::Request::builder().method(request.method);
        for (name, value) in &request.headers {
            head = head.header(name, value.as_slice());
        }
        let body = Full::new(request.body);
        let (response, lease) = match self.protocol {
            Protocol::Http1 => {
                let head = head.uri(&request.path).header("host", self.address.to_string());
                let mut connection = self.http1().await?;
                let response = connection.sender.send_request(head.body(body)?).await;
                (response, Some(Lease { connection, idle: Arc::clone(&self.idle) }))
            }
            Protocol::Http2 => {
                let head = head.uri(format!("http://{}{}", self.address, request.path));
                (self.http2().await?.send_request(head.body(body)?).await, None)
            }
        };
        let response = response.with_context(|| format!("no response from {}", self.address))?;
        let (head, body) = response.into_parts();
        Ok(Exchange {
            status: head.status.as_u16(),
            headers: head.headers,
            started,
            head_after: started.elapsed(),
            body,
            received: Vec::new(),
            chunks: Vec::new(),
            end: None,
            lease,
        })
    }

    async fn connect(&self) -> Result<TokioIo<TcpStream>> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.with_context(|| format!("connecting to {}", self.address))?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    /// An idle connection that still lives, else a new one.
    async fn http1(&self) -> Result<Http1> {
        loop {
            let idle = lock(&self.idle).pop();
            let Some(mut connection) = idle else { break };
            if connection.sender.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let (sender, connection) = http1::handshake(self.connect().await?).await?;
        // Its failure is also the exchange's, which reports it.
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok(Http1 { sender, _task: Connection(task.abort_handle()) })
    }

    /// The one HTTP/2 connection, made on first use and again after it broke.
    async fn http2(&self) -> Result<http2::SendRequest<Full<Bytes>>> {
        let mut shared = self.shared.lock().await;
        if let Some(shared) = shared.as_ref().filter(|shared| !shared.sender.is_closed()) {
            return Ok(shared.sender.clone());
        }
        let (sender, connection) = http2::handshake(TokioExecutor::new(), self.connect().await?).await?;
        let task = tokio::spawn(async move { drop(connection.await) });
        *shared = Some(Http2 { sender: sender.clone(), _task: Connection(task.abort_handle()) });
        Ok(sender)
    }
}

/// The task that drives a connection; dropping it closes the connection.
#[derive(Debug)]
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An HTTP/1.1 connection in use, and where it goes afterwards.
#[derive(Debug)]
struct Lease {
    connection: Http1,
    idle: Arc<Mutex<Vec<Http1>>>,
}

impl Lease {
    fn give_back(self) {
        lock(&self.idle).push(self.connection);
    }
}

/// A panic elsewhere leaves the list whole: it is only ever pushed to and popped from.
fn lock(idle: &Mutex<Vec<Http1>>) -> MutexGuard<'_, Vec<Http1>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a response ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// As its framing says it should.
    Complete,
    /// Before that; with what the HTTP library says of it, for people.
    Cut(String),
}

/// A response on its way. Dropping it leaves it.
#[derive(Debug)]
pub struct Exchange {
    /// Its status code.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    started: Instant,
    head_after: Duration,
    body: Incoming,
    received: Vec<u8>,
    chunks: Vec<(Duration, usize)>,
    end: Option<End>,
    lease: Option<Lease>,
}

impl Exchange {
    /// Reads until at least `count` whole server-sent events have come, or the response ended.
    pub async fn events(&mut self, count: usize) {
        while self.received.windows(2).filter(|pair| pair == b"\n\n").count() < count && self.chunk().await {}
    }

    /// Reads until at least `count` bytes have come, or the response ended.
    pub async fn bytes(&mut self, count: usize) {
        while self.received.len() < count && self.chunk().await {}
    }

    /// The body so far.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// Reads to the end.
    pub async fn finish(mut self) -> Answer {
        while self.chunk().await {}
        if let Some(lease) = self.lease.take().filter(|_| self.end == Some(End::Complete)) {
            lease.give_back();
        }
        Answer {
            status: self.status,
            headers: self.headers,
            head_after: self.head_after,
            took: self.started.elapsed(),
            body: self.received,
            chunks: self.chunks,
            end: self.end.unwrap_or(End::Complete),
        }
    }

    /// Reads one chunk; false when there is no further one.
    async fn chunk(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        match self.body.frame().await {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref().filter(|data| !data.is_empty()) {
                    self.chunks.push((self.started.elapsed(), data.len()));
                    self.received.extend_from_slice(data);
                }
                return true;
            }
            Some(Err(error)) => self.end = Some(End::Cut(error.to_string())),
            None => self.end = Some(End::Complete),
        }
        false
    }
}

/// A response that ended.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// From sending the request to the response's headers.
    pub head_after: Duration,
    /// From sending the request to the end.
    pub took: Duration,
    /// Every byte of the body.
    pub body: Vec<u8>,
    /// When each chunk came and how long it was.
    pub chunks: Vec<(Duration, usize)>,
    /// How it ended.
    pub end: End,
}

impl Answer {
    /// A header's value as text, empty when it is missing or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
