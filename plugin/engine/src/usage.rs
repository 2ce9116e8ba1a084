//! Token counts as a provider reports them, and the inclusive input and output counts that result.

/// A field of a provider's usage object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    /// The provider's main input count.
    Input,
    /// The provider's main output count.
    Output,
    /// The provider's total.
    Total,
    /// Input read from a cache.
    CacheRead,
    /// Input written to a cache, of any time to live.
    CacheWrite,
    /// The part of `CacheWrite` that is kept for an hour.
    CacheWrite1h,
    /// Output spent on reasoning.
    Reasoning,
    /// Audio in the input.
    AudioInput,
    /// Images in the input, including documents that are read as images.
    ImageInput,
    /// Video in the input.
    VideoInput,
    /// The part of `CacheRead` that is audio.
    CachedAudioInput,
    /// The part of `CacheRead` that is images.
    CachedImageInput,
    /// Audio in the output.
    AudioOutput,
    /// Images in the output.
    ImageOutput,
    /// Video in the output.
    VideoOutput,
    /// Quoted sources. The provider that counts them (Perplexity) counts neither them nor reasoning as output.
    Citation,
    /// Input made of tool-use prompts.
    ToolUseInput,
    /// Images that a tool made, outside of the output and by another model.
    ToolImageOutput,
}

/// The counts of a format that are added up to the inclusive input and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convention {
    /// The counts that form the inclusive input, the main count first.
    pub input_tokens: &'static [Count],
    /// The counts that form the inclusive output.
    pub output_tokens: &'static [Count],
    /// Whether a total without an input count is the inclusive input.
    pub total_is_input: bool,
}

/// The rule by which the usage objects of a stream are merged. They are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// A later field replaces the earlier one, unless it is 0: that is a placeholder, and no news after a count.
    Fields,
    /// A later usage object replaces the whole earlier one, unless all its counts are 0.
    Whole,
    /// The counts are cumulative, so the largest of each field is kept.
    Largest,
}

const COUNTS: usize = 18;

/// The counts of one exchange, each `None` until the provider reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    counts: [Option<u64>; COUNTS],
}

impl Usage {
    /// Returns the last reported value of `count`; `None` if it was not reported.
    pub fn get(&self, count: Count) -> Option<u64> {
        self.counts.get(count as usize).copied().flatten()
    }

    /// Sets `count`.
    pub fn set(&mut self, count: Count, tokens: u64) {
        if let Some(slot) = self.counts.get_mut(count as usize) {
            *slot = Some(tokens);
        }
    }

    /// Merges a later usage object into this one.
    pub fn merge(&mut self, later: &Self, merge: Merge) {
        match merge {
            Merge::Whole => {
                if !later.is_placeholder() || self.is_empty() {
                    *self = *later;
                }
            }
            Merge::Largest => {
                for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
                    *mine = theirs.max(*mine);
                }
            }
            Merge::Fields => {
                for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
                    *mine = theirs.filter(|tokens| *tokens > 0).or(*mine).or(theirs);
                }
            }
        }
    }

    /// Returns the sum of the reported `parts`; `None` if none was reported.
    pub fn sum(&self, parts: &[Count]) -> Option<u64> {
        let reported = parts.iter().filter_map(|count| self.get(*count));
        reported.reduce(u64::saturating_add)
    }

    /// Returns the inclusive input and output, by a format's convention and the provider's total.
    ///
    /// Some providers leave reasoning out of their output count or audio out of their input count, but include them in
    /// the total. Such a part is added if the total is then exact. Otherwise, what only the total has is output.
    pub fn inclusive(&self, convention: Convention) -> (Option<u64>, Option<u64>) {
        let input = self.sum(convention.input_tokens);
        let input = input.or_else(|| self.get(Count::Total).filter(|_| convention.total_is_input));
        let output = self.sum(convention.output_tokens);
        let (Some(total), Some(main_input), Some(main_output)) = (self.get(Count::Total), input, output)
        else {
            return (input, output);
        };
        let missing_part = |parts: &[Count], count| match parts.contains(&count) {
            true => 0,
            false => self.get(count).unwrap_or(0),
        };
        let reasoning = missing_part(convention.output_tokens, Count::Reasoning);
        let audio = missing_part(convention.input_tokens, Count::AudioInput);
        let fits = |(audio, reasoning): &(u64, u64)| {
            let parts = [main_input, main_output, *audio, *reasoning];
            parts.into_iter().fold(0, u64::saturating_add) == total
        };
        let (audio, reasoning) = [(0, 0), (0, reasoning), (audio, 0), (audio, reasoning)]
            .into_iter()
            .find(fits)
            .unwrap_or_default();
        let (input, output) = (main_input.saturating_add(audio), main_output.saturating_add(reasoning));
        // What only the total has was generated, such as Gemini's thinking behind an OpenAI endpoint.
        let unexplained = total.saturating_sub(input.saturating_add(output));
        (Some(input), Some(output.saturating_add(unexplained)))
    }

    /// Returns the counts up to `max`, and whether one was larger.
    pub fn up_to(mut self, max: u64) -> (Self, bool) {
        let mut is_larger = false;
        for count in &mut self.counts {
            if count.is_some_and(|tokens| tokens > max) {
                (*count, is_larger) = (None, true);
            }
        }
        (self, is_larger)
    }

    /// Returns whether all reported counts are 0.
    fn is_placeholder(&self) -> bool {
        self.counts.iter().flatten().all(|tokens| *tokens == 0)
    }

    /// Whether no count was reported.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(Option::is_none)
    }
}
