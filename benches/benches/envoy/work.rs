//! The exchanges that are sent through every Envoy.

use std::fmt::Write as _;

/// One kind of exchange.
pub struct Work {
    /// The name in the table.
    pub name: &'static str,
    /// The unit that its costs are divided by.
    pub unit: Unit,
    /// The number of exchanges in one block.
    pub exchanges: usize,
    /// The body of the request.
    pub request: String,
    /// The body of the response, in the pieces that the server writes.
    pub pieces: Vec<String>,
    /// The pace of the pieces.
    pub pace: Pace,
    /// The `usage.total_tokens` of the response.
    pub tokens: u64,
}

/// The measured value, and its divisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// CPU time of Envoy for each exchange.
    Exchange,
    /// CPU time of Envoy for each event of a stream.
    Event,
    /// The time from sending the request to receiving the first event.
    FirstEvent,
}

/// The pace of a response's pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// All pieces in one write.
    AtOnce,
    /// Each piece once the client has the previous one, so that Envoy reads each separately.
    Lockstep,
}

impl Work {
    /// Returns every kind.
    pub fn all() -> Vec<Self> {
        // Text like that of models: a line break or a quotation mark every line or two.
        let chat = r#"Word after word, sentence after sentence, \"quoted\" or not, and a line ends here.\n"#;
        let (lockstep, burst) = (Pace::Lockstep, Pace::AtOnce);
        vec![
            json("chat JSON 2.7 KB", 800, &chat.repeat(27)),
            json("JSON 0.9 MB", 16, &chat.repeat(10_600)),
            stream("SSE, each event in its own read", Unit::Event, 8, 100, lockstep),
            stream("SSE burst", Unit::Event, 16, 500, burst),
            stream("first event", Unit::FirstEvent, 150, 1, burst),
        ]
    }

    /// Returns the divisor for the cost of a block.
    pub fn units(&self, exchanges: usize) -> f64 {
        let each = if self.unit == Unit::Event { self.pieces.len() } else { 1 };
        (exchanges * each) as f64
    }

    /// Whether the response is a stream.
    pub fn is_stream(&self) -> bool {
        self.unit != Unit::Exchange
    }

    /// Returns the bytes of the response's body.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(String::len).sum()
    }

    /// Returns the response as sent: its head and its pieces, which are chunks in a stream.
    pub fn wire(&self) -> (String, Vec<String>) {
        if !self.is_stream() {
            let bytes = self.bytes();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
            );
            return (head, self.pieces.clone());
        }
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = |piece: &String| format!("{:x}\r\n{piece}\r\n", piece.len());
        let mut pieces: Vec<_> = self.pieces.iter().map(chunk).collect();
        if let Some(last) = pieces.last_mut() {
            last.push_str("0\r\n\r\n");
        }
        (head.to_owned(), pieces)
    }
}

/// Returns a unary answer with this text.
fn json(name: &'static str, exchanges: usize, text: &str) -> Work {
    let body = format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1751568164,"model":"gpt-4o-mini-2024-07-18","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":512,"completion_tokens":128,"total_tokens":640,"prompt_tokens_details":{{"cached_tokens":64}},"completion_tokens_details":{{"reasoning_tokens":0}}}}}}"#
    );
    let unit = Unit::Exchange;
    let (pieces, pace) = (vec![body], Pace::AtOnce);
    Work { name, unit, exchanges, request: request(false), pieces, pace, tokens: 640 }
}

/// Returns a stream of `events` events. The last one has the usage, and is followed by the end mark in the same piece.
fn stream(name: &'static str, unit: Unit, exchanges: usize, events: usize, pace: Pace) -> Work {
    let event = |choices: &str, usage: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1751568164,\
             \"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_1\",\"choices\":[{choices}],\
             \"usage\":{usage}}}\n\n"
        )
    };
    let mut pieces: Vec<_> = (1..events)
        .map(|number| {
            let delta = format!(
                r#"{{"index":0,"delta":{{"content":" word{number}"}},"logprobs":null,"finish_reason":null}}"#
            );
            event(&delta, "null")
        })
        .collect();
    let total = 512 + events as u64;
    let usage = format!(r#"{{"prompt_tokens":512,"completion_tokens":{events},"total_tokens":{total}}}"#);
    let mut last =
        event(r#"{"index":0,"delta":{"content":"."},"logprobs":null,"finish_reason":"stop"}"#, &usage);
    let _infallible = write!(last, "data: [DONE]\n\n");
    pieces.push(last);
    Work { name, unit, exchanges, request: request(true), pieces, pace, tokens: total }
}

fn request(stream: bool) -> String {
    let text = "Say it word by word. ".repeat(20);
    format!(
        r#"{{"model":"gpt-4o-mini","stream":{stream},"messages":[{{"role":"user","content":"{text}"}}]}}"#
    )
}
