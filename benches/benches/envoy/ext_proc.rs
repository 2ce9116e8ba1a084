//! A server for Envoy's external processing filter, on its own thread, so that its CPU time can be measured.
//!
//! It is minimal: it answers each message with the empty answer of its kind, and looks for the usage in the bodies. It
//! is written by hand, since a gRPC framework would be the largest dependency of the workspace.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context as Wake, Poll, ready};

use anyhow::{Context, Result};
use bytes::{Buf, Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use crate::cpu;

/// A running server, which ends with the process.
pub struct ExtProc {
    address: SocketAddr,
    thread: u32,
}

impl ExtProc {
    /// Starts the server.
    pub fn start() -> Result<Self> {
        let (told, hear) = mpsc::channel();
        std::thread::spawn(move || -> Result<()> {
            let link = std::fs::read_link("/proc/thread-self")?;
            let thread = link.file_name().and_then(|name| name.to_str()?.parse().ok());
            let thread = thread.context("/proc/thread-self does not end with a number")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                told.send((listener.local_addr()?, thread))?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    let server = auto::Builder::new(TokioExecutor::new());
                    let serve = async move {
                        let stream = TokioIo::new(stream);
                        drop(server.serve_connection(stream, service_fn(process)).await);
                    };
                    tokio::spawn(serve);
                }
            })
        });
        let (address, thread) = hear.recv().context("the ext_proc server did not start")?;
        Ok(Self { address, thread })
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the CPU time of its thread in nanoseconds.
    pub fn cpu_ns(&self) -> Result<u64> {
        cpu::of_thread(self.thread)
    }
}

async fn process(request: Request<Incoming>) -> Result<Response<Answers>, Infallible> {
    let answers = Answers { messages: request.into_body(), received: BytesMut::new(), is_over: false };
    let mut response = Response::new(answers);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// The answers to messages as they arrive.
struct Answers {
    messages: Incoming,
    received: BytesMut,
    is_over: bool,
}

impl Body for Answers {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        wake: &mut Wake<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            if let Some(answer) = self.answer() {
                return Poll::Ready(Some(Ok(Frame::data(answer))));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.messages).poll_frame(wake)) {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.received.extend_from_slice(&data);
                    }
                }
                None => {
                    self.is_over = true;
                    let status = [("grpc-status", "0")].map(|(name, value)| {
                        (hyper::header::HeaderName::from_static(name), HeaderValue::from_static(value))
                    });
                    return Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::from_iter(status)))));
                }
            }
        }
    }
}

impl Answers {
    /// Returns the answer to the first complete message. The kind of a `ProcessingRequest` is a field whose number is
    /// one more than that of the matching answer in `ProcessingResponse`; further fields follow it.
    fn answer(&mut self) -> Option<Bytes> {
        let length = self.received.get(1..5)?.try_into().ok().map(u32::from_be_bytes)? as usize;
        let message = self.received.get(5..5 + length)?;
        let usage = message.windows(14).rposition(|part| part == b"\"total_tokens\"");
        std::hint::black_box(usage);
        let kind = message.first().map_or(0, |tag| tag >> 3);
        self.received.advance(5 + length);
        let tag = (kind.saturating_sub(1) << 3) | 2;
        Some(Bytes::from(vec![0, 0, 0, 0, 2, tag, 0]))
    }
}
