//! A response body that follows a plan. It is entered in the ledger piece by piece, and can break the connection.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use super::ProviderState;
use super::reply::{Ending, Gate, Piece, Reply};

/// Maximum time that a silent or stalled exchange is held open. It is longer than any timeout under test.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(120);

/// The error of a body that breaks by its script. No client reads it, because the connection ends.
#[derive(Debug)]
pub(super) struct ScriptedBreak;

impl fmt::Display for ScriptedBreak {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("broken by its script")
    }
}

impl std::error::Error for ScriptedBreak {}

/// A command from the player to the body.
enum BodyCommand {
    Send { piece: Piece, last: bool },
    Break,
}

/// The body that hyper polls.
pub(super) struct ScriptedBody {
    commands: mpsc::Receiver<BodyCommand>,
    breaking: bool,
    state: Arc<ProviderState>,
    id: u64,
}

impl ScriptedBody {
    /// Starts to play a reply as exchange `id`.
    pub(super) fn new(reply: Reply, state: Arc<ProviderState>, id: u64) -> Self {
        // At most one command ahead, so that the ledger holds what hyper took to send.
        let (acts_in, commands) = mpsc::channel(1);
        tokio::spawn(play(reply, Arc::clone(&state), acts_in));
        Self { commands, breaking: false, state, id }
    }
}

impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = ScriptedBreak;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ScriptedBreak>>> {
        if self.breaking {
            return Poll::Ready(Some(Err(ScriptedBreak)));
        }
        match ready!(self.commands.poll_recv(context)) {
            // The last piece completes the body: hyper does not poll for the end of a body with a known length.
            Some(BodyCommand::Send { piece, last }) => {
                self.state.ledger.sent(self.id, &piece.bytes, piece.reports, last);
                Poll::Ready(Some(Ok(Frame::data(piece.bytes))))
            }
            // hyper discards unwritten bytes when a body fails, but writes before it waits. So this waits once.
            Some(BodyCommand::Break) => {
                self.breaking = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

/// Sends the pieces at their times. A send fails if the client is gone, and then the rest is not played.
async fn play(reply: Reply, state: Arc<ProviderState>, commands: mpsc::Sender<BodyCommand>) {
    let Reply { steps, ending, gate, .. } = reply;
    let waits_at = |step: usize| gate.as_ref().filter(|Gate { before_step, .. }| *before_step == Some(step));
    let count = steps.len();
    for (index, step) in steps.into_iter().enumerate() {
        if let Some(gate) = waits_at(index) {
            state.pass(&gate.name).await;
        }
        if !step.wait.is_zero() {
            tokio::time::sleep(step.wait).await;
        }
        let last = ending == Ending::Complete && index + 1 == count;
        if commands.send(BodyCommand::Send { piece: step.piece, last }).await.is_err() {
            return;
        }
    }
    if let Some(gate) = waits_at(count) {
        state.pass(&gate.name).await;
    }
    match ending {
        Ending::Complete => {}
        Ending::ScriptedBreak => {
            let _ = commands.send(BodyCommand::Break).await;
        }
        Ending::Stalled => {
            let _ = tokio::time::timeout(SILENCE_MAX, commands.closed()).await;
            let _ = commands.send(BodyCommand::Break).await;
        }
    }
}
