//! Simulated providers: OpenAI's and Anthropic's endpoints on a loopback port, HTTP/1.1 and cleartext HTTP/2.
//!
//! A request's `x-sim` header holds a [`script`] for its answer. Without one it gets a short answer at once. A
//! [`ledger`] keeps what was sent, so that a test can compare it with what a meter counted.
//!
//! | endpoint | shape |
//! |---|---|
//! | `POST /v1/chat/completions` | OpenAI, one answer or a stream |
//! | `POST /v1/completions` | OpenAI, one answer or a stream |
//! | `POST /v1/embeddings` | OpenAI |
//! | `POST /v1/messages` | Anthropic, one answer or a stream |
//!
//! Every answer has the header `x-sim-exchange`, the number of its entry in the ledger.

mod anthropic;
mod body;
pub mod ledger;
mod openai;
mod reply;
mod request;
pub mod script;
mod serve;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::watch;

pub use self::ledger::Ledger;
pub use self::script::{Script, Tokens};
use crate::listen::LoopbackListener;

/// The response header with the number of the ledger entry.
pub const EXCHANGE_HEADER: &str = "x-sim-exchange";

/// A running provider. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Provider {
    listener: LoopbackListener,
    state: Arc<ProviderState>,
}

impl Provider {
    /// Starts a provider on a free loopback port.
    pub async fn start() -> Result<Self> {
        let state = Arc::new(ProviderState::default());
        let shared = Arc::clone(&state);
        let listener =
            LoopbackListener::start(move |stream| serve::connection(stream, Arc::clone(&shared))).await?;
        Ok(Self { listener, state })
    }

    /// Returns the address of the provider.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Returns the ledger of received requests and sent responses.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    /// Waits until an exchange has reached the gate of this name.
    pub async fn reached(&self, gate: &str) {
        // Fails if the sender is dropped, but this provider holds it.
        let _ = self.state.reached.subscribe().wait_for(|reached| reached.contains(gate)).await;
    }

    /// Opens the gate of this name for every answer that waits there, now or later.
    pub fn open(&self, gate: &str) {
        self.state.gates.send_modify(|open| {
            open.insert(gate.to_owned());
        });
    }
}

/// The state that all connections of a provider share.
#[derive(Debug, Default)]
struct ProviderState {
    ledger: Ledger,
    /// Names of the gates that are open.
    gates: watch::Sender<BTreeSet<String>>,
    /// Names of the gates that an exchange has reached.
    reached: watch::Sender<BTreeSet<String>>,
}

impl ProviderState {
    /// Waits until the gate is open. A dropped provider opens all gates.
    async fn pass(&self, gate: &str) {
        self.reached.send_modify(|reached| {
            reached.insert(gate.to_owned());
        });
        let _ = self.gates.subscribe().wait_for(|open| open.contains(gate)).await;
    }
}
