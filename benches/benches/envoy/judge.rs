//! How much later an answer is because of a judge: off, on and not sampled, on and sampled, and with more to do than it can.
//!
//! Latency and not CPU: the judge is called after an exchange, on its worker, so what it costs is what others wait.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use simulators::build;
use simulators::envoy::{Bootstrap, Envoy};
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::{Client, End, Protocol, Request};

use crate::Shuffle;
use crate::report::{machine, quantile};
use crate::upstream::{self, LANES, Upstream};
use crate::work::Work;

/// Exchanges of one block, which give one median and one 99th percentile.
const EXCHANGES: usize = 1600;

const WORKERS: usize = 2;

/// Exchanges begun in a second: what the cores can do twice over, so that time is not what waits for a core.
const RATE: f64 = 1000.0;

/// What they may keep: the defaults of `max_in_flight` and `max_queue` in each.
const KEPT_MAX: f64 = 2.0 * (8.0 + 64.0);

/// Everything is measured from this one.
const OFF: &str = "judge off";

/// A judge, and how the filter is told to use it.
struct Variant {
    name: &'static str,
    judge: Option<(JudgeBehaviour, Value)>,
}

struct Running {
    name: &'static str,
    envoy: Envoy,
    client: Client,
    exchanges: usize,
    /// Of each round: the median and the 99th percentile, in microseconds.
    rounds: Vec<[f64; 2]>,
}

fn variants() -> Vec<Variant> {
    let rate = |rate: f64| json!({"sample_rate": rate, "budget": {"calls_per_minute": 1_000_000}});
    // So that what is under way stays so for the whole run: after time-outs the judge would be left alone.
    let patient = |share: f64| {
        let mut patient = rate(share);
        patient["timeout_ms"] = json!(600_000);
        patient
    };
    vec![
        Variant { name: OFF, judge: None },
        Variant { name: "judge off, again", judge: None },
        Variant { name: "on, unsampled", judge: Some((JudgeBehaviour::Verdict, rate(0.0))) },
        Variant { name: "on, all sampled", judge: Some((JudgeBehaviour::Verdict, rate(1.0))) },
        Variant { name: "on, overloaded, 5 % sampled", judge: Some((JudgeBehaviour::Held, patient(0.05))) },
        Variant { name: "on, overloaded, all sampled", judge: Some((JudgeBehaviour::Held, patient(1.0))) },
    ]
}

/// Runs all of it and prints the table.
pub async fn measure(rounds: usize, percent: usize, seed: u64) -> Result<()> {
    let works: Vec<_> = Work::all().into_iter().take(1).collect();
    let (work, upstream) = (works.first().context("no work")?, Upstream::start(&works).await?);
    // Judges have a thread of their own, as one in the client's would be measured as if it were Envoy.
    let judges = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mut running, mut servers) = (Vec::new(), Vec::new());
    for Variant { name, judge } in variants() {
        let mut bootstrap = Bootstrap::shipped()?.without_access_log()?.filter(&build::filter(false)?)?;
        bootstrap = bootstrap.upstream("openai", upstream.address, Protocol::Http1)?;
        if let Some((manner, changes)) = judge {
            let server = judges.spawn(JudgeServer::start(manner)).await??;
            bootstrap = bootstrap.judged(changes)?.upstream("judge", server.address(), Protocol::Http1)?;
            servers.push(server);
        }
        let envoy = Envoy::start(bootstrap, WORKERS).await?;
        let client = Client::new(envoy.listener(), Protocol::Http1);
        running.push(Running { name, envoy, client, exchanges: 0, rounds: Vec::new() });
    }
    let mut shuffle = Shuffle(seed);
    // The first round warms up and counts for nothing.
    for round in 0..=rounds {
        for place in shuffle.order(running.len()) {
            let running = running.get_mut(place).context("no such variant")?;
            let block = running.block(work, EXCHANGES * percent / 100).await?;
            if round > 0 {
                running.rounds.push(block);
            }
        }
        eprintln!("round {round} of {rounds}");
    }
    println!("On {}, seed {seed}. Microseconds from request to last byte; in brackets quartiles.", machine());
    println!("\n| {} | p50 | added | | p99 | added | | |\n|---|---:|---:|---|---:|---:|---|---|", work.name);
    for one in &running {
        println!("{}", one.row(&running).await?);
    }
    drop(servers);
    judges.shutdown_background();
    Ok(())
}

impl Running {
    /// One block, of which the client must get every byte.
    async fn block(&mut self, work: &Work, exchanges: usize) -> Result<[f64; 2]> {
        let each_lane = (exchanges / LANES).max(1);
        let start = Instant::now();
        let mut lanes = tokio::task::JoinSet::new();
        for lane in 0..LANES {
            let (client, body, bytes) = (self.client.clone(), work.request.clone(), work.bytes());
            lanes.spawn(async move {
                let mut took = Vec::with_capacity(each_lane);
                for turn in 0..each_lane {
                    let due = Duration::from_secs_f64((turn * LANES + lane) as f64 / RATE);
                    tokio::time::sleep_until((start + due).into()).await;
                    let request = Request::post_bytes("/v1/chat/completions", body.clone());
                    let request =
                        request.header(upstream::WORK, "0").header(upstream::LANE, &lane.to_string());
                    let began = Instant::now();
                    let answer = client.send(request).await?.finish().await;
                    took.push(began.elapsed().as_secs_f64() * 1e6);
                    let is_whole = answer.end == End::Complete && answer.body.len() == bytes;
                    ensure!(answer.status == 200 && is_whole, "{}: {:?}", answer.status, answer.end);
                }
                Ok(took)
            });
        }
        let mut took = Vec::new();
        while let Some(lane) = lanes.join_next().await {
            took.extend(lane??);
        }
        self.exchanges += took.len();
        Ok([quantile(took.clone(), 0.5), quantile(took, 0.99)])
    }

    /// The row of the table, once what was counted is what was sent.
    async fn row(&self, all: &[Self]) -> Result<String> {
        let bare = all.iter().find(|other| other.name == OFF).context("nothing to measure from")?;
        let mut row = format!("| {} |", self.name);
        for part in 0..2 {
            let own = self.rounds.iter().map(|round| round[part]).collect();
            row += &format!(" {:.0} |", quantile(own, 0.5));
            if self.name == OFF {
                row += " | |";
                continue;
            }
            let added: Vec<_> =
                self.rounds.iter().zip(&bare.rounds).map(|(own, bare)| own[part] - bare[part]).collect();
            let [low, middle, high] = [0.25, 0.5, 0.75].map(|at| quantile(added.clone(), at));
            row += &format!(" {middle:.0} | ({low:.0} to {high:.0}) |");
        }
        Ok(format!("{row} {} |", self.counted().await?))
    }

    /// Every exchange was metered, and every sampled one has an outcome or is still kept.
    async fn counted(&self) -> Result<String> {
        // A judge that answers is done with what it has in a moment.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let stats = self.envoy.admin().stats().await?;
        let sum = |metric| stats.sum(metric, &[]);
        let outcome = |name| stats.sum("llm_judge_outcomes_total", &[("outcome", name)]);
        ensure!(sum("llm_requests_total") == self.exchanges as f64, "{} has miscounted", self.name);
        let kept = sum("llm_judge_sampled_total") - sum("llm_judge_outcomes_total");
        ensure!((0.0..=KEPT_MAX).contains(&kept), "{} keeps {kept} exchanges", self.name);
        let (scored, full) = (outcome("scored"), outcome("queue_full"));
        Ok(format!("{scored} scored, {full} found no place, {kept} kept"))
    }
}
