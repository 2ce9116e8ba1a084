//! AWS event stream frames in readable form, and as the bytes they stand for.

use anyhow::{Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// One frame. Text stands for itself, any other JSON for its shortest form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    /// `:event-type`
    event: Option<String>,
    /// `:exception-type`
    exception: Option<String>,
    /// `:error-code`
    error_code: Option<String>,
    /// The payload as it is.
    #[serde(default)]
    payload: Value,
    /// A document that InvokeModel wraps: the payload has it in base64, in an event named `chunk`.
    #[serde(default)]
    chunk: Value,
    /// The last CRC is wrong.
    #[serde(default)]
    is_broken: bool,
    /// The connection ends so many bytes before the frame does.
    #[serde(default)]
    missing_bytes: usize,
}

/// The bytes of a list of frames.
pub fn encode(text: &[u8]) -> Result<Vec<u8>> {
    let frames: Vec<Frame> = serde_json::from_slice(text)?;
    let mut bytes = Vec::new();
    for frame in &frames {
        let encoded = frame.encode();
        ensure!(frame.missing_bytes < encoded.len(), "a frame has {} bytes", encoded.len());
        bytes.extend_from_slice(&encoded[..encoded.len() - frame.missing_bytes]);
    }
    Ok(bytes)
}

impl Frame {
    fn encode(&self) -> Vec<u8> {
        let mut event = self.event.as_deref();
        let mut payload = text(&self.payload);
        if !self.chunk.is_null() {
            event = Some("chunk");
            payload = text(&json!({"bytes": STANDARD.encode(text(&self.chunk)), "p": "abcdefgh"}));
        }
        let is_exception = self.exception.is_some();
        let kind = if is_exception {
            "exception"
        } else if event.is_some() {
            "event"
        } else {
            "error"
        };
        let mut headers = header(":message-type", kind);
        let named = [
            (":event-type", event),
            (":exception-type", self.exception.as_deref()),
            (":error-code", self.error_code.as_deref()),
        ];
        for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            headers.extend(header(name, value));
        }
        headers.extend(header(":content-type", "application/json"));
        frame(&headers, payload.as_bytes(), self.is_broken)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A header whose value is a string.
fn header(name: &str, value: &str) -> Vec<u8> {
    let name_bytes = u8::try_from(name.len()).expect("a header's name is short");
    let value_bytes = u16::try_from(value.len()).expect("a header's value is short");
    [&[name_bytes], name.as_bytes(), &[7], &value_bytes.to_be_bytes(), value.as_bytes()].concat()
}

fn frame(headers: &[u8], payload: &[u8], is_broken: bool) -> Vec<u8> {
    let number = |bytes: usize| u32::try_from(bytes).expect("a frame is small").to_be_bytes();
    let mut bytes = [number(16 + headers.len() + payload.len()), number(headers.len())].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(payload);
    let crc = crc32fast::hash(&bytes) ^ u32::from(is_broken);
    bytes.extend_from_slice(&crc.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    /// The example that AWS gives for the encoding has these bytes.
    #[test]
    fn a_published_frame() {
        let bytes = b"\0\0\0\x1d\0\0\0\0\xfd\x52\x8c\x5a{'foo':'bar'}\xc3\x65\x39\x36";
        assert_eq!(super::frame(b"", b"{'foo':'bar'}", false), bytes);
    }
}
