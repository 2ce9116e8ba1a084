//! IBM watsonx.ai text generation and chat (<https://cloud.ibm.com/apidocs/watsonx-ai#text-generation>).
//!
//! The model is named in the body, under a key of IBM's own. Streams of texts count the input once and the output so
//! far with every event; chats answer as OpenAI's do.

use super::openai_chat;
use super::{
    BLANK, Choices, ERRORS, Format, Operation, RequestField, RequestRule, ResponseField, ResponseRule, Rule,
    Tools,
};
use crate::usage::{Count, Merge};

/// `POST /ml/v1/text/generation`, `/text/generation_stream`, and the beta's paths.
pub const FORMAT: Format = Format {
    name: "watsonx_generation",
    provider: "ibm.watsonx.ai",
    operation: Operation::TextCompletion,
    claims: &[
        "*/text/generation",
        "*/text/generation_stream",
        "*/generation/text",
        "*/generation/text_stream",
    ],
    request: &[MODEL, &[Rule::at("input", RequestField::Text)]],
    response: &[
        &[
            Rule::at("model_id", ResponseField::Model),
            Rule::at("results[].generated_text", ResponseField::Text),
            Rule::at("results[].stop_reason", ResponseField::Finish),
            Rule::at("results[].input_token_count", ResponseField::Usage(Count::Input)),
            Rule::at("results[].generated_token_count", ResponseField::Usage(Count::Output)),
        ],
        OWN_ERRORS,
        ERRORS,
    ],
    merge: Merge::Largest,
    ..BLANK
};

/// `POST /ml/v1/text/chat` and `/text/chat_stream`
pub const CHAT: Format = Format {
    name: "watsonx_chat",
    operation: Operation::Chat,
    claims: &["*/text/chat", "*/text/chat_stream"],
    request: &[MODEL, openai_chat::PROMPT],
    response: &[openai_chat::RESPONSE, openai_chat::WHOLE, OWN_ERRORS, ERRORS],
    frame: super::CHAT_FRAME,
    merge: Merge::Fields,
    choices: Choices::Counted,
    tools: Tools::Always,
    ..FORMAT
};

const MODEL: &[RequestRule] = &[Rule::at("model_id", RequestField::Model)];

/// A list, whatever it was that failed.
const OWN_ERRORS: &[ResponseRule] = &[Rule::at("errors[].code", ResponseField::ErrorCode)];
