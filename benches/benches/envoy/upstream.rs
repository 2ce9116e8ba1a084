//! The server behind every Envoy: it answers with bytes made beforehand, and writes each event when it is told to.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::work::{Pace, Work};

/// The request header that names the work by its number.
pub const WORK: &str = "x-work";

/// A running server.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    /// A permit lets the next event of a stream in lockstep go.
    pub next: Arc<Semaphore>,
}

struct Reply {
    /// Each is one write.
    writes: Vec<String>,
    pace: Pace,
}

impl Upstream {
    /// Starts it; it ends with the runtime.
    pub async fn start(works: &[Work]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let replies: Arc<[Reply]> = works.iter().map(Reply::new).collect();
        let next = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (replies, permits) = (Arc::clone(&replies), Arc::clone(&permits));
                // A connection ends with its Envoy; a fault in it shows as an exchange that fails.
                tokio::spawn(async move { drop(serve(stream, &replies, &permits).await) });
            }
        });
        Ok(Self { address, next })
    }
}

impl Reply {
    fn new(work: &Work) -> Self {
        let (head, mut pieces) = work.wire();
        match work.pace {
            Pace::Lockstep => pieces.insert(0, head),
            Pace::AtOnce => pieces = vec![head + &pieces.concat()],
        }
        Self { writes: pieces, pace: work.pace }
    }
}

async fn serve(mut stream: TcpStream, replies: &[Reply], next: &Semaphore) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    loop {
        let (work, bytes) = loop {
            if let Some(request) = request(&received)? {
                break request;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        received.drain(..bytes);
        let reply = replies.get(work).context("no such work")?;
        for (number, piece) in reply.writes.iter().enumerate() {
            if reply.pace == Pace::Lockstep && number > 0 {
                next.acquire().await?.forget();
            }
            stream.write_all(piece.as_bytes()).await?;
        }
    }
}

/// The work that a whole request asks for, and the request's length; `None` while it is not whole.
fn request(received: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    let number = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.parse().ok())
    };
    let (Some(work), Some(length)): (Option<usize>, Option<usize>) = (number(WORK), number("content-length"))
    else {
        bail!("a request without {WORK} or content-length: {head}");
    };
    let bytes = end + 4 + length;
    Ok((received.len() >= bytes).then_some((work, bytes)))
}
