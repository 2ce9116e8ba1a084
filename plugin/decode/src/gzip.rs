//! gzip (RFC 1952): members with a header, deflate data and a trailer.

use super::inflate::Inflate;
use super::{DecodeError, Output};
use crate::crc32::Crc32;
use crate::memory::MemoryBudget;

const MAGIC: [u8; 2] = [0x1F, 0x8B];
const DEFLATE: u8 = 8;
/// The size of a header without options.
const FIXED_BYTES: usize = 10;
const TRAILER_BYTES: usize = 8;

const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
const RESERVED: u8 = 0xE0;

/// The decoder of one gzip body.
#[derive(Debug)]
pub(super) struct Gzip {
    budget: MemoryBudget,
    state: State,
    /// The bytes of a field with a fixed size.
    field: [u8; FIXED_BYTES],
    field_len: usize,
    flags: u8,
    header_crc: Crc32,
    inflate: Option<Inflate>,
    crc: Crc32,
    /// The number of the member's decoded bytes, modulo 2^32.
    size: u32,
    /// Whether at least one member is complete.
    has_member: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Fixed,
    ExtraLength,
    Extra(u16),
    Name,
    Comment,
    HeaderCrc,
    Data,
    Trailer,
    /// After the last member, where all bytes are ignored.
    Ended,
}

impl Gzip {
    pub(super) fn new(budget: &MemoryBudget) -> Self {
        Self {
            budget: budget.clone(),
            state: State::default(),
            field: [0; FIXED_BYTES],
            field_len: 0,
            flags: 0,
            header_crc: Crc32::default(),
            inflate: None,
            crc: Crc32::default(),
            size: 0,
            has_member: false,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        let mut rest = bytes;
        while !rest.is_empty() && self.state != State::Ended {
            rest = if self.state == State::Data {
                self.decode_data(rest, out)?
            } else {
                self.read_header(rest)?
            };
        }
        Ok(())
    }

    /// Whether the bytes so far are complete members. A single byte that could begin another member is ignored.
    pub(super) fn is_whole(&self) -> bool {
        match self.state {
            State::Ended => true,
            State::Fixed => self.has_member && self.field_len < MAGIC.len(),
            _ => false,
        }
    }

    fn decode_data<'b>(&mut self, bytes: &'b [u8], out: &mut Output<'_>) -> Result<&'b [u8], DecodeError> {
        let (crc, size) = (&mut self.crc, &mut self.size);
        let inflate = match &mut self.inflate {
            Some(inflate) => inflate,
            none => none.insert(Inflate::raw(&self.budget)?),
        };
        let ended = inflate.feed(bytes, &mut |piece| {
            crc.update(piece);
            *size = size.wrapping_add(u32::try_from(piece.len()).unwrap_or_default());
            out(piece)
        })?;
        if ended.is_some() {
            self.state = State::Trailer;
        }
        Ok(ended.unwrap_or_default())
    }

    /// Reads one byte outside of the data.
    fn read_header<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], DecodeError> {
        let Some((&byte, rest)) = bytes.split_first() else {
            return Ok(bytes);
        };
        if self.state != State::HeaderCrc {
            self.header_crc.update(&[byte]);
        }
        match self.state {
            State::Fixed => self.read_fixed(byte)?,
            State::ExtraLength => {
                if let Some([low, high, ..]) = self.collect(byte, 2) {
                    self.state = State::Extra(u16::from_le_bytes([low, high]));
                }
            }
            State::Extra(left) => self.state = State::Extra(left.saturating_sub(1)),
            State::Name | State::Comment if byte == 0 => self.next(),
            State::Name | State::Comment => {}
            State::HeaderCrc => {
                if let Some([low, high, ..]) = self.collect(byte, 2) {
                    let [a, b, ..] = self.header_crc.value().to_le_bytes();
                    if [low, high] != [a, b] {
                        return Err(DecodeError::Corrupt);
                    }
                    self.next();
                }
            }
            State::Trailer => self.read_trailer(byte)?,
            State::Data | State::Ended => {}
        }
        if self.state == State::Extra(0) {
            self.next();
        }
        Ok(rest)
    }

    fn read_fixed(&mut self, byte: u8) -> Result<(), DecodeError> {
        if MAGIC.get(self.field_len).is_some_and(|expected| *expected != byte) {
            if !self.has_member {
                return Err(DecodeError::Corrupt);
            }
            self.state = State::Ended;
            self.inflate = None;
            return Ok(());
        }
        if let Some([_, _, method, flags, ..]) = self.collect(byte, FIXED_BYTES) {
            if method != DEFLATE || flags & RESERVED != 0 {
                return Err(DecodeError::Corrupt);
            }
            self.flags = flags;
            self.next();
        }
        Ok(())
    }

    fn read_trailer(&mut self, byte: u8) -> Result<(), DecodeError> {
        let Some([a, b, c, d, e, f, g, h, ..]) = self.collect(byte, TRAILER_BYTES) else {
            return Ok(());
        };
        let is_crc = u32::from_le_bytes([a, b, c, d]) == self.crc.value();
        if !is_crc || u32::from_le_bytes([e, f, g, h]) != self.size {
            return Err(DecodeError::Corrupt);
        }
        self.has_member = true;
        self.state = State::Fixed;
        self.header_crc = Crc32::default();
        self.crc = Crc32::default();
        self.size = 0;
        if let Some(inflate) = &mut self.inflate {
            inflate.restart();
        }
        Ok(())
    }

    /// Stores a byte of a field; returns the field once it has all its bytes.
    fn collect(&mut self, byte: u8, bytes: usize) -> Option<[u8; FIXED_BYTES]> {
        if let Some(slot) = self.field.get_mut(self.field_len) {
            *slot = byte;
        }
        self.field_len = self.field_len.saturating_add(1);
        if self.field_len < bytes {
            return None;
        }
        self.field_len = 0;
        Some(self.field)
    }

    /// Moves to the next part of the header that the flags announce.
    fn next(&mut self) {
        const PARTS: [(u8, State); 4] = [
            (FEXTRA, State::ExtraLength),
            (FNAME, State::Name),
            (FCOMMENT, State::Comment),
            (FHCRC, State::HeaderCrc),
        ];
        self.state = State::Data;
        for (flag, state) in PARTS {
            if self.flags & flag != 0 {
                self.flags &= !flag;
                self.state = state;
                return;
            }
        }
    }
}
