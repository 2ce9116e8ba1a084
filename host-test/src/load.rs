//! The client's side: requests over HTTP/1.1 or cleartext HTTP/2, read to the end or abandoned on the way.
//!
//! It never retries and never follows a redirect, so what one call sent is what one call counts.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    sync::Mutex,
    task::{AbortHandle, JoinHandle},
};

/// The version of HTTP on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1, a connection per request: leaving is closing it, as a browser tab or a killed job does.
    Http1,
    /// HTTP/2 without TLS by prior knowledge, all requests of a client on one connection: leaving is a stream reset.
    Http2,
}

/// What to send.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Request {
    /// A GET.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(path: &str, body: &Value) -> Self {
        let request = Self {
            method: Method::POST,
            path: path.to_owned(),
            headers: Vec::new(),
            body: body.to_string().into(),
        };
        request.header("content-type", "application/json")
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a header that was added.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A client of one address.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    protocol: Protocol,
    shared: Arc<Mutex<Option<Shared>>>,
}

impl Client {
    /// A client that connects when it sends.
    #[must_use]
    pub fn new(address: SocketAddr, protocol: Protocol) -> Self {
        Self { address, protocol, shared: Arc::default() }
    }

    /// Sends a request and waits for the response's headers.
    ///
    /// Dropping this future, or the exchange it gives, leaves: the other side sees a closed connection (HTTP/1.1) or a
    /// stream reset (HTTP/2).
    pub async fn send(&self, request: Request) -> Result<Exchange> {
        let started = Instant::now();
        let target = format!("http://{}{}", self.address, request.path);
        let mut head = hyper::Request::builder().method(request.method);
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        let body = Full::new(request.body);
        let (response, connection) = match self.protocol {
            Protocol::Http1 => {
                let head = head.uri(&request.path).header("host", self.address.to_string());
                let (mut sender, connection) = http1::handshake(self.connect().await?).await?;
                let connection = Connection::new(tokio::spawn(async move {
                    // Its failure is also the exchange's, which reports it.
                    let _ = connection.await;
                }));
                (sender.send_request(head.body(body)?).await, Some(connection))
            }
            Protocol::Http2 => {
                let mut sender = self.shared_sender().await?;
                (sender.send_request(head.uri(target).body(body)?).await, None)
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
            _connection: connection,
        })
    }

    async fn connect(&self) -> Result<TokioIo<TcpStream>> {
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.with_context(|| format!("connecting to {}", self.address))?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    /// The one HTTP/2 connection, made on first use and again after it broke.
    async fn shared_sender(&self) -> Result<http2::SendRequest<Full<Bytes>>> {
        let mut shared = self.shared.lock().await;
        if let Some(shared) = shared.as_ref().filter(|shared| !shared.sender.is_closed()) {
            return Ok(shared.sender.clone());
        }
        let (sender, connection) = http2::handshake(TokioExecutor::new(), self.connect().await?).await?;
        let connection = Connection::new(tokio::spawn(async move {
            let _ = connection.await;
        }));
        *shared = Some(Shared { sender: sender.clone(), _connection: connection });
        Ok(sender)
    }
}

#[derive(Debug)]
struct Shared {
    sender: http2::SendRequest<Full<Bytes>>,
    _connection: Connection,
}

/// The task that drives a connection; dropping it closes the connection.
#[derive(Debug)]
struct Connection(AbortHandle);

impl Connection {
    fn new(task: JoinHandle<()>) -> Self {
        Self(task.abort_handle())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
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
    _connection: Option<Connection>,
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
