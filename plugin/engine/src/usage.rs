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
    /// Images in the input, documents that are read as images included.
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
    /// Quoted sources. Who counts them (Perplexity) counts neither them nor reasoning as output.
    Citation,
    /// Input made of tool-use prompts.
    ToolUseInput,
}

/// What a format's numbers leave out, and so has to be added.
#[derive(Clone, Copy, Debug)]
pub struct Convention {
    /// What makes up all input: the main number first.
    pub input_tokens: &'static [Count],
    /// What makes up all output.
    pub output_tokens: &'static [Count],
    /// Whether the total is all input, where it comes alone.
    pub total_is_input: bool,
}

/// How a provider's usage objects follow one another in a stream. They are never added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// A field that comes again replaces the field.
    Fields,
    /// A usage object that comes again replaces the whole object.
    Whole,
    /// The largest number of each field stands: some events say 0 for what an earlier one has told.
    Largest,
}

const COUNTS: usize = 17;

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
            Merge::Largest => {
                for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
                    *mine = theirs.max(*mine);
                }
            }
            Merge::Fields => {
                for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
                    *mine = theirs.or(*mine);
                }
            }
        }
    }

    /// The sum of those `parts` that were said; `None` if none was.
    pub fn sum(&self, parts: &[Count]) -> Option<u64> {
        let said = parts.iter().filter_map(|count| self.get(*count));
        said.reduce(u64::saturating_add)
    }

    /// All input and all output, by a format's convention and what the provider's own total proves: some
    /// leave reasoning out of their output or audio out of their input, and add it to the total.
    pub fn inclusive(&self, convention: Convention) -> (Option<u64>, Option<u64>) {
        let input = self.sum(convention.input_tokens);
        let input = input.or_else(|| self.get(Count::Total).filter(|_| convention.total_is_input));
        let output = self.sum(convention.output_tokens);
        let (Some(total), Some(main_input), Some(main_output)) = (self.get(Count::Total), input, output)
        else {
            return (input, output);
        };
        let left_out = |parts: &[Count], count| match parts.contains(&count) {
            true => 0,
            false => self.get(count).unwrap_or(0),
        };
        let reasoning = left_out(convention.output_tokens, Count::Reasoning);
        let audio = left_out(convention.input_tokens, Count::AudioInput);
        let fits = |(audio, reasoning): &(u64, u64)| {
            let parts = [main_input, main_output, *audio, *reasoning];
            parts.into_iter().fold(0, u64::saturating_add) == total
        };
        let (audio, reasoning) = [(0, 0), (0, reasoning), (audio, 0), (audio, reasoning)]
            .into_iter()
            .find(fits)
            .unwrap_or_default();
        (Some(main_input.saturating_add(audio)), Some(main_output.saturating_add(reasoning)))
    }

    /// Whether the provider said anything at all.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(Option::is_none)
    }
}
