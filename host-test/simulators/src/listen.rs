//! A loopback port, with a task for every connection.

use std::future::Future;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// The port of a server. Dropping it closes the port and its connections.
#[derive(Debug)]
pub struct LoopbackListener {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl LoopbackListener {
    /// Binds a free loopback port and handles each connection with `serve`.
    pub async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding a loopback port")?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, serve)).abort_handle();
        Ok(Self { address, accepting })
    }

    /// Returns the address of the port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for LoopbackListener {
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
                // Running out of file descriptors is the one error that lasts. The peer's connection fails; a later one
                // may succeed.
                if let Ok((stream, _)) = accepted {
                    // Every piece is a packet, as from a server that flushes.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
