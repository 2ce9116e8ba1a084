//! The outcomes of sampled exchanges.

/// The label `outcome` of `llm_judge_outcomes_total`: every sampled exchange ends in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The verdict has every score.
    Scored,
    /// The judge's answer is not a valid verdict.
    InvalidVerdict,
    /// The judge did not answer in time.
    Timeout,
    /// The judge could not be reached, answered with an error, or its breaker is open.
    JudgeError,
    /// The price of the call would exceed the budget.
    OverBudget,
    /// The queue was full.
    QueueFull,
    /// The exchange has no question, or no complete answer in words.
    NotApplicable,
    /// The texts are longer than `max_chars`.
    TooLarge,
    /// The worker's memory budget had no room for the texts.
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

    /// Returns the label value.
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
