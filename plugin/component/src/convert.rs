//! Conversions between the engine's types and those of the interface.

use llm_gauge_engine::config;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::judge;
use llm_gauge_engine::judge::capture;
use llm_gauge_engine::record::{self, Answer, Record};
use llm_gauge_engine::usage::Count;

use crate::contract::meter::ConfigError;
use crate::contract::types::{
    ErrorClass, ExchangeRecord, Field, Finding, Gap, JudgeDecision, JudgeInput, JudgeRequest, Judgement,
    Outcome, Score, Source, Status, Times, Usage, UsageMissing, Verdict, Word,
};

pub(crate) fn head(fields: &[Field]) -> Headers<'_> {
    Headers::new(fields.iter().map(|field| (field.name.as_bytes(), field.value.as_slice())))
}

/// Returns the bytes of some numbers. `BYTES` must be eight times `NUMBERS`.
pub(crate) fn random<const NUMBERS: usize, const BYTES: usize>(numbers: [u64; NUMBERS]) -> [u8; BYTES] {
    let mut random = [0; BYTES];
    for (byte, from) in random.iter_mut().zip(numbers.into_iter().flat_map(u64::to_le_bytes)) {
        *byte = from;
    }
    random
}

impl From<config::ConfigError> for ConfigError {
    fn from(config::ConfigError { path, expected, got }: config::ConfigError) -> Self {
        Self { path, expected, got }
    }
}

impl From<Record> for ExchangeRecord {
    fn from(record: Record) -> Self {
        let (source, error_in_stream, usage) = (source(&record), record.error_in_stream(), usage(&record));
        // The ignored fields are for spans and gauges, which a component does not have, or are already in the usage.
        let Record {
            request_id,
            ids: _,
            convention: _,
            authority: _,
            provider,
            initial_provider: _,
            operation,
            request_model,
            labels,
            answer,
            http_status,
            status,
            error,
            usage_missing,
            estimate: _,
            judged,
            content: _,
            times,
            gaps,
        } = record;
        Self {
            request_id,
            provider,
            operation: operation.to_owned(),
            request_model,
            labels,
            response_model: answer.model,
            response_id: answer.id,
            streaming: answer.streaming,
            usage,
            source,
            finish_reasons: answer.finish_reasons.into_iter().map(Into::into).collect(),
            tool_calls: answer.tool_calls,
            choices: answer.choices,
            error_type: answer.error_type.map(Into::into),
            error_code: answer.error_code.map(Into::into),
            error_in_stream,
            content_chunks: answer.content_chunks,
            complete: answer.complete,
            http_status,
            status: status.into(),
            error: error.into(),
            usage_missing: usage_missing.map(Into::into),
            judged: judged.map(Into::into),
            times: times.into(),
            gaps: gaps.into_iter().map(Into::into).collect(),
        }
    }
}

fn source(record: &Record) -> Option<Source> {
    match record.source()? {
        record::SOURCE_ESTIMATED => Some(Source::Estimated),
        _ => Some(Source::Reported),
    }
}

fn usage(record: &Record) -> Usage {
    // The ignored fields are not part of the usage.
    let Answer {
        model: _,
        id: _,
        streaming: _,
        usage,
        input_tokens,
        output_tokens,
        is_first_output: _,
        finish_reasons: _,
        tool_calls: _,
        choices: _,
        error_type: _,
        error_code: _,
        has_error: _,
        content_chunks: _,
        complete: _,
        is_pending: _,
        others: _,
        terms: _,
    } = &record.answer;
    let (estimated_input_tokens, estimated_output_tokens) = record.estimated_tokens();
    Usage {
        input_tokens: *input_tokens,
        output_tokens: *output_tokens,
        total_tokens: usage.get(Count::Total),
        cached_input_tokens: usage.get(Count::CacheRead),
        cache_creation_input_tokens: usage.get(Count::CacheWrite),
        reasoning_tokens: usage.get(Count::Reasoning),
        audio_input_tokens: usage.get(Count::AudioInput),
        audio_output_tokens: usage.get(Count::AudioOutput),
        tool_use_prompt_tokens: usage.get(Count::ToolUseInput),
        estimated_input_tokens,
        estimated_output_tokens,
    }
}

impl From<record::Times> for Times {
    fn from(times: record::Times) -> Self {
        let record::Times {
            duration_ms,
            first_byte_ms,
            first_token_ms,
            first_answer_ms,
            per_output_token_us,
        } = times;
        Self { duration_ms, first_byte_ms, first_token_ms, first_answer_ms, per_output_token_us }
    }
}

impl From<record::Word> for Word {
    fn from(word: record::Word) -> Self {
        match word {
            record::Word::Text(text) => Self::Text(text),
            record::Word::Number(number) => Self::Number(number),
        }
    }
}

impl From<capture::JudgeDecision> for JudgeDecision {
    fn from(decision: capture::JudgeDecision) -> Self {
        match decision {
            capture::JudgeDecision::Input(capture::JudgeInput { question, context, answer }) => {
                Self::Input(JudgeInput { question, context, answer })
            }
            capture::JudgeDecision::Nothing => Self::Nothing,
            capture::JudgeDecision::TooLarge => Self::TooLarge,
            capture::JudgeDecision::NoMemory => Self::NoMemory,
        }
    }
}

impl From<JudgeInput> for capture::JudgeInput {
    fn from(JudgeInput { question, context, answer }: JudgeInput) -> Self {
        Self { question, context, answer }
    }
}

impl From<judge::JudgeRequest> for JudgeRequest {
    fn from(request: judge::JudgeRequest) -> Self {
        let judge::JudgeRequest { cluster, authority, path, headers, body, timeout_ms } = request;
        let field = |(name, value): (String, String)| Field { name, value: value.into_bytes() };
        let headers = headers.into_iter().map(field).collect();
        Self { cluster, authority, path, headers, body, timeout_ms }
    }
}

impl From<judge::Judgement> for Judgement {
    fn from(judge::Judgement { verdict, input_tokens, output_tokens }: judge::Judgement) -> Self {
        Self { verdict: verdict.map(Into::into).map_err(Into::into), input_tokens, output_tokens }
    }
}

impl From<judge::Verdict> for Verdict {
    fn from(judge::Verdict { scores, hallucination }: judge::Verdict) -> Self {
        let score = |(criterion, score, reason)| Score { criterion, score, reason };
        Self {
            scores: scores.into_iter().map(score).collect(),
            hallucination: hallucination
                .map(|(is_hallucinated, reason)| Finding { made_up: is_hallucinated, reason }),
        }
    }
}

/// Implements the conversion of an enum that has the same cases on both sides.
macro_rules! cases {
    ($from:path => $to:ident: $($case:ident)+) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                use $from as From;
                match value {
                    $(From::$case => Self::$case,)+
                }
            }
        }
    };
}

cases!(record::Gap => Gap: NotJson Malformed TooDeep EventTooLarge TooManyValues UnknownEncoding DecodeFailed
    DecodedTooLarge Memory ImplausibleUsage Truncated IncompleteStream);
cases!(record::Status => Status: Success Error Cancelled);
cases!(record::ErrorClass => ErrorClass: None RateLimited Authentication Permission InvalidRequest NotFound
    ContextLength ContentFilter Overloaded ServerError InStream UpstreamConnect UpstreamReset UpstreamTimeout
    ClientCancelled LocalReply Other);
cases!(record::UsageMissing => UsageMissing: NotSent Cancelled UpstreamReset Unreadable);
cases!(judge::Outcome => Outcome: Scored InvalidVerdict Timeout JudgeError OverBudget QueueFull NotApplicable
    TooLarge Memory Lost);
