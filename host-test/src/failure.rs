//! What ends a guest, or keeps it from starting.

use std::fmt;

/// Shorthand for what can end a guest. Boxed, since it is rare and carries text.
pub type Result<T> = std::result::Result<T, Box<Failure>>;

/// Why a guest cannot go on, and where it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of end it was: this is what to branch on, never the text.
    pub kind: FailureKind,
    /// The export that was running, e.g. `proxy_on_log`.
    pub callback: String,
    /// What the engine or this host says about it.
    pub message: String,
    /// The last line the guest logged as critical: the SDK's panic message, if it was a panic.
    pub critical: Option<String>,
}

/// The kinds of [`Failure`], by who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The module itself is unfit: not wasm, an unknown import, a missing export. Rebuild it.
    Module,
    /// The guest refused its configuration. Correct the configuration.
    Refused,
    /// The guest panicked or broke a rule of wasm. A bug in the filter.
    Trap,
    /// The callback ran over its fuel. A bug in the filter, or a limit set too low.
    Fuel,
    /// The guest asked for more memory than it may have, and did not survive the refusal.
    Memory,
    /// The guest did what crashes Envoy itself. A bug in the filter.
    ProxyCrash,
    /// The guest has failed before; Envoy would not call it again either.
    Dead,
    /// The test asked for something that cannot happen to a stream. A bug in the test.
    Driver,
}

impl Failure {
    /// A failure outside the guest's own code.
    pub(crate) fn new(kind: FailureKind, callback: &str, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, callback: callback.to_owned(), message: message.into(), critical: None })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}: {}", self.kind, self.callback, self.message)?;
        match &self.critical {
            Some(line) => write!(f, " (the guest said: {line})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
