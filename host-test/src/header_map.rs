//! Header maps, and their encoding between host and guest.
//!
//! The encoding: a count, then the two lengths of every pair, then names and values, each followed by a zero byte. All
//! numbers are 32 bits, little endian. A guest may send any bytes, so decoding trusts no length.

use std::fmt;

/// Maximum bytes of a header map from a guest. Envoy has the same bound.
pub const HEADER_MAP_BYTES_MAX: usize = 1024 * 1024;

/// Maximum pairs of a header map from a guest. Envoy has the same bound.
pub const HEADER_MAP_PAIRS_MAX: usize = 1024;

/// A header map: ordered, names in lower case, values any bytes.
///
/// Values are bytes and not text, because peers send any bytes and a filter that assumes UTF-8 panics on them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Vec<u8>, Vec<u8>)>);

/// The errors of decoding a header map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMapError {
    /// A length points past the end, or bytes are left over.
    Length,
    /// The zero byte after a name or a value is missing.
    Separator,
    /// More than [`HEADER_MAP_BYTES_MAX`] or [`HEADER_MAP_PAIRS_MAX`].
    TooLarge,
}

impl Headers {
    /// Returns an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a request head with the pseudo-headers that Envoy always has.
    pub fn request(method: &str, authority: &str, path: &str) -> Self {
        Self::new()
            .with(":method", method)
            .with(":authority", authority)
            .with(":path", path)
            .with(":scheme", "https")
    }

    /// Returns a response head with this status.
    pub fn response(status: u16) -> Self {
        Self::new().with(":status", status.to_string())
    }

    /// Returns this map with one more header, for literals in tests.
    #[must_use]
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.add(name, value);
        self
    }

    /// Returns the first value under this name, which is the one that Envoy gives to a guest.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref().to_ascii_lowercase();
        let found = self.0.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| value.as_slice())
    }

    /// Returns the first value under this name if it is UTF-8.
    pub fn text(&self, name: impl AsRef<[u8]>) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Adds a value beside the existing ones under this name.
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let name = name.as_ref().to_ascii_lowercase();
        self.0.push((name, value.as_ref().to_vec()));
    }

    /// Replaces all values under this name by one.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let name = name.as_ref().to_ascii_lowercase();
        match self.0.iter().position(|(key, _)| *key == name) {
            Some(first) => {
                self.0[first].1 = value.as_ref().to_vec();
                let mut index = 0;
                self.0.retain(|(key, _)| {
                    index += 1;
                    index - 1 <= first || *key != name
                });
            }
            None => self.0.push((name, value.as_ref().to_vec())),
        }
    }

    /// Removes every value under this name.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) {
        let name = name.as_ref().to_ascii_lowercase();
        self.0.retain(|(key, _)| *key != name);
    }

    /// Returns every pair in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// Returns the number of pairs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no pairs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the bytes of all names and values, as Envoy counts the size of a header map.
    pub fn byte_size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// Encodes the map for a guest.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.byte_size() + 10 * self.len());
        bytes.extend(length(self.len()));
        for (name, value) in &self.0 {
            bytes.extend(length(name.len()));
            bytes.extend(length(value.len()));
        }
        for (name, value) in &self.0 {
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(value);
            bytes.push(0);
        }
        bytes
    }

    /// Decodes a map that a guest wrote. No bytes are an empty map.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderMapError> {
        if bytes.is_empty() {
            return Ok(Self::new());
        }
        if bytes.len() > HEADER_MAP_BYTES_MAX {
            return Err(HeaderMapError::TooLarge);
        }
        let mut sizes = Reader(bytes);
        let count = sizes.length()?;
        if count > HEADER_MAP_PAIRS_MAX {
            return Err(HeaderMapError::TooLarge);
        }
        let mut texts = Reader(bytes.get(4 + count * 8..).ok_or(HeaderMapError::Length)?);
        let mut headers = Self::new();
        for _ in 0..count {
            let (name_size, value_size) = (sizes.length()?, sizes.length()?);
            let name = texts.terminated(name_size)?;
            headers.add(name, texts.terminated(value_size)?);
        }
        if texts.0.is_empty() { Ok(headers) } else { Err(HeaderMapError::Length) }
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in pairs {
            headers.add(name, value);
        }
        headers
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>, const COUNT: usize> From<[(N, V); COUNT]> for Headers {
    fn from(pairs: [(N, V); COUNT]) -> Self {
        pairs.into_iter().collect()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        f.debug_list().entries(self.iter().map(|(n, v)| format!("{}: {}", text(n), text(v)))).finish()
    }
}

impl fmt::Display for HeaderMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a length in the header map does not fit its bytes",
            Self::Separator => "a name or value in the header map lacks its zero byte",
            Self::TooLarge => "the header map is over the limit",
        })
    }
}

impl std::error::Error for HeaderMapError {}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn length(&mut self) -> Result<usize, HeaderMapError> {
        let (head, rest) = self.0.split_first_chunk::<4>().ok_or(HeaderMapError::Length)?;
        self.0 = rest;
        usize::try_from(u32::from_le_bytes(*head)).map_err(|_| HeaderMapError::Length)
    }

    fn terminated(&mut self, size: usize) -> Result<&'a [u8], HeaderMapError> {
        let (text, rest) = self.0.split_at_checked(size).ok_or(HeaderMapError::Length)?;
        let (end, rest) = rest.split_first().ok_or(HeaderMapError::Length)?;
        self.0 = rest;
        if *end == 0 { Ok(text) } else { Err(HeaderMapError::Separator) }
    }
}

/// Encodes a length. A map of 4 GiB cannot occur: guests have 32-bit memory, and the host has limits.
fn length(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests;
