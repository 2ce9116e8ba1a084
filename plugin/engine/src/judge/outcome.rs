//! What became of a sampled exchange.

/// Label `outcome` of `llm_judge_outcomes_total`: every sampled exchange ends in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every score is there.
    Scored,
    /// The judge answered with something else than a verdict.
    InvalidVerdict,
    /// The judge did not answer in time.
    Timeout,
    /// The judge could not be reached, answered with an error, or is left alone after several of these.
    JudgeError,
    /// Judging it would have cost more than the budget allows.
    OverBudget,
    /// Too many were waiting.
    QueueFull,
    /// There is no answer in words to judge, or no question.
    NotApplicable,
    /// Its texts are longer than `max_chars`.
    TooLarge,
    /// The worker's memory budget had nothing left for its texts.
    Memory,
    /// The plugin was unloaded before the judge answered.
    Lost,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Scored,
        Self::InvalidVerdict,
        Self::Timeout,
        Self::JudgeError,
        Self::OverBudget,
        Self::QueueFull,
        Self::NotApplicable,
        Self::TooLarge,
        Self::Memory,
        Self::Lost,
    ];

    /// The label's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::InvalidVerdict => "invalid_verdict",
            Self::Timeout => "timeout",
            Self::JudgeError => "judge_error",
            Self::OverBudget => "over_budget",
            Self::QueueFull => "queue_full",
            Self::NotApplicable => "not_applicable",
            Self::TooLarge => "too_large",
            Self::Memory => "memory",
            Self::Lost => "lost",
        }
    }
}
