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
mod tokens;

pub use amount::Price;
pub use names::Name;
pub use tokens::{Class, Tokens};

/// Parts of a dollar that prices and costs are held in: 1e-24. Prices come in dollars for a million tokens, with up
/// to 18 digits behind the point.
pub const UNITS_PER_DOLLAR: u128 = 1_000_000_000_000_000_000_000_000;

/// Units in a nanodollar.
pub const UNITS_PER_NANODOLLAR: u128 = UNITS_PER_DOLLAR / 1_000_000_000;

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

/// The prices of one row.
#[derive(Debug, Default)]
pub(crate) struct ModelPrices {
    /// At most one per class.
    pub(crate) prices: Vec<(Class, Price)>,
    /// Names that match the row and are not meant.
    pub(crate) except: Vec<Name>,
}

impl ModelPrices {
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

/// Returns the parts of a text between spaces.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// The names of what one seller sells, each with the number of its row, in the order of the rows.
#[derive(Debug, Default)]
struct Seller {
    name: String,
    /// A list to walk, not a map: most names differ in length already, so that thousands take some microseconds, and
    /// that once an exchange; a map would be more code and more memory than it saves.
    models: Vec<(Name, usize)>,
}

/// The compiled table.
#[derive(Debug)]
pub struct Table {
    title: String,
    models: Vec<ModelPrices>,
    sellers: Vec<Seller>,
    /// For a provider, the sellers whose rows are its own, in the order they are asked, with spaces between.
    providers: Vec<(String, String)>,
}

/// The seller whose rows are for every provider.
const ANY: &str = "*";

impl Table {
    /// A table without rows, titled by where its rows come from and the day they are of; both may be empty.
    pub(crate) fn new(version: &str, date: &str) -> Self {
        let title = match (version, date) {
            ("", _) => "own".to_owned(),
            (_, "") => version.to_owned(),
            (version, date) => [version, " of ", date].concat(),
        };
        Self { title, models: Vec::new(), sellers: Vec::new(), providers: Vec::new() }
    }

    /// Adds a row after the others: the prices of `seller` for the models of these names.
    pub(crate) fn add(&mut self, seller: &str, names: Vec<Name>, model: ModelPrices) {
        let number = self.models.len();
        self.models.push(model);
        if let Some(seller) = self.seller_of(seller) {
            seller.models.extend(names.into_iter().map(|name| (name, number)));
        }
    }

    /// Sets the sellers whose rows are a provider's own, in the order of search, separated by spaces.
    pub(crate) fn add_provider(&mut self, provider: &str, sellers: &str) {
        self.providers.push((provider.to_owned(), sellers.to_owned()));
    }

    /// Whether the table has rows of this seller.
    pub(crate) fn has_seller(&self, name: &str) -> bool {
        self.seller(name).is_some()
    }

    /// The rows of this seller, none if it is a new one.
    fn seller_of(&mut self, name: &str) -> Option<&mut Seller> {
        if self.seller(name).is_none() {
            self.sellers.push(Seller { name: name.to_owned(), ..Seller::default() });
        }
        self.sellers.iter_mut().find(|seller| seller.name == name)
    }

    fn seller(&self, name: &str) -> Option<&Seller> {
        self.sellers.iter().find(|seller| seller.name == name)
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
        match row.and_then(|number| self.models.get(number)) {
            Some(model) => model.cost(tokens),
            None => Cost {
                classes: Vec::new(),
                unpriced_tokens: tokens.get(Class::Input).saturating_add(tokens.get(Class::Output)),
            },
        }
    }

    /// The number of the row for this name of a model at this provider. Rows for any provider come last. A name that
    /// has no row is looked for with its dates written out: some gateways run their digits together.
    pub fn find(&self, provider: &str, model: &str) -> Option<usize> {
        let model = model.to_ascii_lowercase();
        let found = self.find_as_written(provider, &model);
        found.or_else(|| self.find_as_written(provider, &names::with_dates_written_out(&model)?))
    }

    fn find_as_written(&self, provider: &str, model: &str) -> Option<usize> {
        let own = self.providers.iter().find(|(name, _)| name == provider);
        let own = own.map_or(provider, |(_, own)| own);
        let asked = words(own).chain([ANY]);
        let mut sellers = asked.filter_map(|name| self.seller(name));
        sellers.find_map(|seller| self.find_in(seller, model))
    }

    fn find_in(&self, seller: &Seller, model: &str) -> Option<usize> {
        let is_meant = |number: usize| {
            let row = self.models.get(number);
            row.is_some_and(|row| !row.except.iter().any(|name| name.fits(model)))
        };
        let mut models = seller.models.iter();
        models.find(|(name, number)| name.fits(model) && is_meant(*number)).map(|(_, number)| *number)
    }
}

#[cfg(test)]
mod tests;
