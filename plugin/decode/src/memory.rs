//! The memory of one worker for data whose size a peer chooses.
//!
//! An allocator that runs out ends the process, or the WebAssembly instance. A peer must not be able to cause this.
//! Data that grows with a peer's bytes therefore takes its memory from a [`MemoryBudget`] first, and the budget may
//! refuse.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

/// The bytes reserved for small allocations that cannot be refused; released when an allocation fails.
const CUSHION_BYTES: usize = 256 * 1024;

/// The bytes that the allocator must have in one piece before an exchange may begin.
const ROOM_TO_BEGIN_BYTES: usize = 16 * 1024;

/// The size in bytes above which a reservation is large. A large one is granted only while a quarter of the budget
/// stays free, so that a few large ones leave room for many small ones.
const LARGE_BYTES: usize = 64 * 1024;

/// The error that the budget or the allocator refused memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// The memory of one worker; clones share it.
///
/// A budget for requests grants only half of the whole, so that clients alone cannot use up the memory for responses.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    ledger: Rc<Ledger>,
    is_for_requests: bool,
}

/// The shared state. `used_bytes <= bytes_max` holds, except after [`Reservation::take`].
#[derive(Debug, Default)]
struct Ledger {
    used_bytes: Cell<usize>,
    bytes_max: Cell<usize>,
    /// Whether the allocator refused what the budget had granted.
    has_failed: Cell<bool>,
    cushion: RefCell<Vec<u8>>,
}

impl MemoryBudget {
    /// Returns an unused budget of this many bytes.
    pub fn new(bytes_max: usize) -> Self {
        let ledger = Ledger { bytes_max: Cell::new(bytes_max), ..Ledger::default() };
        Self { ledger: Rc::new(ledger), is_for_requests: false }
    }

    /// Sets the number of bytes granted, and reserves the cushion. Existing reservations stay.
    pub fn set_bytes_max(&self, bytes_max: usize) {
        self.ledger.bytes_max.set(bytes_max);
        self.ledger.has_failed.set(false);
        let _best_effort = self.ledger.cushion.borrow_mut().try_reserve_exact(CUSHION_BYTES);
    }

    /// Returns a budget of the same memory, half of which it grants.
    pub fn for_requests(&self) -> Self {
        Self { ledger: Rc::clone(&self.ledger), is_for_requests: true }
    }

    /// Returns an empty reservation.
    pub fn reservation(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// Returns an empty buffer.
    pub fn buffer(&self) -> Buffer {
        Buffer { bytes: Vec::new(), reservation: self.reservation() }
    }

    /// Whether no exchange may begin. This is so if reservations that cannot be refused use half as much again as the
    /// budget, or if the allocator failed and has little memory left.
    pub fn is_overdrawn(&self) -> bool {
        let Ledger { bytes_max, has_failed, .. } = &*self.ledger;
        let more = if has_failed.get() { 0 } else { bytes_max.get() / 2 };
        self.used_bytes() > bytes_max.get().saturating_add(more) || !self.has_room(ROOM_TO_BEGIN_BYTES)
    }

    /// Returns the number of bytes in use.
    pub fn used_bytes(&self) -> usize {
        self.ledger.used_bytes.get()
    }

    /// Whether the allocator has this many bytes in one piece. Memory into which the host copies cannot be refused
    /// later.
    pub fn has_room(&self, bytes: usize) -> bool {
        let is_granted = Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
        if !is_granted {
            self.allocation_failed();
        }
        is_granted
    }

    /// Puts a value on the heap, if the allocator has room for it and for another one of its size, as the box of a state
    /// is made beside small allocations that cannot be refused.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the allocator has no such room.
    pub(crate) fn boxed<T>(&self, value: impl FnOnce() -> T) -> Result<Box<T>, OutOfMemory> {
        if self.has_room(size_of::<T>().saturating_mul(2)) { Ok(Box::new(value())) } else { Err(OutOfMemory) }
    }

    /// Lowers the budget to three quarters of the bytes in use, and releases the cushion: the allocator has less memory
    /// than the budget grants.
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

/// Bytes reserved in a budget, released on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reservation {
    /// Returns the number of reserved bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the budget of the reservation.
    pub fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Changes the reservation to this many bytes in all.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the budget refuses an increase; the reservation is unchanged.
    pub fn resize(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        match bytes.checked_sub(self.bytes) {
            Some(more) => self.budget.grant(more, bytes > LARGE_BYTES)?,
            None => self.budget.give_back(self.bytes.saturating_sub(bytes)),
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Reserves this many additional bytes.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the budget refuses; the reservation is unchanged.
    pub fn grow(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        self.resize(self.bytes.checked_add(bytes).ok_or(OutOfMemory)?)
    }

    /// Reserves this many additional bytes even beyond the budget, for data that already exists.
    pub fn take(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        let used = &self.budget.ledger.used_bytes;
        used.set(used.get().saturating_add(bytes));
    }

    /// Makes room for `more` elements in a list whose memory this reservation holds.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if the budget or the allocator refuses; list and reservation are unchanged.
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

/// A byte buffer whose memory is taken from a budget.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    reservation: Reservation,
}

impl Buffer {
    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the buffer has no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// Returns [`OutOfMemory`] if there is no memory for them; the buffer is unchanged.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        self.reservation.make_room(&mut self.bytes, bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Removes all bytes and keeps their memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Removes all bytes, and keeps at most `bytes_max` bytes of their memory.
    pub fn clear_to(&mut self, bytes_max: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > bytes_max {
            self.bytes.shrink_to(bytes_max);
            let _smaller = self.reservation.resize(self.bytes.capacity());
        }
    }

    /// Returns the bytes, and leaves an empty buffer of the same budget.
    pub fn take(&mut self) -> Self {
        let reservation = self.reservation.budget.reservation();
        core::mem::replace(self, Self { bytes: Vec::new(), reservation })
    }
}

#[cfg(test)]
mod tests;
