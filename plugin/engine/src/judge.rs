//! The judge: which exchanges are sampled, how their texts are sent to it, and how its verdicts are read.
//!
//! ```text
//!  trace id ─> sample ─ yes ─> texts ─> dispatcher ─> breaker ─> budget ─> prompt ─> (the shell calls the judge)
//!                                        │         │          │                        │
//!                                   queue_full judge_error over_budget     reply <─────┘
//!                                                                           └─> scores, or an outcome
//! ```
//!
//! Every sampled exchange ends in exactly one [`Outcome`].

mod breaker;
mod budget;
pub mod capture;
pub(crate) mod dispatch;
mod evaluation;
mod outcome;
mod plan;
mod prompt;
mod question;
mod rubric;
mod sample;
mod verdict;

use breaker::Breaker;
pub use budget::{Budget, Price, Settlement};
pub use dispatch::{Dispatcher, QueryResult};
pub use evaluation::{Evaluation, EvaluationSource};
pub use outcome::Outcome;
pub(crate) use plan::Judge;
pub use plan::{BudgetLimits, JudgePlan};
pub use question::{JudgeRequest, Judgement, Question};
pub use rubric::{Criterion, HALLUCINATION};
pub(crate) use rubric::{RESERVED, default_criteria};
pub(crate) use sample::SampleRule;
pub use sample::{Facts, Sample};
use verdict::JudgeReply;
pub use verdict::Verdict;
