//! A loopback port, and a task for every connection to it.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// A server's port; dropping it closes the port and its connections.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Listening {
    /// Serves each connection to a free loopback port with what `serve` makes of it.
    pub async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding a loopback port")?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, serve)).abort_handle();
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts connections until the task is aborted, which ends them too.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of file descriptors is the one error that lasts; the peer's connection fails, the next
                // may not.
                if let Ok((stream, _)) = accepted {
                    // Every piece is a packet of its own, as from a server that flushes.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
