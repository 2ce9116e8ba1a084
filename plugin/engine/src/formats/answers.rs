//! What the answers of a format can hold.

/// How the choices of an answer are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choices {
    /// As many as were told apart; `None` if there were none, since that is no answer.
    Counted,
    /// As many as were told apart, which may be none.
    CountedOrZero,
    /// An answer is one choice.
    One,
    /// The format has no choices.
    None,
}

/// Which answers can hold tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tools {
    /// None.
    None,
    /// All.
    Always,
    /// Streams only: whole answers of these models are nothing but text.
    InStreams,
    /// Answers with a choice.
    WithChoices,
}
