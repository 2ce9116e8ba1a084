//! The reference implementations of Brotli and zstd, which are C libraries, if the feature `fuzzing` builds them in.
//!
//! `cargo test` does without them. Compiling them takes longer than all the rest of this crate, and zstd's build script
//! asks for the feature `parallel` of `cc`: commands that build some packages of the workspace and those that build all
//! would each compile SQLite. Without references, bodies are decoded and compared in every cutting, but with nothing
//! else.

/// How content is encoded.
#[cfg_attr(not(feature = "fuzzing"), allow(dead_code, reason = "only the references read them"))]
#[derive(Clone, Copy)]
pub struct Options {
    /// zstd's level, or Brotli's quality.
    pub level: i8,
    /// The binary logarithm of the window's bytes. For zstd, it is lowered to what the engine accepts.
    pub window_log: u8,
    /// Whether zstd adds a checksum.
    pub has_checksum: bool,
    /// The number of content bytes in a block.
    pub piece_bytes: usize,
}

#[cfg(feature = "fuzzing")]
pub use built_in::{brotli_decode, brotli_encode, zstd_decode, zstd_encode};
#[cfg(not(feature = "fuzzing"))]
pub use missing::{brotli_decode, brotli_encode, zstd_decode, zstd_encode};

#[cfg(feature = "fuzzing")]
mod built_in {
    use std::io::{Read, Write};

    use brotlic::{BrotliEncoderOptions, CompressorWriter, DecompressorReader, Quality, WindowSize};
    use zstd::stream::{read, write};

    use super::Options;

    /// The longest content that is compared. The engine refuses bodies that decode to much more.
    const CONTENT_BYTES_MAX: usize = 1 << 16;
    /// The largest window of zstd that the engine accepts.
    const ZSTD_WINDOW_LOG_MAX: u8 = 23;

    /// Returns the decoded content; `None` if the reference refuses the body, or its content is too long to be
    /// compared.
    pub fn brotli_decode(body: &[u8]) -> Option<Vec<u8>> {
        read_all(DecompressorReader::new(body))
    }

    /// Returns the encoded content; never `None`.
    pub fn brotli_encode(content: &[u8], options: Options) -> Option<Vec<u8>> {
        let mut settings = BrotliEncoderOptions::new();
        settings.quality(u8::try_from(options.level).ok().and_then(|level| Quality::new(level).ok())?);
        settings.window_size(WindowSize::new(options.window_log).ok()?);
        let encoder = settings.build().expect("an encoder");
        let mut encoder = CompressorWriter::with_encoder(encoder, Vec::new());
        write_flushed(&mut encoder, content, options.piece_bytes);
        Some(encoder.into_inner().expect("an end"))
    }

    /// Returns the decoded content; `None` if the reference refuses the body, or its content is too long to be
    /// compared.
    pub fn zstd_decode(body: &[u8]) -> Option<Vec<u8>> {
        let mut decoder = read::Decoder::new(body).ok()?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX.into()).ok()?;
        read_all(decoder)
    }

    /// Returns the encoded content; never `None`.
    pub fn zstd_encode(content: &[u8], options: Options) -> Option<Vec<u8>> {
        let mut encoder = write::Encoder::new(Vec::new(), options.level.into()).expect("a level");
        encoder.window_log(ZSTD_WINDOW_LOG_MAX.min(options.window_log).into()).expect("a window");
        encoder.include_checksum(options.has_checksum).expect("a flag");
        write_flushed(&mut encoder, content, options.piece_bytes);
        Some(encoder.finish().expect("an end"))
    }

    fn read_all(mut decoder: impl Read) -> Option<Vec<u8>> {
        let mut content = vec![0; CONTENT_BYTES_MAX];
        let mut length = 0;
        while length < content.len() {
            match decoder.read(&mut content[length..]).ok()? {
                0 => {
                    content.truncate(length);
                    return Some(content);
                }
                read => length += read,
            }
        }
        None
    }

    fn write_flushed(encoder: &mut impl Write, content: &[u8], piece_bytes: usize) {
        for piece in content.chunks(piece_bytes) {
            encoder.write_all(piece).expect("a write to memory");
            encoder.flush().expect("a flush to memory");
        }
    }
}

#[cfg(not(feature = "fuzzing"))]
mod missing {
    use super::Options;

    /// Returns `None`, since the reference is not built in.
    pub fn brotli_decode(_body: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Returns `None`, since the reference is not built in.
    pub fn brotli_encode(_content: &[u8], _options: Options) -> Option<Vec<u8>> {
        None
    }

    /// Returns `None`, since the reference is not built in.
    pub fn zstd_decode(_body: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Returns `None`, since the reference is not built in.
    pub fn zstd_encode(_content: &[u8], _options: Options) -> Option<Vec<u8>> {
        None
    }
}
