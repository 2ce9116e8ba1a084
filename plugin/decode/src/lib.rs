//! Decodes content encodings as their bytes arrive.
//!
//! [`Decoder`] decodes a copy of the bytes that pass, and returns content as early as the encoder has flushed it: a
//! flush after each event returns each event at once. A decoder allocates at its first byte. In the middle of a stream
//! it keeps:
//!
//! | encoding | bytes kept |
//! |---|---|
//! | `gzip`, `deflate` | 43 KiB: 32 KiB of window, the rest code tables |
//! | `br` | 3 KiB, the codes of the meta-block (2 KiB for an event, 50 KiB for a long text), the window |
//! | `zstd` | 5 KiB, the codes of the block, the block as far as it has arrived (128 KiB at most), the window |
//!
//! The window of `br` and `zstd` grows with the content, from 4 KiB in powers of 2 up to the size that the stream
//! requests: at most 16 MiB, or 8 MiB ([`ZSTD_WINDOW_BYTES_MAX`]). All of it is taken from a [`MemoryBudget`]. If the
//! budget refuses, the window keeps its size, and a reference that reaches further back is [`DecodeError::Memory`]. The
//! first `br` stream that uses a word of its dictionary unpacks the dictionary: 120 KiB, once per worker.
//!
//! Bytes after the end of an encoding are decoded if they begin another member or frame (RFC 1952 section 2.2, RFC 8878
//! section 3.1), and are ignored otherwise, as browsers and `gzip -d` do: the content is already complete.

#[cfg(feature = "brotli")]
mod brotli;
mod crc32;
mod gzip;
mod inflate;
mod memory;
mod window;
mod zstd;

#[cfg(feature = "brotli")]
use brotli::Brotli;
pub use crc32::Crc32;
use gzip::Gzip;
use inflate::Deflate;
pub use memory::{Buffer, MemoryBudget, OutOfMemory, Reservation};
use zstd::Zstd;

/// The maximum number of content encodings in one body. A server that compresses what its upstream has compressed makes
/// two.
pub const ENCODINGS_MAX: usize = 2;

/// The maximum bytes to which a compressed body may decode for each byte of its own. A hostile body reaches 1032 with
/// deflate and tens of thousands with the others. Event streams flush after each event and stay below 30; a JSON
/// document needs thousands of equal elements to come near 256.
pub const DECODED_RATIO_MAX: u64 = 256;

/// The bytes to which a compressed body may always decode, whatever its own size, since short answers may be
/// repetitive.
pub const DECODED_BYTES_FREE: u64 = 1024 * 1024;

/// The maximum window of zstd in bytes, which is what RFC 9659 allows an encoder on the web.
pub const ZSTD_WINDOW_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The memory that a decoder may use.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The budget from which all memory is taken.
    pub budget: MemoryBudget,
    /// The maximum bytes of decoded content that are kept for back-references, whatever the stream requests.
    pub window_bytes_max: usize,
}

/// The reason why the rest of a body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are not in the encoding, a checksum is wrong, or the stream requests a window above the maximum.
    Corrupt,
    /// The body ended before its encoding did.
    Truncated,
    /// The body decodes to more than [`DECODED_RATIO_MAX`] allows.
    Ratio,
    /// The budget has no memory for the window or the tables.
    Memory,
}

impl From<OutOfMemory> for DecodeError {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

/// Receives decoded bytes; an error ends the decoding.
type Output<'a> = dyn FnMut(&[u8]) -> Result<(), DecodeError> + 'a;

/// The decoder of one body's content encodings.
#[derive(Debug)]
pub struct Decoder {
    /// The encodings, in the order in which they are decoded.
    layers: Vec<Layer>,
    bounds: Bounds,
    /// The number of encoded bytes so far.
    taken: u64,
    /// The result, after which nothing more is read; `None` until the body has ended or failed.
    ended: Option<Result<(), DecodeError>>,
}

#[derive(Debug)]
struct Layer {
    encoding: Encoding,
    /// The decoder of this layer; `None` until its first byte.
    codec: Option<Box<Codec>>,
    /// The number of decoded bytes so far.
    given: u64,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    #[cfg(feature = "brotli")]
    Brotli,
    Deflate,
    Gzip,
    Zstd,
}

#[derive(Debug)]
enum Codec {
    #[cfg(feature = "brotli")]
    Brotli(Brotli),
    Gzip(Gzip),
    Deflate(Deflate),
    Zstd(Zstd),
}

impl Decoder {
    /// Returns a decoder for a body with this `content-encoding` (RFC 9110 section 8.4), all of whose lines are joined
    /// by commas. If it is empty or has only `identity`, bytes pass unchanged. `None` if an encoding is unknown, or
    /// there are more than [`ENCODINGS_MAX`].
    pub fn new(content_encoding: &[u8], bounds: Bounds) -> Option<Self> {
        let mut layers = Vec::new();
        for token in content_encoding.split(|byte| *byte == b',').rev() {
            let token = token.trim_ascii();
            if token.is_empty() || token.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            if layers.len() == ENCODINGS_MAX {
                return None;
            }
            layers.push(Layer { encoding: Encoding::named(token)?, codec: None, given: 0 });
        }
        Some(Self { layers, bounds, taken: 0, ended: None })
    }

    /// Decodes the next bytes. Decoded content is passed to `out`, in pieces of at most 32 KiB.
    ///
    /// # Errors
    ///
    /// Returns why the body cannot be decoded, and the same error on every later call. Content before the error is
    /// valid.
    pub fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> Result<(), DecodeError> {
        if let Some(ended) = self.ended {
            return ended;
        }
        self.taken = self.taken.saturating_add(length(bytes));
        let given_max = self.taken.saturating_mul(DECODED_RATIO_MAX).max(DECODED_BYTES_FREE);
        let fed = feed_layers(&mut self.layers, &self.bounds, given_max, bytes, out);
        if fed.is_err() {
            self.end(fed);
        }
        fed
    }

    /// Ends the body. A body without bytes is no error: answers to HEAD and 304 also have a content encoding.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Truncated`] if the end of the encoding was not reached, or the error of
    /// [`Decoder::feed`].
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        if let Some(ended) = self.ended {
            return ended;
        }
        let whole = self.layers.iter().all(|layer| layer.codec.as_ref().is_none_or(|codec| codec.is_whole()));
        let ended = if whole { Ok(()) } else { Err(DecodeError::Truncated) };
        self.end(ended);
        ended
    }

    /// Stores the result and releases all memory.
    fn end(&mut self, ended: Result<(), DecodeError>) {
        self.ended = Some(ended);
        self.layers = Vec::new();
    }
}

fn feed_layers(
    layers: &mut [Layer],
    bounds: &Bounds,
    given_max: u64,
    bytes: &[u8],
    out: &mut dyn FnMut(&[u8]),
) -> Result<(), DecodeError> {
    let Some((layer, rest)) = layers.split_first_mut() else {
        out(bytes);
        return Ok(());
    };
    if bytes.is_empty() {
        return Ok(());
    }
    let given = &mut layer.given;
    let codec = match &mut layer.codec {
        Some(codec) => codec,
        none => none.insert(Box::new(Codec::new(layer.encoding, bounds)?)),
    };
    codec.feed(bytes, &mut |piece| {
        if piece.is_empty() {
            return Ok(());
        }
        *given = given.saturating_add(length(piece));
        if *given > given_max {
            return Err(DecodeError::Ratio);
        }
        feed_layers(rest, bounds, given_max, piece, out)
    })
}

impl Encoding {
    /// Returns the encoding with this name in the HTTP Content Coding Registry; `None` if it is unknown.
    fn named(token: &[u8]) -> Option<Self> {
        match token.to_ascii_lowercase().as_slice() {
            #[cfg(feature = "brotli")]
            b"br" => Some(Self::Brotli),
            b"deflate" => Some(Self::Deflate),
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl Codec {
    fn new(encoding: Encoding, bounds: &Bounds) -> Result<Self, DecodeError> {
        let Bounds { budget, window_bytes_max } = bounds;
        Ok(match encoding {
            #[cfg(feature = "brotli")]
            Encoding::Brotli => Self::Brotli(Brotli::new(budget, *window_bytes_max)?),
            Encoding::Deflate => Self::Deflate(Deflate::Fresh(budget.clone())),
            Encoding::Gzip => Self::Gzip(Gzip::new(budget)),
            Encoding::Zstd => Self::Zstd(Zstd::new(budget, *window_bytes_max)?),
        })
    }

    fn feed(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        match self {
            #[cfg(feature = "brotli")]
            Self::Brotli(brotli) => brotli.feed(bytes, out),
            Self::Gzip(gzip) => gzip.feed(bytes, out),
            Self::Deflate(deflate) => deflate.feed(bytes, out),
            Self::Zstd(zstd) => zstd.feed(bytes, out),
        }
    }

    /// Whether the content may end after the bytes so far.
    fn is_whole(&self) -> bool {
        match self {
            #[cfg(feature = "brotli")]
            Self::Brotli(brotli) => brotli.is_whole(),
            Self::Gzip(gzip) => gzip.is_whole(),
            Self::Deflate(deflate) => deflate.is_whole(),
            Self::Zstd(zstd) => zstd.is_whole(),
        }
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
