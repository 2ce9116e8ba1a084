//! The cost that each filter adds to an exchange, measured in whole Envoys.
//!
//! `cargo gauge-bench --bench envoy`; `benches/README.md` describes the method and its bias.

mod cpu;
mod ext_proc;
mod judge;
mod report;
mod rig;
mod upstream;
mod variants;
mod work;

use anyhow::Result;
use clap::Parser;

use report::Report;
use rig::Rig;

/// Measures what filters add to an exchange in Envoy
#[derive(Parser)]
struct Options {
    /// Blocks of each variant and each kind of exchange
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Exchanges in a block, in percent of the default
    #[arg(long, default_value_t = 100)]
    percent: usize,
    /// Run for a few seconds to show that it works; the figures mean nothing
    #[arg(long)]
    quick: bool,
    /// Seed for the order of blocks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only kinds of exchanges whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Only variants whose name contains one of these, and the baselines
    #[arg(long)]
    variant: Vec<String>,
    /// Measure only the latency that a judge adds
    #[arg(long)]
    judge: bool,
    /// Print JSON instead of the table
    #[arg(long)]
    json: bool,
    /// The argument that cargo passes to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let mut options = Options::parse();
    if options.quick {
        (options.rounds, options.percent) = (1, 2);
    }
    // One thread for client and upstream: a wake-up between the two would be measured too.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if options.judge {
        return runtime.block_on(judge::measure(options.rounds, options.percent, options.seed));
    }
    let report = runtime.block_on(measure(&options))?;
    if options.json {
        println!("{:#}", report.json())
    } else {
        println!("{report}")
    }
    Ok(())
}

async fn measure(options: &Options) -> Result<Report> {
    let mut rig = Rig::start(&options.only, &options.variant, options.percent).await?;
    let mut shuffle = Shuffler(options.seed);
    let mut report = Report::new(&rig, options.seed);
    // The first round warms up connections, caches and series, and is not counted.
    for round in 0..=options.rounds {
        for work in 0..rig.works.len() {
            for variant in shuffle.order(rig.variants.len()) {
                let block = rig.block(work, variant).await?;
                if round > 0 || options.quick {
                    report.add(work, variant, block);
                }
            }
        }
        eprintln!("round {round} of {}", options.rounds);
    }
    rig.check().await?;
    Ok(report)
}

/// Generates orders that are the same for a seed (splitmix64).
struct Shuffler(u64);

impl Shuffler {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..count).collect();
        for place in (1..count).rev() {
            order.swap(place, (self.next() % (place as u64 + 1)) as usize);
        }
        order
    }
}
