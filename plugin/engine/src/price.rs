//! What an exchange cost, by classes of tokens, from a table of prices in the configuration.
//!
//! Integers only. A price is held in [`UNITS_PER_DOLLAR`] of a dollar for each token, fine enough for every price that
//! is known; a float would be off by an amount that grows with traffic, and a rounded product as well. What is left
//! over when units become nanodollars is carried by [`crate::series`].
//!
//! The rules are those of the package that rows are made from (`genai-prices`, which `cargo gauge prices` reads):
//!
//! - Each token is billed in one class, the most special one that has a price: reasoning without a price of its own is
//!   output. The amounts of the classes add up to the cost of the exchange.
//! - A tier holds for the whole request, not for what is above its start, and it is all input that decides: cached and
//!   cache-writing tokens included, output not.
//! - The first row that fits a model's name is its row. A row without prices is an answer too: unpriced.

mod amount;
mod names;
mod rows;

use std::collections::BTreeMap;

pub use amount::Price;
pub use names::Name;
pub use rows::{Prices, Row};

use crate::usage::{Count, Usage};

/// Parts of a dollar that prices and costs are held in: 1e-24. Prices come in dollars for a million tokens, with up
/// to 18 digits behind the point.
pub const UNITS_PER_DOLLAR: u128 = 1_000_000_000_000_000_000_000_000;

/// Units in a nanodollar.
pub const UNITS_PER_NANODOLLAR: u128 = UNITS_PER_DOLLAR / 1_000_000_000;

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

const CLASSES: usize = 16;

impl Class {
    /// Every class, with its name (a key of a row, and the label `type`) and what it is a part of.
    const ALL: [(Self, &'static str, &'static [Self]); CLASSES] = [
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
}

/// The tokens of one exchange by class. As providers count them: a class has those of its parts in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    counts: [u64; CLASSES],
}

impl Tokens {
    /// What an exchange used: all input, all output and the provider's own counts.
    ///
    /// A part larger than its whole is cut down to it, so that no token is billed that was not counted. How much of
    /// the cached input was audio is not told: as little as the counts allow is taken, so a cost with cached audio is
    /// an upper bound. Images, video and citations are not told at all yet.
    pub fn new(input: u64, output: u64, usage: &Usage) -> Self {
        let told = |count, at_most: u64| usage.get(count).unwrap_or(0).min(at_most);
        let cached = told(Count::CacheRead, input);
        let fresh = input.saturating_sub(cached);
        let written = told(Count::CacheWrite, fresh);
        let audio = told(Count::AudioInput, input.saturating_sub(written));
        let neither = fresh.saturating_sub(written);
        let reasoning = told(Count::Reasoning, output);
        let mut tokens = Self::default();
        tokens.set(Class::Input, input);
        tokens.set(Class::CachedInput, cached);
        tokens.set(Class::CacheWrite, written);
        tokens.set(Class::CacheWrite1h, told(Count::CacheWrite1h, written));
        tokens.set(Class::AudioInput, audio);
        tokens.set(Class::CachedAudioInput, audio.saturating_sub(neither));
        tokens.set(Class::Output, output);
        tokens.set(Class::Reasoning, reasoning);
        tokens.set(Class::AudioOutput, told(Count::AudioOutput, output.saturating_sub(reasoning)));
        tokens.set(Class::Request, 1);
        tokens
    }

    /// Sets one class.
    pub fn set(&mut self, class: Class, tokens: u64) {
        if let Some(count) = self.counts.get_mut(class as usize) {
            *count = tokens;
        }
    }

    fn get(&self, class: Class) -> u64 {
        self.counts.get(class as usize).copied().unwrap_or(0)
    }
}

/// What an exchange cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// By class, those that cost nothing left out: the class's name and units.
    pub classes: Vec<(&'static str, u128)>,
    /// Tokens for which there is no price.
    pub unpriced_tokens: u64,
}

impl Cost {
    /// All of it, in units.
    pub fn units(&self) -> u128 {
        self.classes.iter().fold(0, |sum, (_, units)| sum.saturating_add(*units))
    }

    /// All of it, rounded half up; `None` if there are tokens without a price.
    pub fn nanodollars(&self) -> Option<u64> {
        let half = UNITS_PER_NANODOLLAR / 2;
        let rounded = self.units().saturating_add(half) / UNITS_PER_NANODOLLAR;
        (self.unpriced_tokens == 0).then(|| u64::try_from(rounded).unwrap_or(u64::MAX))
    }
}

/// The prices of one model.
#[derive(Debug)]
struct Model {
    /// In the order of the classes.
    prices: Box<[(Class, Price)]>,
    /// Names that only look as if they were meant.
    except: Box<[Name]>,
}

impl Model {
    fn cost(&self, tokens: &Tokens) -> Cost {
        let mut billed: Vec<(Class, u64)> = Vec::with_capacity(self.prices.len());
        let mut cost = Cost::default();
        for (class, name, _) in Class::ALL {
            let parts = billed.iter().filter(|(part, _)| part.is_part_of(class));
            let rest = parts.fold(tokens.get(class), |rest, (_, part)| rest.saturating_sub(*part));
            if let Some((_, price)) = self.prices.iter().find(|(priced, _)| *priced == class) {
                billed.push((class, rest));
                let units = price.at(tokens.get(Class::Input)).saturating_mul(u128::from(rest));
                if units > 0 {
                    cost.classes.push((name, units));
                }
            } else if matches!(class, Class::Input | Class::Output) {
                cost.unpriced_tokens = cost.unpriced_tokens.saturating_add(rest);
            }
        }
        cost
    }
}

impl Class {
    fn is_part_of(self, whole: Self) -> bool {
        let row = Self::ALL.iter().find(|(class, _, _)| *class == self);
        row.is_some_and(|(_, _, wholes)| wholes.contains(&whole))
    }
}

/// The rows of one seller, in their order.
#[derive(Debug, Default)]
struct Seller {
    /// Whole names, sorted, with the number of the first model that has it. Most names are whole ones.
    exact: Vec<(Box<str>, u32)>,
    /// Everything else, by number of the model.
    patterns: Vec<(Name, u32)>,
}

/// The compiled table.
#[derive(Debug)]
pub struct Table {
    title: String,
    models: Vec<Model>,
    sellers: BTreeMap<String, Seller>,
    /// For a provider, the sellers whose rows are its own, in the order they are asked.
    providers: BTreeMap<String, Vec<String>>,
}

/// The seller whose rows are for every provider.
const ANY: &str = "*";

impl Table {
    /// Compiles rows. The error is a key below `prices`, and what is wrong there.
    pub fn new(prices: Prices) -> Result<Self, (String, String)> {
        let mut models = Vec::with_capacity(prices.rows.len());
        let mut sellers: BTreeMap<String, Seller> = BTreeMap::new();
        for (number, row) in (0_u32..).zip(prices.rows) {
            let seller = sellers.entry(row.provider).or_default();
            for name in row.names {
                match name.whole() {
                    Some(whole) if row.except.is_empty() => seller.exact.push((whole, number)),
                    _ => seller.patterns.push((name, number)),
                }
            }
            models.push(Model { prices: row.prices.into(), except: row.except.into() });
        }
        for seller in sellers.values_mut() {
            seller.exact.sort_unstable();
            seller.exact.dedup_by(|later, first| later.0 == first.0);
        }
        for (provider, asked) in &prices.providers {
            if let Some(unknown) = asked.iter().find(|seller| !sellers.contains_key(*seller)) {
                let message = format!("no row has the provider `{unknown}`");
                return Err((format!("providers.{provider}"), message));
            }
        }
        let title = match prices.date.is_empty() {
            true => prices.version,
            false => format!("{} of {}", prices.version, prices.date),
        };
        Ok(Self { title, models, sellers, providers: prices.providers })
    }

    /// Where the rows come from and when they were made, for people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What `tokens` cost at `provider`, by the first of the `models` that has a row.
    pub fn cost<'a>(
        &self,
        provider: &str,
        models: impl IntoIterator<Item = &'a str>,
        tokens: &Tokens,
    ) -> Cost {
        let row = models.into_iter().find_map(|model| self.find(provider, model));
        match row.and_then(|number| self.models.get(usize::try_from(number).ok()?)) {
            Some(model) => model.cost(tokens),
            None => Cost {
                classes: Vec::new(),
                unpriced_tokens: tokens.get(Class::Input).saturating_add(tokens.get(Class::Output)),
            },
        }
    }

    /// The number of the row for this name of a model at this provider. Rows for any provider come last. A name that
    /// has no row is looked for with its dates written out: some gateways run their digits together.
    pub fn find(&self, provider: &str, model: &str) -> Option<u32> {
        let model = model.to_ascii_lowercase();
        let found = self.find_as_written(provider, &model);
        found.or_else(|| self.find_as_written(provider, &names::with_dates_written_out(&model)?))
    }

    fn find_as_written(&self, provider: &str, model: &str) -> Option<u32> {
        let own = self.providers.get(provider);
        let unmapped = own.is_none().then_some(provider);
        let asked = own.into_iter().flatten().map(String::as_str).chain(unmapped).chain([ANY]);
        let mut sellers = asked.filter_map(|name| self.sellers.get(name));
        sellers.find_map(|seller| self.find_in(seller, model))
    }

    fn find_in(&self, seller: &Seller, model: &str) -> Option<u32> {
        let place = seller.exact.binary_search_by(|(name, _)| (**name).cmp(model)).ok();
        let exact = place.and_then(|place| seller.exact.get(place)).map(|(_, number)| *number);
        let is_meant = |number: u32| {
            let row = usize::try_from(number).ok().and_then(|number| self.models.get(number));
            row.is_some_and(|row| !row.except.iter().any(|name| name.fits(model)))
        };
        let earlier = |number: u32| exact.is_none_or(|exact| number < exact);
        let patterns = seller.patterns.iter().take_while(|(_, number)| earlier(*number));
        let pattern = patterns.filter(|(name, _)| name.fits(model)).find(|(_, number)| is_meant(*number));
        pattern.map(|(_, number)| *number).or(exact)
    }
}

#[cfg(test)]
mod tests;
