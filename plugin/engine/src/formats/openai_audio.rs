//! OpenAI audio (<https://platform.openai.com/docs/api-reference/audio>): transcriptions with tokens by newer models,
//! by the second by older ones; speech with tokens where it is a stream of events. Mistral's transcriptions
//! (<https://docs.mistral.ai/capabilities/audio>) have events of their own.

use super::{BLANK, ERRORS, Format, Operation, ResponseField, Rule};
use crate::usage::Count;

/// `POST /v1/audio/transcriptions` and `/translations`. Mistral's count audio apart from the prompt.
pub const TRANSCRIPTION: Format = Format {
    name: "openai_transcription",
    operation: Operation::AudioTranscription,
    claims: &["*/audio/transcriptions", "*/audio/translations"],
    model_in_path: &[("/deployments/", "/")],
    kind: "type",
    response: &[
        &[
            Rule::at("model", ResponseField::Model),
            Rule::at("delta", ResponseField::Text),
            Rule::at("text", ResponseField::Text).of("transcription.text.delta"),
            Rule::at("usage.input_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.output_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.completion_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::at("usage.input_token_details.audio_tokens", ResponseField::Usage(Count::AudioInput)),
            Rule::at("usage.prompt_tokens_details.cached_tokens", ResponseField::Usage(Count::CacheRead)),
            Rule::at("usage.prompt_tokens_details.audio_tokens", ResponseField::Usage(Count::AudioInput)),
            Rule::only("type", "transcript.text.done", ResponseField::Last),
            Rule::only("type", "transcription.done", ResponseField::Last),
        ],
        ERRORS,
    ],
    has_usage: false,
    ..BLANK
};

/// `POST /v1/audio/speech`: sound comes back, bare or in events.
pub const SPEECH: Format = Format {
    name: "openai_speech",
    operation: Operation::AudioSpeech,
    claims: &["*/audio/speech"],
    model_in_path: &[("/deployments/", "/")],
    response: &[
        &[
            Rule::at("usage.input_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.output_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            Rule::only("type", "speech.audio.done", ResponseField::Last),
        ],
        ERRORS,
    ],
    has_usage: false,
    ..BLANK
};
