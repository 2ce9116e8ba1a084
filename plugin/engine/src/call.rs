//! A call to another cluster, which the shell makes for a desk, and what comes back.

use crate::otlp;

/// A call to make.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Names it to its desk.
    pub number: u64,
    /// Envoy cluster.
    pub cluster: String,
    /// Its head, pseudo-headers first.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// How long it may take.
    pub timeout_ms: u64,
    /// Whether the body is to be compressed, where the host can do that.
    pub wants_gzip: bool,
}

impl Call {
    /// The call with its body as gzip, by what `compress` makes of it as zlib. As it is where that is nothing.
    #[must_use]
    pub fn zipped(mut self, compress: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Self {
        if let Some(gzip) = compress(&self.body).and_then(|zlib| otlp::gzip(&self.body, &zlib)) {
            self.headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
            self.body = gzip;
        }
        self
    }
}

/// Its headers may hold secrets.
impl core::fmt::Debug for Call {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.cluster)
    }
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status; `None` if the answer was lost, as one is that is too long for the proxy.
    pub status: Option<u32>,
    /// The proxy made the answer, not who was called.
    pub is_local: bool,
    /// `retry-after`
    pub retry_after: Option<&'a [u8]>,
    /// The body, or as much of its beginning as the desk reads.
    pub body: &'a [u8],
}

/// The fields that the head of every call has.
pub(crate) fn head(path: &str, authority: &str, content_type: &str) -> Vec<(String, String)> {
    let pairs = [
        (":method", "POST"),
        (":path", path),
        (":authority", authority),
        ("content-type", content_type),
        ("x-llm-gauge", "internal"),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What `retry-after` says: whole seconds; of a fraction, as some servers send it, the next.
pub(crate) fn seconds(retry_after: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(retry_after).ok()?.trim_ascii();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, has_more) = match text.split_once('.') {
        None => (text, false),
        Some((whole, fraction)) if is_number(fraction) => (whole, true),
        Some(_) => return None,
    };
    // All digits: what does not fit is only too large.
    is_number(whole).then(|| whole.parse::<u64>().unwrap_or(u64::MAX).saturating_add(has_more.into()))
}
