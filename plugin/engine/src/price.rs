//! Computes the cost of an exchange by token classes, from a price table in the configuration.
//!
//! All amounts are integers. A price is held in units per token, of which a dollar has [`UNITS_PER_DOLLAR`]: fine enough
//! for every known price. The error of a float would grow with traffic, as that of a rounded product would.
//! [`crate::series`] carries over the remainder when units are converted to nanodollars.
//!
//! The rules are those of the package that rows are generated from (`genai-prices`, which `cargo gauge prices` reads):
//!
//! - Each token is billed in one class, the most specific one that has a price: reasoning without a price is billed as
//!   output. The amounts of the classes add up to the cost of the exchange.
//! - A tier applies to the whole request, not only to the tokens above its start. It depends on the inclusive input:
//!   cached and cache-writing tokens count, output does not.
//! - The first row that matches a model's name is its row. A row without prices makes the model unpriced.

mod names;
mod terms;
mod tiered_price;
mod tokens;

pub use names::ModelName;
pub use terms::{CostUnit, PriceTerm, PriceTerms};
pub use tiered_price::TieredPrice;
pub use tokens::{TokenClass, Tokens};

/// The number of units in a dollar, in which prices and costs are held. Prices are given in dollars per million tokens,
/// with up to 18 decimal places.
pub const UNITS_PER_DOLLAR: u128 = 1_000_000_000_000_000_000_000_000;

/// The number of units in a nanodollar.
pub const UNITS_PER_NANODOLLAR: u128 = UNITS_PER_DOLLAR / 1_000_000_000;

/// The cost of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The name and the units of each class, without classes that cost nothing.
    pub classes: Vec<(&'static str, u128)>,
    /// The number of tokens that have no price.
    pub unpriced_tokens: u64,
}

impl Cost {
    /// Returns the cost that a provider states, in units.
    pub fn stated(units: u128) -> Self {
        Self { classes: vec![("stated", units)], unpriced_tokens: 0 }
    }

    /// Returns this cost at a factor of the standard price, in hundredths of a percent.
    #[must_use]
    pub fn scaled(mut self, factor: u64) -> Self {
        for (_, units) in &mut self.classes {
            *units = units.saturating_mul(u128::from(factor)) / 10_000;
        }
        self
    }

    /// Adds another cost.
    pub fn add(&mut self, other: Self) {
        for (class, units) in other.classes {
            match self.classes.iter_mut().find(|(known, _)| *known == class) {
                Some((_, sum)) => *sum = sum.saturating_add(units),
                None => self.classes.push((class, units)),
            }
        }
        self.unpriced_tokens = self.unpriced_tokens.saturating_add(other.unpriced_tokens);
    }

    /// Returns the cost of tokens that have no price.
    pub fn unpriced(tokens: u64) -> Self {
        Self { classes: Vec::new(), unpriced_tokens: tokens }
    }

    /// Returns the sum of all classes in units.
    pub fn units(&self) -> u128 {
        self.classes.iter().fold(0, |sum, (_, units)| sum.saturating_add(*units))
    }

    /// Returns the sum of all classes, rounded half up; `None` if there are tokens without a price.
    pub fn nanodollars(&self) -> Option<u64> {
        let half = UNITS_PER_NANODOLLAR / 2;
        let rounded = self.units().saturating_add(half) / UNITS_PER_NANODOLLAR;
        (self.unpriced_tokens == 0).then(|| u64::try_from(rounded).unwrap_or(u64::MAX))
    }
}

/// The prices of one row.
#[derive(Debug, Default)]
pub(crate) struct ModelPrices {
    /// The prices, at most one per class.
    pub(crate) prices: Vec<(TokenClass, TieredPrice)>,
    /// Names that match the row but are excluded from it.
    pub(crate) except: Vec<ModelName>,
}

impl ModelPrices {
    fn cost(&self, tokens: &Tokens) -> Cost {
        let mut billed: Vec<(TokenClass, u64)> = Vec::with_capacity(self.prices.len());
        let mut cost = Cost::default();
        for (class, name, _) in TokenClass::ALL {
            let parts = billed.iter().filter(|(part, _)| part.is_part_of(class));
            let rest = parts.fold(tokens.get(class), |rest, (_, part)| rest.saturating_sub(*part));
            if let Some((_, price)) = self.prices.iter().find(|(priced, _)| *priced == class) {
                billed.push((class, rest));
                let units = price.at(tokens.get(TokenClass::Input)).saturating_mul(u128::from(rest));
                if units > 0 {
                    cost.classes.push((name, units));
                }
            } else if matches!(class, TokenClass::Input | TokenClass::Output) {
                cost.unpriced_tokens = cost.unpriced_tokens.saturating_add(rest);
            }
        }
        cost
    }
}

/// Returns the parts of a text between spaces.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// The names of one seller's models, each with the number of its row, in the order of the rows.
#[derive(Debug, Default)]
struct Seller {
    name: String,
    /// A list that is searched linearly, not a map. Most names already differ in length, so a search in thousands takes
    /// some microseconds, once per exchange. A map would need more code and memory than it saves.
    models: Vec<(ModelName, usize)>,
}

/// The compiled price table.
#[derive(Debug)]
pub struct PriceTable {
    title: String,
    models: Vec<ModelPrices>,
    sellers: Vec<Seller>,
    /// The names of providers with those of their sellers, separated by spaces, in the order of search.
    providers: Vec<(String, String)>,
    /// Whether a cost that the provider states replaces that of the table.
    uses_stated: bool,
}

/// The seller whose rows apply to every provider.
const ANY: &str = "*";

impl PriceTable {
    /// Returns a table without rows. Its title names the rows' origin and date, both of which may be empty.
    pub(crate) fn new(version: &str, date: &str) -> Self {
        let title = match (version, date) {
            ("", _) => "own".to_owned(),
            (_, "") => version.to_owned(),
            (version, date) => [version, " of ", date].concat(),
        };
        Self { title, models: Vec::new(), sellers: Vec::new(), providers: Vec::new(), uses_stated: true }
    }

    /// Appends a row: the prices of `seller` for the models with these names.
    pub(crate) fn add(&mut self, seller: &str, names: Vec<ModelName>, model: ModelPrices) {
        let number = self.models.len();
        self.models.push(model);
        if let Some(seller) = self.seller_mut(seller) {
            seller.models.extend(names.into_iter().map(|name| (name, number)));
        }
    }

    /// Sets the sellers of a provider, separated by spaces, in the order of search.
    pub(crate) fn add_provider(&mut self, provider: &str, sellers: &str) {
        self.providers.push((provider.to_owned(), sellers.to_owned()));
    }

    /// Sets whether a cost that the provider states replaces that of the table.
    pub(crate) fn use_stated_costs(&mut self, uses_stated: bool) {
        self.uses_stated = uses_stated;
    }

    /// Returns whether a cost that the provider states replaces that of the table.
    pub fn uses_stated_costs(&self) -> bool {
        self.uses_stated
    }

    /// Whether the table has rows of this seller.
    pub(crate) fn has_seller(&self, name: &str) -> bool {
        self.seller(name).is_some()
    }

    /// Returns the seller with this name, which is added if it is new.
    fn seller_mut(&mut self, name: &str) -> Option<&mut Seller> {
        if self.seller(name).is_none() {
            self.sellers.push(Seller { name: name.to_owned(), ..Seller::default() });
        }
        self.sellers.iter_mut().find(|seller| seller.name == name)
    }

    fn seller(&self, name: &str) -> Option<&Seller> {
        self.sellers.iter().find(|seller| seller.name == name)
    }

    /// Returns the origin and date of the rows, for people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the cost of `tokens` at `provider`, by the first of the `models` that has a row.
    pub fn cost<'a>(
        &self,
        provider: &str,
        models: impl IntoIterator<Item = &'a str>,
        tokens: &Tokens,
    ) -> Cost {
        let row = models.into_iter().find_map(|model| self.find(provider, model));
        match row.and_then(|number| self.models.get(number)) {
            Some(model) => model.cost(tokens),
            None => Cost {
                classes: Vec::new(),
                unpriced_tokens: tokens.get(TokenClass::Input).saturating_add(tokens.get(TokenClass::Output)),
            },
        }
    }

    /// Returns the number of the row for this model at this provider; `None` if there is none.
    ///
    /// Rows for any provider are searched last. A name that has no row is searched again with its dates hyphenated,
    /// since some gateways omit the hyphens.
    pub fn find(&self, provider: &str, model: &str) -> Option<usize> {
        let model = model.to_ascii_lowercase();
        let found = self.find_as_written(provider, &model);
        found.or_else(|| self.find_as_written(provider, &names::hyphenate_dates(&model)?))
    }

    fn find_as_written(&self, provider: &str, model: &str) -> Option<usize> {
        let own = self.providers.iter().find(|(name, _)| name == provider);
        let own = own.map_or(provider, |(_, own)| own);
        let names = words(own).chain([ANY]);
        let mut sellers = names.filter_map(|name| self.seller(name));
        sellers.find_map(|seller| self.find_in(seller, model))
    }

    fn find_in(&self, seller: &Seller, model: &str) -> Option<usize> {
        let is_included = |number: usize| {
            let row = self.models.get(number);
            row.is_some_and(|row| !row.except.iter().any(|name| name.fits(model)))
        };
        let mut models = seller.models.iter();
        models.find(|(name, number)| name.fits(model) && is_included(*number)).map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests;
