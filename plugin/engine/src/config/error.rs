//! The error of a configuration that is refused.

use core::fmt;

/// The first error of a configuration. Displayed as `judge.timeout_ms: expected at most 600000, got 900000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The path of the key, such as `models.max_series` or `match[0].format`. Empty for the document itself.
    pub path: String,
    /// The accepted values.
    pub expected: String,
    /// The value in the configuration, but never that of a key that may hold a secret.
    pub got: String,
}

impl ConfigError {
    /// Returns the error of the key at `path`.
    pub(super) fn new(path: String, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { path, expected: expected.into(), got: got.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "expected {}, got {}", self.expected, self.got)
    }
}

impl core::error::Error for ConfigError {}
