//! Failures that end a guest or keep it from starting.

use std::fmt;

/// The result of a call into a guest. The failure is boxed, since it is rare and carries text.
pub type Result<T> = std::result::Result<T, Box<Failure>>;

/// A failure after which a guest cannot continue, with the callback in which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of failure. Branch on this, never on the text.
    pub kind: FailureKind,
    /// The export that was running, e.g. `proxy_on_log`.
    pub callback: String,
    /// The message of wasmtime or of this host.
    pub message: String,
    /// The last line that the guest logged as critical, which is the SDK's panic message after a panic. `None` if it
    /// logged none.
    pub critical: Option<String>,
}

/// The kinds of [`Failure`], by the party that has to act.
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
    /// The guest requested more memory than its limit and did not survive the refusal.
    Memory,
    /// The guest made a call that crashes Envoy itself. A bug in the filter.
    ProxyCrash,
    /// The guest has failed before. Envoy would not call it again either.
    Dead,
    /// The test requested an event that cannot happen to a stream. A bug in the test.
    Driver,
}

impl Failure {
    /// Returns a failure outside the guest's own code.
    pub(crate) fn new(kind: FailureKind, callback: &str, message: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, callback: callback.to_owned(), message: message.into(), critical: None })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {}: {}", self.kind, self.callback, self.message)?;
        match &self.critical {
            Some(line) => write!(f, " (the guest logged: {line})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
