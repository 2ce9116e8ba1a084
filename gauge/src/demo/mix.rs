//! The demo's traffic: its exchanges, their order and the course of each.
//!
//! Exchange number n is the same in every run, so runs of the same length have the same sums.

use serde_json::{Value, json};
use simulators::load::{Protocol, Request};
use simulators::provider::script;

/// An exchange with its planned course.
#[derive(Clone, Debug)]
pub(super) struct PlannedExchange {
    pub(super) model: &'static DemoModel,
    pub(super) stream: bool,
    pub(super) course: Course,
    pub(super) protocol: Protocol,
    pub(super) request: Request,
    /// The user's rating of the answer; `None` for no rating.
    pub(super) rating: Option<&'static str>,
}

/// A model of the demo and its usage pattern.
#[derive(Debug)]
pub(super) struct DemoModel {
    pub(super) name: &'static str,
    pub(super) provider: &'static str,
    pub(super) operation: &'static str,
    path: &'static str,
    /// The share of streams in percent.
    streams: u64,
    /// Maximum input and output tokens, and the shares of cached and hidden tokens in percent.
    tokens: [u64; 4],
    /// Maximum milliseconds to the first token, and for each further one.
    pace: [u64; 2],
}

/// The course of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// The provider answers it.
    Answered,
    /// The provider answers it with a stream without usage.
    Unreported,
    /// The provider refuses or fails: the status, and the error class that a meter should assign.
    Refused(u16, &'static str),
    /// The provider sends an error event in the middle of a stream.
    Failed,
    /// The provider's connection breaks in the middle of a stream, once this gate is open.
    Broken(String),
    /// The client disconnects in the middle of a stream.
    Left,
    /// The client disconnects before the response, once the request has reached this gate.
    LeftEarly(String),
    /// The provider closes the connection before the response.
    Closed,
}

/// The number of tokens of a stream before its fault.
pub(super) const TOKENS_BEFORE_CUT: usize = 3;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

static MODELS: [DemoModel; 6] = [
    model("gpt-4.1", "openai", CHAT, 70, [4000, 90, 50, 0], [400, 14]),
    model("gpt-4.1-mini", "openai", CHAT, 90, [1500, 70, 20, 0], [200, 8]),
    model("o4-mini", "openai", CHAT, 50, [900, 120, 0, 60], [900, 10]),
    model("text-embedding-3-small", "openai", "/v1/embeddings", 0, [600, 0, 0, 0], [60, 0]),
    model("claude-sonnet-4-5", "anthropic", MESSAGES, 80, [6000, 100, 80, 30], [500, 12]),
    model("claude-haiku-4-5", "anthropic", MESSAGES, 60, [1200, 60, 0, 0], [150, 6]),
];

const fn model(
    name: &'static str,
    provider: &'static str,
    path: &'static str,
    streams: u64,
    tokens: [u64; 4],
    pace: [u64; 2],
) -> DemoModel {
    let operation = if tokens[1] == 0 { "embeddings" } else { "chat" };
    DemoModel { name, provider, operation, path, streams, tokens, pace }
}

/// Returns exchange number `number`.
pub(super) fn planned(number: u64) -> PlannedExchange {
    let mut random = Random(number);
    // Of 40 consecutive exchanges, 28 succeed, and each of the other courses occurs at least once.
    let mut course = match number % 40 {
        1 | 23 => Course::Refused(429, "rate_limited"),
        3 => Course::Refused(500, "server_error"),
        5 => Course::Refused(529, "overloaded"),
        7 => Course::Refused(401, "authentication"),
        9 | 27 => Course::Left,
        11 => Course::LeftEarly(format!("demo-{number}")),
        13 => Course::Closed,
        15 => Course::Failed,
        17 | 31 => Course::Broken(format!("demo-{number}")),
        19 => Course::Unreported,
        _ => Course::Answered,
    };
    let is_cut = matches!(course, Course::Left | Course::Failed | Course::Broken(_) | Course::Unreported);
    // Embeddings have no streams to cut, and only OpenAI's chat can omit the usage.
    let fits = |model: &&DemoModel| match course {
        Course::Unreported => model.path == CHAT,
        _ => !is_cut || model.streams > 0,
    };
    let fitting: Vec<&'static DemoModel> = MODELS.iter().filter(fits).collect();
    let model = fitting[random.below(fitting.len() as u64) as usize];
    let stream = is_cut || random.below(100) < model.streams;
    if course == Course::Refused(529, "overloaded") && model.provider == "openai" {
        course = Course::Refused(503, "overloaded");
    }
    let script = script(model, &course, &mut random);
    let protocol = if random.below(3) == 0 { Protocol::Http2 } else { Protocol::Http1 };
    let request = Request::post(model.path, &body(model, stream, number)).header(script::HEADER, &script);
    // Some users rate their answer; even numbers are answered.
    let rating = (number % 8 == 4).then_some(if number.is_multiple_of(3) { "down" } else { "up" });
    PlannedExchange { model, stream, course, protocol, request, rating }
}

fn body(model: &DemoModel, stream: bool, number: u64) -> Value {
    // The text that a judge compares an answer with: two of three contexts contain the words of the answers.
    let question = match number % 3 {
        0 => "Summarise it in three sentences. <context>An invoice from May, overdue.</context>",
        _ => "Where does the answer end? <context>The answer spans two pages, and ends.</context>",
    };
    let messages = json!([{"role": "user", "content": question}]);
    match (model.path, stream) {
        ("/v1/embeddings", _) => json!({"model": model.name, "input": question}),
        (MESSAGES, _) => {
            json!({"model": model.name, "max_tokens": 1000, "messages": messages, "stream": stream})
        }
        (_, false) => json!({"model": model.name, "messages": messages}),
        (_, true) => {
            let options = json!({"include_usage": true});
            json!({"model": model.name, "messages": messages, "stream": true, "stream_options": options})
        }
    }
}

fn script(model: &DemoModel, course: &Course, random: &mut Random) -> String {
    let [input_max, output_max, cached, hidden] = model.tokens;
    let input = 40 + random.below(input_max);
    let output = if output_max == 0 { 0 } else { 8 + random.below(output_max) };
    let [first_max, token_max] = model.pace;
    let first_ms = first_max / 4 + random.below(first_max);
    let mut script = format!("input={input}; output={output}; cached={}", input * cached / 100);
    script += &format!("; first_ms={first_ms}; token_ms={}", token_max / 2 + random.below(token_max.max(1)));
    // A stream that will be cut starts with its text, so that the text before the cut is known.
    if matches!(course, Course::Answered) {
        script += &format!("; reasoning={}", output * hidden / 100);
    }
    script
        + &match course {
            Course::Answered => String::new(),
            Course::Unreported => "; usage=never".into(),
            Course::Refused(status, _) => format!("; status={status}; retry_after=3"),
            Course::Failed => format!("; error_after={TOKENS_BEFORE_CUT}"),
            Course::Broken(gate) => format!("; reset_after={TOKENS_BEFORE_CUT}; gate={gate}"),
            Course::Left => format!("; stall_after={TOKENS_BEFORE_CUT}"),
            Course::LeftEarly(gate) => format!("; silent; gate={gate}"),
            Course::Closed => "; close".into(),
        }
}

/// Pseudo-random numbers that are the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{MODELS, planned};
    use simulators::provider::Script;

    #[test]
    fn a_hundred_exchanges_have_everything_in_them() {
        let hundred: Vec<_> = (0..100).map(planned).collect();
        let models: BTreeSet<_> = hundred.iter().map(|planned| planned.model.name).collect();
        assert_eq!(models.len(), MODELS.len());
        let courses: BTreeSet<_> = hundred
            .iter()
            .map(|planned| format!("{:?}", planned.course).split('(').next().unwrap().to_owned())
            .collect();
        assert_eq!(courses.len(), 8);
        let again: Vec<_> = (0..100).map(planned).collect();
        assert_eq!(format!("{hundred:?}"), format!("{again:?}"));
        for planned in hundred {
            let script = planned.request.header_value("x-sim").unwrap().to_owned();
            Script::parse(&script).unwrap_or_else(|error| panic!("{script}: {error:#}"));
        }
    }
}
