//! The keys of `prices`.

use super::{Fallback, Key, Kind, List, Switch, names};

pub(in crate::config) const ROWS: List = List::any("rows");

/// Whether a cost that the provider states replaces that of the table.
pub(in crate::config) const STATED_COSTS: Switch = Switch { name: "stated_costs", default: true };

pub(super) const PRICES: [Key; 6] = [
    Key::text("version", "Source of the rows, for `llm_gauge_build_info`.").default(Fallback::Text("")),
    Key::text("date", "Day of the rows, for `llm_gauge_build_info`.").default(Fallback::Text("")),
    Key::text("notice", "Licence of the rows, for people.").default(Fallback::Text("")),
    Key::new(
        "providers",
        Kind::Pairs,
        "For a provider, the providers whose rows are its own, in the order of search, separated by spaces.",
    )
    .within("providers that have rows")
    .default(Fallback::Json("{}")),
    Key::switch(&STATED_COSTS, "Whether a cost that a response states replaces that of the rows."),
    Key::list(&ROWS, Kind::Objects, "Prices of models. The first row that matches a model counts.")
        .required(),
];
pub(in crate::config) const PRICES_NAMES: [&str; 6] = names(&PRICES);

/// Returns the key of a price for one class of tokens.
const fn price(name: &'static str, meaning: &'static str) -> Key {
    Key { unit: "USD per million tokens", ..Key::text(name, meaning) }
        .within("such as `2.5`, or with a price above 200000 input tokens: `1.25 >200000 2.5`")
}

const NAMES: &str = "separated by spaces; `*` at an end stands for any characters, `#` for a digit";

pub(super) const ROW: [Key; 19] = [
    Key::text("provider", "Provider that sells these models. `*` stands for any provider.").required(),
    Key::text("match", "Names of the models.").within(NAMES).required(),
    Key::text("except", "Names that match and are not meant.").within(NAMES),
    price("input", "Input that is in no class of its own."),
    price("cached_input", "Input read from a cache."),
    price("cache_write", "Input written to a cache for five minutes or the provider's usual time."),
    price("cache_write_1h", "Input written to a cache for an hour."),
    price("audio_input", "Audio in the input."),
    price("cached_audio_input", "Audio read from a cache."),
    price("image_input", "Images in the input."),
    price("cached_image_input", "Images read from a cache."),
    price("video_input", "Video in the input."),
    price("output", "Output that is in no class of its own."),
    price("reasoning", "Output spent on reasoning."),
    price("citation", "Output that quotes sources."),
    price("audio_output", "Audio in the output."),
    price("image_output", "Images in the output."),
    price("video_output", "Video in the output."),
    Key {
        unit: "USD per million exchanges",
        ..price("request", "The exchange itself, whatever its tokens.")
    },
];
pub(in crate::config) const ROW_NAMES: [&str; 19] = names(&ROW);
