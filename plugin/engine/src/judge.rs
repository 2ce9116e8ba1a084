//! The judge: which exchanges are scored, what is asked of it, and what its answer is worth.
//!
//! ```text
//!  trace id ─> sample ─ yes ─> texts ─> desk ─> breaker ─> budget ─> prompt ─> (the shell calls the judge)
//!                                        │         │          │                        │
//!                                   queue_full judge_error over_budget     reply <─────┘
//!                                                                           └─> scores, or an outcome
//! ```
//!
//! An exchange that was sampled ends in exactly one [`Outcome`].

mod breaker;
mod budget;
mod outcome;
mod plan;
mod prompt;
mod reply;
mod rubric;
mod sample;

pub(crate) use breaker::Breaker;
pub use budget::{Budget, Price, Settlement};
pub use outcome::Outcome;
pub(crate) use plan::Judge;
pub use plan::{BudgetLimits, JudgePlan};
pub(crate) use prompt::body;
pub(crate) use reply::Reply;
pub use reply::Verdict;
pub use rubric::{Criterion, HALLUCINATION};
pub(crate) use rubric::{RESERVED, default_criteria};
pub(crate) use sample::SampleRule;
pub use sample::{Facts, Sample};
