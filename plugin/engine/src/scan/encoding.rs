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
//! stream names: 16 MiB at most, or 8 MiB ([`ZSTD_WINDOW_BYTES_MAX`](crate::limits::ZSTD_WINDOW_BYTES_MAX)). The first
//! `br` stream that uses a word of its dictionary unpacks that: 120 KiB, once a worker.
//!
//! What follows an encoding's own end is read where it begins another member or frame (RFC 1952 section 2.2, RFC 8878
//! section 3.1) and else passed over, as browsers and `gzip -d` do: the content is whole by then.

#[cfg(feature = "brotli")]
mod brotli;
mod gzip;
mod inflate;
mod window;
mod xxh64;
mod zstd;

use crate::limits::{DECODED_BYTES_FREE, DECODED_RATIO_MAX, ENCODINGS_MAX};
#[cfg(feature = "brotli")]
use brotli::Brotli;
use gzip::Gzip;
use inflate::Deflate;
use zstd::Zstd;

/// Why the rest of a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes are not what the header said, or a checksum does not hold, or they ask for more memory than
    /// [`limits`](crate::limits) grants.
    Corrupt,
    /// The body ended before its encoding did.
    Truncated,
    /// The body unfolds to more than [`DECODED_RATIO_MAX`] grants.
    Ratio,
}

/// Takes what was decoded; an error ends the decoding.
type Out<'a> = dyn FnMut(&[u8]) -> Result<(), DecodeError> + 'a;

/// Undoes the content encodings of one body.
#[derive(Debug)]
pub struct Decoder {
    /// In the order in which they are undone.
    layers: Vec<Layer>,
    /// Bytes of the body so far.
    taken: u64,
    failed: Option<DecodeError>,
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
    pub fn new(content_encoding: &[u8]) -> Option<Self> {
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
        Some(Self { layers, taken: 0, failed: None })
    }

    /// Reads on; what becomes readable goes to `out`, in pieces of any size up to 32 KiB.
    ///
    /// # Errors
    ///
    /// The same one on every call from the first on; what was given before it stands.
    pub fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.taken = self.taken.saturating_add(length(bytes));
        let given_max = self.taken.saturating_mul(DECODED_RATIO_MAX).max(DECODED_BYTES_FREE);
        let fed = feed_layers(&mut self.layers, given_max, bytes, out);
        self.note(fed)
    }

    /// The body has ended here. One without a byte is no error: answers to HEAD and 304 name encodings too.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if the encoding's own end was not reached, or what [`Decoder::feed`] said.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let whole = self.layers.iter().all(|layer| layer.codec.as_ref().is_none_or(|codec| codec.is_whole()));
        self.note(if whole { Ok(()) } else { Err(DecodeError::Truncated) })
    }

    /// A decoder that failed stays so and keeps no memory.
    fn note(&mut self, result: Result<(), DecodeError>) -> Result<(), DecodeError> {
        if let Err(error) = result {
            self.failed = Some(error);
            self.layers = Vec::new();
        }
        result
    }
}

fn feed_layers(
    layers: &mut [Layer],
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
    let codec = layer.codec.get_or_insert_with(|| Box::new(Codec::new(layer.encoding)));
    codec.feed(bytes, &mut |piece| {
        if piece.is_empty() {
            return Ok(());
        }
        *given = given.saturating_add(length(piece));
        if *given > given_max {
            return Err(DecodeError::Ratio);
        }
        feed_layers(rest, given_max, piece, out)
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
    fn new(encoding: Encoding) -> Self {
        match encoding {
            #[cfg(feature = "brotli")]
            Encoding::Brotli => Self::Brotli(Brotli::default()),
            Encoding::Deflate => Self::Deflate(Deflate::default()),
            Encoding::Gzip => Self::Gzip(Gzip::default()),
            Encoding::Zstd => Self::Zstd(Zstd::default()),
        }
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
