//! Token counts as a provider reports them, and how they become one inclusive pair.

/// One field of a provider's usage object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    /// The provider's own main input number.
    Input,
    /// The provider's own main output number.
    Output,
    /// The provider's own total.
    Total,
    /// Input read from a cache.
    CacheRead,
    /// Input written to a cache, of any life span.
    CacheWrite,
    /// The part of `CacheWrite` that is kept for an hour.
    CacheWrite1h,
    /// Output spent on reasoning.
    Reasoning,
    /// Audio in the input.
    AudioInput,
    /// Audio in the output.
    AudioOutput,
    /// Input made of tool-use prompts.
    ToolUseInput,
}

/// How a provider's usage objects follow one another in a stream. They are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// A field that comes again replaces the field.
    Fields,
    /// A usage object that comes again replaces the whole object.
    Whole,
}

const COUNTS: usize = 10;

/// The counts of one exchange, each `None` while the provider has not said it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    counts: [Option<u64>; COUNTS],
}

impl Usage {
    /// What the provider said last about `count`.
    pub fn get(&self, count: Count) -> Option<u64> {
        self.counts.get(count as usize).copied().flatten()
    }

    /// Sets `count`.
    pub fn set(&mut self, count: Count, tokens: u64) {
        if let Some(slot) = self.counts.get_mut(count as usize) {
            *slot = Some(tokens);
        }
    }

    /// Takes over what `later` says.
    pub fn merge(&mut self, later: &Self, merge: Merge) {
        match merge {
            Merge::Whole => *self = *later,
            Merge::Fields => {
                for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
                    *mine = theirs.or(*mine);
                }
            }
        }
    }

    /// The sum of those `parts` that were said; `None` if the first, the main number, was not.
    pub fn sum(&self, parts: &[Count]) -> Option<u64> {
        let (main, others) = parts.split_first()?;
        let others = others.iter().filter_map(|count| self.get(*count));
        Some(others.fold(self.get(*main)?, u64::saturating_add))
    }

    /// Whether the provider said anything at all.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(Option::is_none)
    }
}
