//! Deflate (RFC 1951), and the encoding that HTTP names `deflate`.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER,
};
use miniz_oxide::inflate::core::{DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress};

use super::memory::{MemoryBudget, Reservation};
use super::{DecodeError, Output};

/// The size of the decoder's state in bytes, without its window.
const STATE_BYTES: usize = size_of::<DecompressorOxide>();

/// The decoder of one deflate stream, with or without zlib's header and checksum.
pub(super) struct Inflate {
    core: Box<DecompressorOxide>,
    /// The ring buffer to which matches refer. miniz decodes into it, and the bytes are passed on from there.
    window: Vec<u8>,
    at: usize,
    flags: u32,
    _memory: [Reservation; 2],
}

impl core::fmt::Debug for Inflate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inflate").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Inflate {
    pub(super) fn raw(budget: &MemoryBudget) -> Result<Self, DecodeError> {
        Self::new(TINFL_FLAG_HAS_MORE_INPUT, budget)
    }

    pub(super) fn zlib(budget: &MemoryBudget) -> Result<Self, DecodeError> {
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32;
        Self::new(flags, budget)
    }

    #[inline(never)]
    fn new(flags: u32, budget: &MemoryBudget) -> Result<Self, DecodeError> {
        let (mut state_memory, mut window_memory) = (budget.reservation(), budget.reservation());
        state_memory.resize(STATE_BYTES)?;
        let mut window = Vec::new();
        window_memory.make_room(&mut window, TINFL_LZ_DICT_SIZE)?;
        window.resize(TINFL_LZ_DICT_SIZE, 0);
        let _memory = [state_memory, window_memory];
        let core = budget.boxed(DecompressorOxide::default)?;
        Ok(Self { core, window, at: 0, flags, _memory })
    }

    /// Restarts for another stream, in the same memory.
    pub(super) fn restart(&mut self) {
        self.core.init();
        self.at = 0;
    }

    /// Decodes the next bytes. Returns the bytes after the end of the stream; `None` if the stream continues.
    #[inline(never)]
    pub(super) fn feed<'b>(
        &mut self,
        bytes: &'b [u8],
        out: &mut Output<'_>,
    ) -> Result<Option<&'b [u8]>, DecodeError> {
        let mut rest = bytes;
        loop {
            let (status, read, written) =
                decompress(&mut self.core, rest, &mut self.window, self.at, self.flags);
            rest = rest.get(read..).unwrap_or_default();
            let end = self.at.saturating_add(written);
            out(self.window.get(self.at..end).unwrap_or_default())?;
            self.at = if end >= self.window.len() { 0 } else { end };
            match status {
                TINFLStatus::Done => return Ok(Some(rest)),
                TINFLStatus::NeedsMoreInput if rest.is_empty() => return Ok(None),
                // Without progress the loop would not end.
                TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput if read > 0 || written > 0 => {}
                _ => return Err(DecodeError::Corrupt),
            }
        }
    }
}

/// The decoder of the encoding `deflate`. RFC 9110 section 8.4.1.2 says that it is zlib's format (RFC 1950), but some
/// servers send raw deflate and every browser accepts it.
#[derive(Debug)]
pub(super) enum Deflate {
    Fresh(MemoryBudget),
    /// Holds the first byte, which could begin a zlib header.
    Undecided(u8, MemoryBudget),
    Inside(Inflate),
    Ended,
}

impl Deflate {
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        let mut rest = bytes;
        while let Some((&byte, tail)) = rest.split_first() {
            match self {
                Self::Fresh(budget) if byte & 0x8F == 8 => {
                    *self = Self::Undecided(byte, budget.clone());
                    rest = tail;
                }
                Self::Fresh(budget) => *self = Self::Inside(Inflate::raw(budget)?),
                Self::Undecided(first, budget) => {
                    let first = *first;
                    let is_zlib = is_zlib_header(first, byte);
                    let mut inflate = if is_zlib { Inflate::zlib(budget)? } else { Inflate::raw(budget)? };
                    *self = match inflate.feed(&[first], out)? {
                        Some(_) => Self::Ended,
                        None => Self::Inside(inflate),
                    };
                }
                Self::Inside(inflate) => {
                    if inflate.feed(rest, out)?.is_some() {
                        *self = Self::Ended;
                    }
                    return Ok(());
                }
                Self::Ended => return Ok(()),
            }
        }
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Self::Ended)
    }
}

/// Whether two bytes are a zlib header: method 8, a window of at most 32 KiB, a multiple of 31, no preset dictionary.
///
/// Raw deflate has such bytes only if it begins with a stored block with non-zero padding, which no encoder writes.
fn is_zlib_header(first: u8, second: u8) -> bool {
    first & 0x8F == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31) && second & 0x20 == 0
}
