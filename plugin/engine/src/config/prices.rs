//! Compiles the section `prices`.

use super::ConfigError;
use super::keys::prices::{PRICES_NAMES, ROW_NAMES, ROWS, STATED_COSTS};
use super::section::{Section, displayed, quoted};
use crate::price::{ModelName, ModelPrices, PriceTable, TieredPrice, TokenClass, words};

const EXPECTED_PRICE: &str = "USD per million tokens as a string, such as \"2.5\", or \"1.25 >200000 2.5\" with a \
    second price above 200000 input tokens";

/// Compiles the section. `None` if it is absent.
pub(super) fn read(document: &Section<'_>) -> Result<Option<PriceTable>, ConfigError> {
    let Some(item) = document.item("prices") else {
        return Ok(None);
    };
    let prices = Section::new(item, &PRICES_NAMES)?;
    let text = |key| Ok::<_, ConfigError>(prices.text(key)?.unwrap_or_default());
    let mut table = PriceTable::new(text("version")?, text("date")?);
    text("notice")?;
    table.use_stated_costs(prices.switch(&STATED_COSTS)?);
    let Some(rows) = prices.list(&ROWS)? else {
        return prices.refuse_value(ROWS.name, "a list");
    };
    for row in rows {
        add_row(&mut table, &Section::new(row, &ROW_NAMES)?)?;
    }
    for (provider, sellers) in prices.pairs("providers")? {
        if let Some(unknown) = words(sellers).find(|seller| !table.has_seller(seller)) {
            let key = ["providers.", provider].concat();
            return prices.refuse(&key, "providers that have rows", quoted(unknown));
        }
        table.add_provider(provider, sellers);
    }
    Ok(Some(table))
}

fn add_row(table: &mut PriceTable, row: &Section<'_>) -> Result<(), ConfigError> {
    let seller = required_words(row, "provider")?;
    let names = model_names(row, "match", required_words(row, "match")?)?;
    let except = model_names(row, "except", row.text("except")?.unwrap_or_default())?;
    let mut model = ModelPrices { except, ..ModelPrices::default() };
    for (key, value) in row.values() {
        let Some(class) = TokenClass::named(key) else {
            continue; // one of the three above
        };
        match value.text().and_then(TieredPrice::new) {
            Some(price) => model.prices.push((class, price)),
            // A null is refused too: a price that is missing by mistake would leave tokens uncounted.
            None => return row.refuse(key, EXPECTED_PRICE, displayed(value)),
        }
    }
    table.add(seller, names, model);
    Ok(())
}

fn required_words<'a>(row: &Section<'a>, key: &str) -> Result<&'a str, ConfigError> {
    match row.text(key)?.filter(|text| words(text).next().is_some()) {
        Some(text) => Ok(text),
        None => row.refuse_value(key, "a string that is not empty"),
    }
}

fn model_names(row: &Section<'_>, key: &str, text: &str) -> Result<Vec<ModelName>, ConfigError> {
    let name = |word| match ModelName::new(word) {
        Some(name) => Ok(name),
        None => row.refuse(key, "`*` only at the ends of a name", quoted(word)),
    };
    words(text).map(name).collect()
}
