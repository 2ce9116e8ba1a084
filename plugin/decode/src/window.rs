//! The window: the last decoded bytes, to which a stream may refer back.

use super::memory::Reservation;
use super::{DecodeError, Output};

/// The number of bytes collected before they are passed on.
const PIECE_BYTES: usize = 16 * 1024;

/// The size of the first allocation. It is doubled as the content grows, up to the size of the window.
const FIRST_BYTES: usize = 4 * 1024;

/// The last bytes of the content, in a ring buffer that grows with the content up to the size of the window. Decoded
/// bytes are passed on from there without a copy.
///
/// If the budget grants no more memory, the window stays as small as it is, since most references are short. One that
/// reaches further back is [`DecodeError::Memory`].
#[derive(Debug)]
pub(super) struct Window {
    bytes: Vec<u8>,
    memory: Reservation,
    /// The maximum size that the decoder's owner allows, whatever the stream requests.
    granted_bytes_max: usize,
    bytes_max: usize,
    /// Whether the window is smaller than the stream requests.
    is_narrowed: bool,
    /// The position of the next byte.
    at: usize,
    /// The number of bytes before `at` that have not been passed on.
    held: usize,
}

impl Window {
    /// Returns a window without memory that keeps at most `granted_bytes_max` bytes.
    pub(super) fn new(memory: Reservation, granted_bytes_max: usize) -> Self {
        let bytes = Vec::new();
        Self { bytes, memory, granted_bytes_max, bytes_max: 0, is_narrowed: false, at: 0, held: 0 }
    }

    /// Restarts with another size, in the existing memory.
    pub(super) fn restart(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max.min(self.granted_bytes_max);
        self.is_narrowed = self.bytes_max < bytes_max;
        (self.at, self.held) = (0, 0);
        self.bytes.clear();
        self.bytes.shrink_to(self.bytes_max);
        let _smaller = self.memory.resize(self.bytes.capacity());
    }

    /// Releases the memory.
    pub(super) fn release(&mut self) {
        self.bytes = Vec::new();
        let _smaller = self.memory.resize(0);
        (self.bytes_max, self.at, self.held) = (0, 0, 0);
    }

    /// Returns the distance that a copy can reach back.
    pub(super) fn reach(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the byte at this distance, where 1 is the last byte; 0 if there is none.
    #[inline]
    pub(super) fn last(&self, back: usize) -> u8 {
        if back > self.bytes.len() {
            return 0;
        }
        let index = match self.at.checked_sub(back) {
            Some(index) => index,
            None => self.at.wrapping_add(self.bytes.len()).wrapping_sub(back),
        };
        self.bytes.get(index).copied().unwrap_or_default()
    }

    /// Passes on all bytes that have not been passed on.
    #[inline(never)]
    pub(super) fn flush(&mut self, out: &mut Output<'_>) -> Result<(), DecodeError> {
        let held = core::mem::take(&mut self.held);
        if held == 0 {
            return Ok(());
        }
        out(self.bytes.get(self.at.saturating_sub(held)..self.at).unwrap_or_default())
    }

    /// Appends bytes.
    #[inline(never)]
    pub(super) fn extend(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Result<(), DecodeError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.room(rest.len(), out)?;
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, b""));
            if let Some(place) = self.place(now.len()) {
                place.copy_from_slice(now);
            }
            self.advance(now.len());
            rest = later;
        }
        Ok(())
    }

    /// Appends a byte.
    #[cfg(feature = "brotli")]
    #[inline]
    pub(super) fn push(&mut self, byte: u8, out: &mut Output<'_>) -> Result<(), DecodeError> {
        self.room(1, out)?;
        if let Some([place]) = self.place(1) {
            *place = byte;
        }
        self.advance(1);
        Ok(())
    }

    /// Appends `count` copies of a byte.
    #[inline(never)]
    pub(super) fn fill(&mut self, byte: u8, count: usize, out: &mut Output<'_>) -> Result<(), DecodeError> {
        let mut left = count;
        while left > 0 {
            let room = self.room(left, out)?;
            if let Some(place) = self.place(room) {
                place.fill(byte);
            }
            self.advance(room);
            left = left.saturating_sub(room);
        }
        Ok(())
    }

    /// Appends `count` bytes copied from `distance` bytes back. The source may include appended bytes.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Corrupt`] for a distance beyond [`Window::reach`], or [`DecodeError::Memory`] if the
    /// window is smaller than the stream requests.
    #[inline(never)]
    pub(super) fn copy(
        &mut self,
        distance: usize,
        count: usize,
        out: &mut Output<'_>,
    ) -> Result<(), DecodeError> {
        if distance == 0 || distance > self.reach() {
            return Err(if self.is_narrowed { DecodeError::Memory } else { DecodeError::Corrupt });
        }
        if distance == 1 {
            return self.fill(self.last(1), count, out);
        }
        let mut left = count;
        while left > 0 {
            let room = self.room(left, out)?;
            // The source may be on either side of the end of the ring buffer.
            let from = match self.at.checked_sub(distance) {
                Some(from) => from,
                None => self.at.wrapping_add(self.bytes_max).wrapping_sub(distance),
            };
            let until_end = self.bytes.len().saturating_sub(from);
            let step = room.min(distance).min(until_end);
            if step == 0 {
                return Err(DecodeError::Corrupt);
            }
            let to = self.at;
            let _ = self.place(step);
            let end = from.saturating_add(step);
            if end <= self.bytes.len() && to.saturating_add(step) <= self.bytes.len() {
                self.bytes.copy_within(from..end, to);
            }
            self.advance(step);
            left = left.saturating_sub(step);
        }
        Ok(())
    }

    /// Returns how many of `wanted` bytes can be written at once: at least one, or an error if the window has no size.
    #[inline(never)]
    fn room(&mut self, wanted: usize, out: &mut Output<'_>) -> Result<usize, DecodeError> {
        if self.bytes_max == 0 {
            return Err(DecodeError::Corrupt);
        }
        if self.held >= PIECE_BYTES {
            self.flush(out)?;
        }
        let wanted = wanted.min(PIECE_BYTES.saturating_sub(self.held));
        self.make_room(wanted)?;
        if self.at >= self.bytes_max {
            self.flush(out)?;
            self.at = 0;
        }
        Ok(wanted.min(self.bytes_max.saturating_sub(self.at)))
    }

    /// Allocates memory for `wanted` more bytes, or fixes the window at its current size.
    #[inline]
    fn make_room(&mut self, wanted: usize) -> Result<(), DecodeError> {
        let end = self.at.saturating_add(wanted).min(self.bytes_max);
        if end <= self.bytes.capacity() {
            return Ok(());
        }
        let wanted = self.bytes.capacity().saturating_mul(2).max(end).max(FIRST_BYTES).min(self.bytes_max);
        if self.memory.extend_to(&mut self.bytes, wanted).is_err() {
            self.is_narrowed = true;
            self.bytes_max = self.bytes.capacity();
        }
        if self.bytes_max == 0 { Err(DecodeError::Memory) } else { Ok(()) }
    }

    /// Returns the next `count` bytes to write, which [`Window::room`] has granted.
    #[inline(never)]
    fn place(&mut self, count: usize) -> Option<&mut [u8]> {
        let end = self.at.saturating_add(count);
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
        }
        self.bytes.get_mut(self.at..end)
    }

    fn advance(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
        self.held = self.held.saturating_add(count);
    }
}
