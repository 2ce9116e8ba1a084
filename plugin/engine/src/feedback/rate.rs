//! The rate limit of feedback.

const MINUTE_NS: u64 = 60_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// The number of feedbacks in the current minute: a record that workers share, and change by compare-and-swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    minute: u64,
    taken: u64,
}

impl Rate {
    /// Decodes the record from shared data. Bytes that are not a record count as an empty one.
    pub fn decode(bytes: &[u8]) -> Self {
        match bytes.as_chunks::<8>() {
            ([minute, taken], []) => {
                Self { minute: u64::from_le_bytes(*minute), taken: u64::from_le_bytes(*taken) }
            }
            _ => Self::default(),
        }
    }

    /// Encodes the record for shared data.
    pub fn encode(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let numbers = [self.minute, self.taken].into_iter().flat_map(u64::to_le_bytes);
        bytes.iter_mut().zip(numbers).for_each(|(place, byte)| *place = byte);
        bytes
    }

    /// Returns the record after one more feedback at `now_ns`, on the clock that the workers share.
    ///
    /// # Errors
    ///
    /// Returns the seconds until the next minute if this one is at its limit.
    pub fn take(self, per_minute: u64, now_ns: u64) -> Result<Self, u64> {
        let minute = now_ns.checked_div(MINUTE_NS).unwrap_or(0);
        let taken = if self.minute == minute { self.taken } else { 0 };
        if taken >= per_minute {
            let next_ns = minute.saturating_add(1).saturating_mul(MINUTE_NS);
            return Err(next_ns.saturating_sub(now_ns).div_ceil(SECOND_NS));
        }
        Ok(Self { minute, taken: taken.saturating_add(1) })
    }
}

#[cfg(test)]
mod tests;
