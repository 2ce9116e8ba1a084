//! Commands: a number of literals, then a copy from the window or a word of the dictionary (RFC 7932 sections 4, 5 and
//! 9.3).

use super::super::Output;
use super::super::window::Window;
use super::bits::{BitReader, CORRUPT, Stop};
use super::blocks::{Blocks, ContextMap, read_length};
use super::code::PrefixCode;
use super::words;

/// Indices of the arrays below.
const LITERALS: usize = 0;
const LENGTHS: usize = 1;
const DISTANCES: usize = 2;
/// The index of the distances' context map.
const DISTANCES_MAP: usize = 1;

const LITERAL_CONTEXTS: usize = 64;
const DISTANCE_CONTEXTS: usize = 4;
const LITERAL_SYMBOLS: usize = 256;
const LENGTH_SYMBOLS: usize = 704;

const INSERT_BITS: [u8; 24] = [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 12, 14, 24];
const COPY_BITS: [u8; 24] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 24];
const COPY_BYTES_MIN: usize = 2;
/// The first insert and copy lengths of each group of 64 length symbols. The first two groups repeat the last distance.
const GROUPS: [(usize, usize); 11] =
    [(0, 0), (0, 8), (0, 0), (0, 8), (8, 0), (8, 8), (0, 16), (16, 0), (8, 16), (16, 8), (16, 16)];
const REPEATING_SYMBOLS: usize = 128;

/// The distance symbols that refer to a recent distance: its index and the number added to it.
#[rustfmt::skip]
const RECENT: [(usize, isize); 16] = [
    (0, 0), (1, 0), (2, 0), (3, 0), (0, -1), (0, 1), (0, -2), (0, 2),
    (0, -3), (0, 3), (1, -1), (1, 1), (1, -2), (1, 2), (1, -3), (1, 3),
];

/// The commands of one meta-block, and the state that continues in the next one.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) window_bytes: usize,
    /// The number of decoded bytes so far.
    pub(super) given: usize,
    /// The number of bytes missing from the meta-block.
    left: usize,
    pub(super) blocks: [Blocks; 3],
    pub(super) maps: [ContextMap; 2],
    pub(super) codes: [Vec<PrefixCode>; 3],
    /// The context mode of literals for each type of block.
    modes: Vec<u8>,
    postfix_bits: u32,
    direct: usize,
    /// The last distances, the latest first.
    recent: [usize; 4],
    /// The command that is being executed.
    command: Command,
    word: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Command {
    /// The number of literals still to come; `None` if no command has been read.
    literals: Option<usize>,
    copy: usize,
    repeats: bool,
}

impl Default for Commands {
    fn default() -> Self {
        Self {
            window_bytes: 0,
            given: 0,
            left: 0,
            blocks: Default::default(),
            maps: Default::default(),
            codes: Default::default(),
            modes: Vec::new(),
            postfix_bits: 0,
            direct: 0,
            recent: [4, 11, 15, 16],
            command: Command::default(),
            word: Vec::new(),
        }
    }
}

impl Commands {
    /// Begins a meta-block that decodes to this many bytes.
    pub(super) fn restart(&mut self, bytes: usize) {
        self.left = bytes;
        self.command = Command::default();
        self.codes = Default::default();
    }

    pub(super) fn read_parameters(&mut self, bits: &mut BitReader<'_>) -> Result<(), Stop> {
        let postfix_bits = u32::try_from(bits.read(2)?).unwrap_or_default();
        let direct = bits.read(4)?.wrapping_shl(postfix_bits);
        let mut modes = Vec::new();
        for _ in 0..self.types(LITERALS) {
            modes.push(u8::try_from(bits.read(2)?).unwrap_or_default());
        }
        (self.postfix_bits, self.direct, self.modes) = (postfix_bits, direct, modes);
        Ok(())
    }

    /// Returns the number of contexts in a map.
    pub(super) fn map_size(&self, map: usize) -> usize {
        if map == DISTANCES_MAP {
            self.types(DISTANCES).saturating_mul(DISTANCE_CONTEXTS)
        } else {
            self.types(LITERALS).saturating_mul(LITERAL_CONTEXTS)
        }
    }

    /// Returns the number of codes, and the number of symbols in each.
    pub(super) fn codes_size(&self, kind: usize) -> (usize, usize) {
        let trees = |map: usize| self.maps.get(map).map_or(1, |map| map.trees);
        match kind {
            LITERALS => (trees(0), LITERAL_SYMBOLS),
            LENGTHS => (self.types(LENGTHS), LENGTH_SYMBOLS),
            _ => {
                let symbols = 48usize.wrapping_shl(self.postfix_bits);
                (trees(DISTANCES_MAP), symbols.saturating_add(self.direct).saturating_add(RECENT.len()))
            }
        }
    }

    fn types(&self, kind: usize) -> usize {
        self.blocks.get(kind).map_or(1, |blocks| blocks.types)
    }

    /// Executes the available commands, up to the end of the meta-block. Each part of a command completes a step.
    pub(super) fn run(
        &mut self,
        bits: &mut BitReader<'_>,
        window: &mut Window,
        out: &mut Output<'_>,
    ) -> Result<(), Stop> {
        while self.left > 0 {
            let literals = match self.command.literals {
                Some(literals) => literals,
                None => self.read_command(bits)?,
            };
            self.read_literals(literals, bits, window, out)?;
            if self.left > 0 {
                self.execute_copy(bits, window, out)?;
            }
            self.command.literals = None;
            bits.commit();
        }
        Ok(())
    }

    /// Reads a command, and returns its number of literals.
    fn read_command(&mut self, bits: &mut BitReader<'_>) -> Result<usize, Stop> {
        let [_, blocks, _] = &mut self.blocks;
        let [_, codes, _] = &self.codes;
        blocks.step(bits)?;
        let symbol = codes.get(blocks.current).ok_or(CORRUPT)?.symbol(bits)?;
        let (insert, copy) = GROUPS.get(symbol >> 6).ok_or(CORRUPT)?;
        let insert = insert.saturating_add(symbol >> 3 & 7);
        let copy = copy.saturating_add(symbol & 7);
        let literals = read_length(bits, insert, 0, &INSERT_BITS)?;
        let copy = read_length(bits, copy, COPY_BYTES_MIN, &COPY_BITS)?;
        if literals > self.left {
            return Err(CORRUPT);
        }
        blocks.count();
        bits.commit();
        self.command = Command { literals: Some(literals), copy, repeats: symbol < REPEATING_SYMBOLS };
        Ok(literals)
    }

    fn read_literals(
        &mut self,
        count: usize,
        bits: &mut BitReader<'_>,
        window: &mut Window,
        out: &mut Output<'_>,
    ) -> Result<(), Stop> {
        let [blocks, ..] = &mut self.blocks;
        let [codes, ..] = &self.codes;
        let [map, _] = &self.maps;
        for left in (0..count).rev() {
            blocks.step(bits)?;
            let mode = self.modes.get(blocks.current).copied().unwrap_or_default();
            let context = context(mode, window.last(1), window.last(2));
            let tree = map.tree(blocks.current.saturating_mul(LITERAL_CONTEXTS).saturating_add(context));
            let symbol = codes.get(tree).ok_or(CORRUPT)?.symbol(bits)?;
            bits.commit();
            window.push(u8::try_from(symbol).unwrap_or_default(), out)?;
            blocks.count();
            self.left = self.left.saturating_sub(1);
            self.given = self.given.saturating_add(1);
            self.command.literals = Some(left);
        }
        Ok(())
    }

    fn execute_copy(
        &mut self,
        bits: &mut BitReader<'_>,
        window: &mut Window,
        out: &mut Output<'_>,
    ) -> Result<(), Stop> {
        let symbol = if self.command.repeats { 0 } else { self.read_distance_symbol(bits)? };
        let distance = self.read_distance(symbol, bits)?;
        let count = self.command.copy;
        let distance_max = self.window_bytes.min(self.given);
        let given = match distance.checked_sub(distance_max) {
            None | Some(0) => {
                if count > self.left {
                    return Err(CORRUPT);
                }
                window.copy(distance, count, out)?;
                if symbol != 0 {
                    let [first, second, third, _] = self.recent;
                    self.recent = [distance, first, second, third];
                }
                count
            }
            Some(beyond) => {
                words::word(count, beyond.saturating_sub(1), &mut self.word).ok_or(CORRUPT)?;
                if self.word.len() > self.left {
                    return Err(CORRUPT);
                }
                window.extend(&self.word, out)?;
                self.word.len()
            }
        };
        if !self.command.repeats {
            let [.., blocks] = &mut self.blocks;
            blocks.count();
        }
        self.left = self.left.saturating_sub(given);
        self.given = self.given.saturating_add(given);
        Ok(())
    }

    fn read_distance_symbol(&mut self, bits: &mut BitReader<'_>) -> Result<usize, Stop> {
        let [.., blocks] = &mut self.blocks;
        let [.., codes] = &self.codes;
        let [_, map] = &self.maps;
        blocks.step(bits)?;
        let context = self.command.copy.saturating_sub(COPY_BYTES_MIN).min(DISTANCE_CONTEXTS - 1);
        let tree = map.tree(blocks.current.saturating_mul(DISTANCE_CONTEXTS).saturating_add(context));
        codes.get(tree).ok_or(CORRUPT)?.symbol(bits)
    }

    fn read_distance(&self, symbol: usize, bits: &mut BitReader<'_>) -> Result<usize, Stop> {
        if let Some((which, more)) = RECENT.get(symbol) {
            let recent = self.recent.get(*which).copied().unwrap_or_default();
            return recent.checked_add_signed(*more).filter(|distance| *distance > 0).ok_or(CORRUPT);
        }
        let symbol = symbol.saturating_sub(RECENT.len());
        let Some(symbol) = symbol.checked_sub(self.direct) else {
            return Ok(symbol.saturating_add(1));
        };
        let postfix = symbol & 1usize.wrapping_shl(self.postfix_bits).wrapping_sub(1);
        let group = symbol.wrapping_shr(self.postfix_bits);
        let extra_bits = u32::try_from(group >> 1).unwrap_or_default().saturating_add(1);
        let base = (2 | group & 1).wrapping_shl(extra_bits).saturating_sub(4);
        let scaled = base.saturating_add(bits.read(extra_bits)?).wrapping_shl(self.postfix_bits);
        Ok(scaled.saturating_add(postfix).saturating_add(self.direct).saturating_add(1))
    }
}

/// Returns the context of a literal, from the two bytes before it (section 7.1).
#[inline]
fn context(mode: u8, last: u8, before: u8) -> usize {
    let context = match mode {
        0 => last & 63,
        1 => last >> 2,
        2 => utf8_last(last) | utf8_before(before),
        _ => magnitude(last) << 3 | magnitude(before),
    };
    usize::from(context)
}

/// Returns the class of the character to which the byte belongs.
pub(super) fn utf8_last(byte: u8) -> u8 {
    /// The classes of the ASCII bytes from the space on.
    const PRINTED: [u8; 96] = [
        8, 12, 16, 12, 12, 20, 12, 16, 24, 28, 12, 12, 32, 12, 36, 12, 44, 44, 44, 44, 44, 44, 44, 44, 44,
        44, 32, 32, 24, 40, 28, 12, 12, 48, 52, 52, 52, 48, 52, 52, 52, 48, 52, 52, 52, 52, 52, 48, 52, 52,
        52, 52, 52, 48, 52, 52, 52, 52, 52, 24, 12, 28, 12, 12, 12, 56, 60, 60, 60, 56, 60, 60, 60, 56, 60,
        60, 60, 60, 60, 56, 60, 60, 60, 60, 60, 56, 60, 60, 60, 60, 60, 24, 12, 28, 12, 0,
    ];
    match byte {
        b'\t' | b'\n' | b'\r' => 4,
        0..32 => 0,
        32..128 => PRINTED.get(usize::from(byte).saturating_sub(32)).copied().unwrap_or_default(),
        128..192 => byte & 1,
        192.. => 2 | byte & 1,
    }
}

pub(super) fn utf8_before(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 3,
        b'0'..=b'9' | b'A'..=b'Z' | 224.. => 2,
        33..127 => 1,
        0..=32 | 127..224 => 0,
    }
}

/// Returns the class of a signed byte's distance from 0.
pub(super) fn magnitude(byte: u8) -> u8 {
    match byte {
        0 => 0,
        1..16 => 1,
        16..64 => 2,
        64..128 => 3,
        128..192 => 4,
        192..240 => 5,
        240..255 => 6,
        255 => 7,
    }
}
