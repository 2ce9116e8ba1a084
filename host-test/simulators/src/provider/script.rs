//! Scripts for a simulated provider, in one request header that any client can send.
//!
//! ```text
//! x-sim: input=1200; cached=1000; output=40; first_ms=150; token_ms=8
//! x-sim: status=429; retry_after=7
//! x-sim: output=50; reset_after=5
//! ```
//!
//! Items are separated by `;`, each at most once. Times are in milliseconds. A gate is before the cut if there is one,
//! else before an answer's headers or after a stream's first token.
//!
//! | item | default | meaning |
//! |---|---|---|
//! | `first_ms=N` | 0 | wait before the first token, or before a whole answer |
//! | `token_ms=N` | 0 | wait before each further token |
//! | `last_ms=N` | 0 | wait behind a stream's last token |
//! | `input=N`, `output=N` | 12, 8 | inclusive token counts |
//! | `cached=N`, `cache_write=N` | 0 | parts of `input` |
//! | `reasoning=N` | 0 | part of `output`; those tokens are hidden (OpenAI) or thinking deltas (Anthropic) |
//! | `model=NAME` | the one asked for | the model that the answer names |
//! | `usage=asked\|never\|always` | `asked` | whether an OpenAI stream reports usage |
//! | `status=CODE` | 200 | an error of the provider's own shape instead of an answer |
//! | `retry_after=N` | none | a `retry-after` header, in seconds |
//! | `odd=NAME` | none | strange headers: `latin1`, `many`, `untyped`, `upper` |
//! | `gate=NAME` | none | wait there until [`Provider::open`](super::Provider::open) |
//! | `linger` | | the gate stands behind the last byte instead, before the end of the body |
//!
//! And at most one fault:
//!
//! | item | meaning |
//! |---|---|
//! | `error_after=K` | a stream's K tokens, then an error event, inside the 200 |
//! | `reset_after=K` | a stream's K tokens, then the connection (HTTP/1.1) or the stream (HTTP/2) breaks |
//! | `stall_after=K` | a stream's K tokens, then nothing more; the connection stays |
//! | `truncate` | half of what content-length promised, then the connection breaks |
//! | `close` | breaks before any header |
//! | `silent` | takes the request and never answers |

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// The header that carries a script.
pub const HEADER: &str = "x-sim";

/// Maximum of a number in a script. It is more than any context window or timeout.
const NUMBER_MAX: u64 = 10_000_000;

/// Maximum number of tokens of one answer, since a single header can request it.
const OUTPUT_MAX: u64 = 50_000;

/// One scripted answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The wait before the first token.
    pub first: Duration,
    /// The wait before each further token.
    pub token: Duration,
    /// The wait after the last token of a stream.
    pub last: Duration,
    /// The counts that the answer reports.
    pub tokens: Tokens,
    /// The model that the answer names; `None` for the model in the request.
    pub model: Option<String>,
    /// Whether an OpenAI stream reports usage.
    pub usage: ReportUsage,
    /// The status code: 200, or that of an error.
    pub status: u16,
    /// The value of `retry-after` in seconds; `None` for no header.
    pub retry_after: Option<u64>,
    /// The unusual headers; `None` for ordinary ones.
    pub odd: Option<HeaderQuirk>,
    /// The name of the gate that the answer waits at; `None` if it does not wait.
    pub gate: Option<String>,
    /// Whether the gate is between the last byte and the end of the body.
    pub linger: bool,
    /// The fault of the answer; `None` if there is none.
    pub fault: Option<Fault>,
}

/// Inclusive token counts: `cached + cache_write <= input`, `reasoning <= output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// All input.
    pub input: u64,
    /// All output.
    pub output: u64,
    /// Input read from a cache.
    pub cached: u64,
    /// Input written to a cache.
    pub cache_write: u64,
    /// Output spent on reasoning.
    pub reasoning: u64,
}

/// Whether an OpenAI stream ends with a usage chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportUsage {
    /// As `stream_options.include_usage` asks.
    Asked,
    /// Never, even if requested, as with some compatible servers.
    Never,
    /// Always, even if not requested.
    Always,
}

/// Header sets that are legal, or nearly, and rare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderQuirk {
    /// A value that is not UTF-8.
    Latin1,
    /// Eighty headers.
    Many,
    /// No content-type.
    Untyped,
    /// The content-type in capitals.
    Upper,
}

/// The faults of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error event after this many tokens of a stream.
    Error(u64),
    /// A broken connection after this many tokens of a stream.
    Reset(u64),
    /// Silence after this many tokens of a stream.
    Stall(u64),
    /// Half of the body.
    Truncate,
    /// No response at all, connection closed.
    Close,
    /// No response at all, connection kept.
    Silent,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            first: Duration::ZERO,
            token: Duration::ZERO,
            last: Duration::ZERO,
            tokens: Tokens { input: 12, output: 8, ..Tokens::default() },
            model: None,
            usage: ReportUsage::Asked,
            status: 200,
            retry_after: None,
            odd: None,
            gate: None,
            linger: false,
            fault: None,
        }
    }
}

impl Script {
    /// Parses the header's value. An error names the item and the expected value.
    pub fn parse(text: &str) -> Result<Self> {
        let mut script = Self::default();
        let mut seen = BTreeSet::new();
        for item in text.split(';').map(str::trim).filter(|item| !item.is_empty()) {
            let (key, value) =
                item.split_once('=').map_or((item, None), |(key, value)| (key.trim(), Some(value.trim())));
            ensure!(seen.insert(key), "{HEADER}: {key} is there twice");
            script.set(key, value).with_context(|| format!("{HEADER}: {item:?}"))?;
        }
        let Tokens { input, output, cached, cache_write, reasoning } = script.tokens;
        ensure!(
            cached.saturating_add(cache_write) <= input,
            "{HEADER}: cached and cache_write are parts of input"
        );
        ensure!(output <= OUTPUT_MAX, "{HEADER}: output is over the limit of {OUTPUT_MAX}");
        ensure!(reasoning <= output, "{HEADER}: reasoning is a part of output");
        ensure!(script.status == 200 || script.fault.is_none(), "{HEADER}: a fault needs status 200");
        Ok(script)
    }

    /// Refuses a fault that does not apply to the kind of answer.
    pub(super) fn check_applicable(&self, stream: bool) -> Result<()> {
        match self.fault {
            Some(Fault::Error(_) | Fault::Reset(_) | Fault::Stall(_)) if !stream => {
                bail!(
                    "{HEADER}: error_after, reset_after and stall_after are for streams, but the request does not ask for one"
                )
            }
            Some(Fault::Truncate) if stream => {
                bail!("{HEADER}: truncate is for answers in one piece; use reset_after for a stream")
            }
            _ => Ok(()),
        }
    }

    fn set(&mut self, key: &str, value: Option<&str>) -> Result<()> {
        match (key, value) {
            ("first_ms", Some(value)) => self.first = Duration::from_millis(count(value)?),
            ("token_ms", Some(value)) => self.token = Duration::from_millis(count(value)?),
            ("last_ms", Some(value)) => self.last = Duration::from_millis(count(value)?),
            ("input", Some(value)) => self.tokens.input = count(value)?,
            ("output", Some(value)) => self.tokens.output = count(value)?,
            ("cached", Some(value)) => self.tokens.cached = count(value)?,
            ("cache_write", Some(value)) => self.tokens.cache_write = count(value)?,
            ("reasoning", Some(value)) => self.tokens.reasoning = count(value)?,
            ("model", Some(value)) => self.model = Some(value.to_owned()),
            ("usage", Some("asked")) => self.usage = ReportUsage::Asked,
            ("usage", Some("never")) => self.usage = ReportUsage::Never,
            ("usage", Some("always")) => self.usage = ReportUsage::Always,
            ("usage", Some(_)) => bail!("usage is asked, never or always"),
            ("status", Some(value)) => self.status = status(value)?,
            ("retry_after", Some(value)) => self.retry_after = Some(count(value)?),
            ("odd", Some(value)) => self.odd = Some(odd(value)?),
            ("gate", Some(value)) => self.gate = Some(value.to_owned()),
            ("error_after", Some(value)) => self.fail(Fault::Error(count(value)?))?,
            ("reset_after", Some(value)) => self.fail(Fault::Reset(count(value)?))?,
            ("stall_after", Some(value)) => self.fail(Fault::Stall(count(value)?))?,
            ("linger", None) => self.linger = true,
            ("truncate", None) => self.fail(Fault::Truncate)?,
            ("close", None) => self.fail(Fault::Close)?,
            ("silent", None) => self.fail(Fault::Silent)?,
            ("linger" | "truncate" | "close" | "silent", Some(_)) => bail!("{key} takes no value"),
            (_, None) => {
                bail!("unknown item, or it needs a value; the items are in provider/script.rs")
            }
            (_, Some(_)) => bail!("unknown item; the items are in provider/script.rs"),
        }
        Ok(())
    }

    fn fail(&mut self, fault: Fault) -> Result<()> {
        ensure!(self.fault.is_none(), "expected one fault at most");
        self.fault = Some(fault);
        Ok(())
    }
}

fn count(value: &str) -> Result<u64> {
    let number: u64 = value.parse().with_context(|| format!("expected a whole number, got {value:?}"))?;
    ensure!(number <= NUMBER_MAX, "expected at most {NUMBER_MAX}, got {number}");
    Ok(number)
}

fn status(value: &str) -> Result<u16> {
    let code = count(value)?;
    ensure!((400..=599).contains(&code), "expected the status of an error, 400 to 599, got {code}");
    Ok(u16::try_from(code)?)
}

fn odd(value: &str) -> Result<HeaderQuirk> {
    Ok(match value {
        "latin1" => HeaderQuirk::Latin1,
        "many" => HeaderQuirk::Many,
        "untyped" => HeaderQuirk::Untyped,
        "upper" => HeaderQuirk::Upper,
        _ => bail!("odd is latin1, many, untyped or upper"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Fault, Script, Tokens};

    #[test]
    fn every_item_is_read() {
        let script = Script::parse(
            "first_ms=150; token_ms=8;input=1200 ; cached=1000; cache_write=7; output=40; reasoning=4; model=m:free; \
             usage=never; retry_after=7; odd=latin1; gate=g; stall_after=5;",
        )
        .unwrap();
        assert_eq!(script.first, Duration::from_millis(150));
        assert_eq!(
            script.tokens,
            Tokens { input: 1200, output: 40, cached: 1000, cache_write: 7, reasoning: 4 }
        );
        assert_eq!((script.model.as_deref(), script.gate.as_deref()), (Some("m:free"), Some("g")));
        assert_eq!((script.fault, script.retry_after), (Some(Fault::Stall(5)), Some(7)));
        assert_eq!(Script::parse("status=529").unwrap().status, 529);
        assert_eq!(Script::parse("").unwrap(), Script::default());
    }

    #[test]
    fn errors_name_the_item() {
        for (text, message) in [
            ("inptu=3", "inptu=3"),
            ("input=many", "expected a whole number"),
            ("input=3; input=4", "input is there twice"),
            ("close=1", "close takes no value"),
            ("close; silent", "one fault at most"),
            ("status=200", "400 to 599"),
            ("status=500; close", "a fault needs status 200"),
            ("input=3; cached=4", "parts of input"),
            ("reasoning=9", "part of output"),
            ("usage=maybe", "asked, never or always"),
        ] {
            let error = format!("{:#}", Script::parse(text).unwrap_err());
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
