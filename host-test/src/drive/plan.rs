//! Plans for cutting bodies into chunks, and for the times at which the chunks arrive.

/// The plan for cutting both bodies of an exchange into chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkPlan {
    /// The cuts of the request body.
    pub request: Cut,
    /// The cuts of the response body.
    pub response: Cut,
    /// The form in which the end of a body is signalled.
    pub end: EndForm,
}

/// The cuts of one body. An empty body has no chunks at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cut {
    /// One chunk.
    #[default]
    Whole,
    /// A cut after every N bytes; 0 counts as 1.
    Every(usize),
    /// Cuts at these offsets, in rising order. Duplicates and offsets outside the body have no effect.
    At(Vec<usize>),
}

/// The form in which the end of a body is signalled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EndForm {
    /// One more chunk without bytes, which is what Envoy nearly always sends.
    #[default]
    EmptyChunk,
    /// The flag on the last chunk.
    OnLastChunk,
}

/// Times of events in milliseconds after the request head. The clock never runs back: a time that is past means now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockPlan {
    /// The time at which the request body arrives.
    pub request_end_ms: u64,
    /// The time at which the response head arrives.
    pub response_head_ms: u64,
    /// The times at which the chunks of the response body arrive.
    pub arrivals: Arrivals,
    /// The time at which the stream ends.
    pub end_ms: u64,
}

/// The times at which the chunks of a body arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// All chunks arrive with the head.
    #[default]
    AtOnce,
    /// One time for each chunk; any further chunks arrive with the last one.
    ByChunk(Vec<u64>),
    /// `(offset, ms)`: the bytes from this offset on arrive at that time, and a chunk arrives with its last byte. The
    /// times do not depend on the cuts.
    ByByte(Vec<(usize, u64)>),
}

impl ChunkPlan {
    /// Returns a plan without cuts.
    pub fn whole() -> Self {
        Self::default()
    }

    /// Returns a plan that cuts both bodies after every N bytes.
    pub fn every(bytes: usize) -> Self {
        Self { request: Cut::Every(bytes), response: Cut::Every(bytes), end: EndForm::default() }
    }

    /// Returns a plan that cuts the response at these offsets.
    pub fn response_at(offsets: impl Into<Vec<usize>>) -> Self {
        Self { response: Cut::At(offsets.into()), ..Self::default() }
    }
}

impl Cut {
    /// Returns the chunks of a body.
    pub fn apply<'body>(&self, body: &'body [u8]) -> Vec<&'body [u8]> {
        let offsets: Vec<usize> = match self {
            Self::Whole => Vec::new(),
            Self::Every(bytes) => (0..body.len()).step_by((*bytes).max(1)).collect(),
            Self::At(offsets) => offsets.clone(),
        };
        let mut chunks = Vec::with_capacity(offsets.len() + 1);
        let mut from = 0;
        for to in offsets.into_iter().chain([body.len()]) {
            if from < to && to <= body.len() {
                chunks.push(&body[from..to]);
                from = to;
            }
        }
        chunks
    }
}

impl Arrivals {
    /// Returns the time at which a chunk arrives, by its index and the number of bytes up to its end.
    pub(super) fn time_ms(&self, index: usize, arrived: usize) -> u64 {
        match self {
            Self::AtOnce => 0,
            Self::ByChunk(times) => times.get(index).or(times.last()).copied().unwrap_or(0),
            Self::ByByte(times) => {
                let due = times.iter().filter(|(offset, _)| *offset < arrived);
                due.map(|(_, ms)| *ms).max().unwrap_or(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_lose_and_add_nothing() {
        let body = b"abcdefg";
        assert_eq!(Cut::Whole.apply(body), [b"abcdefg"]);
        assert_eq!(Cut::Every(3).apply(body), [&b"abc"[..], b"def", b"g"]);
        assert_eq!(Cut::Every(0).apply(b"ab"), [b"a", b"b"]);
        let at = Cut::At(vec![0, 2, 2, 7, 9]);
        assert_eq!(at.apply(body), [&b"ab"[..], b"cdefg"]);
        assert_eq!(Cut::Whole.apply(b""), [b""; 0]);
    }

    #[test]
    fn arrival_by_byte_does_not_depend_on_the_cut() {
        let arrivals = Arrivals::ByByte(vec![(0, 10), (4, 30)]);
        assert_eq!(arrivals.time_ms(0, 4), 10);
        assert_eq!(arrivals.time_ms(0, 5), 30);
        assert_eq!(arrivals.time_ms(7, 5), 30);
        let arrivals = Arrivals::ByChunk(vec![5, 6]);
        assert_eq!([0, 1, 2].map(|i| arrivals.time_ms(i, 0)), [5, 6, 6]);
    }
}
