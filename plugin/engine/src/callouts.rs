//! HTTP calls to other clusters, which the shell makes for judges and for the telemetry exporter.
//!
//! The engine and the shell exchange [`Callout`] and [`CalloutResponse`]. Both owners keep their callouts in a
//! `CalloutQueue`, and use a `Backoff` for the pause before a retry.

mod backoff;
mod gzip;
mod mark;
mod queue;

pub(crate) use backoff::{Backoff, retry_after_s};
pub use gzip::gzip;
pub use mark::{CalloutMark, MARK_HEADER};
pub(crate) use queue::{ActiveCallout, CalloutQueue, QueueLimits, SendResult};

/// A call that the shell has to make.
#[derive(Clone, PartialEq, Eq)]
pub struct Callout {
    /// Identifies the callout to its owner until the host gives it a token.
    pub number: u64,
    /// The Envoy cluster to call.
    pub cluster: String,
    /// The request's header fields, pseudo-headers first.
    pub headers: Vec<(String, String)>,
    /// The request's body.
    pub body: Vec<u8>,
    /// The timeout in milliseconds.
    pub timeout_ms: u64,
    /// Whether to compress the body if the host can do so.
    pub wants_gzip: bool,
}

impl Callout {
    /// Returns the callout with its body as gzip, made from the zlib form that `compress` returns. The callout is
    /// unchanged if there is none.
    #[must_use]
    pub fn zipped(mut self, compress: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Self {
        if let Some(gzip) = compress(&self.body).and_then(|zlib| gzip(&self.body, &zlib)) {
            self.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
            self.body = gzip;
        }
        self
    }
}

/// Shows the cluster only: headers may hold secrets.
impl core::fmt::Debug for Callout {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.cluster)
    }
}

/// The response to a callout.
#[derive(Clone, Copy, Debug)]
pub struct CalloutResponse<'a> {
    /// The HTTP status. `None` if the response was lost, for instance because it was too long for the proxy.
    pub status: Option<u32>,
    /// Whether the proxy made the response itself, for instance after a timeout.
    pub is_local: bool,
    /// The header `retry-after`.
    pub retry_after: Option<&'a [u8]>,
    /// The beginning of the body, at least as much as the owner reads.
    pub body: &'a [u8],
}

/// Returns the header fields that every callout has, besides its [mark](CalloutMark).
pub(crate) fn request_headers(path: &str, authority: &str, content_type: &str) -> Vec<(String, String)> {
    let pairs =
        [(":method", "POST"), (":path", path), (":authority", authority), ("content-type", content_type)];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Returns milliseconds as nanoseconds.
pub(crate) fn nanoseconds(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// Returns the milliseconds until `due_ns`, rounded up so that they do not end before it.
pub(crate) fn milliseconds_until(due_ns: u64, now_ns: u64) -> u64 {
    due_ns.saturating_sub(now_ns).div_ceil(1_000_000)
}
