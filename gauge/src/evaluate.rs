//! `cargo gauge evaluate`: has recorded exchanges scored by a judge, as a gate for a team's CI.
//!
//! The native engine meters the recordings, writes the questions and reads the answers, so a gate needs neither wasm
//! nor wasmtime. A recording is metered just before it is judged, so that few texts are in memory at once. Calls to the
//! judge run in parallel, within a bound.

mod call;
mod report;
mod thresholds;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context as _, Result, anyhow, bail};
use llm_gauge_engine::config::Policy;
use llm_gauge_engine::ending::End;
use llm_gauge_engine::exhibit::Shown;
use llm_gauge_engine::judge::{JudgePlan, Outcome, Question};
use serde_json::{Map, Value, json};
use simulators::case::Case;
use simulators::{console, native};
use tokio::task::JoinSet;

use call::{CallResult, JudgeClient, Target};
use report::{JudgedExchange, Report};
use thresholds::Threshold;

/// Maximum number of parallel calls to the judge.
const JOBS_MAX: i64 = 64;

/// The arguments of `cargo gauge evaluate`.
#[derive(clap::Args)]
#[command(after_help = "The judge's key is taken from JUDGE_API_KEY and goes to the judge alone.

Exit status: 0 if every bar is met; 1 if a mean is below its bar, a bar has no score, or the judge failed to answer;
2 if this could not begin.

Examples:
  cargo gauge evaluate recordings/ --judge https://api.openai.com --judge-model gpt-4o-mini
  cargo gauge evaluate recordings/ --judge http://127.0.0.1:8080 --judge-model local --json
  cargo gauge evaluate recordings/ --judge https://api.openai.com --config gauge.json \\
      --fail-below faithfulness=3.5,relevance=4 --junit report.xml")]
pub struct EvaluateArgs {
    /// Case files, or folders with cases.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// A server of OpenAI's chat completions. /v1/chat/completions is added to a URL without a path.
    #[arg(long, value_name = "URL", value_parser = Target::parse)]
    judge: Target,
    /// The model of the judge; without it `judge.model` of the configuration.
    #[arg(long, value_name = "NAME")]
    judge_model: Option<String>,
    /// A plugin configuration: its criteria, its context and its rules for metering.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Fail if the mean score of a criterion is below this value. May be repeated.
    #[arg(long, value_name = "CRITERION=MEAN", value_delimiter = ',', value_parser = Threshold::parse)]
    fail_below: Vec<Threshold>,
    /// Write a JUnit report to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print the report as JSON, with the judge's reasons.
    #[arg(long)]
    json: bool,
    /// Parallel calls to the judge.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=JOBS_MAX))]
    jobs: u16,
}

/// Judges, reports, and returns whether the thresholds were met.
pub fn run(args: &EvaluateArgs) -> Result<ExitCode> {
    let plan = match EvaluationPlan::of(args) {
        Ok(plan) => plan,
        Err(error) => {
            console::note(format_args!("error: {error:#}"));
            return Ok(ExitCode::from(2));
        }
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    let exchanges = runtime.block_on(plan.judge(args.jobs.into()))?;
    let report = Report::new(plan.model, plan.criteria, exchanges, &args.fail_below);
    if let Some(file) = &args.junit {
        std::fs::write(file, report.junit()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    match args.json {
        true => console::print_line(serde_json::to_string_pretty(&report)?)?,
        false => console::print(report.table())?,
    }
    let faults = report.faults();
    for fault in &faults {
        console::note(format_args!("failed: {fault}"));
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything that is needed before the first call.
struct EvaluationPlan {
    cases: Vec<Case>,
    model: String,
    criteria: Vec<String>,
    policy: Rc<Policy>,
    judge: Rc<JudgePlan>,
    caller: JudgeClient,
}

impl EvaluationPlan {
    fn of(args: &EvaluateArgs) -> Result<Self> {
        let cases = Case::find(&args.paths)?;
        let document = match &args.config {
            Some(file) => std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?,
            None => b"{}".to_vec(),
        };
        let file = args.config.as_ref().map_or("the configuration".into(), |file| file.to_string_lossy());
        let (document, model) = configuration(&document, args).with_context(|| file.clone().into_owned())?;
        let policy = Policy::parse(&document).map_err(|error| anyhow!("{file}: {error}"))?;
        let judge = Rc::clone(policy.judge().context("judge: the configuration has none")?);
        let criteria: Vec<_> = judge.criteria().iter().map(|criterion| criterion.name.clone()).collect();
        if let Some(bar) = args.fail_below.iter().find(|bar| !criteria.contains(&bar.criterion)) {
            bail!("--fail-below {}: expected one of {}", bar.criterion, criteria.join(", "));
        }
        let caller = JudgeClient::new(&args.judge, std::env::var("JUDGE_API_KEY").ok())?;
        Ok(Self { cases, model, criteria, policy: Rc::new(policy), judge, caller })
    }

    /// Returns the result of each case, in order.
    async fn judge(&self, jobs: usize) -> Result<Vec<JudgedExchange>> {
        let mut judged: Vec<_> = self.cases.iter().map(JudgedExchange::new).collect();
        let (mut calls, mut asked, mut done, mut next) = (JoinSet::new(), BTreeMap::new(), 0, 0);
        let is_watched = std::io::stderr().is_terminal();
        loop {
            while calls.len() < jobs && next < self.cases.len() {
                match self.ask(next)? {
                    Ok(question) => {
                        let (caller, number, request) =
                            (self.caller.clone(), next, question.request().clone());
                        asked.insert(number, question);
                        calls.spawn(async move { (number, caller.call(&request).await) });
                    }
                    Err(outcome) => {
                        judged[next].outcome = outcome;
                        done += 1;
                    }
                }
                next += 1;
            }
            if is_watched {
                console::progress(format_args!("{done} of {} exchanges judged", judged.len()));
            }
            let Some(ended) = calls.join_next().await else {
                break;
            };
            let (number, result) = ended?;
            let question = asked.remove(&number).context("an answer without a question")?;
            settle(&question, result, &mut judged[number]);
            done += 1;
        }
        console::note(format_args!(
            "{}{done} of {} exchanges judged",
            if is_watched { "\r" } else { "" },
            judged.len()
        ));
        Ok(judged)
    }

    /// Meters the case of this number and makes its question. The inner error is the outcome if there is nothing to
    /// judge.
    fn ask(&self, number: usize) -> Result<Result<Question, &'static str>> {
        let case = &self.cases[number];
        let end = End { code: None, flags: 0, details: "via_upstream".to_owned() };
        let record = native::meter(&self.policy, case, std::iter::once(case.response_body.as_slice()), end);
        let exhibit = match record.and_then(|record| record.judged) {
            Some(Shown::Exhibit(exhibit)) => exhibit,
            Some(Shown::TooLarge) => return Ok(Err(Outcome::TooLarge.name())),
            Some(Shown::NoMemory) => return Ok(Err(Outcome::Memory.name())),
            Some(Shown::Nothing) | None => return Ok(Err(Outcome::NotApplicable.name())),
        };
        let question = Question::ask(&self.judge, 0, exhibit, call::random()?);
        question.map(Ok).context("the configuration has no judge")
    }
}

fn settle(question: &Question, result: CallResult, judged: &mut JudgedExchange) {
    let (status, body) = match result {
        CallResult::Body(status, body) => (status, body),
        CallResult::Late => {
            judged.outcome = Outcome::Timeout.name();
            (0, Vec::new())
        }
        CallResult::Unreachable(reason) => {
            judged.detail = Some(reason);
            (0, Vec::new())
        }
    };
    if status != 0 && status != 200 {
        // The body is left out, because some servers quote the key.
        judged.detail = Some(format!("the judge answered with status {status}"));
    }
    judged.settle(question.answer(status.into(), &body));
}

/// Returns the configuration that judges every exchange once with the judge of the command line, and its model.
fn configuration(document: &[u8], args: &EvaluateArgs) -> Result<(Vec<u8>, String)> {
    let mut root: Map<String, Value> =
        serde_json::from_slice(document).context("the configuration is not a JSON object")?;
    let judge = root.entry("judge").or_insert_with(|| json!({}));
    let judge = judge.as_object_mut().context("judge: expected an object")?;
    for key in ["rules", "judges", "panel", "headers", "weight", "budget"] {
        judge.remove(key);
    }
    let model = args.judge_model.clone().or_else(|| Some(judge.get("model")?.as_str()?.to_owned()));
    let model = model.context("expected the model of the judge: --judge-model NAME")?;
    judge.entry("cluster").or_insert_with(|| json!("judge"));
    judge.insert("model".to_owned(), json!(model));
    judge.insert("path".to_owned(), json!(args.judge.path));
    judge.insert("sample_rate".to_owned(), json!(1));
    Ok((serde_json::to_vec(&root)?, model))
}
