//! A response body that is played from a plan, entered in the ledger piece by piece, and can break.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use super::State;
use super::reply::{Ending, Gate, Piece, Reply};

/// How long a silent or stalled exchange is held open at most: longer than any timeout under test.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(120);

/// Why a scripted response breaks. Never shown to a client, who sees the connection end.
#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("broken on purpose")
    }
}

impl std::error::Error for Broken {}

/// What goes from the player to the body.
enum Act {
    Send { piece: Piece, last: bool },
    Break,
}

/// The body that hyper pulls.
pub(super) struct Played {
    acts: mpsc::Receiver<Act>,
    breaking: bool,
    state: Arc<State>,
    id: u64,
}

impl Played {
    /// Starts to play a reply as exchange `id`.
    pub(super) fn new(reply: Reply, state: Arc<State>, id: u64) -> Self {
        // One act ahead at most: what is in the ledger is what was taken to be sent.
        let (acts_in, acts) = mpsc::channel(1);
        tokio::spawn(play(reply, Arc::clone(&state), acts_in));
        Self { acts, breaking: false, state, id }
    }
}

impl Body for Played {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.breaking {
            return Poll::Ready(Some(Err(Broken)));
        }
        match ready!(self.acts.poll_recv(context)) {
            // The last piece completes it: hyper never asks for the end of a body whose length it knows.
            Some(Act::Send { piece, last }) => {
                self.state.ledger.sent(self.id, &piece.bytes, piece.reports, last);
                Poll::Ready(Some(Ok(Frame::data(piece.bytes))))
            }
            // hyper throws away what it has not written yet when a body fails, but writes before it waits: so
            // wait once.
            Some(Act::Break) => {
                self.breaking = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

/// Hands the pieces over at their times. A send fails when the other side is gone, and then there is nobody
/// to play to.
async fn play(reply: Reply, state: Arc<State>, acts: mpsc::Sender<Act>) {
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
        if acts.send(Act::Send { piece: step.piece, last }).await.is_err() {
            return;
        }
    }
    if let Some(gate) = waits_at(count) {
        state.pass(&gate.name).await;
    }
    match ending {
        Ending::Complete => {}
        Ending::Broken => {
            let _ = acts.send(Act::Break).await;
        }
        Ending::Stalled => {
            let _ = tokio::time::timeout(SILENCE_MAX, acts.closed()).await;
            let _ = acts.send(Act::Break).await;
        }
    }
}
