//! Applies the rules of a format's row to a request: the requested model, and the prompt.

mod reader;

use llm_gauge_decode::Bounds;

use crate::estimate::PromptTally;
use crate::formats::Format;
use crate::head::Headers;
use crate::judge::capture::RequestCapture;
use crate::record::Gap;
use crate::scan::{Body, Form, FramingHints, Paths};

use reader::RequestReader;

/// The state of one request that is being read.
#[derive(Debug)]
pub struct RequestState {
    body: Option<Body>,
    form: Option<Form>,
    /// The requested model. `None` until it is read, or if the request names none.
    pub model: Option<String>,
    /// The prompt, for estimates of its tokens.
    pub prompt: PromptTally,
    /// The request's texts for a judge. `None` unless the exchange is sampled.
    pub capture: Option<Box<RequestCapture>>,
    /// The parts that could not be read.
    pub gaps: Vec<Gap>,
}

impl RequestState {
    /// Returns the state after the request head. Clients often send wrong content types, so every body is read but
    /// those that cannot be JSON.
    pub fn new(
        head: &Headers<'_>,
        model_in_path: Option<String>,
        event_bytes_max: u64,
        bounds: Bounds,
    ) -> Self {
        let content_type = head.get("content-type").unwrap_or_default().to_ascii_lowercase();
        let form = Form::from_content_type(head.get("content-type").unwrap_or_default());
        let is_other = ["multipart/", "audio/", "image/", "application/octet-stream"];
        let is_other = is_other.iter().any(|start| content_type.starts_with(start.as_bytes()));
        let encoding = head.content_encoding();
        let is_encoded = !encoding.is_empty();
        let plain = (!is_other).then(|| Body::new(FramingHints::default(), event_bytes_max));
        let body = plain.and_then(|body| match is_encoded {
            true => body.encoded(&encoding, bounds),
            false => Some(body),
        });
        let is_unknown = is_encoded && !is_other && body.is_none();
        Self {
            body,
            form: form.filter(|_| !is_encoded),
            model: model_in_path,
            prompt: PromptTally::default(),
            capture: None,
            gaps: if is_unknown { vec![Gap::UnknownEncoding] } else { Vec::new() },
        }
    }

    /// Reads bytes of the body.
    pub fn feed(&mut self, bytes: &[u8], format: &'static Format, paths: &Paths) {
        if let Some(form) = &mut self.form {
            form.feed(bytes, |name, value| {
                if name == b"model" && !value.is_empty() {
                    self.model = Some(String::from_utf8_lossy(value).into_owned());
                }
            });
        }
        self.read(format, paths, |body, reader| body.feed(bytes, paths, reader));
    }

    /// Ends the body. Later calls have no effect.
    pub fn finish(&mut self, format: &'static Format, paths: &Paths) {
        self.read(format, paths, |body, reader| body.finish(paths, reader));
        self.body = None;
        self.form = None;
    }

    /// Stops reading the body, for the reason `gap`.
    pub fn stop(&mut self, gap: Gap) {
        self.body = None;
        self.form = None;
        if let Some(capture) = &mut self.capture {
            capture.refuse();
        }
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    fn read(
        &mut self,
        format: &'static Format,
        paths: &Paths,
        read: impl FnOnce(&mut Body, &mut RequestReader<'_>),
    ) {
        if let Some(mut body) = self.body.take() {
            let mut reader = RequestReader { state: self, format, paths };
            read(&mut body, &mut reader);
            self.body = Some(body);
        }
    }
}

#[cfg(test)]
mod tests;
