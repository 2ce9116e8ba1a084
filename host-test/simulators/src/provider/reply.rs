//! The plan of a reply: pieces, waits and the end. It is pure data, so that the formats need no clock and no socket.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::script::{Fault, HeaderQuirk, Script, Tokens};

/// The words of every answer, one per token. Their characters have one to four bytes, since chunks may cut anywhere.
const WORDS: [&str; 8] = ["The", " answer", " naïvely", " spans", " 日本", " and", " 🦀", " ends."];

/// A planned response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) steps: Vec<Step>,
    pub(super) ending: Ending,
    pub(super) gate: Option<Gate>,
}

/// A piece of the body, and the wait before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) wait: Duration,
    pub(super) piece: Piece,
}

/// Bytes, and the usage that the client knows once it has received them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) reports: Option<Tokens>,
}

impl Piece {
    pub(super) fn new(text: impl Into<Bytes>) -> Self {
        Self { bytes: text.into(), reports: None }
    }

    pub(super) fn reporting(mut self, tokens: Tokens) -> Self {
        self.reports = Some(tokens);
        self
    }
}

/// The end of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Complete,
    ScriptedBreak,
    Stalled,
}

/// The place at which a reply waits until its gate is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gate {
    pub(super) name: String,
    /// `None`: before the headers. `Some(n)`: before step n, where n may be one past the last.
    pub(super) before_step: Option<usize>,
}

/// The parts of a stream: its tokens, and the pieces before and after them.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) before: Vec<Piece>,
    pub(super) tokens: Vec<Piece>,
    pub(super) after: Vec<Piece>,
    pub(super) error: Piece,
}

/// Returns the text of token number `index`.
pub(super) fn word(index: u64) -> &'static str {
    let index = usize::try_from(index).unwrap_or_default();
    WORDS.get(index % WORDS.len()).copied().unwrap_or_default()
}

/// Returns the text of a whole answer.
pub(super) fn text(tokens: u64) -> String {
    (0..tokens).map(word).collect()
}

/// Returns an answer in one piece.
pub(super) fn unary(script: &Script, body: &Value, reports: Tokens) -> Reply {
    let bytes = Bytes::from(body.to_string());
    let mut headers = headers(script, "application/json");
    headers.push(header("content-length", &bytes.len().to_string()));
    let truncated = script.fault == Some(Fault::Truncate);
    let piece = if truncated {
        Piece::new(bytes.slice(..bytes.len() / 2))
    } else {
        Piece::new(bytes).reporting(reports)
    };
    Reply {
        status: script.status,
        headers,
        steps: vec![Step { wait: Duration::ZERO, piece }],
        ending: if truncated { Ending::ScriptedBreak } else { Ending::Complete },
        gate: script
            .gate
            .clone()
            .map(|name| Gate { name, before_step: (truncated || script.linger).then_some(1) }),
    }
}

/// Returns a stream of events.
pub(super) fn stream(script: &Script, parts: Stream) -> Reply {
    let Stream { before, mut tokens, mut after, error } = parts;
    let (kept, ending) = match script.fault {
        Some(Fault::Error(count)) => {
            after = vec![error];
            (count, Ending::Complete)
        }
        Some(Fault::Reset(count)) => (count, Ending::ScriptedBreak),
        Some(Fault::Stall(count)) => (count, Ending::Stalled),
        Some(Fault::Truncate | Fault::Close | Fault::Silent) | None => (u64::MAX, Ending::Complete),
    };
    tokens.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
    if ending != Ending::Complete {
        after.clear();
    }
    let first_token = before.len();
    let last_token = first_token + tokens.len();
    let pieces = before.into_iter().chain(tokens).chain(after).enumerate();
    let steps = pieces.map(|(index, piece)| {
        let wait = match index {
            index if index == first_token => script.first,
            index if index > first_token && index < last_token => script.token,
            index if index == last_token => script.last,
            _ => Duration::ZERO,
        };
        Step { wait, piece }
    });
    let steps: Vec<_> = steps.collect();
    let before_step = match script.fault {
        _ if script.linger => steps.len(),
        Some(_) => last_token,
        None => last_token.min(first_token + 1),
    };
    Reply {
        status: 200,
        headers: headers(script, "text/event-stream; charset=utf-8"),
        steps,
        ending,
        gate: script.gate.clone().map(|name| Gate { name, before_step: Some(before_step) }),
    }
}

/// Returns a header as name and value bytes.
pub(super) fn header(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn headers(script: &Script, content_type: &str) -> Vec<(String, Vec<u8>)> {
    let mut headers = match script.odd {
        Some(HeaderQuirk::Untyped) => Vec::new(),
        Some(HeaderQuirk::Upper) => vec![header("content-type", &content_type.to_uppercase())],
        _ => vec![header("content-type", content_type)],
    };
    match script.odd {
        Some(HeaderQuirk::Latin1) => headers.push(("x-odd".into(), b"caf\xe9".to_vec())),
        Some(HeaderQuirk::Many) => {
            headers.extend((0..80).map(|index| header(&format!("x-odd-{index}"), "odd")))
        }
        _ => {}
    }
    headers.extend(script.retry_after.map(|seconds| header("retry-after", &seconds.to_string())));
    headers
}

#[cfg(test)]
mod tests {
    use super::{Ending, Piece, Script, Stream, stream, text, unary};

    fn parts() -> Stream {
        let pieces = |texts: &[&'static str]| texts.iter().map(|text| Piece::new(*text)).collect();
        Stream {
            before: pieces(&["a"]),
            tokens: pieces(&["1", "2", "3"]),
            after: pieces(&["z"]),
            error: Piece::new("!"),
        }
    }

    fn bytes(script: &str) -> (String, Ending, Option<usize>) {
        let reply = stream(&Script::parse(script).unwrap(), parts());
        let body =
            reply.steps.iter().map(|step| String::from_utf8_lossy(&step.piece.bytes).into_owned()).collect();
        (body, reply.ending, reply.gate.and_then(|gate| gate.before_step))
    }

    #[test]
    fn faults_cut_a_stream_where_they_say() {
        assert_eq!(bytes(""), ("a123z".into(), Ending::Complete, None));
        assert_eq!(bytes("reset_after=2; gate=g"), ("a12".into(), Ending::ScriptedBreak, Some(3)));
        assert_eq!(bytes("stall_after=0; gate=g"), ("a".into(), Ending::Stalled, Some(1)));
        assert_eq!(bytes("error_after=9; gate=g"), ("a123!".into(), Ending::Complete, Some(4)));
        assert_eq!(bytes("gate=g"), ("a123z".into(), Ending::Complete, Some(2)));
        assert_eq!(bytes("gate=g; linger"), ("a123z".into(), Ending::Complete, Some(5)));
    }

    #[test]
    fn waits_belong_to_tokens() {
        let reply = stream(&Script::parse("first_ms=9; token_ms=2; last_ms=3").unwrap(), parts());
        let waits: Vec<_> = reply.steps.iter().map(|step| step.wait.as_millis()).collect();
        assert_eq!(waits, [0, 9, 2, 2, 3]);
    }

    #[test]
    fn a_truncated_answer_promises_more_than_it_sends() {
        let script = Script::parse("truncate").unwrap();
        let reply = unary(&script, &serde_json::json!({"text": text(3)}), script.tokens);
        assert_eq!((reply.ending, reply.steps[0].piece.reports), (Ending::ScriptedBreak, None));
        let promised = reply.headers.iter().find(|(name, _)| name == "content-length").unwrap();
        let promised: usize = String::from_utf8(promised.1.clone()).unwrap().parse().unwrap();
        assert_eq!(reply.steps[0].piece.bytes.len(), promised / 2);
    }
}
