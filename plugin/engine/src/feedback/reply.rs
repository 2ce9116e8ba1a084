//! The replies to feedback requests.

use super::plan::FeedbackPlan;
use super::validate::Refusal;
use crate::head::Headers;
use crate::json::push_text;
use crate::limits::REFUSAL_BYTES_MAX;

/// A response that the proxy sends itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackReply {
    /// The status.
    pub status: u32,
    /// The header fields, without the length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// The parts of a request's head that its reply depends on.
#[derive(Debug)]
pub(super) struct ReplyContext {
    /// Whether the method is HEAD, whose reply has no body.
    is_head: bool,
    /// Whether replies depend on the origin.
    has_cors: bool,
    /// The origin of a page that may read the reply. `None` if there is none, or it is not allowed.
    origin: Option<String>,
}

/// The number of seconds for which a browser may cache a preflight response.
const PREFLIGHT_AGE_S: &str = "600";

impl ReplyContext {
    pub(super) fn of(plan: &FeedbackPlan, head: &Headers<'_>) -> Self {
        let origin = head.text("origin").filter(|origin| plan.allows(origin)).map(str::to_owned);
        Self { is_head: head.get(":method") == Some(b"HEAD"), has_cors: plan.has_cors(), origin }
    }

    fn reply(&self, status: u32, body: String) -> FeedbackReply {
        let mut headers = Vec::new();
        if self.has_cors {
            headers.push(("vary", "origin".to_owned()));
        }
        if let Some(origin) = &self.origin {
            headers.push(("access-control-allow-origin", origin.clone()));
        }
        let body = if self.is_head { String::new() } else { body };
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        FeedbackReply { status, headers, body }
    }

    fn error(&self, status: u32, field: &str, message: &str) -> FeedbackReply {
        let text = [field, ": ", message].concat();
        let mut body = "{\"error\":".to_owned();
        push_text(&mut body, text.get(..text.floor_char_boundary(REFUSAL_BYTES_MAX)).unwrap_or_default());
        body.push('}');
        self.reply(status, body)
    }

    pub(super) fn accepted(&self) -> FeedbackReply {
        self.reply(202, "{\"status\":\"accepted\"}".to_owned())
    }

    pub(super) fn bad_request(&self, field: &str, message: &str) -> FeedbackReply {
        self.error(400, field, message)
    }

    pub(super) fn refusal(&self, refusal: &Refusal) -> FeedbackReply {
        let status = if refusal.is_unauthorized { 401 } else { 400 };
        self.error(status, &refusal.field, &refusal.message)
    }

    pub(super) fn wrong_method(&self, has_options: bool) -> FeedbackReply {
        let allowed = if has_options { "POST, OPTIONS" } else { "POST" };
        let mut reply = self.error(405, "method", "expected POST");
        reply.headers.push(("allow", allowed.to_owned()));
        reply
    }

    /// Returns the reply to OPTIONS. A page that is not allowed gets it too: the browser then refuses.
    pub(super) fn options(&self) -> FeedbackReply {
        let mut reply = self.reply(204, String::new());
        let mut add = |name, value: &str| reply.headers.push((name, value.to_owned()));
        add("allow", "POST, OPTIONS");
        if self.origin.is_some() {
            add("access-control-allow-methods", "POST");
            add("access-control-allow-headers", "content-type, x-llm-feedback");
            add("access-control-max-age", PREFLIGHT_AGE_S);
        }
        reply
    }

    pub(super) fn too_large(&self, bytes_max: usize) -> FeedbackReply {
        self.error(413, "body", &format!("expected at most {bytes_max} bytes"))
    }

    pub(super) fn too_many(&self, wait_s: u64) -> FeedbackReply {
        let mut reply = self.error(429, "rate", "too much feedback in this minute");
        reply.headers.push(("retry-after", wait_s.to_string()));
        reply
    }

    pub(super) fn no_memory(&self) -> FeedbackReply {
        let mut reply = self.error(503, "body", "no memory left for it, try again later");
        reply.headers.push(("retry-after", "1".to_owned()));
        reply
    }

    pub(super) fn body_hidden(&self) -> FeedbackReply {
        let message =
            "the proxy does not pass it to the filter, or it arrived too late: send it as x-llm-feedback";
        self.error(503, "body", message)
    }
}
