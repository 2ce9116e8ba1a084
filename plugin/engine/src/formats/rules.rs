//! What a row is made of: the places that are wanted, and what stands there.

use crate::usage::Count;

/// One wanted place and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Where, as [`Paths`](crate::scan::Paths) has it.
    pub path: &'static str,
    /// What.
    pub field: Field,
    /// Only if the value is exactly this.
    pub only: Option<&'static str>,
    /// Only in documents of this kind; of the empty one are those that name none.
    pub kind: Option<&'static str>,
}

/// Counts by a provider's word for a modality, in capitals or not. Words that are not there count for nothing apart.
pub type Modalities = &'static [(&'static str, Count)];

/// What a place says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The model: asked for (request; the last one counts) or answering (response; the first one counts).
    Model,
    /// Whether a stream is asked for.
    Stream,
    /// The response's id; the first one counts.
    Id,
    /// A token count.
    Usage(Count),
    /// A token count of the beginning, which says nothing of the end.
    FirstUsage(Count),
    /// A token count by the platform in front of the model; used where the model's own body has none at all.
    Metered(Count),
    /// A token count of one of many answers, to be added up.
    UsageSum(Count),
    /// A token count, unless the document also has [`Field::Usage`] for it.
    UsageElse(Count),
    /// The tokens of one of these counts: of the one that the array's element it stands in is about, added up.
    UsageOf(Modalities),
    /// The modality that the array's element it stands in is about.
    Modality(Modalities),
    /// That it is this one; what [`Field::Modality`] comes to, not for rules.
    About(Count),
    /// A choice begins.
    Choice,
    /// One of many answers that have no number, such as a vector.
    Item,
    /// The number of the choice it stands in; without one, a choice's place in its array is its number.
    ChoiceIndex,
    /// Why the choice it stands in ended.
    Finish,
    /// The same more exactly; it wins.
    FinishDetail,
    /// Why no choice began.
    Blocked,
    /// Visible text; in requests, text of the message it stands in, or of the user where it stands in none.
    Text,
    /// Who speaks in the message it stands in (requests).
    Role,
    /// The user's text, before any message's (requests).
    Question,
    /// Text of the system (requests).
    System,
    /// What a tool came to (requests).
    ToolResult,
    /// Text that the answer is to be taken from (requests).
    Document,
    /// Text of the prompt that nobody says (requests).
    Aside,
    /// The text beside it is not visible.
    Hidden,
    /// Something else that was generated: reasoning, arguments of a tool call.
    Generated,
    /// That the model refuses, in a place of its own.
    Refusal,
    /// The same as what most servers send beside it too: it stands for a delta, and its length counts for nothing.
    Repeated,
    /// Visible text of a whole answer, where no delta is to be timed.
    Whole,
    /// Other text of a whole answer: reasoning, arguments of a tool call.
    WholeAside,
    /// What describes tools, or the form of the answer (requests).
    Schema,
    /// A message begins (requests).
    Turn,
    /// A call the client is asked to run; counted once for each non-empty value.
    ToolCall,
    /// The same in a whole answer; counts where none came one by one, since some streams repeat them there.
    WholeToolCall,
    /// An error is told.
    Error,
    /// Its class.
    ErrorType,
    /// Its code.
    ErrorCode,
    /// The protocol's last mark.
    Last,
    /// Only this provider sends it.
    Speaker(&'static str),
}

impl Field {
    /// What has to be wanted for it to be looked at.
    pub(super) const fn wanted_for(self) -> Wanted {
        match self {
            Self::Role => Wanted::Exhibit,
            Self::Whole | Self::WholeAside | Self::Schema | Self::Turn => Wanted::Estimate,
            _ => Wanted::Counts,
        }
    }

    /// Whether it is text that a model reads or writes.
    pub(crate) const fn is_text(self) -> bool {
        use Field::*;
        matches!(
            self,
            Text | Question
                | System
                | ToolResult
                | Document
                | Aside
                | Generated
                | Refusal
                | Whole
                | WholeAside
                | Schema
        )
    }
}

impl Rule {
    /// Wants the place at `path`.
    pub const fn at(path: &'static str, field: Field) -> Self {
        Self { path, field, only: None, kind: None }
    }

    /// Wants the place at `path` where its value is `only`.
    pub const fn only(path: &'static str, only: &'static str, field: Field) -> Self {
        Self { path, field, only: Some(only), kind: None }
    }

    /// The same, in documents of this kind only.
    pub const fn of(self, kind: &'static str) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Whether all of a string is looked at.
    pub(super) const fn flows(&self) -> bool {
        (self.field.is_text() || matches!(self.field, Field::ToolCall)) && self.only.is_none()
    }

    /// Bytes of a string that are enough for the field; 0 where only its presence counts.
    pub(super) const fn text_bytes(&self) -> usize {
        match (self.field, self.only) {
            (_, Some(only)) => only.len().saturating_add(1),
            (field, None) if field.is_text() => 0,
            (Field::Repeated | Field::Turn | Field::ToolCall | Field::WholeToolCall, None) => 0,
            (Field::Error | Field::Speaker(_), None) => 0,
            _ => crate::limits::SCALAR_BYTES_MAX,
        }
    }
}

/// What an exchange is read for, each with all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// What the response counts and tells.
    Counts,
    /// How many tokens its texts are.
    Estimate,
    /// The texts themselves, and who said them.
    Exhibit,
}
