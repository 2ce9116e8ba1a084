//! The tokens of one exchange by the classes that have prices.

use crate::usage::{Count, Usage};

/// A class of tokens that can have its own price. The order puts every class before those it is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenClass {
    /// Audio read from a cache.
    CachedAudioInput,
    /// Images read from a cache.
    CachedImageInput,
    /// Input written to a cache for an hour.
    CacheWrite1h,
    /// Input read from a cache.
    CachedInput,
    /// Input written to a cache for five minutes, or for the provider's default time.
    CacheWrite,
    /// Audio in the input.
    AudioInput,
    /// Images in the input.
    ImageInput,
    /// Video in the input.
    VideoInput,
    /// Output spent on reasoning.
    Reasoning,
    /// Output that quotes sources.
    Citation,
    /// Audio in the output.
    AudioOutput,
    /// Images in the output.
    ImageOutput,
    /// Video in the output.
    VideoOutput,
    /// All other input.
    Input,
    /// All other output.
    Output,
    /// The exchange itself, which counts as one.
    Request,
}

/// The number of classes.
pub(super) const CLASSES: usize = 16;

impl TokenClass {
    /// Every class, with its name (a key of a row, and a value of the label `type`) and the classes it is a part of.
    pub(super) const ALL: [(Self, &'static str, &'static [Self]); CLASSES] = [
        (Self::CachedAudioInput, "cached_audio_input", &[Self::CachedInput, Self::AudioInput, Self::Input]),
        (Self::CachedImageInput, "cached_image_input", &[Self::CachedInput, Self::ImageInput, Self::Input]),
        (Self::CacheWrite1h, "cache_write_1h", &[Self::CacheWrite, Self::Input]),
        (Self::CachedInput, "cached_input", &[Self::Input]),
        (Self::CacheWrite, "cache_write", &[Self::Input]),
        (Self::AudioInput, "audio_input", &[Self::Input]),
        (Self::ImageInput, "image_input", &[Self::Input]),
        (Self::VideoInput, "video_input", &[Self::Input]),
        (Self::Reasoning, "reasoning", &[Self::Output]),
        (Self::Citation, "citation", &[Self::Output]),
        (Self::AudioOutput, "audio_output", &[Self::Output]),
        (Self::ImageOutput, "image_output", &[Self::Output]),
        (Self::VideoOutput, "video_output", &[Self::Output]),
        (Self::Input, "input", &[]),
        (Self::Output, "output", &[]),
        (Self::Request, "request", &[]),
    ];

    /// Returns the class with this name; `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == name);
        found.map(|(class, _, _)| *class)
    }

    /// Returns the names of all classes, for messages.
    pub fn names() -> String {
        Self::ALL.map(|(_, name, _)| name).join(", ")
    }

    /// Whether the tokens of this class are included in those of `whole`.
    pub(super) fn is_part_of(self, whole: Self) -> bool {
        let row = Self::ALL.iter().find(|(class, _, _)| *class == self);
        row.is_some_and(|(_, _, wholes)| wholes.contains(&whole))
    }
}

/// The tokens of one exchange by class. As in providers' counts, a class includes its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    counts: [u64; CLASSES],
}

impl Tokens {
    /// Returns the tokens of an exchange from its inclusive input and output and the provider's counts.
    ///
    /// A part larger than its whole is cut down to it, so that no token is billed that was not counted. If the provider
    /// does not report how much of the cached input was audio or images, the least amount that the counts allow is
    /// used, so that the cost is an upper bound.
    ///
    /// Citations are added to the output, together with the reasoning of the same exchange: the provider that counts
    /// citations bills all three separately (<https://docs.perplexity.ai/getting-started/pricing>).
    pub fn new(input: u64, output: u64, usage: &Usage) -> Self {
        let mut tokens = Self::default();
        tokens.set_input(input, usage);
        let separate = usage.get(Count::Citation).map(|citations| (citations, usage.get(Count::Reasoning)));
        let (citations, reasoning) = separate.unwrap_or_default();
        let output = output.saturating_add(citations).saturating_add(reasoning.unwrap_or(0));
        tokens.set(TokenClass::Output, output);
        let mut rest = output;
        for (class, count) in [
            (TokenClass::Citation, Count::Citation),
            (TokenClass::Reasoning, Count::Reasoning),
            (TokenClass::AudioOutput, Count::AudioOutput),
            (TokenClass::ImageOutput, Count::ImageOutput),
            (TokenClass::VideoOutput, Count::VideoOutput),
        ] {
            let part = usage.get(count).unwrap_or(0).min(rest);
            rest = rest.saturating_sub(part);
            tokens.set(class, part);
        }
        tokens.set(TokenClass::Request, 1);
        tokens
    }

    fn set_input(&mut self, input: u64, usage: &Usage) {
        let reported = |count, at_most: u64| usage.get(count).unwrap_or(0).min(at_most);
        let cached = reported(Count::CacheRead, input);
        let fresh = input.saturating_sub(cached);
        let written = reported(Count::CacheWrite, fresh);
        self.set(TokenClass::Input, input);
        self.set(TokenClass::CachedInput, cached);
        self.set(TokenClass::CacheWrite, written);
        self.set(TokenClass::CacheWrite1h, reported(Count::CacheWrite1h, written));
        // The tokens that remain to be assigned to media: of the cached input, and of the input neither cached nor
        // written.
        let (mut cached, mut neither) = (cached, fresh.saturating_sub(written));
        for (class, count, cached_class, cached_count) in [
            (
                TokenClass::AudioInput,
                Count::AudioInput,
                TokenClass::CachedAudioInput,
                Count::CachedAudioInput,
            ),
            (
                TokenClass::ImageInput,
                Count::ImageInput,
                TokenClass::CachedImageInput,
                Count::CachedImageInput,
            ),
        ] {
            let all = reported(count, cached.saturating_add(neither));
            let read = reported(cached_count, cached.min(all)).max(all.saturating_sub(neither));
            self.set(class, all);
            self.set(cached_class, read);
            cached = cached.saturating_sub(read);
            neither = neither.saturating_sub(all.saturating_sub(read));
        }
        // No provider has a separate price for cached video.
        self.set(TokenClass::VideoInput, reported(Count::VideoInput, neither));
    }

    /// Sets the tokens of one class.
    pub fn set(&mut self, class: TokenClass, tokens: u64) {
        if let Some(count) = self.counts.get_mut(class as usize) {
            *count = tokens;
        }
    }

    /// Returns the tokens of one class.
    pub(super) fn get(&self, class: TokenClass) -> u64 {
        self.counts.get(class as usize).copied().unwrap_or(0)
    }
}
