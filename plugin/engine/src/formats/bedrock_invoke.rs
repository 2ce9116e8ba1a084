//! Amazon Bedrock's InvokeModel: the model vendor's own body, known by the model's name, and around it Bedrock's own
//! counts (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>).
//!
//! Unary answers have Bedrock's counts in their head, streams in `amazon-bedrock-invocationMetrics` of the last
//! event. They can disagree with the body (with tool use they count fewer output tokens); the body wins.

use super::bedrock_converse::ERROR_HEADER;
use super::{
    AlwaysReports, BLANK, CUT_OFF_SIGNS, Choices, ERROR_TYPES, Format, HeaderField, Operation, RequestField,
    RequestRule, ResponseField, ResponseRule, Rule, Tools,
};
use super::{anthropic_messages, bedrock_converse, cohere, openai_chat};
use crate::usage::{Count, Merge};

/// The parts that all vendors' rows share.
const INVOKE: Format = Format {
    provider: "aws.bedrock",
    operation: Operation::Chat,
    model_in_path: &[("/model/", "/")],
    headers: &[
        ERROR_HEADER,
        ("x-amzn-bedrock-input-token-count", HeaderField::Metered(Count::Input)),
        ("x-amzn-bedrock-output-token-count", HeaderField::Metered(Count::Output)),
        ("x-amzn-bedrock-cache-read-input-token-count", HeaderField::Metered(Count::CacheRead)),
        ("x-amzn-bedrock-cache-write-input-token-count", HeaderField::Metered(Count::CacheWrite)),
    ],
    input_tokens: &[Count::Input, Count::CacheRead, Count::CacheWrite],
    tools: Tools::InStreams,
    cut_off_signs: &[CUT_OFF_SIGNS, bedrock_converse::OWN_CUT_OFF_SIGNS],
    ..BLANK
};

/// The one text of models that continue texts.
const TEXT_PROMPT: &[RequestRule] = &[Rule::at("prompt", RequestField::Text)];

const METRICS: &[ResponseRule] = &[
    Rule::at("amazon-bedrock-invocationMetrics.inputTokenCount", ResponseField::Metered(Count::Input)),
    Rule::at("amazon-bedrock-invocationMetrics.outputTokenCount", ResponseField::Metered(Count::Output)),
    Rule::at(
        "amazon-bedrock-invocationMetrics.cacheReadInputTokenCount",
        ResponseField::Metered(Count::CacheRead),
    ),
    Rule::at(
        "amazon-bedrock-invocationMetrics.cacheWriteInputTokenCount",
        ResponseField::Metered(Count::CacheWrite),
    ),
];

/// Anthropic's messages, and the text completions of Claude 2 and before.
pub const ANTHROPIC: Format = Format {
    name: "bedrock_anthropic",
    claims: &["*/model/*anthropic.*/invoke", "*/model/*anthropic.*/invoke-with-response-stream"],
    request: &[super::MODEL, anthropic_messages::PROMPT, TEXT_PROMPT],
    response: &[
        anthropic_messages::RESPONSE,
        anthropic_messages::WHOLE,
        &[
            Rule::at("role", ResponseField::Choice),
            Rule::at("message.role", ResponseField::Choice),
            Rule::at("completion", ResponseField::Text),
            Rule::at("stop_reason", ResponseField::Last),
        ],
        METRICS,
    ],
    choices: Choices::Counted,
    merge: Merge::Largest,
    frame: anthropic_messages::FRAME,
    tools: Tools::Always,
    error_types: &[ERROR_TYPES, anthropic_messages::OWN_ERROR_TYPES],
    cut_off_signs: &[
        CUT_OFF_SIGNS,
        bedrock_converse::OWN_CUT_OFF_SIGNS,
        anthropic_messages::OWN_CUT_OFF_SIGNS,
    ],
    ..INVOKE
};

/// Amazon Nova: Converse's documents, each under the name of its event.
pub const NOVA: Format = Format {
    name: "bedrock_nova",
    claims: &["*/model/*amazon.nova*/invoke", "*/model/*amazon.nova*/invoke-with-response-stream"],
    request: &[super::MODEL, bedrock_converse::PROMPT],
    response: &[
        bedrock_converse::WHOLE,
        &[
            Rule::at("stopReason", ResponseField::Finish),
            Rule::at("messageStop.stopReason", ResponseField::Finish),
            Rule::at("output.message.content[].toolUse", ResponseField::WholeToolCall),
            Rule::at("contentBlockStart.start.toolUse", ResponseField::ToolCall),
            Rule::at("contentBlockDelta.delta.text", ResponseField::Text),
            Rule::at("contentBlockDelta.delta.toolUse.input", ResponseField::Generated),
            Rule::at("contentBlockDelta.delta.reasoningContent.text", ResponseField::Generated),
            Rule::at("usage.inputTokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.outputTokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.totalTokens", ResponseField::Usage(Count::Total)),
            Rule::at("usage.cacheReadInputTokenCount", ResponseField::Usage(Count::CacheRead)),
            Rule::at("usage.cacheWriteInputTokenCount", ResponseField::Usage(Count::CacheWrite)),
            Rule::at("metadata.usage.inputTokens", ResponseField::Usage(Count::Input)),
            Rule::at("metadata.usage.outputTokens", ResponseField::Usage(Count::Output)),
            Rule::at("metadata.usage.totalTokens", ResponseField::Usage(Count::Total)),
            Rule::at("metadata.usage.cacheReadInputTokenCount", ResponseField::Usage(Count::CacheRead)),
            Rule::at("metadata.usage.cacheWriteInputTokenCount", ResponseField::Usage(Count::CacheWrite)),
        ],
        METRICS,
    ],
    frame: bedrock_converse::FRAME,
    tools: Tools::Always,
    ..INVOKE
};

/// Amazon Titan's texts.
pub const TITAN: Format = Format {
    name: "bedrock_titan",
    operation: Operation::TextCompletion,
    claims: &["*/model/*amazon.titan-t*/invoke", "*/model/*amazon.titan-t*/invoke-with-response-stream"],
    request: &[super::MODEL, &[Rule::at("inputText", RequestField::Text)]],
    response: &[
        &[
            Rule::at("results[].outputText", ResponseField::Whole),
            Rule::at("outputText", ResponseField::Text),
            Rule::at("completionReason", ResponseField::Finish),
            Rule::at("results[].completionReason", ResponseField::Finish),
            Rule::at("inputTextTokenCount", ResponseField::Usage(Count::Input)),
            Rule::at("totalOutputTextTokenCount", ResponseField::Usage(Count::Output)),
            Rule::at("results[].tokenCount", ResponseField::Usage(Count::Output)),
        ],
        METRICS,
    ],
    ..INVOKE
};

/// Meta's Llama; the output's count is of all so far.
pub const LLAMA: Format = Format {
    name: "bedrock_llama",
    operation: Operation::TextCompletion,
    claims: &["*/model/*meta.llama*/invoke", "*/model/*meta.llama*/invoke-with-response-stream"],
    request: &[super::MODEL, TEXT_PROMPT],
    response: &[
        &[
            Rule::at("generation", ResponseField::Text),
            Rule::at("stop_reason", ResponseField::Finish),
            Rule::at("prompt_token_count", ResponseField::Usage(Count::Input)),
            Rule::at("generation_token_count", ResponseField::Usage(Count::Output)),
        ],
        METRICS,
    ],
    ..INVOKE
};

/// Mistral's texts.
pub const MISTRAL: Format = Format {
    name: "bedrock_mistral",
    operation: Operation::TextCompletion,
    claims: &["*/model/*mistral.mi*/invoke", "*/model/*mistral.mi*/invoke-with-response-stream"],
    request: &[super::MODEL, TEXT_PROMPT],
    response: &[
        &[
            Rule::at("outputs[].text", ResponseField::Text),
            Rule::at("outputs[].stop_reason", ResponseField::Finish),
        ],
        METRICS,
    ],
    ..INVOKE
};

/// Cohere's Command R and later: the chat of its first API. Its own `meta` is not read: what Bedrock counts is what
/// Cohere bills, and `meta.tokens` is not.
pub const COHERE: Format = Format {
    name: "bedrock_cohere",
    claims: &["*/model/*cohere.command-*/invoke", "*/model/*cohere.command-*/invoke-with-response-stream"],
    request: &[super::MODEL, cohere::V1_PROMPT],
    roles: cohere::V1_ROLES,
    response: &[
        &[
            Rule::at("generations[].text", ResponseField::Whole),
            Rule::at("id", ResponseField::Id),
            Rule::at("finish_reason", ResponseField::Finish),
            Rule::at("generations[].finish_reason", ResponseField::Finish),
            Rule::at("text", ResponseField::Text),
        ],
        METRICS,
    ],
    ..INVOKE
};

/// Cohere's Command before that.
pub const COHERE_TEXT: Format = Format {
    name: "bedrock_cohere_text",
    operation: Operation::TextCompletion,
    claims: &[
        "*/model/*cohere.command-*text*/invoke",
        "*/model/*cohere.command-*text*/invoke-with-response-stream",
    ],
    ..COHERE
};

/// Vectors.
pub const EMBEDDINGS: Format = Format {
    name: "bedrock_embeddings",
    operation: Operation::Embeddings,
    claims: &["*/model/*embed*/invoke"],
    request: &[
        super::MODEL,
        &[Rule::at("inputText", RequestField::Text), Rule::at("texts[]", RequestField::Text)],
    ],
    response: &[&[
        Rule::at("id", ResponseField::Id),
        Rule::at("inputTextTokenCount", ResponseField::Usage(Count::Input)),
    ]],
    tools: Tools::None,
    ..INVOKE
};

/// AI21's Jurassic, before Jamba.
pub const JURASSIC: Format = Format {
    name: "bedrock_jurassic",
    operation: Operation::TextCompletion,
    claims: &["*/model/*ai21.j2-*/invoke"],
    request: &[super::MODEL, TEXT_PROMPT],
    response: &[&[
        Rule::at("completions[].data.text", ResponseField::Whole),
        Rule::at("completions[].finishReason.reason", ResponseField::Finish),
    ]],
    ..INVOKE
};

/// Other vendors': AI21, DeepSeek, OpenAI, Qwen and Mistral's large models speak OpenAI's chat.
pub const CHAT: Format = Format {
    name: "bedrock_chat",
    claims: &["*/model/*/invoke", "*/model/*/invoke-with-response-stream"],
    request: &[super::MODEL, openai_chat::PROMPT, TEXT_PROMPT],
    response: &[openai_chat::RESPONSE, openai_chat::WHOLE, METRICS],
    frame: super::CHAT_FRAME,
    input_tokens: &[Count::Input],
    ..INVOKE
};

/// Models whose id names no vendor: inference profiles, provisioned, imported and custom models. Their answer is read by
/// its own shape, which is that of one of the vendors above; their names do not overlap.
pub const ANY: Format = Format {
    name: "bedrock_any",
    claims: &["*/model/arn*/invoke", "*/model/arn*/invoke-with-response-stream"],
    request: &[
        super::MODEL,
        anthropic_messages::PROMPT,
        TEXT_PROMPT,
        &[Rule::at("inputText", RequestField::Text)],
    ],
    response: &[
        anthropic_messages::RESPONSE,
        anthropic_messages::WHOLE,
        &[
            Rule::at("role", ResponseField::Choice),
            Rule::at("message.role", ResponseField::Choice),
            // OpenAI's chat, whose counts are inclusive: what was cached is not told apart.
            Rule::at("choices[]", ResponseField::Choice),
            Rule::at("choices[].index", ResponseField::ChoiceIndex),
            Rule::at("choices[].finish_reason", ResponseField::Finish),
            Rule::at("choices[].stop_reason", ResponseField::Finish),
            Rule::at("choices[].message.content", ResponseField::Whole),
            Rule::at("choices[].message.tool_calls[]", ResponseField::WholeToolCall),
            Rule::at("choices[].delta.content", ResponseField::Text),
            Rule::at("choices[].delta.reasoning_content", ResponseField::Generated),
            Rule::at("choices[].delta.tool_calls[].index", ResponseField::ToolIndex),
            Rule::at("choices[].delta.tool_calls[].id", ResponseField::ToolId),
            Rule::at("choices[].delta.tool_calls[].function.name", ResponseField::ToolName),
            Rule::at("choices[].delta.tool_calls[].function.arguments", ResponseField::Generated),
            Rule::at("usage.prompt_tokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.completion_tokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.total_tokens", ResponseField::Usage(Count::Total)),
            // Amazon Nova.
            Rule::at("output.message.role", ResponseField::Choice),
            Rule::at("messageStart.role", ResponseField::Choice),
            Rule::at("stopReason", ResponseField::Finish),
            Rule::at("messageStop.stopReason", ResponseField::Finish),
            Rule::at("output.message.content[].text", ResponseField::Whole),
            Rule::at("output.message.content[].toolUse", ResponseField::WholeToolCall),
            Rule::at("contentBlockStart.start.toolUse", ResponseField::ToolCall),
            Rule::at("contentBlockDelta.delta.text", ResponseField::Text),
            Rule::at("contentBlockDelta.delta.toolUse.input", ResponseField::Generated),
            Rule::at("usage.inputTokens", ResponseField::Usage(Count::Input)),
            Rule::at("usage.outputTokens", ResponseField::Usage(Count::Output)),
            Rule::at("usage.cacheReadInputTokenCount", ResponseField::Usage(Count::CacheRead)),
            Rule::at("usage.cacheWriteInputTokenCount", ResponseField::Usage(Count::CacheWrite)),
            Rule::at("metadata.usage.inputTokens", ResponseField::Usage(Count::Input)),
            Rule::at("metadata.usage.outputTokens", ResponseField::Usage(Count::Output)),
            Rule::at("metadata.usage.cacheReadInputTokenCount", ResponseField::Usage(Count::CacheRead)),
            Rule::at("metadata.usage.cacheWriteInputTokenCount", ResponseField::Usage(Count::CacheWrite)),
            // Texts: Llama, Mistral, Titan.
            Rule::at("generation", ResponseField::Choice),
            Rule::at("generation", ResponseField::Text),
            Rule::at("prompt_token_count", ResponseField::Usage(Count::Input)),
            Rule::at("generation_token_count", ResponseField::Usage(Count::Output)),
            Rule::at("outputs[]", ResponseField::Choice),
            Rule::at("outputs[].text", ResponseField::Text),
            Rule::at("outputs[].stop_reason", ResponseField::Finish),
            Rule::at("results[]", ResponseField::Choice),
            Rule::at("results[].outputText", ResponseField::Whole),
            Rule::at("results[].completionReason", ResponseField::Finish),
            Rule::at("inputTextTokenCount", ResponseField::Usage(Count::Input)),
            Rule::at("results[].tokenCount", ResponseField::Usage(Count::Output)),
        ],
        METRICS,
    ],
    choices: Choices::Counted,
    merge: Merge::Largest,
    always_reports: AlwaysReports::All,
    frame: anthropic_messages::FRAME,
    tools: Tools::Always,
    error_types: &[ERROR_TYPES, anthropic_messages::OWN_ERROR_TYPES],
    ..INVOKE
};

/// Mistral's large models name the end otherwise. In Jamba's answers a token's number stands under this name.
pub const MISTRAL_CHAT: Format = Format {
    name: "bedrock_mistral_chat",
    claims: &[
        "*/model/*mistral.mistral-large*/invoke",
        "*/model/*mistral.mistral-large*/invoke-with-response-stream",
    ],
    response: &[
        &[Rule::at("choices[].stop_reason", ResponseField::Finish)],
        openai_chat::RESPONSE,
        openai_chat::WHOLE,
        METRICS,
    ],
    ..CHAT
};
