//! The table, and the goals.

use std::fmt;

use serde_json::{Value, json};

use crate::rig::{Block, Rig};
use crate::variants::{COPY, GAUGE, NATIVE, NONE};
use crate::work::Unit;

/// All blocks of a run.
pub struct Report {
    works: Vec<(&'static str, Unit)>,
    variants: Vec<&'static str>,
    /// Blocks by work, variant and round.
    blocks: Vec<Vec<Vec<Block>>>,
    seed: u64,
}

/// The microseconds that a variant adds to an exchange or event, over the rounds.
#[derive(Clone, Copy, Debug)]
struct AddedCost {
    median: f64,
    /// The quartiles.
    low: f64,
    high: f64,
    /// The median of its server; 0 if it has none.
    beside: f64,
}

/// A goal for our filter.
enum Goal {
    /// At most this multiple of the cost of another variant.
    Times(&'static str, f64),
    /// Less than this number of microseconds.
    Below(f64),
}

/// Goals by a part of the work's name.
const GOALS: &[(&str, Goal)] = &[
    ("2.7 KB", Goal::Times(COPY, 1.5)),
    ("2.7 KB", Goal::Times(NATIVE, 1.0)),
    ("0.9 MB", Goal::Times(NATIVE, 0.1)),
    ("own read", Goal::Times(COPY, 1.5)),
    ("own read", Goal::Times(NATIVE, 1.0)),
    ("burst", Goal::Times(NATIVE, 0.1)),
    ("first", Goal::Below(40.0)),
];

impl Report {
    /// Returns a report without blocks.
    pub fn new(rig: &Rig, seed: u64) -> Self {
        let works: Vec<_> = rig.works.iter().map(|work| (work.name, work.unit)).collect();
        let variants: Vec<_> = rig.variants.iter().map(|running| running.variant.name).collect();
        let blocks = vec![vec![Vec::new(); variants.len()]; works.len()];
        Self { works, variants, blocks, seed }
    }

    /// Adds a block of the current round.
    pub fn add(&mut self, work: usize, variant: usize, block: Block) {
        self.blocks[work][variant].push(block);
    }

    /// Returns the median of the total cost in microseconds.
    fn total(&self, work: usize, variant: usize) -> f64 {
        quantile(self.blocks[work][variant].iter().map(|block| block.us).collect(), 0.5)
    }

    /// Compares each round with the bare Envoy of that round, because disturbances affect neighbouring blocks alike.
    fn added(&self, work: usize, variant: &str) -> Option<AddedCost> {
        let place = |name: &str| self.variants.iter().position(|variant| *variant == name);
        let (blocks, bare) = (&self.blocks[work][place(variant)?], &self.blocks[work][place(NONE)?]);
        let added: Vec<_> = blocks.iter().zip(bare).map(|(block, bare)| block.us - bare.us).collect();
        let beside = blocks.iter().map(|block| block.beside_us).collect();
        Some(AddedCost {
            median: quantile(added.clone(), 0.5),
            low: quantile(added.clone(), 0.25),
            high: quantile(added, 0.75),
            beside: quantile(beside, 0.5),
        })
    }

    /// Returns each goal with its measured value, and whether it is met.
    fn verdicts(&self) -> Vec<(String, f64, bool)> {
        let mut verdicts = Vec::new();
        for (work, (name, _)) in self.works.iter().enumerate() {
            for (_, goal) in GOALS.iter().filter(|(word, _)| name.contains(word)) {
                let Some(ours) = self.added(work, GAUGE) else { continue };
                verdicts.extend(match goal {
                    Goal::Below(most) => {
                        let asked = format!("{name}: under {most} us");
                        Some((asked, ours.median, ours.median < *most))
                    }
                    Goal::Times(other, most) => self.added(work, other).map(|theirs| {
                        let times = ours.median / theirs.median;
                        let asked = format!("{name}: at most {most} x {other}");
                        (asked, times, theirs.median > 0.0 && times <= *most)
                    }),
                });
            }
        }
        verdicts
    }

    /// Returns the report with every block as JSON.
    pub fn json(&self) -> Value {
        let works = self.works.iter().enumerate().map(|(work, (name, unit))| {
            let rows = self.variants.iter().enumerate().map(|(number, variant)| {
                let added = self.added(work, variant);
                let blocks: Vec<_> = self.blocks[work][number].iter().map(|block| block.us).collect();
                json!({
                    "variant": variant,
                    "median_us": self.total(work, number),
                    "added_us": added.map(|added| added.median),
                    "added_quartiles_us": added.map(|added| [added.low, added.high]),
                    "server_beside_us": added.map(|added| added.beside),
                    "blocks_us": blocks,
                })
            });
            json!({"name": name, "unit": format!("{unit:?}"), "variants": rows.collect::<Vec<_>>()})
        });
        let goals = self
            .verdicts()
            .into_iter()
            .map(|(asked, got, met)| json!({"goal": asked, "measured": got, "met": met}));
        json!({
            "machine": machine(), "seed": self.seed,
            "works": works.collect::<Vec<_>>(), "goals": goals.collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "On {}, seed {}. Microseconds; in brackets the quartiles over the rounds.",
            machine(),
            self.seed
        )?;
        for (work, (name, unit)) in self.works.iter().enumerate() {
            let what = match unit {
                Unit::Exchange => "CPU an exchange",
                Unit::Event => "CPU an event",
                Unit::FirstEvent => "request to first event",
            };
            writeln!(f, "\n| {name}: {what} | in all | added | |\n|---|---:|---:|---|")?;
            for (number, variant) in self.variants.iter().enumerate() {
                let total = self.total(work, number);
                let Some(added) = self.added(work, variant).filter(|_| *variant != NONE) else {
                    writeln!(f, "| {variant} | {total:.2} | | |")?;
                    continue;
                };
                let AddedCost { median, low, high, beside } = added;
                write!(f, "| {variant} | {total:.2} | {median:.2} | ({low:.2} to {high:.2})")?;
                let beside =
                    if beside > 0.0 { format!(" + {beside:.2} in the server") } else { String::new() };
                writeln!(f, "{beside} |")?;
            }
        }
        writeln!(f)?;
        for (asked, got, met) in self.verdicts() {
            writeln!(f, "{} {asked}: {got:.2}", if met { "met   " } else { "MISSED" })?;
        }
        write!(
            f,
            "Higress's wasm plugin needs its fork of Envoy, which is in no package registry: not measured here."
        )
    }
}

/// Returns the value at this share, interpolated between two values.
pub fn quantile(mut values: Vec<f64>, at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = at * values.len().saturating_sub(1) as f64;
    let value = |place: f64| values.get(place as usize).copied().unwrap_or(f64::NAN);
    let (below, above) = (value(place.floor()), value(place.ceil()));
    below + (above - below) * place.fract()
}

/// Returns the processor's name from the kernel.
pub fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names: Vec<_> =
        cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": ")).collect();
    let name = names.first().map_or("an unknown processor", |(_, name)| name);
    format!("{} x {name}", names.len())
}
