//! The engine's values as the contract's, and back.

use llm_gauge_engine::desk::{self, Request};
use llm_gauge_engine::ending::End;
use llm_gauge_engine::exhibit;
use llm_gauge_engine::head::Headers;
use llm_gauge_engine::judge;
use llm_gauge_engine::policy;
use llm_gauge_engine::record::{self, Answer, Record};
use llm_gauge_engine::usage::Count;

use crate::contract::meter::{ConfigError, Ending};
use crate::contract::types::{
    ErrorClass, ExchangeRecord, Exhibit, Field, Finding, Gap, JudgeRequest, Judgement, Outcome, Score, Shown,
    Source, Status, Times, Usage, UsageMissing, Verdict, Word,
};

pub(crate) fn head(fields: &[Field]) -> Headers<'_> {
    Headers::new(fields.iter().map(|field| (field.name.as_bytes(), field.value.as_slice())))
}

/// The bytes of some numbers: `BYTES` is eight times `NUMBERS`.
pub(crate) fn random<const NUMBERS: usize, const BYTES: usize>(numbers: [u64; NUMBERS]) -> [u8; BYTES] {
    let mut random = [0; BYTES];
    for (byte, from) in random.iter_mut().zip(numbers.into_iter().flat_map(u64::to_le_bytes)) {
        *byte = from;
    }
    random
}

impl From<Ending> for End {
    fn from(Ending { code, flags, details }: Ending) -> Self {
        Self { code, flags, details }
    }
}

impl From<policy::ConfigError> for ConfigError {
    fn from(policy::ConfigError { path, message }: policy::ConfigError) -> Self {
        Self { path, message }
    }
}

impl From<Record> for ExchangeRecord {
    fn from(record: Record) -> Self {
        let (source, error_in_stream, usage) = (source(&record), record.error_in_stream(), usage(&record));
        // `began_as` is for a gauge of active requests, `estimate` is in the usage by now.
        let Record { request_id, provider, began_as: _, operation, request_model, labels, .. } = record;
        let Record {
            answer,
            http_status,
            status,
            error,
            usage_missing,
            estimate: _,
            judged,
            times,
            gaps,
            ..
        } = record;
        let Answer {
            model, id, streaming, finish_reasons, tool_calls, choices, error_type, error_code, ..
        } = answer;
        Self {
            request_id,
            provider,
            operation: operation.to_owned(),
            request_model,
            labels,
            response_model: model,
            response_id: id,
            streaming,
            usage,
            source,
            finish_reasons: finish_reasons.into_iter().map(Into::into).collect(),
            tool_calls,
            choices,
            error_type: error_type.map(Into::into),
            error_code: error_code.map(Into::into),
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
    let count = |count| record.answer.usage.get(count);
    let (estimated_input_tokens, estimated_output_tokens) = record.estimated_tokens();
    Usage {
        input_tokens: record.answer.input_tokens,
        output_tokens: record.answer.output_tokens,
        total_tokens: count(Count::Total),
        cached_input_tokens: count(Count::CacheRead),
        cache_creation_input_tokens: count(Count::CacheWrite),
        reasoning_tokens: count(Count::Reasoning),
        audio_input_tokens: count(Count::AudioInput),
        audio_output_tokens: count(Count::AudioOutput),
        tool_use_prompt_tokens: count(Count::ToolUseInput),
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

impl From<exhibit::Shown> for Shown {
    fn from(shown: exhibit::Shown) -> Self {
        match shown {
            exhibit::Shown::Exhibit(exhibit::Exhibit { question, context, answer }) => {
                Self::Exhibit(Exhibit { question, context, answer })
            }
            exhibit::Shown::Nothing => Self::Nothing,
            exhibit::Shown::TooLarge => Self::TooLarge,
        }
    }
}

impl From<Exhibit> for exhibit::Exhibit {
    fn from(Exhibit { question, context, answer }: Exhibit) -> Self {
        Self { question, context, answer }
    }
}

impl From<Request> for JudgeRequest {
    fn from(Request { cluster, authority, path, headers, body, timeout_ms }: Request) -> Self {
        let field = |(name, value): (String, String)| Field { name, value: value.into_bytes() };
        let headers = headers.into_iter().map(field).collect();
        Self { cluster, authority, path, headers, body, timeout_ms }
    }
}

impl From<desk::Judgement> for Judgement {
    fn from(desk::Judgement { verdict, input_tokens, output_tokens }: desk::Judgement) -> Self {
        Self { verdict: verdict.map(Into::into).map_err(Into::into), input_tokens, output_tokens }
    }
}

impl From<judge::Verdict> for Verdict {
    fn from(judge::Verdict { scores, hallucination }: judge::Verdict) -> Self {
        let score = |(criterion, score, reason)| Score { criterion, score, reason };
        Self {
            scores: scores.into_iter().map(score).collect(),
            hallucination: hallucination.map(|(made_up, reason)| Finding { made_up, reason }),
        }
    }
}

/// The cases of an enum, which has the same ones on both sides.
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
    DecodedTooLarge Truncated IncompleteStream);
cases!(record::Status => Status: Success Error Cancelled);
cases!(record::ErrorClass => ErrorClass: None RateLimited Authentication Permission InvalidRequest NotFound
    ContextLength ContentFilter Overloaded ServerError InStream UpstreamConnect UpstreamReset UpstreamTimeout
    ClientCancelled LocalReply Other);
cases!(record::UsageMissing => UsageMissing: NotSent Cancelled UpstreamReset Unreadable);
cases!(judge::Outcome => Outcome: Scored InvalidVerdict Timeout JudgeError OverBudget QueueFull NotApplicable
    TooLarge Lost);
