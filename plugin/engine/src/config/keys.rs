//! Every key of the configuration.
//!
//! A [`Key`] is a row for readers. The parser takes its names, defaults and bounds from the same constants, such as
//! [`Integer`] and [`names`], so that the two cannot differ. Only [`super::table`] reads the meanings, and the filter
//! does not call that: the linker leaves them out of the wasm module.

pub(super) mod feedback;
pub(super) mod judge;
pub(super) mod prices;
pub(super) mod root;
pub(super) mod telemetry;

/// The keys of one object.
pub(super) struct Object {
    /// The path of the object, with `[]` for any item of a list. Empty for the document.
    pub(super) path: &'static str,
    /// The keys in the order of the table.
    pub(super) keys: &'static [Key],
}

/// All objects, each after the one that contains it.
pub(super) const OBJECTS: &[Object] = &[
    Object { path: "", keys: &root::ROOT },
    Object { path: "match[]", keys: &root::MATCH },
    Object { path: "labels[]", keys: &root::LABEL },
    Object { path: "models", keys: &root::MODELS },
    Object { path: "models.rename[]", keys: &root::RENAME },
    Object { path: "streaming", keys: &root::STREAMING },
    Object { path: "prices", keys: &prices::PRICES },
    Object { path: "prices.rows[]", keys: &prices::ROW },
    Object { path: "judge", keys: &judge::TARGET },
    Object { path: "judge", keys: &judge::JUDGE },
    Object { path: "judge.judges[]", keys: &judge::TARGET },
    Object { path: "judge.rules[]", keys: &judge::RULE },
    Object { path: "judge.criteria[]", keys: &judge::CRITERION },
    Object { path: "judge.context[]", keys: &judge::SOURCE },
    Object { path: "judge.budget", keys: &judge::BUDGET },
    Object { path: "feedback", keys: &feedback::FEEDBACK },
    Object { path: "feedback.cors", keys: &feedback::CORS },
    Object { path: "telemetry", keys: &telemetry::TELEMETRY },
    Object { path: "telemetry.batch", keys: &telemetry::BATCH },
    Object { path: "redact[]", keys: &telemetry::REDACTION },
    Object { path: "limits", keys: &root::LIMITS },
];

/// A key of the configuration.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Fallback,
    pub(super) bound: Bound,
    /// The unit of a number. Empty if it has none.
    pub(super) unit: &'static str,
    /// The meaning, in one line.
    pub(super) meaning: &'static str,
    /// Whether the value may be a secret, which no error may repeat.
    pub(super) is_secret: bool,
}

/// The type of a value.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// An object with [`Key`]s of its own.
    Object,
    /// A list of such objects.
    Objects,
    /// An object with arbitrary keys and string values.
    Pairs,
    Text,
    Texts,
    Integer,
    Number,
    Switch,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Another combination of types, described in words.
    Mixed(&'static str),
}

/// The value of an absent key.
#[derive(Clone, Copy)]
pub(super) enum Fallback {
    /// The configuration is refused.
    Required,
    /// The feature of the key is off.
    Absent,
    Text(&'static str),
    /// This JSON.
    Json(&'static str),
    Integer(u64),
    Number(f64),
    Switch(bool),
    /// A default that is described in words, since it is not a JSON value.
    Words(&'static str),
}

/// The values that are accepted.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    Any,
    Integer { least: u64, most: u64 },
    Number { most: f64 },
    Items { least: usize, most: usize },
    Bytes { least: usize, most: usize },
    Words(&'static str),
}

/// No bound, or a default that means no bound.
pub(super) const UNBOUNDED: u64 = u64::MAX;

/// The largest size of anything in memory. The filter has 32-bit sizes, and a native check must refuse whatever the
/// filter refuses.
pub(super) const SIZE_MAX: u64 = 0xFFFF_FFFF;

/// The name, default and bounds of an integer.
pub(super) struct Integer {
    pub(super) name: &'static str,
    pub(super) default: u64,
    pub(super) least: u64,
    pub(super) most: u64,
}

/// The name, default and upper bound of a number from 0.
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) default: Option<f64>,
    pub(super) most: f64,
}

/// The name and default of a switch.
pub(super) struct Switch {
    pub(super) name: &'static str,
    pub(super) default: bool,
}

/// The name and words of a choice. The first word is the default.
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) words: &'static [&'static str],
}

/// The name and bounds of a list.
pub(super) struct List {
    pub(super) name: &'static str,
    pub(super) may_be_empty: bool,
    pub(super) most: usize,
}

impl Integer {
    pub(super) const fn new(name: &'static str, default: u64, least: u64, most: u64) -> Self {
        Self { name, default, least, most }
    }
}

impl List {
    /// Returns a list of any length.
    pub(super) const fn any(name: &'static str) -> Self {
        Self::at_most(name, usize::MAX)
    }

    pub(super) const fn at_most(name: &'static str, most: usize) -> Self {
        Self { name, may_be_empty: true, most }
    }
}

impl Key {
    pub(super) const fn new(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        let (default, bound) = (Fallback::Absent, Bound::Any);
        Self { name, kind, default, bound, unit: "", meaning, is_secret: false }
    }

    /// Returns a key of an object that is empty if it is absent.
    pub(super) const fn section(name: &'static str, meaning: &'static str) -> Self {
        Self::new(name, Kind::Object, meaning).default(Fallback::Json("{}"))
    }

    pub(super) const fn text(name: &'static str, meaning: &'static str) -> Self {
        Self::new(name, Kind::Text, meaning)
    }

    pub(super) const fn integer(key: &Integer, unit: &'static str, meaning: &'static str) -> Self {
        let bound = Bound::Integer { least: key.least, most: key.most };
        Self {
            default: Fallback::Integer(key.default),
            bound,
            unit,
            ..Self::new(key.name, Kind::Integer, meaning)
        }
    }

    pub(super) const fn number(key: &Number, unit: &'static str, meaning: &'static str) -> Self {
        let default = match key.default {
            Some(number) => Fallback::Number(number),
            None => Fallback::Absent,
        };
        let bound = Bound::Number { most: key.most };
        Self { default, bound, unit, ..Self::new(key.name, Kind::Number, meaning) }
    }

    pub(super) const fn switch(key: &Switch, meaning: &'static str) -> Self {
        Self { default: Fallback::Switch(key.default), ..Self::new(key.name, Kind::Switch, meaning) }
    }

    pub(super) const fn choice(key: &Choice, meaning: &'static str) -> Self {
        let default = match key.words {
            [first, ..] => Fallback::Text(first),
            [] => Fallback::Required,
        };
        Self { default, ..Self::new(key.name, Kind::Choice(key.words), meaning) }
    }

    pub(super) const fn list(key: &List, kind: Kind, meaning: &'static str) -> Self {
        let bound = match (key.may_be_empty, key.most) {
            (true, usize::MAX) => Bound::Any,
            (may_be_empty, most) => Bound::Items { least: !may_be_empty as usize, most },
        };
        Self { default: Fallback::Json("[]"), bound, ..Self::new(key.name, kind, meaning) }
    }

    /// Makes the key required.
    pub(super) const fn required(self) -> Self {
        self.default(Fallback::Required)
    }

    pub(super) const fn default(self, default: Fallback) -> Self {
        Self { default, ..self }
    }

    /// Sets the bound to a description in words.
    pub(super) const fn within(self, words: &'static str) -> Self {
        self.bound(Bound::Words(words))
    }

    pub(super) const fn bound(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    pub(super) const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }
}

/// Returns the names of keys, for the parser. The compiler evaluates it, so that the rows themselves are not in the
/// wasm module.
pub(super) const fn names<const N: usize>(keys: &[Key; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut names_left, mut keys_left) = (names.as_mut_slice(), keys.as_slice());
    while let (Some((name, names_after)), Some((key, keys_after))) =
        (names_left.split_first_mut(), keys_left.split_first())
    {
        *name = key.name;
        (names_left, keys_left) = (names_after, keys_after);
    }
    names
}
