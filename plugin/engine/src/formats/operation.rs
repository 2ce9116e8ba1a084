//! The operation that a request asks a provider for.

/// The operation of a format, `gen_ai.operation.name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A conversation.
    Chat,
    /// The continuation of a prompt.
    TextCompletion,
    /// Vectors for texts.
    Embeddings,
    /// A conversation with Gemini, which has a name of its own.
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
    /// The size of a prompt. It is not an inference, and its number is never usage.
    CountTokens,
    /// Anything else that a provider serves.
    Other,
}

impl Operation {
    /// Returns the label value.
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
