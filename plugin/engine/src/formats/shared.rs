//! Rules that many rows share.

use super::{RequestField, RequestRule, ResponseField, ResponseRule, Rule};
use crate::estimate::Frame;

/// The provider whose API judges speak if the configuration says nothing else.
pub(crate) const CHAT_API_PROVIDER: &str = "openai";

/// The model that is asked for.
pub(crate) const MODEL: &[RequestRule] = &[Rule::at("model", RequestField::Model)];

/// The texts of requests for vectors.
pub(crate) const INPUTS: &[RequestRule] = &[
    Rule::at("input", RequestField::Text),
    Rule::at("input[]", RequestField::Text),
    Rule::at("prompt", RequestField::Text),
];

/// The error object that nearly every provider shares.
pub(crate) const ERRORS: &[ResponseRule] = &[
    Rule::at("error", ResponseField::Error),
    Rule::at("error.type", ResponseField::ErrorType),
    Rule::at("error.code", ResponseField::ErrorCode),
];

/// An error that is the document itself (Mistral, vLLM), and says so in its `object`.
pub(crate) const FLAT_ERRORS: &[ResponseRule] = &[
    Rule::only("object", "error", ResponseField::Error),
    Rule::at("type", ResponseField::ErrorType).of("error"),
    Rule::at("code", ResponseField::ErrorCode).of("error"),
];

/// The tokens that the usual chat templates add, fitted to the counts of recordings of many providers.
pub(crate) const CHAT_FRAME: Frame =
    Frame { text_percent: 100, prompt: 3, turn: 4, tools: 25, value_milli: 600, call: 12 };
