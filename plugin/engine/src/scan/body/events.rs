//! The documents in server-sent events: each event has one document or the mark `[DONE]`.

use super::{DONE_MARK, Documents, Event};
use crate::record::Gap;
use crate::scan::{DocumentEnd, Json, Paths, SseSink};

/// Feeds the data of events to the JSON scanner.
pub(super) struct Events<'a, D> {
    pub(super) json: &'a mut Json,
    pub(super) event: &'a mut Event,
    pub(super) event_bytes_max: u64,
    pub(super) paths: &'a Paths,
    pub(super) documents: &'a mut D,
}

impl<D: Documents> Events<'_, D> {
    /// Takes the bytes that could still belong to `[DONE]`, and returns the others.
    fn after_done_mark<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        if self.event.bytes > u64::try_from(self.event.done_matched).unwrap_or(u64::MAX) {
            return bytes;
        }
        let expected = DONE_MARK.get(self.event.done_matched..).unwrap_or_default();
        let pairs = expected.iter().zip(bytes);
        let matched = pairs.take_while(|(expected, byte)| expected == byte).count();
        self.event.done_matched = self.event.done_matched.saturating_add(matched);
        bytes.get(matched..).unwrap_or_default()
    }

    fn read(&mut self, bytes: &[u8]) {
        if self.event.is_skipped {
            return;
        }
        let rest = self.after_done_mark(bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.event.bytes = self.event.bytes.saturating_add(length);
        let is_mark = self.event.done_matched == DONE_MARK.len();
        if rest.is_empty() || (is_mark && rest.iter().all(u8::is_ascii_whitespace)) {
            return;
        }
        // The bytes that looked like the mark were the beginning of a document.
        let held = core::mem::take(&mut self.event.done_matched);
        let held = DONE_MARK.get(..held).unwrap_or_default();
        for part in [held, rest] {
            self.event.feed_one(self.json, part, self.paths, self.documents);
        }
    }
}

impl<D: Documents> SseSink for Events<'_, D> {
    fn data(&mut self, bytes: &[u8]) {
        let room = self.event_bytes_max.saturating_sub(self.event.bytes);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        // The bytes that fit are read first, so that the reported gap does not depend on how the event was split.
        let (within, beyond) = bytes.split_at_checked(room).unwrap_or((bytes, b""));
        self.read(within);
        if !beyond.is_empty() && !self.event.is_skipped {
            self.event.fail(Gap::EventTooLarge, self.documents);
        }
    }

    fn dispatch(&mut self) {
        if !self.event.is_skipped {
            let ended = self.event.finish(self.json, self.paths, self.documents);
            if ended == DocumentEnd::Incomplete {
                self.documents.gap(Gap::Malformed);
            }
        }
        *self.event = Event::default();
        self.json.reset();
    }
}
