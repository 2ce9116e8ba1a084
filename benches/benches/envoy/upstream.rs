//! The server behind every Envoy. It answers with prepared bytes, and writes each event when it gets a permit.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::work::{Pace, Work};

/// The request header with the number of the work.
pub const WORK: &str = "x-work";

/// The request header with the number of the lane.
pub const LANE: &str = "x-lane";

/// Parallel exchanges. One by one, Envoy would sleep and wake for each, and that would dominate its time.
pub const LANES: usize = 8;

/// A running server.
pub struct Upstream {
    /// The address of the server.
    pub address: SocketAddr,
    /// Permits by lane: each lets the next event of a stream in lockstep go.
    pub next: Arc<[Semaphore]>,
}

struct Reply {
    /// The pieces, each of which is one write.
    writes: Vec<String>,
    pace: Pace,
}

impl Upstream {
    /// Starts the server, which ends with the runtime.
    pub async fn start(works: &[Work]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let replies: Arc<[Reply]> = works.iter().map(Reply::new).collect();
        let next: Arc<[Semaphore]> = (0..LANES).map(|_| Semaphore::new(0)).collect();
        let permits = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (replies, permits) = (Arc::clone(&replies), Arc::clone(&permits));
                // A connection ends with its Envoy. An error in it shows as a failed exchange.
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

async fn serve(mut stream: TcpStream, replies: &[Reply], next: &[Semaphore]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    loop {
        let RequestHead { work, lane, bytes } = loop {
            if let Some(request) = request(&received)? {
                break request;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        received.drain(..bytes);
        let reply = replies.get(work).context("unknown work")?;
        let next = next.get(lane).context("unknown lane")?;
        for (number, piece) in reply.writes.iter().enumerate() {
            if reply.pace == Pace::Lockstep && number > 0 {
                next.acquire().await?.forget();
            }
            stream.write_all(piece.as_bytes()).await?;
        }
    }
}

/// The parsed head of a complete request.
struct RequestHead {
    work: usize,
    lane: usize,
    /// The length of the request in bytes.
    bytes: usize,
}

/// Parses a request; `None` until it is complete.
fn request(received: &[u8]) -> Result<Option<RequestHead>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end])?;
    let number = |name: &str| -> Result<usize> {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        let value = found.with_context(|| format!("a request without {name}: {head}"))?.1;
        Ok(value.parse()?)
    };
    let bytes = end + 4 + number("content-length")?;
    let asked = RequestHead { work: number(WORK)?, lane: number(LANE)?, bytes };
    Ok((received.len() >= bytes).then_some(asked))
}
