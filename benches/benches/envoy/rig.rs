//! The set-up: an Envoy for each variant, the upstream behind them, and the client.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use simulators::envoy::Envoy;
use simulators::load::{Client, End, Protocol, Request};

use crate::cpu;
use crate::ext_proc::ExtProc;
use crate::upstream::{self, LANES, Upstream};
use crate::variants::{COPY, EXT_PROC, GAUGE, NATIVE, NONE, Variant};
use crate::work::{Pace, Unit, Work};

/// The baselines, and the variants that goals refer to. They always run.
const ALWAYS: &[&str] = &[NONE, COPY, GAUGE, NATIVE];

/// The running set-up.
pub struct Rig {
    /// The kinds of exchanges.
    pub works: Vec<Work>,
    /// The variants to compare.
    pub variants: Vec<RunningVariant>,
    upstream: Upstream,
    ext_proc: ExtProc,
    percent: usize,
}

/// A variant with its Envoy.
pub struct RunningVariant {
    /// The variant.
    pub variant: Variant,
    envoy: Envoy,
    client: Client,
    exchanges: u64,
    tokens: u64,
}

/// The cost of one block, for each exchange or event of it.
#[derive(Clone, Debug)]
pub struct Block {
    /// Microseconds: of CPU time in Envoy, or the median from the request to the first event.
    pub us: f64,
    /// Microseconds of CPU time in the variant's server; 0 if it has none.
    pub beside_us: f64,
}

impl Rig {
    /// Starts the works and variants whose names contain these words.
    pub async fn start(work: &str, variants: &[String], percent: usize) -> Result<Self> {
        let works: Vec<_> = Work::all().into_iter().filter(|kind| kind.name.contains(work)).collect();
        ensure!(!works.is_empty(), "unknown kind of exchange: no name contains {work:?}");
        let upstream = Upstream::start(&works).await?;
        let ext_proc = ExtProc::start()?;
        let mut running = Vec::new();
        for variant in Variant::all(upstream.address, &ext_proc)? {
            let is_asked_for = |name: &String| variant.name.contains(name.as_str());
            if !variants.is_empty() && !ALWAYS.contains(&variant.name) && !variants.iter().any(is_asked_for) {
                continue;
            }
            let envoy = Envoy::start(variant.bootstrap.clone(), 1).await;
            let envoy = envoy.with_context(|| format!("the Envoy for {}", variant.name))?;
            let client = Client::new(envoy.listener(), Protocol::Http1);
            running.push(RunningVariant { variant, envoy, client, exchanges: 0, tokens: 0 });
        }
        Ok(Self { works, variants: running, upstream, ext_proc, percent })
    }

    /// Runs one block. The number of exchanges is fixed, not the time: exchanges cut off by a clock would be charged to
    /// those that ended.
    pub async fn block(&mut self, work: usize, variant: usize) -> Result<Block> {
        let (number, work) = (work, self.works.get(work).context("unknown work")?);
        let running = self.variants.get_mut(variant).context("unknown variant")?;
        let lanes = if work.unit == Unit::FirstEvent { 1 } else { LANES };
        let each_lane = (work.exchanges * self.percent / 100 / lanes).max(1);
        let exchanges = each_lane * lanes;
        let pid = running.envoy.pid();
        let clock = || cpu::of_process(pid);
        let (before, beside) = (cpu::read_settled(clock).await?, self.ext_proc.cpu_ns()?);
        let lane = |lane| running.lane(number, work, (lane, each_lane), &self.upstream);
        let mut lanes: Vec<_> = (0..lanes).map(|number| Box::pin(lane(number))).collect();
        let mut firsts = try_join(&mut lanes).await?.concat();
        drop(lanes);
        running.exchanges += exchanges as u64;
        running.tokens += exchanges as u64 * work.tokens;
        let (after, beside_after) = (cpu::read_settled(clock).await?, self.ext_proc.cpu_ns()?);
        if work.unit == Unit::FirstEvent {
            firsts.sort_by(f64::total_cmp);
            return Ok(Block { us: firsts[firsts.len() / 2], beside_us: 0.0 });
        }
        let each = |before: u64, after: u64| (after - before) as f64 / 1000.0 / work.units(exchanges);
        let is_beside = running.variant.name == EXT_PROC;
        let beside_us = if is_beside { each(beside, beside_after) } else { 0.0 };
        Ok(Block { us: each(before, after), beside_us })
    }

    /// Checks that every variant has counted its exchanges.
    pub async fn check(&self) -> Result<()> {
        for running in &self.variants {
            let (stats, log) = (running.envoy.admin().stats().await?, running.envoy.log()?);
            let counted = running.variant.counted.check(&stats, &log, running.exchanges, running.tokens);
            if let Err(fault) = counted {
                bail!("{} has miscounted: {fault}", running.variant.name);
            }
        }
        Ok(())
    }
}

impl RunningVariant {
    /// Plays a number of exchanges in sequence, in each of which the client must receive every byte. Returns the
    /// microseconds to their first events.
    async fn lane(
        &self,
        number: usize,
        work: &Work,
        (lane, exchanges): (usize, usize),
        upstream: &Upstream,
    ) -> Result<Vec<f64>> {
        let mut firsts = Vec::with_capacity(exchanges);
        for _ in 0..exchanges {
            firsts.push(self.exchange(number, work, lane, upstream).await?);
        }
        Ok(firsts)
    }

    async fn exchange(&self, number: usize, work: &Work, lane: usize, upstream: &Upstream) -> Result<f64> {
        let request = Request::post_bytes("/v1/chat/completions", work.request.clone());
        let request = request.header(upstream::WORK, &number.to_string());
        let request = request.header(upstream::LANE, &lane.to_string());
        let next = upstream.next.get(lane).context("unknown lane")?;
        let first = work.pieces.first().map_or(0, String::len);
        let began = Instant::now();
        let mut exchange = self.client.send(request).await?;
        if work.pace == Pace::AtOnce {
            exchange.bytes(first).await;
        }
        let first_us = began.elapsed().as_secs_f64() * 1e6;
        if work.pace == Pace::Lockstep {
            let mut bytes = 0;
            for piece in &work.pieces {
                next.add_permits(1);
                bytes += piece.len();
                exchange.bytes(bytes).await;
            }
        }
        let answer = exchange.finish().await;
        let is_whole = answer.end == End::Complete && answer.body.len() == work.bytes();
        ensure!(answer.status == 200 && is_whole, "{}: {:?}", self.variant.name, answer.end);
        Ok(first_us)
    }
}

/// Polls all tasks in turn until they end.
async fn try_join<T>(tasks: &mut [Pin<Box<impl Future<Output = Result<T>>>>]) -> Result<Vec<T>> {
    let mut done: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    poll_fn(|wake| {
        for (task, done) in tasks.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(result) = task.as_mut().poll(wake) {
                *done = Some(result?);
            }
        }
        if done.iter().any(Option::is_none) { Poll::Pending } else { Poll::Ready(anyhow::Ok(())) }
    })
    .await?;
    Ok(done.into_iter().flatten().collect())
}
