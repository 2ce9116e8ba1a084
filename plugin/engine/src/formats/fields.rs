//! Fields: the meanings that a rule can give to a place in a request, a response or a response's head.

use super::rules::{Field, ReadDepth};
use crate::limits::SCALAR_BYTES_MAX;
use crate::price::{CostUnit, PriceTerm};
use crate::usage::Count;

/// The meaning of a place in the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestField {
    /// The requested model. The last one counts.
    Model,
    /// The start of a message, whose role and texts come from the rules inside it.
    Turn,
    /// The role of the message around it, in one of the row's role words.
    Role,
    /// Text of the message around it, or of the user outside of messages.
    Text,
    /// The user's text, which takes precedence over that of any message.
    Question,
    /// Text of the system prompt.
    System,
    /// The result of a tool.
    ToolResult,
    /// Text of a document that the answer should be based on.
    Document,
    /// Text of the prompt that has no role.
    Aside,
    /// A description of tools, or of the form of the answer.
    Schema,
}

/// The meaning of a place in a document of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseField {
    /// The response's id. The first one counts.
    Id,
    /// The model that answered. The first one counts.
    Model,
    /// A sign that the answer is this provider's, since no other sends the key.
    Speaker(&'static str),
    /// A token count.
    Usage(Count),
    /// A token count at the start of a stream, which does not include the output to come.
    FirstUsage(Count),
    /// A token count by the platform in front of the model. It counts if the model's own body has no usage.
    Metered(Count),
    /// A token count of one of several answers, which are added up.
    UsageSum(Count),
    /// A token count, unless the document also has [`ResponseField::Usage`] for it.
    UsageElse(Count),
    /// Tokens of the modality that [`ResponseField::Modality`] names in the same array element. They are added up.
    UsageOf(Modalities),
    /// The modality of the array element around it.
    Modality(Modalities),
    /// The start of a choice.
    Choice,
    /// One of several answers without a number, such as a vector.
    Item,
    /// The number of the choice around it. A choice without one is numbered by its place in the array.
    ChoiceIndex,
    /// The finish reason of the choice around it.
    Finish,
    /// A more exact finish reason, which is preferred to [`ResponseField::Finish`].
    FinishDetail,
    /// The reason why the provider blocked the request, so that there is no choice.
    Blocked,
    /// Visible text of a delta.
    Text,
    /// A sign that the text beside it is not visible.
    Hidden,
    /// Generated output that is not visible: reasoning, arguments of a tool call.
    Generated,
    /// A refusal in a separate place.
    Refusal,
    /// A repetition of text that most servers also send beside it: it is a delta, but its length does not count.
    Repeated,
    /// Visible text of a whole answer, which is not timed as a delta.
    Whole,
    /// Other text of a whole answer: reasoning, arguments of a tool call.
    WholeAside,
    /// A tool call for the client to run. Each value that is not empty counts once.
    ToolCall,
    /// A tool call in a whole answer. It counts if there was no [`ResponseField::ToolCall`], since some streams repeat
    /// their calls in a whole answer.
    WholeToolCall,
    /// The index of a tool call in its choice, which each of its pieces repeats.
    ToolIndex,
    /// The id of the tool call around it, which some pieces repeat and others leave out.
    ToolId,
    /// The name of the tool call around it, in any of its pieces.
    ToolName,
    /// A sign that the answer is still to be generated, so that its usage is not missing.
    Pending,
    /// A token count of one of several iterations, which are added up and replace the document's own counts.
    Iteration(Count),
    /// The model of the iteration around it, if it is not that of the answer.
    IterationModel,
    /// A word that changes the price of the exchange.
    PriceTerm(PriceTerm),
    /// The cost that the provider states.
    StatedCost(CostUnit),
    /// A report of an error.
    Error,
    /// The class of the error.
    ErrorType,
    /// The code of the error.
    ErrorCode,
    /// The end marker of the stream. A format without one ends with its choices.
    Last,
}

/// The meaning of a header of a response.
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
    fn read_depth(self) -> ReadDepth {
        match self {
            Self::Model => ReadDepth::Counts,
            Self::Turn
            | Self::Text
            | Self::Question
            | Self::System
            | Self::ToolResult
            | Self::Document
            | Self::Aside
            | Self::Schema => ReadDepth::Estimate,
            Self::Role => ReadDepth::Texts,
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
    fn read_depth(self) -> ReadDepth {
        match self {
            Self::Whole | Self::WholeAside => ReadDepth::Estimate,
            _ => ReadDepth::Counts,
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Generated | Self::Refusal | Self::Whole | Self::WholeAside)
    }

    fn flows(self) -> bool {
        self.is_text() || matches!(self, Self::ToolCall | Self::ToolName)
    }

    fn text_bytes(self) -> usize {
        match self {
            Self::Repeated
            | Self::ToolCall
            | Self::ToolName
            | Self::Pending
            | Self::WholeToolCall
            | Self::Error
            | Self::Speaker(_) => 0,
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
                // Some providers state the parts of a cost under the same name.
                | Self::StatedCost(_)
        )
    }
}
