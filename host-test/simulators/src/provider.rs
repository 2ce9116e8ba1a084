//! Simulated providers: OpenAI's and Anthropic's endpoints on a loopback port, HTTP/1.1 and cleartext HTTP/2.
//!
//! A request says with a [`script`] in its `x-sim` header how it is to be answered; without one it gets a
//! short answer at once. What was sent is kept in a [`ledger`], so that what a meter counted can be compared
//! with it.
//!
//! | endpoint | shape |
//! |---|---|
//! | `POST /v1/chat/completions` | OpenAI, one answer or a stream |
//! | `POST /v1/completions` | OpenAI, one answer or a stream |
//! | `POST /v1/embeddings` | OpenAI |
//! | `POST /v1/messages` | Anthropic, one answer or a stream |
//!
//! Every answer carries `x-sim-exchange`, the number of its entry in the ledger.

mod anthropic;
mod ask;
mod body;
pub mod ledger;
mod openai;
mod reply;
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
use crate::listen::Listening;

/// The response header with the number of the ledger's entry.
pub const EXCHANGE_HEADER: &str = "x-sim-exchange";

/// A running provider; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Provider {
    listening: Listening,
    state: Arc<State>,
}

impl Provider {
    /// Starts one on a free loopback port.
    pub async fn start() -> Result<Self> {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let listening =
            Listening::start(move |stream| serve::connection(stream, Arc::clone(&shared))).await?;
        Ok(Self { listening, state })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// What it got and sent.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.state.ledger
    }

    /// Waits until an exchange has come to the gate of this name.
    pub async fn reached(&self, gate: &str) {
        // Fails when the sender is gone, which this very provider holds.
        let _ = self.state.reached.subscribe().wait_for(|reached| reached.contains(gate)).await;
    }

    /// Lets every answer go on that waits, or will wait, at the gate of this name.
    pub fn open(&self, gate: &str) {
        self.state.gates.send_modify(|open| {
            open.insert(gate.to_owned());
        });
    }
}

/// What all connections of a provider share.
#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    /// The gates that are open.
    gates: watch::Sender<BTreeSet<String>>,
    /// The gates that an exchange has come to.
    reached: watch::Sender<BTreeSet<String>>,
}

impl State {
    /// Waits until the gate is open; gone providers open all gates.
    async fn pass(&self, gate: &str) {
        self.reached.send_modify(|reached| {
            reached.insert(gate.to_owned());
        });
        let _ = self.gates.subscribe().wait_for(|open| open.contains(gate)).await;
    }
}
