//! The memory that one worker grants to everything whose size a peer chooses.
//!
//! Allocators end the process, or the WebAssembly instance, when they run out; a stranger must not be able to make
//! them. So what grows with foreign bytes takes its memory from a [`MemoryBudget`] first, and takes a refusal for an
//! answer.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

/// Bytes that are set aside for the small allocations that nothing can refuse; given up when an allocation fails.
const CUSHION_BYTES: usize = 256 * 1024;

/// Bytes that the allocator must have in one piece for something to begin.
const ROOM_TO_BEGIN_BYTES: usize = 16 * 1024;

/// A reservation above this size is large: it is granted only while a quarter of the budget stays free, so that a few
/// large ones leave room for many small ones.
const LARGE_BYTES: usize = 64 * 1024;

/// The budget refused bytes, or the allocator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// The memory of one worker; clones share it.
///
/// A budget for requests grants only half of what the whole budget does, so that clients alone cannot starve what is
/// read from upstreams.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    ledger: Rc<Ledger>,
    is_for_requests: bool,
}

/// `used_bytes <= bytes_max` holds but for what [`Reservation::take`] took.
#[derive(Debug, Default)]
struct Ledger {
    used_bytes: Cell<usize>,
    bytes_max: Cell<usize>,
    /// The allocator refused what the budget granted.
    has_failed: Cell<bool>,
    cushion: RefCell<Vec<u8>>,
}

impl MemoryBudget {
    /// A budget of this many bytes, of which none is used.
    pub fn new(bytes_max: usize) -> Self {
        let ledger = Ledger { bytes_max: Cell::new(bytes_max), ..Ledger::default() };
        Self { ledger: Rc::new(ledger), is_for_requests: false }
    }

    /// Grants this many bytes from now on, and sets a cushion aside; what is used stays.
    pub fn set_bytes_max(&self, bytes_max: usize) {
        self.ledger.bytes_max.set(bytes_max);
        self.ledger.has_failed.set(false);
        let _best_effort = self.ledger.cushion.borrow_mut().try_reserve_exact(CUSHION_BYTES);
    }

    /// The same memory, of which requests may take half.
    pub fn for_requests(&self) -> Self {
        Self { ledger: Rc::clone(&self.ledger), is_for_requests: true }
    }

    /// An empty reservation.
    pub fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// An empty buffer.
    pub fn buffer(&self) -> Buffer {
        Buffer { bytes: Vec::new(), reservation: self.reservation() }
    }

    /// Whether nothing more may begin: half as much again as the budget is in use, all of it by what could not be
    /// refused; or the allocator had less than the budget, and has little more now.
    pub fn is_overdrawn(&self) -> bool {
        let Ledger { bytes_max, has_failed, .. } = &*self.ledger;
        let more = if has_failed.get() { 0 } else { bytes_max.get() / 2 };
        self.used_bytes() > bytes_max.get().saturating_add(more) || !self.has_room(ROOM_TO_BEGIN_BYTES)
    }

    /// Bytes that are in use.
    pub fn used_bytes(&self) -> usize {
        self.ledger.used_bytes.get()
    }

    /// Whether the allocator has this many bytes in one piece: what the host is about to copy in cannot be refused.
    pub fn has_room(&self, bytes: usize) -> bool {
        let is_granted = Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
        if !is_granted {
            self.allocation_failed();
        }
        is_granted
    }

    /// The allocator has less than the budget grants: grants three quarters of what is in use from now on, and gives
    /// up the cushion.
    fn allocation_failed(&self) {
        let Ledger { used_bytes, bytes_max, has_failed, cushion } = &*self.ledger;
        has_failed.set(true);
        let used = used_bytes.get();
        bytes_max.set(bytes_max.get().min(used.saturating_sub(used / 4)));
        drop(cushion.take());
    }

    fn grant(&self, bytes: usize, is_large: bool) -> Result<(), OutOfMemory> {
        let Ledger { used_bytes, bytes_max, .. } = &*self.ledger;
        let share = if self.is_for_requests { bytes_max.get() / 2 } else { bytes_max.get() };
        let share = if is_large { share.saturating_sub(share / 4) } else { share };
        let used = used_bytes.get().checked_add(bytes).filter(|used| *used <= share).ok_or(OutOfMemory)?;
        used_bytes.set(used);
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        let used = &self.ledger.used_bytes;
        used.set(used.get().saturating_sub(bytes));
    }
}

/// Bytes taken from a budget, given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reservation {
    /// Bytes that are reserved.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The budget it is taken from.
    pub fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Reserves this many bytes in all, more or fewer than before.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] if the budget does not grant what is more; the reservation is as it was.
    pub fn resize(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.grant(more, bytes > LARGE_BYTES)?,
            None => self.budget.give_back(self.bytes.saturating_sub(bytes)),
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Reserves this many bytes more.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] if the budget does not grant them; the reservation is as it was.
    pub fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.resize(self.bytes.checked_add(bytes).ok_or(OutOfMemory)?)
    }

    /// Reserves this many bytes more, whether they are granted or not: for what exists already.
    pub fn take(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        let used = &self.budget.ledger.used_bytes;
        used.set(used.get().saturating_add(bytes));
    }

    /// Makes room for `more` elements in a list whose memory this reservation holds.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] if the budget or the allocator refuses; list and reservation are as they were.
    pub fn make_room<T>(&mut self, list: &mut Vec<T>, more: usize) -> Result<(), OutOfMemory> {
        let wanted = list.len().checked_add(more).ok_or(OutOfMemory)?;
        if wanted <= list.capacity() {
            return Ok(());
        }
        self.extend_to(list, wanted.max(list.capacity().saturating_mul(2)))
    }

    /// Makes room for exactly `capacity` elements.
    pub(crate) fn extend_to<T>(&mut self, list: &mut Vec<T>, capacity: usize) -> Result<(), OutOfMemory> {
        let before = self.bytes;
        self.resize(capacity.checked_mul(size_of::<T>()).ok_or(OutOfMemory)?)?;
        if list.try_reserve_exact(capacity.saturating_sub(list.len())).is_err() {
            let _smaller = self.resize(before);
            self.budget.allocation_failed();
            return Err(OutOfMemory);
        }
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

/// Bytes whose memory is taken from a budget.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    reservation: Reservation,
}

impl Buffer {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] if there is no memory for them; the buffer is as it was.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        self.reservation.make_room(&mut self.bytes, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Forgets all bytes and keeps their memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Forgets all bytes, and keeps at most this much of their memory.
    pub fn clear_to(&mut self, bytes_max: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > bytes_max {
            self.bytes.shrink_to(bytes_max);
            let _smaller = self.reservation.resize(self.bytes.capacity());
        }
    }

    /// Takes the bytes out; an empty buffer of the same budget stays.
    pub fn take(&mut self) -> Self {
        let reservation = self.reservation.budget.reservation();
        core::mem::replace(self, Self { bytes: Vec::new(), reservation })
    }
}

#[cfg(test)]
mod tests;
