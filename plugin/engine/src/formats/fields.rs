//! What the places of a request, a response and a response's head can say.

use super::rules::{Field, Wanted};
use crate::limits::SCALAR_BYTES_MAX;
use crate::usage::Count;

/// What a place in the body of a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestField {
    /// The model that is asked for; the last one counts.
    Model,
    /// A message begins. Its role and texts are those of the rules inside it.
    Turn,
    /// The speaker of the message around it, in one of the row's role words.
    Role,
    /// Text of the message around it; outside of messages, text of the user.
    Text,
    /// The user's text, which goes before any message's.
    Question,
    /// Text of the system.
    System,
    /// The result of a tool.
    ToolResult,
    /// Text of a document that the answer is to be taken from.
    Document,
    /// Text of the prompt that no speaker says.
    Aside,
    /// A description of tools, or of the form of the answer.
    Schema,
}

/// What a place in a document of a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseField {
    /// The response's id; the first one counts.
    Id,
    /// The model that answers; the first one counts.
    Model,
    /// That the answer is this provider's: only this one sends the key.
    Speaker(&'static str),
    /// A token count.
    Usage(Count),
    /// A token count of the beginning, which says nothing about the end.
    FirstUsage(Count),
    /// A token count by the platform in front of the model. It counts if the model's own body has no usage at all.
    Metered(Count),
    /// A token count of one answer of many, which are added up.
    UsageSum(Count),
    /// A token count, unless the document also has [`ResponseField::Usage`] for it.
    UsageElse(Count),
    /// Tokens of the modality that [`ResponseField::Modality`] names in the same array element; they are added up.
    UsageOf(Modalities),
    /// The modality that the array element around it is about.
    Modality(Modalities),
    /// A choice begins.
    Choice,
    /// One of many answers that have no number, such as a vector.
    Item,
    /// The number of the choice around it. A choice without one is numbered by its place in the array.
    ChoiceIndex,
    /// Why the choice around it ended.
    Finish,
    /// A more exact word for why the choice ended, which is preferred to [`ResponseField::Finish`].
    FinishDetail,
    /// Why no choice began.
    Blocked,
    /// Visible text, in a delta.
    Text,
    /// That the text beside it is not visible.
    Hidden,
    /// Generated output that is not visible: reasoning, arguments of a tool call.
    Generated,
    /// A refusal, in a place of its own.
    Refusal,
    /// A repetition of what most servers also send beside it: it is a delta, and its length counts for nothing.
    Repeated,
    /// Visible text of a whole answer, which is no delta to be timed.
    Whole,
    /// Other text of a whole answer: reasoning, arguments of a tool call.
    WholeAside,
    /// A tool call that the client is asked to run; counted once for each value that is not empty.
    ToolCall,
    /// A tool call in a whole answer; counted if no [`ResponseField::ToolCall`] came, since some streams repeat
    /// their calls in one.
    WholeToolCall,
    /// An error is reported.
    Error,
    /// The class of the error.
    ErrorType,
    /// The code of the error.
    ErrorCode,
    /// The last mark of the protocol. A format without one ends with its choices.
    Last,
}

/// What a header of a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderField {
    /// A token count by the platform in front of the model, as [`ResponseField::Metered`].
    Metered(Count),
    /// The class of the error, up to the first colon.
    ErrorType,
}

/// The count for each of a provider's words for a modality, in any case. Other words have no count of their own.
pub type Modalities = &'static [(&'static str, Count)];

impl Field for RequestField {
    fn wanted_for(self) -> Wanted {
        match self {
            Self::Model => Wanted::Counts,
            Self::Turn
            | Self::Text
            | Self::Question
            | Self::System
            | Self::ToolResult
            | Self::Document
            | Self::Aside
            | Self::Schema => Wanted::Estimate,
            Self::Role => Wanted::Texts,
        }
    }

    fn is_text(self) -> bool {
        match self {
            Self::Text
            | Self::Question
            | Self::System
            | Self::ToolResult
            | Self::Document
            | Self::Aside
            | Self::Schema => true,
            Self::Model | Self::Turn | Self::Role => false,
        }
    }

    fn flows(self) -> bool {
        self.is_text()
    }

    fn text_bytes(self) -> usize {
        match self {
            Self::Model | Self::Role => SCALAR_BYTES_MAX,
            _ => 0,
        }
    }

    fn takes_containers(self) -> bool {
        matches!(self, Self::Turn | Self::Schema)
    }
}

impl Field for ResponseField {
    fn wanted_for(self) -> Wanted {
        match self {
            Self::Whole | Self::WholeAside => Wanted::Estimate,
            _ => Wanted::Counts,
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Generated | Self::Refusal | Self::Whole | Self::WholeAside)
    }

    fn flows(self) -> bool {
        self.is_text() || self == Self::ToolCall
    }

    fn text_bytes(self) -> usize {
        match self {
            Self::Repeated | Self::ToolCall | Self::WholeToolCall | Self::Error | Self::Speaker(_) => 0,
            field if field.is_text() => 0,
            _ => SCALAR_BYTES_MAX,
        }
    }

    fn takes_containers(self) -> bool {
        matches!(
            self,
            Self::Choice
                | Self::Item
                | Self::ToolCall
                | Self::WholeToolCall
                | Self::Generated
                | Self::Repeated
                | Self::Error
                | Self::Speaker(_)
        )
    }
}
