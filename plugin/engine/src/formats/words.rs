//! What rows say of their format, in words that have a meaning beyond it.

/// `gen_ai.operation.name`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A conversation.
    Chat,
    /// The continuation of a prompt.
    TextCompletion,
    /// Vectors for texts.
    Embeddings,
    /// Gemini's conversations, which have a name of their own.
    GenerateContent,
    /// Pictures from a prompt.
    ImageGeneration,
    /// Speech to text.
    AudioTranscription,
    /// Text to speech.
    AudioSpeech,
    /// Documents in order of relevance.
    Rerank,
    /// Whether a text is allowed.
    Moderation,
    /// The size of a prompt; not an inference, its number is never usage.
    CountTokens,
    /// Anything else a provider serves.
    Other,
}

impl Operation {
    /// The label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings => "embeddings",
            Self::GenerateContent => "generate_content",
            Self::ImageGeneration => "image_generation",
            Self::AudioTranscription => "audio_transcription",
            Self::AudioSpeech => "audio_speech",
            Self::Rerank => "rerank",
            Self::Moderation => "moderation",
            Self::CountTokens => "count_tokens",
            Self::Other => "other",
        }
    }
}

/// What the number of choices is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choices {
    /// As many as were told apart; none is no answer.
    Counted,
    /// As many as were told apart, none included.
    CountedOrZero,
    /// An answer is one choice.
    One,
    /// The word has no meaning here.
    None,
}

/// Which answers can ask for tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tools {
    /// None.
    None,
    /// All.
    Always,
    /// Streams: the whole answers of these models are text and nothing else.
    InStreams,
    /// Those with a choice.
    WithChoices,
}
