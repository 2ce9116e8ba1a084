//! The latency that a judge adds: off, on without sampled exchanges, on with all sampled, and overloaded.
//!
//! Latency and not CPU time: the judge is called after an exchange, on its worker, so its cost is the wait of others.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use simulators::build;
use simulators::envoy::{Bootstrap, Envoy};
use simulators::judge::{JudgeBehaviour, JudgeServer};
use simulators::load::{Client, End, Protocol, Request};

use crate::Shuffler;
use crate::report::{machine, quantile};
use crate::upstream::{self, LANES, Upstream};
use crate::work::Work;

/// Exchanges of one block, which give one median and one 99th percentile.
const EXCHANGES: usize = 1600;

const WORKERS: usize = 2;

/// Exchanges started per second: half of what the cores can do, so that the wait for a core is not measured.
const RATE: f64 = 1000.0;

/// Maximum number of exchanges in flight and in the queue: the defaults of `max_in_flight` and `max_queue`, per worker.
const KEPT_MAX: f64 = 2.0 * (8.0 + 64.0);

/// The baseline.
const OFF: &str = "judge off";

/// A judge, and the filter's configuration for it.
struct JudgeVariant {
    name: &'static str,
    judge: Option<(JudgeBehaviour, Value)>,
}

struct RunningJudgeVariant {
    name: &'static str,
    envoy: Envoy,
    client: Client,
    exchanges: usize,
    /// The median and the 99th percentile of each round, in microseconds.
    rounds: Vec<[f64; 2]>,
}

fn variants() -> Vec<JudgeVariant> {
    let rate = |rate: f64| json!({"sample_rate": rate, "budget": {"calls_per_minute": 1_000_000}});
    // Calls stay in flight for the whole run: after timeouts the breaker would keep the judge from further calls.
    let patient = |share: f64| {
        let mut patient = rate(share);
        patient["timeout_ms"] = json!(600_000);
        patient
    };
    vec![
        JudgeVariant { name: OFF, judge: None },
        JudgeVariant { name: "judge off, again", judge: None },
        JudgeVariant { name: "on, unsampled", judge: Some((JudgeBehaviour::Verdict, rate(0.0))) },
        JudgeVariant { name: "on, all sampled", judge: Some((JudgeBehaviour::Verdict, rate(1.0))) },
        JudgeVariant {
            name: "on, overloaded, 5 % sampled",
            judge: Some((JudgeBehaviour::Held, patient(0.05))),
        },
        JudgeVariant {
            name: "on, overloaded, all sampled",
            judge: Some((JudgeBehaviour::Held, patient(1.0))),
        },
    ]
}

/// Runs all variants and prints the table.
pub async fn measure(rounds: usize, percent: usize, seed: u64) -> Result<()> {
    let works: Vec<_> = Work::all().into_iter().take(1).collect();
    let (work, upstream) = (works.first().context("no work")?, Upstream::start(&works).await?);
    // Judges have their own thread. On the client's thread they would be measured as a part of Envoy.
    let judges = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mut running, mut servers) = (Vec::new(), Vec::new());
    for JudgeVariant { name, judge } in variants() {
        let mut bootstrap = Bootstrap::shipped()?.without_access_log()?.filter(&build::filter(false)?)?;
        bootstrap = bootstrap.upstream("openai", upstream.address, Protocol::Http1)?;
        if let Some((manner, changes)) = judge {
            let server = judges.spawn(JudgeServer::start(manner)).await??;
            bootstrap = bootstrap.judged(changes)?.upstream("judge", server.address(), Protocol::Http1)?;
            servers.push(server);
        }
        let envoy = Envoy::start(bootstrap, WORKERS).await?;
        let client = Client::new(envoy.listener(), Protocol::Http1);
        running.push(RunningJudgeVariant { name, envoy, client, exchanges: 0, rounds: Vec::new() });
    }
    let mut shuffle = Shuffler(seed);
    // The first round is a warm-up and is not counted.
    for round in 0..=rounds {
        for place in shuffle.order(running.len()) {
            let running = running.get_mut(place).context("unknown variant")?;
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

impl RunningJudgeVariant {
    /// Runs one block, in which the client must receive every byte.
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

    /// Returns the row of the table, after checking that the metrics count what was sent.
    async fn row(&self, all: &[Self]) -> Result<String> {
        let bare = all.iter().find(|other| other.name == OFF).context("the baseline is missing")?;
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

    /// Checks that every exchange was metered, and that every sampled one has an outcome or still waits.
    async fn counted(&self) -> Result<String> {
        // A judge that answers finishes the waiting calls quickly.
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
