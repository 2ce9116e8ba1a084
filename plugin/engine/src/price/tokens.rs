//! The tokens of one exchange by the classes that are priced apart.

use crate::usage::{Count, Usage};

/// A class of tokens that can have a price of its own. In an order in which every class stands before those it is
/// a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Audio read from a cache.
    CachedAudioInput,
    /// Images read from a cache.
    CachedImageInput,
    /// Input written to a cache for an hour.
    CacheWrite1h,
    /// Input read from a cache.
    CachedInput,
    /// Input written to a cache for five minutes, or for as long as the provider's usual is.
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
    /// Not tokens but one for each exchange.
    Request,
}

/// How many classes there are.
pub(super) const CLASSES: usize = 16;

impl Class {
    /// Every class, with its name (a key of a row, and the label `type`) and what it is a part of.
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

    /// The class of this name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == name);
        found.map(|(class, _, _)| *class)
    }

    /// The names of all classes, for messages.
    pub fn names() -> String {
        Self::ALL.map(|(_, name, _)| name).join(", ")
    }

    /// Whether its tokens are among those of `whole`.
    pub(super) fn is_part_of(self, whole: Self) -> bool {
        let row = Self::ALL.iter().find(|(class, _, _)| *class == self);
        row.is_some_and(|(_, _, wholes)| wholes.contains(&whole))
    }
}

/// The tokens of one exchange by class. As providers count them: a class has those of its parts in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    counts: [u64; CLASSES],
}

impl Tokens {
    /// What an exchange used: all input, all output and the provider's own counts.
    ///
    /// A part larger than its whole is cut down to it, so that no token is billed that was not counted. Where nobody
    /// says how much of the cached input was audio or images, as little as the counts allow is taken, so that such a
    /// cost is an upper bound. Citations come on top of the output, and reasoning with them: who counts citations
    /// bills all three apart (<https://docs.perplexity.ai/getting-started/pricing>).
    pub fn new(input: u64, output: u64, usage: &Usage) -> Self {
        let mut tokens = Self::default();
        tokens.set_input(input, usage);
        let apart = usage.get(Count::Citation).map(|citations| (citations, usage.get(Count::Reasoning)));
        let (citations, reasoning) = apart.unwrap_or_default();
        let output = output.saturating_add(citations).saturating_add(reasoning.unwrap_or(0));
        tokens.set(Class::Output, output);
        let mut rest = output;
        for (class, count) in [
            (Class::Citation, Count::Citation),
            (Class::Reasoning, Count::Reasoning),
            (Class::AudioOutput, Count::AudioOutput),
            (Class::ImageOutput, Count::ImageOutput),
            (Class::VideoOutput, Count::VideoOutput),
        ] {
            let part = usage.get(count).unwrap_or(0).min(rest);
            rest = rest.saturating_sub(part);
            tokens.set(class, part);
        }
        tokens.set(Class::Request, 1);
        tokens
    }

    fn set_input(&mut self, input: u64, usage: &Usage) {
        let told = |count, at_most: u64| usage.get(count).unwrap_or(0).min(at_most);
        let cached = told(Count::CacheRead, input);
        let fresh = input.saturating_sub(cached);
        let written = told(Count::CacheWrite, fresh);
        self.set(Class::Input, input);
        self.set(Class::CachedInput, cached);
        self.set(Class::CacheWrite, written);
        self.set(Class::CacheWrite1h, told(Count::CacheWrite1h, written));
        // What is still to be shared out: of the cached input, and of that which is neither cached nor written.
        let (mut cached, mut neither) = (cached, fresh.saturating_sub(written));
        for (class, count, cached_class, cached_count) in [
            (Class::AudioInput, Count::AudioInput, Class::CachedAudioInput, Count::CachedAudioInput),
            (Class::ImageInput, Count::ImageInput, Class::CachedImageInput, Count::CachedImageInput),
        ] {
            let all = told(count, cached.saturating_add(neither));
            let read = told(cached_count, cached.min(all)).max(all.saturating_sub(neither));
            self.set(class, all);
            self.set(cached_class, read);
            cached = cached.saturating_sub(read);
            neither = neither.saturating_sub(all.saturating_sub(read));
        }
        // Nobody prices cached video apart.
        self.set(Class::VideoInput, told(Count::VideoInput, neither));
    }

    /// Sets one class.
    pub fn set(&mut self, class: Class, tokens: u64) {
        if let Some(count) = self.counts.get_mut(class as usize) {
            *count = tokens;
        }
    }

    /// Those of one class.
    pub(super) fn get(&self, class: Class) -> u64 {
        self.counts.get(class as usize).copied().unwrap_or(0)
    }
}
