//! How much feedback is taken in a minute.

const MINUTE_NS: u64 = 60_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// What was taken in the minute under way: a record that workers share, and change by compare-and-swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    minute: u64,
    taken: u64,
}

impl Rate {
    /// The record that these bytes are. Others, which nobody of ours wrote, count as an empty one.
    pub fn decode(bytes: &[u8]) -> Self {
        match bytes.as_chunks::<8>() {
            ([minute, taken], []) => {
                Self { minute: u64::from_le_bytes(*minute), taken: u64::from_le_bytes(*taken) }
            }
            _ => Self::default(),
        }
    }

    /// As shared data.
    pub fn encode(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let numbers = [self.minute, self.taken].into_iter().flat_map(u64::to_le_bytes);
        bytes.iter_mut().zip(numbers).for_each(|(place, byte)| *place = byte);
        bytes
    }

    /// The record after one more at `now_ns`, on the clock that the workers share; or in how many seconds there is room
    /// for one.
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
