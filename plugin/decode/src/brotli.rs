//! Brotli (RFC 7932), decoded step by step.
//!
//! This decoder exists because of its size: brotli-decompressor adds 200 KB to the filter, of which 120 KB are a
//! dictionary that is part of its code and cannot be replaced. A step that needs more bits than have arrived is
//! repeated when they have. Steps are small, so that little is read twice.

mod bits;
mod blocks;
mod code;
mod commands;
mod words;

use super::memory::{MemoryBudget, Reservation};
use super::window::Window;
use super::{DecodeError, Output};
use bits::{BitReader, CORRUPT, Stop};
use blocks::{Blocks, ContextMap};
use code::PrefixCode;
use commands::Commands;

/// The number of bytes read at once, after those left over from the last call.
const CHUNK_BYTES: usize = 16 * 1024;

/// The difference between a window's size and a power of 2 (section 9.1).
const WINDOW_GAP: usize = 16;

/// The size in bytes of the decoder's state, and of the bytes that a step may leave for the next call.
const STATE_BYTES: usize = 8 * 1024;

/// The decoder of one brotli body.
#[derive(Debug)]
pub(super) struct Brotli {
    state: State,
    /// The bytes of a step that needs more of them, and the number of bits already read of the first byte.
    held: Vec<u8>,
    held_bit: usize,
    window: Window,
    commands: Box<Commands>,
    is_last: bool,
    /// The memory of the state, and of the codes and maps of the meta-block.
    memory: Reservation,
}

/// The part of the stream that comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    WindowBits,
    MetaBlock,
    Metadata(usize),
    /// This many uncompressed bytes.
    Plain(usize),
    Blocks(usize),
    Parameters,
    Map(usize),
    MapEntries(usize),
    Codes(usize),
    Commands,
    /// After the last meta-block, where all bytes are ignored.
    Ended,
}

impl Brotli {
    pub(super) fn new(budget: &MemoryBudget, window_bytes_max: usize) -> Result<Self, DecodeError> {
        let mut memory = budget.reservation();
        memory.resize(STATE_BYTES)?;
        Ok(Self {
            state: State::default(),
            held: Vec::new(),
            held_bit: 0,
            window: Window::new(budget.reservation(), window_bytes_max),
            commands: budget.boxed(Commands::default)?,
            is_last: false,
            memory,
        })
    }

    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        for piece in bytes.chunks(CHUNK_BYTES) {
            let mut held = core::mem::take(&mut self.held);
            if held.is_empty() {
                self.decode(piece, out)?;
            } else {
                held.extend_from_slice(piece);
                self.decode(&held, out)?;
            }
        }
        self.window.flush(out)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Ended
    }

    fn decode(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        let mut bits = BitReader::new(bytes, self.held_bit);
        while self.state != State::Ended {
            match self.step(&mut bits, out) {
                Ok(next) => {
                    bits.commit();
                    self.state = next;
                }
                Err(Stop::More) => {
                    let (rest, bit) = bits.rest();
                    self.held = rest.to_vec();
                    self.held_bit = bit;
                    return Ok(());
                }
                Err(Stop::Failed(error)) => {
                    self.window.flush(out)?;
                    return Err(error);
                }
            }
        }
        self.window.flush(out)?;
        self.window.release();
        *self.commands = Commands::default();
        let _smaller = self.memory.resize(STATE_BYTES);
        Ok(())
    }

    /// Takes one step, and returns the state after it.
    fn step(&mut self, bits: &mut BitReader<'_>, out: &mut Output<'_>) -> Result<State, Stop> {
        match self.state {
            State::WindowBits => {
                let size = 1usize.wrapping_shl(read_window_bits(bits)?).saturating_sub(WINDOW_GAP);
                self.window.restart(size);
                self.commands.window_bytes = size;
                Ok(State::MetaBlock)
            }
            State::MetaBlock => self.read_meta_block(bits),
            State::Metadata(left) | State::Plain(left) => self.read_bytes(left, bits, out),
            State::Blocks(kind) => {
                let blocks = Blocks::read(bits)?;
                self.memory.grow(blocks.bytes())?;
                *self.commands.blocks.get_mut(kind).ok_or(CORRUPT)? = blocks;
                Ok(if kind == 2 { State::Parameters } else { State::Blocks(kind.saturating_add(1)) })
            }
            State::Parameters => {
                self.commands.read_parameters(bits)?;
                Ok(State::Map(0))
            }
            State::Map(kind) => {
                let size = self.commands.map_size(kind);
                self.memory.grow(size)?;
                *self.commands.maps.get_mut(kind).ok_or(CORRUPT)? = ContextMap::read(bits, size)?;
                Ok(State::MapEntries(kind))
            }
            State::MapEntries(kind) => {
                self.commands.maps.get_mut(kind).ok_or(CORRUPT)?.read_entries(bits)?;
                Ok(if kind == 0 { State::Map(1) } else { State::Codes(0) })
            }
            State::Codes(kind) => {
                let (count, symbols) = self.commands.codes_size(kind);
                let codes = self.commands.codes.get_mut(kind).ok_or(CORRUPT)?;
                let code = PrefixCode::read(bits, symbols)?;
                self.memory.grow(code.bytes())?;
                codes.push(code);
                let is_done = codes.len() >= count;
                Ok(match kind {
                    _ if !is_done => State::Codes(kind),
                    2 => State::Commands,
                    _ => State::Codes(kind.saturating_add(1)),
                })
            }
            State::Commands => {
                self.commands.run(bits, &mut self.window, out)?;
                self.end_meta_block(bits)
            }
            State::Ended => Ok(State::Ended),
        }
    }

    fn read_meta_block(&mut self, bits: &mut BitReader<'_>) -> Result<State, Stop> {
        let is_last = bits.read_bool()?;
        if is_last && bits.read_bool()? {
            bits.align()?;
            return Ok(State::Ended);
        }
        let nibbles = bits.read(2)?;
        if nibbles == 3 {
            return self.read_metadata(is_last, bits);
        }
        let nibbles = u32::try_from(nibbles).unwrap_or_default().saturating_add(4);
        let length = bits.read(nibbles.saturating_mul(4))?;
        if nibbles > 4 && length.wrapping_shr(nibbles.saturating_sub(1).saturating_mul(4)) == 0 {
            return Err(CORRUPT);
        }
        let length = length.saturating_add(1);
        let is_plain = !is_last && bits.read_bool()?;
        if is_plain {
            bits.align()?;
        }
        self.is_last = is_last;
        if is_plain {
            return Ok(State::Plain(length));
        }
        self.commands.restart(length);
        let _smaller = self.memory.resize(STATE_BYTES);
        Ok(State::Blocks(0))
    }

    /// Reads the header of a metadata block, which has no content. Encoders use it to fill up a byte before a flush.
    fn read_metadata(&mut self, is_last: bool, bits: &mut BitReader<'_>) -> Result<State, Stop> {
        if bits.read_bool()? {
            return Err(CORRUPT);
        }
        let bytes = u32::try_from(bits.read(2)?).unwrap_or_default();
        let length = bits.read(bytes.saturating_mul(8))?;
        if bytes > 1 && length.wrapping_shr(bytes.saturating_sub(1).saturating_mul(8)) == 0 {
            return Err(CORRUPT);
        }
        bits.align()?;
        self.is_last = is_last;
        Ok(State::Metadata(if bytes == 0 { 0 } else { length.saturating_add(1) }))
    }

    fn read_bytes(
        &mut self,
        left: usize,
        bits: &mut BitReader<'_>,
        out: &mut Output<'_>,
    ) -> Result<State, Stop> {
        let bytes = bits.bytes(left);
        let left = left.saturating_sub(bytes.len());
        let is_plain = matches!(self.state, State::Plain(_));
        if is_plain {
            self.window.extend(bytes, out)?;
            self.commands.given = self.commands.given.saturating_add(bytes.len());
        }
        self.state = if is_plain { State::Plain(left) } else { State::Metadata(left) };
        if left > 0 {
            return Err(Stop::More);
        }
        self.end_meta_block(bits)
    }

    fn end_meta_block(&mut self, bits: &mut BitReader<'_>) -> Result<State, Stop> {
        if !self.is_last {
            return Ok(State::MetaBlock);
        }
        bits.align()?;
        Ok(State::Ended)
    }
}

/// Reads the binary logarithm of the window's size, 10 to 24 (section 9.1). The remaining bit pattern announces a
/// larger window, which HTTP's `br` does not allow.
fn read_window_bits(bits: &mut BitReader<'_>) -> Result<u32, Stop> {
    if !bits.read_bool()? {
        return Ok(16);
    }
    let more = match bits.read(3)? {
        0 => match bits.read(3)? {
            0 => 17,
            1 => return Err(CORRUPT),
            more => more.saturating_add(8),
        },
        more => more.saturating_add(17),
    };
    Ok(u32::try_from(more).unwrap_or_default())
}

#[cfg(test)]
mod tests;
