//! The server behind every Envoy: it answers with bytes made beforehand, and writes each event when it is told to.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::work::{Pace, Work};

/// The request header that names the work by its number.
pub const WORK: &str = "x-work";

/// The request header that names the lane by its number.
pub const LANE: &str = "x-lane";

/// Exchanges under way at a time. One by one, Envoy would sleep and wake for each, and that would be most of its time.
pub const LANES: usize = 8;

/// A running server.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    /// By lane: a permit lets the next event of a stream in lockstep go.
    pub next: Arc<[Semaphore]>,
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
        let next: Arc<[Semaphore]> = (0..LANES).map(|_| Semaphore::new(0)).collect();
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

async fn serve(mut stream: TcpStream, replies: &[Reply], next: &[Semaphore]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    loop {
        let Asked { work, lane, bytes } = loop {
            if let Some(request) = request(&received)? {
                break request;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        received.drain(..bytes);
        let reply = replies.get(work).context("no such work")?;
        let next = next.get(lane).context("no such lane")?;
        for (number, piece) in reply.writes.iter().enumerate() {
            if reply.pace == Pace::Lockstep && number > 0 {
                next.acquire().await?.forget();
            }
            stream.write_all(piece.as_bytes()).await?;
        }
    }
}

/// What a whole request asks for.
struct Asked {
    work: usize,
    lane: usize,
    /// Its length.
    bytes: usize,
}

/// `None` while it is not whole.
fn request(received: &[u8]) -> Result<Option<Asked>> {
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
    let asked = Asked { work: number(WORK)?, lane: number(LANE)?, bytes };
    Ok((received.len() >= bytes).then_some(asked))
}
