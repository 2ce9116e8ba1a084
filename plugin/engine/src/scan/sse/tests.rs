use proptest::prelude::*;

use super::*;
use crate::testing::sse_twin::{self as twin, Events};
use crate::testing::{every_cutting, pieces, points};

#[derive(Default)]
struct Collector {
    events: Events,
    data: Vec<u8>,
}

impl SseSink for Collector {
    fn data(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    fn dispatch(&mut self) {
        self.events.whole.push(core::mem::take(&mut self.data));
    }
}

fn read(pieces: &[&[u8]]) -> Events {
    let mut sse = Sse::default();
    let mut collector = Collector::default();
    for piece in pieces {
        sse.feed(piece, &mut collector);
    }
    let open = sse.is_inside_event().then_some(collector.data);
    Events { open, ..collector.events }
}

fn check(text: &str, whole: &[&str], open: Option<&str>) {
    let whole = whole.iter().map(|data| data.as_bytes().to_vec()).collect();
    let expected = Events { whole, open: open.map(|data| data.as_bytes().to_vec()) };
    assert_eq!(twin::events(text.as_bytes()), expected, "the twin, of {text:?}");
    for pieces in every_cutting(text.as_bytes()) {
        assert_eq!(read(&pieces), expected, "{text:?} in {} pieces", pieces.len());
    }
}

#[test]
fn sse_accepts_all_line_ends() {
    for end in ["\n", "\r\n", "\r"] {
        check(&["data: a", "", "data: b", "data: c", "", ""].join(end), &["a", "b\nc"], None);
    }
    check("data: a\r\n\ndata: b\r\rdata: c\n\r\n", &["a", "b", "c"], None);
    check("data: a\r\n\r\n", &["a"], None);
    check("data: a\n\r", &["a"], None);
}

#[test]
fn sse_ignores_all_fields_but_data() {
    check(": hello\n\nid: 1\nevent: x\nretry: 5\n\n", &[], None);
    check("event: x\ndata: a\nid: 2\n: note\ndata: b\n\n", &["a\nb"], None);
    check("datax: a\n\ndat: b\n\nDATA: c\n\n data: d\n\ndata : e\n\n", &[], None);
    check("d\n\nda\n\n:data: x\n\n", &[], None);
}

#[test]
fn sse_drops_one_space_and_joins_lines() {
    check("data:a\n\ndata:  b \n\ndata:: c\n\ndata:\td\n\n", &["a", " b ", ": c", "\td"], None);
    check("data\n\ndata:\n\ndata: \n\n", &["", "", ""], None);
    check("data\ndata: a\ndata\n\n", &["\na\n"], None);
}

#[test]
fn sse_reports_an_open_last_event() {
    check("data: a\n\ndata: b", &["a"], Some("b"));
    check("data: a\n", &[], Some("a"));
    check("data: a\ndata", &[], Some("a"));
    check("data: a\ndata:", &[], Some("a\n"));
    check("data:", &[], Some(""));
    check("data", &[], None);
    check("data: a\n\ndat", &["a"], None);
    check("\n\n\n", &[], None);
}

proptest! {
    #[test]
    fn sse_reads_as_the_naive_twin_does(
        parts in prop::collection::vec("data|data:|: |x|\n|\n\n|\r|\r\n|[a-e: ]|\u{fe}", 0..40),
        points in points(),
    ) {
        let text = parts.concat();
        let whole = read(&[text.as_bytes()]);
        prop_assert_eq!(&whole, &twin::events(text.as_bytes()));
        prop_assert_eq!(&read(&text.as_bytes().chunks(1).collect::<Vec<_>>()), &whole);
        prop_assert_eq!(&read(&pieces(text.as_bytes(), &points)), &whole);
    }
}
