//! Content encodings, undone as their bytes arrive.
//!
//! [`Decoder`] works on the side: it reads the bytes that pass and hands on what they mean, as early as the encoder
//! let go of it (a flush after each event gives each event at once). Decoders are made at the first byte. In the
//! middle of a stream they keep:
//!
//! | encoding | bytes kept |
//! |---|---|
//! | `gzip`, `deflate` | 43 KiB: 32 KiB of window, the rest code tables |
//! | `br` | 3 KiB, the codes of the meta-block (2 KiB for an event, 50 KiB for a long text), the window |
//! | `zstd` | 5 KiB, the codes of the block, the block as far as it has arrived (128 KiB at most), the window |
//!
//! The window of `br` and `zstd` grows with what was decoded, from 4 KiB in powers of 2 up to the size that the
//! stream names: 16 MiB at most, or 8 MiB ([`ZSTD_WINDOW_BYTES_MAX`]). All of it is taken from a [`MemoryBudget`],
//! and a window that gets no more stays as small as it is ([`DecodeError::Memory`] where that is too small). The
//! first `br` stream that uses a word of its dictionary unpacks that: 120 KiB, once a worker.
//!
//! What follows an encoding's own end is read where it begins another member or frame (RFC 1952 section 2.2, RFC 8878
//! section 3.1) and else passed over, as browsers and `gzip -d` do: the content is whole by then.

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

/// Content encodings laid over one another in one body that are undone; a server that compresses what its upstream
/// had compressed makes two.
pub const ENCODINGS_MAX: usize = 2;

/// Bytes that a compressed body may unfold to for each byte of its own. A hostile one reaches 1032 with deflate and
/// tens of thousands with the others; event streams flush after each event and stay below 30, and a JSON document
/// needs thousands of like elements to come near 256.
pub const DECODED_RATIO_MAX: u64 = 256;

/// Bytes that a compressed body may unfold to whatever its own size: short answers may repeat one thing all over.
pub const DECODED_BYTES_FREE: u64 = 1024 * 1024;

/// Bytes of what was decoded that zstd may refer back to: what RFC 9659 grants an encoder on the web.
pub const ZSTD_WINDOW_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What a decoder may keep.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Where its memory is taken from.
    pub budget: MemoryBudget,
    /// Bytes of what was decoded that are kept to refer back to, whatever the stream asks for.
    pub window_bytes_max: usize,
}

/// Why the rest of a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are not what the header said, or a checksum does not hold, or their encoding asks for a larger window
    /// than it may.
    Corrupt,
    /// The body ended before its encoding did.
    Truncated,
    /// The body unfolds to more than [`DECODED_RATIO_MAX`] grants.
    Ratio,
    /// The budget has no memory for what the encoding refers back to.
    Memory,
}

impl From<OutOfMemory> for DecodeError {
    fn from(_: OutOfMemory) -> Self {
        Self::Memory
    }
}

/// Takes what was decoded; an error ends the decoding.
type Out<'a> = dyn FnMut(&[u8]) -> Result<(), DecodeError> + 'a;

/// Undoes the content encodings of one body.
#[derive(Debug)]
pub struct Decoder {
    /// In the order in which they are undone.
    layers: Vec<Layer>,
    bounds: Bounds,
    /// Bytes of the body so far.
    taken: u64,
    /// How it ended; nothing is read any more.
    ended: Option<Result<(), DecodeError>>,
}

#[derive(Debug)]
struct Layer {
    encoding: Encoding,
    /// Made at the first byte.
    codec: Option<Box<Codec>>,
    /// Bytes it gave so far.
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
    /// A decoder for a body with this `content-encoding` (RFC 9110 section 8.4), all its lines joined by commas.
    /// Without one, or with `identity` alone, it hands on what it gets. `None`: one of them is not known here, or
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

    /// Reads on; what becomes readable goes to `out`, in pieces of any size up to 32 KiB.
    ///
    /// # Errors
    ///
    /// The same one on every call from the first on; what was given before it stands.
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

    /// The body has ended here. One without a byte is no error: answers to HEAD and 304 name encodings too.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if the encoding's own end was not reached, or what [`Decoder::feed`] said.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        if let Some(ended) = self.ended {
            return ended;
        }
        let whole = self.layers.iter().all(|layer| layer.codec.as_ref().is_none_or(|codec| codec.is_whole()));
        let ended = if whole { Ok(()) } else { Err(DecodeError::Truncated) };
        self.end(ended);
        ended
    }

    /// A decoder that has ended keeps no memory.
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
    /// The names are those of the HTTP Content Coding Registry.
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

    fn feed(&mut self, bytes: &[u8], out: &mut Out<'_>) -> Result<(), DecodeError> {
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
