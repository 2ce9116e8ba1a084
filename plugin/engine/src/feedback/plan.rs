//! The settings of feedback, which [`config`](crate::config) compiles.

use crate::head::Headers;
use crate::ids::SigningKey;
use crate::pattern::Pattern;

/// The settings of the feedback endpoint.
#[derive(Debug)]
pub struct FeedbackPlan {
    pub(crate) path: String,
    /// The keys of request ids. The first one signs, and all are accepted. Without keys, ids are not signed.
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) bytes_max: usize,
    pub(crate) per_minute: u64,
    pub(crate) age_s_max: u64,
    /// The origins whose pages may send feedback. `None` if only pages of the gateway's own origin may.
    pub(crate) origins: Option<Vec<Pattern>>,
}

impl FeedbackPlan {
    /// Returns whether a request with this head is feedback, whatever its method.
    pub fn is_at(&self, head: &Headers<'_>) -> bool {
        let path = head.get(":path").unwrap_or_default();
        path.strip_prefix(self.path.as_bytes()).is_some_and(|rest| matches!(rest.first(), None | Some(b'?')))
    }

    /// Returns the key that signs new ids. `None` if ids are not signed.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.keys.first()
    }

    /// Returns all keys, of which the first one signs.
    pub fn keys(&self) -> &[SigningKey] {
        &self.keys
    }

    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub(super) fn per_minute(&self) -> u64 {
        self.per_minute
    }

    pub(super) fn age_s_max(&self) -> u64 {
        self.age_s_max
    }

    pub(super) fn has_cors(&self) -> bool {
        self.origins.is_some()
    }

    pub(super) fn allows(&self, origin: &str) -> bool {
        self.origins.iter().flatten().any(|pattern| pattern.fits(origin))
    }
}

#[cfg(test)]
mod tests;
