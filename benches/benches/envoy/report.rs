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
    /// By work, variant and round.
    blocks: Vec<Vec<Vec<Block>>>,
    seed: u64,
}

/// What a variant adds to an exchange or event, in microseconds, over the rounds.
#[derive(Clone, Copy, Debug)]
struct Added {
    median: f64,
    /// The quartiles.
    low: f64,
    high: f64,
    /// The server's beside it.
    beside: f64,
}

/// What is asked of our filter.
enum Goal {
    /// At most so many times what another variant adds.
    Times(&'static str, f64),
    /// Less than so many microseconds.
    Below(f64),
}

/// By a word of the work's name.
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
    /// Nothing measured yet.
    pub fn new(rig: &Rig, seed: u64) -> Self {
        let works: Vec<_> = rig.works.iter().map(|work| (work.name, work.unit)).collect();
        let variants: Vec<_> = rig.variants.iter().map(|running| running.variant.name).collect();
        let blocks = vec![vec![Vec::new(); variants.len()]; works.len()];
        Self { works, variants, blocks, seed }
    }

    /// Takes a block of the round that is under way.
    pub fn add(&mut self, work: usize, variant: usize, block: Block) {
        self.blocks[work][variant].push(block);
    }

    /// The median of what exchanges cost altogether, in microseconds.
    fn total(&self, work: usize, variant: usize) -> f64 {
        quantile(self.blocks[work][variant].iter().map(|block| block.us).collect(), 0.5)
    }

    /// Each round against its own bare Envoy, as what disturbs one disturbs its neighbours too.
    fn added(&self, work: usize, variant: &str) -> Option<Added> {
        let place = |name: &str| self.variants.iter().position(|variant| *variant == name);
        let (blocks, bare) = (&self.blocks[work][place(variant)?], &self.blocks[work][place(NONE)?]);
        let added: Vec<_> = blocks.iter().zip(bare).map(|(block, bare)| block.us - bare.us).collect();
        let beside = blocks.iter().map(|block| block.beside_us).collect();
        Some(Added {
            median: quantile(added.clone(), 0.5),
            low: quantile(added.clone(), 0.25),
            high: quantile(added, 0.75),
            beside: quantile(beside, 0.5),
        })
    }

    /// Each goal: what it asks for, what came out, and whether that is it.
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

    /// All of it for a machine, every block included.
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
                let Added { median, low, high, beside } = added;
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
            "Higress's wasm plugin needs its fork of Envoy, which no package registry has: not measured here."
        )
    }
}

/// The value at this share of them, between two where it is none of them.
pub fn quantile(mut values: Vec<f64>, at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = at * values.len().saturating_sub(1) as f64;
    let value = |place: f64| values.get(place as usize).copied().unwrap_or(f64::NAN);
    let (below, above) = (value(place.floor()), value(place.ceil()));
    below + (above - below) * place.fract()
}

/// The processor, as the kernel names it.
pub fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names: Vec<_> =
        cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": ")).collect();
    let name = names.first().map_or("an unknown processor", |(_, name)| name);
    format!("{} x {name}", names.len())
}
