//! A connection to another store, which is reopened if it is closed.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Post, Product, Target};

/// The timeout of a request. MLflow and Phoenix take seconds if they are busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Maximum bytes of a response that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Maximum bytes of a response that are shown.
const WORDS_MAX: usize = 300;

/// The response of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    /// The beginning of the body, for messages.
    pub words: String,
}

#[derive(Debug)]
pub(super) struct Client {
    authority: String,
    base: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(super) fn new(target: &Target) -> Self {
        let mut headers = target.headers.clone();
        let experiment = HeaderName::from_static("x-mlflow-experiment-id");
        // MLflow answers 422 without an experiment id; experiment 0 always exists.
        if target.product == Product::Mlflow && !headers.iter().any(|(name, _)| *name == experiment) {
            headers.push((experiment, HeaderValue::from_static("0")));
        }
        Self { authority: target.authority.clone(), base: target.base.clone(), headers, connection: None }
    }

    pub(super) async fn post(&mut self, post: &Post) -> Result<Answer> {
        let request = Request::post(format!("{}{}", self.base, post.path));
        self.send(request.header(CONTENT_TYPE, post.content_type).body(Full::new(post.body.clone()))?).await
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(Request::get(format!("{}{path}", self.base)).body(Full::default())?).await
    }

    /// Sends a request and reads the response. If an idle connection turns out to be closed, it retries once on a new
    /// one.
    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Result<Answer> {
        request.headers_mut().insert(HOST, HeaderValue::from_str(&self.authority)?);
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        let sent = tokio::time::timeout(PATIENCE, async {
            if self.connection.is_some()
                && let Ok(answer) = self.attempt(request.clone()).await
            {
                return Ok(answer);
            }
            self.connection = Some(self.connect().await?);
            self.attempt(request).await
        });
        let sent = sent.await;
        if !matches!(sent, Ok(Ok(_))) {
            self.connection = None;
        }
        sent.unwrap_or_else(|_| bail!("no response within {} s", PATIENCE.as_secs()))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.authority).await.context("it cannot be reached")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn attempt(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let connection = self.connection.as_mut().context("there is no connection")?;
        connection.ready().await?;
        let response = connection.send_request(request).await?;
        let status = response.status().as_u16();
        // The content type is ignored: some stores answer protobuf with JSON.
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
        let text = String::from_utf8_lossy(&body);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(WORDS_MAX).collect();
        Ok(Answer { status, words })
    }
}
