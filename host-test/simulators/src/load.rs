//! The client: requests over HTTP/1.1 or cleartext HTTP/2, whose responses are read to the end or abandoned.
//!
//! It never retries and never follows a redirect, so one call sends one request.

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

/// The HTTP version of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1. Connections are reused, as SDKs do. Abandoning an exchange closes its connection.
    Http1,
    /// HTTP/2 without TLS by prior knowledge, with all requests of a client on one connection. Abandoning an exchange
    /// resets its stream.
    Http2,
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

impl Request {
    /// Returns a GET request.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    /// Returns a request without a body.
    pub fn of(method: &str, path: &str) -> Result<Self> {
        Ok(Self { method: method.parse()?, ..Self::get(path) })
    }

    /// Returns a POST request with JSON.
    #[must_use]
    pub fn post(path: &str, body: &Value) -> Self {
        Self::post_bytes(path, body.to_string())
    }

    /// Returns a POST request with these bytes, whose content type is JSON.
    #[must_use]
    pub fn post_bytes(path: &str, body: impl Into<Bytes>) -> Self {
        Self::post_of(path, "application/json", body)
    }

    /// Returns a POST request with any content type.
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

    /// Adds a header whose value may not be UTF-8.
    #[must_use]
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the value of a header that was added, if it is text.
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

/// A connection that serves all exchanges.
#[derive(Debug)]
struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    _task: Connection,
}

impl Client {
    /// Returns a client, which connects when it sends.
    #[must_use]
    pub fn new(address: SocketAddr, protocol: Protocol) -> Self {
        Self { address, protocol, idle: Arc::default(), shared: Arc::default() }
    }

    /// Returns the address of the server.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and waits for the response's headers.
    ///
    /// Dropping this future, or the exchange it returns, abandons the request: the server sees a closed connection
    /// (HTTP/1.1) or a stream reset (HTTP/2).
    pub async fn send(&self, request: Request) -> Result<Exchange> {
        let started = Instant::now();
        let mut head = hyper::Request::builder().method(request.method);
        for (name, value) in &request.headers {
            head = head.header(name, value.as_slice());
        }
        let body = Full::new(request.body);
        let (response, pooled) = match self.protocol {
            Protocol::Http1 => {
                let head = head.uri(&request.path).header("host", self.address.to_string());
                let mut connection = self.http1().await?;
                let response = connection.sender.send_request(head.body(body)?).await;
                (response, Some(PooledConnection { connection, idle: Arc::clone(&self.idle) }))
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
            pooled,
        })
    }

    async fn connect(&self) -> Result<TokioIo<TcpStream>> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.with_context(|| format!("connecting to {}", self.address))?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    /// Returns an idle connection that is still open, else a new one.
    async fn http1(&self) -> Result<Http1> {
        loop {
            let idle = lock(&self.idle).pop();
            let Some(mut connection) = idle else { break };
            if connection.sender.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let (sender, connection) = http1::handshake(self.connect().await?).await?;
        // The error of the connection is also the exchange's, which reports it.
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok(Http1 { sender, _task: Connection(task.abort_handle()) })
    }

    /// Returns the one HTTP/2 connection, which is opened on first use and again after it broke.
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

/// The task that drives a connection. Dropping it closes the connection.
#[derive(Debug)]
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An HTTP/1.1 connection in use, and the pool that it returns to.
#[derive(Debug)]
struct PooledConnection {
    connection: Http1,
    idle: Arc<Mutex<Vec<Http1>>>,
}

impl PooledConnection {
    fn give_back(self) {
        lock(&self.idle).push(self.connection);
    }
}

/// A panic elsewhere leaves the list consistent: it is only pushed to and popped from.
fn lock(idle: &Mutex<Vec<Http1>>) -> MutexGuard<'_, Vec<Http1>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end of a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// The response ended as its framing says.
    Complete,
    /// The response was cut off, with the error message of the HTTP library.
    Cut(String),
}

/// A response in progress. Dropping it abandons the response.
#[derive(Debug)]
pub struct Exchange {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    started: Instant,
    head_after: Duration,
    body: Incoming,
    received: Vec<u8>,
    chunks: Vec<(Duration, usize)>,
    end: Option<End>,
    pooled: Option<PooledConnection>,
}

impl Exchange {
    /// Reads until at least `count` whole server-sent events have arrived, or the response ended.
    pub async fn events(&mut self, count: usize) {
        while self.received.windows(2).filter(|pair| pair == b"\n\n").count() < count && self.chunk().await {}
    }

    /// Reads until at least `count` bytes have arrived, or the response ended.
    pub async fn bytes(&mut self, count: usize) {
        while self.received.len() < count && self.chunk().await {}
    }

    /// Returns the body so far.
    #[must_use]
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// Reads to the end of the response.
    pub async fn finish(mut self) -> Answer {
        while self.chunk().await {}
        if let Some(pooled) = self.pooled.take().filter(|_| self.end == Some(End::Complete)) {
            pooled.give_back();
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

    /// Reads one chunk. Returns `false` at the end.
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

/// A response that has ended.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The time from sending the request to the response's headers.
    pub head_after: Duration,
    /// The time from sending the request to the end.
    pub took: Duration,
    /// The whole body.
    pub body: Vec<u8>,
    /// The arrival time and the length of each chunk.
    pub chunks: Vec<(Duration, usize)>,
    /// The end of the response.
    pub end: End,
}

impl Answer {
    /// Returns a header's value as text; empty if it is missing or not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
