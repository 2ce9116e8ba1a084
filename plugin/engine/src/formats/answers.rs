//! The contents of a format's answers: choices and tool calls.

/// How the choices of an answer are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choices {
    /// The number of distinct choices. `None` if there are none, since that is no answer.
    Counted,
    /// The number of distinct choices, which may be 0.
    CountedOrZero,
    /// An answer is one choice.
    One,
    /// The format has no choices.
    None,
}

/// The successful answers that always report their usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlwaysReports {
    /// None: some servers leave it out.
    Never,
    /// Answers in one piece. Streams report it on request.
    Unary,
    /// All answers.
    All,
}

/// The answers that can hold tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tools {
    /// No answers.
    None,
    /// All answers.
    Always,
    /// Streams only: whole answers of these models are text.
    InStreams,
    /// Answers with a choice.
    WithChoices,
}
