//! Zstandard (RFC 8878), decoded block by block.
//!
//! This decoder exists because no crate is suitable. ruzstd returns nothing before a whole window has been decoded, so
//! that an event stream would only be returned at its end. It also has assertions, and a panic ends a worker's VM.
//! structured-zstd is derived from it. The `zstd` crate is a C library. This decoder has no indexing and no arithmetic
//! that could trap.

mod bits;
mod block;
mod fse;
mod huffman;
mod sequences;

use core::hash::Hasher as _;

use twox_hash::XxHash64;

use super::memory::{Buffer, MemoryBudget, Reservation};
use super::window::Window;
use super::{DecodeError, Output, ZSTD_WINDOW_BYTES_MAX};
use block::Tables;

const MAGIC: u32 = 0xFD2F_B528;
/// The magic number of skippable frames, which differ in their last four bits.
const SKIPPABLE: u32 = 0x184D_2A50;
/// Block_Maximum_Size, unless the window is smaller.
const BLOCK_BYTES_MAX: usize = 128 * 1024;
/// The size in bytes above which a block's buffers are released after it, since most events are small.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// The size in bytes of the decoder's state and of its tables.
const STATE_BYTES: usize = 12 * 1024;

/// The decoder of one zstd body.
#[derive(Debug)]
pub(super) struct Zstd {
    state: State,
    /// The bytes of the field or block that is being collected.
    field: Buffer,
    window: Window,
    frame: Frame,
    tables: Box<Tables>,
    /// Whether at least one frame that is not skippable is complete.
    has_frame: bool,
    _memory: Reservation,
}

#[derive(Debug, Default)]
struct Frame {
    block_bytes_max: usize,
    /// The length of the content; `None` if the header does not state it.
    content_bytes: Option<u64>,
    given: u64,
    checksum: Option<XxHash64>,
    last_block: bool,
}

/// The part of the stream that comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Magic,
    Descriptor,
    Header(u8),
    BlockHeader,
    Raw(usize),
    Rle(usize),
    Compressed(usize),
    Checksum,
    SkipLength,
    Skip(usize),
    /// After the last frame, where all bytes are ignored.
    Ended,
}

impl Zstd {
    pub(super) fn new(budget: &MemoryBudget, window_bytes_max: usize) -> Result<Self, DecodeError> {
        let mut memory = budget.reservation();
        memory.resize(STATE_BYTES)?;
        Ok(Self {
            state: State::default(),
            field: budget.buffer(),
            window: Window::new(budget.reservation(), window_bytes_max),
            frame: Frame::default(),
            tables: budget.boxed(|| Tables::new(budget))?,
            has_frame: false,
            _memory: memory,
        })
    }

    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        let mut rest = bytes;
        while !rest.is_empty() && self.state != State::Ended {
            rest = match self.state {
                State::Raw(left) | State::Skip(left) => self.read_through(rest, left, out)?,
                _ => self.collect(rest, out)?,
            };
        }
        Ok(())
    }

    /// Whether the bytes so far are complete frames.
    pub(super) fn is_whole(&self) -> bool {
        match self.state {
            State::Ended => true,
            // Fewer bytes than a magic number are ignored.
            State::Magic => self.has_frame,
            _ => false,
        }
    }

    /// Reads bytes that can be processed one by one.
    fn read_through<'b>(
        &mut self,
        bytes: &'b [u8],
        left: usize,
        out: &mut Output<'_>,
    ) -> Result<&'b [u8], DecodeError> {
        let (now, later) = bytes.split_at_checked(left).unwrap_or((bytes, b""));
        let left = left.saturating_sub(now.len());
        if let State::Raw(_) = self.state {
            self.write(out, |_, window, out| window.extend(now, out))?;
            self.state = State::Raw(left);
            if left == 0 {
                self.end_block()?;
            }
        } else {
            self.state = if left == 0 { State::Magic } else { State::Skip(left) };
        }
        Ok(later)
    }

    /// Collects bytes that have to be processed together.
    fn collect<'b>(&mut self, bytes: &'b [u8], out: &mut Output<'_>) -> Result<&'b [u8], DecodeError> {
        let wanted = match self.state {
            State::Descriptor | State::Rle(_) => 1,
            State::BlockHeader => 3,
            State::Header(descriptor) => header_bytes(descriptor),
            State::Compressed(bytes) => bytes,
            _ => 4,
        };
        let missing = wanted.saturating_sub(self.field.len());
        let (now, later) = bytes.split_at_checked(missing).unwrap_or((bytes, b""));
        self.field.extend(now)?;
        if self.field.len() == wanted {
            let mut field = self.field.take();
            self.read(field.bytes(), out)?;
            field.clear_to(KEPT_BYTES_MAX);
            self.field = field;
        }
        Ok(later)
    }

    fn read(&mut self, field: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        match self.state {
            State::Magic => return self.read_magic(number(field)),
            State::Descriptor => return self.read_descriptor(number(field)),
            State::Header(descriptor) => return self.read_header(descriptor, field),
            State::BlockHeader => return self.read_block_header(number(field)),
            State::SkipLength => {
                let left = usize::try_from(number(field)).map_err(|_| DecodeError::Corrupt)?;
                self.state = if left == 0 { State::Magic } else { State::Skip(left) };
                return Ok(());
            }
            State::Checksum => {
                let hash = self.frame.checksum.take().map(|hash| hash.finish() & 0xFFFF_FFFF);
                if hash != Some(number(field)) {
                    return Err(DecodeError::Corrupt);
                }
                self.has_frame = true;
                self.state = State::Magic;
                return Ok(());
            }
            State::Rle(count) => {
                let byte = field.first().copied().unwrap_or_default();
                self.write(out, |_, window, out| window.fill(byte, count, out))?;
            }
            State::Compressed(_) => {
                let block_bytes_max = self.frame.block_bytes_max;
                self.write(out, |tables, window, out| tables.block(field, block_bytes_max, window, out))?;
            }
            State::Raw(_) | State::Skip(_) | State::Ended => {}
        }
        self.end_block()
    }

    /// Runs `write`, passes all decoded bytes on, and counts and hashes them.
    fn write<F>(&mut self, out: &mut Output<'_>, write: F) -> Result<(), DecodeError>
    where
        F: FnOnce(&mut Tables, &mut Window, &mut Output<'_>) -> Result<(), DecodeError>,
    {
        let frame = &mut self.frame;
        let counted: &mut Output<'_> = &mut |piece| {
            frame.given = frame.given.saturating_add(super::length(piece));
            if let Some(hash) = &mut frame.checksum {
                hash.write(piece);
            }
            out(piece)
        };
        let written = write(&mut self.tables, &mut self.window, counted);
        self.window.flush(counted)?;
        written
    }

    fn read_magic(&mut self, magic: u64) -> Result<(), DecodeError> {
        if magic == u64::from(MAGIC) {
            self.state = State::Descriptor;
        } else if magic & !0xF == u64::from(SKIPPABLE) {
            self.state = State::SkipLength;
        } else if self.has_frame {
            self.state = State::Ended;
            self.window.release();
            self.tables.release();
        } else {
            return Err(DecodeError::Corrupt);
        }
        Ok(())
    }

    fn read_descriptor(&mut self, descriptor: u64) -> Result<(), DecodeError> {
        // Bit 3 is reserved, and HTTP's `zstd` does not allow a dictionary.
        if descriptor & 0b1011 != 0 {
            return Err(DecodeError::Corrupt);
        }
        self.state = State::Header(u8::try_from(descriptor).unwrap_or_default());
        Ok(())
    }

    fn read_header(&mut self, descriptor: u8, field: &[u8]) -> Result<(), DecodeError> {
        let is_single_segment = descriptor & 0x20 != 0;
        let (window, content) = field.split_at_checked(usize::from(!is_single_segment)).unwrap_or_default();
        let content_bytes = match content.len() {
            0 => None,
            2 => Some(number(content).saturating_add(256)),
            _ => Some(number(content)),
        };
        let window_bytes = match window.first() {
            Some(byte) => {
                let base = 1u64 << (10u8.saturating_add(byte >> 3) & 63);
                base.saturating_add((base >> 3).saturating_mul(u64::from(byte & 7)))
            }
            None => content_bytes.unwrap_or_default(),
        };
        if window_bytes > ZSTD_WINDOW_BYTES_MAX {
            return Err(DecodeError::Corrupt);
        }
        let window_bytes = usize::try_from(window_bytes).unwrap_or_default();
        self.frame = Frame {
            block_bytes_max: window_bytes.min(BLOCK_BYTES_MAX),
            content_bytes,
            given: 0,
            checksum: (descriptor & 4 != 0).then(|| XxHash64::with_seed(0)),
            last_block: false,
        };
        self.window.restart(window_bytes);
        self.tables.restart();
        self.state = State::BlockHeader;
        Ok(())
    }

    fn read_block_header(&mut self, header: u64) -> Result<(), DecodeError> {
        self.frame.last_block = header & 1 != 0;
        let bytes = usize::try_from(header >> 3).unwrap_or(usize::MAX);
        if bytes > self.frame.block_bytes_max {
            return Err(DecodeError::Corrupt);
        }
        self.state = match header >> 1 & 3 {
            0 => State::Raw(bytes),
            1 => State::Rle(bytes),
            2 if bytes > 0 => State::Compressed(bytes),
            _ => return Err(DecodeError::Corrupt),
        };
        if self.state == State::Raw(0) { self.end_block() } else { Ok(()) }
    }

    fn end_block(&mut self) -> Result<(), DecodeError> {
        if !self.frame.last_block {
            self.state = State::BlockHeader;
            return Ok(());
        }
        if self.frame.content_bytes.is_some_and(|bytes| bytes != self.frame.given) {
            return Err(DecodeError::Corrupt);
        }
        self.has_frame |= self.frame.checksum.is_none();
        self.state = if self.frame.checksum.is_some() { State::Checksum } else { State::Magic };
        Ok(())
    }
}

/// Returns the size of a frame's header after its descriptor: the window and the length of the content.
fn header_bytes(descriptor: u8) -> usize {
    let is_single_segment = descriptor & 0x20 != 0;
    let content = match descriptor >> 6 {
        0 => usize::from(is_single_segment),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    content.saturating_add(usize::from(!is_single_segment))
}

/// Returns a number of up to 8 bytes, little endian.
#[inline(never)]
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
