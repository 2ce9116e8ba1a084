//! How bodies are cut, and when the pieces arrive.

/// How the bodies of an exchange are cut into chunks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkPlan {
    /// The request body.
    pub request: Cut,
    /// The response body.
    pub response: Cut,
    /// How the last chunk is told to be the last.
    pub end: EndForm,
}

/// How one body is cut. An empty body has no chunks at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    #[default]
    Whole,
    /// After every so many bytes; 0 counts as 1.
    Every(usize),
    /// At these offsets, in rising order; those outside the body, and doubles, cut nothing.
    At(Vec<usize>),
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EndForm {
    /// By one more chunk without bytes: what Envoy does nearly always.
    #[default]
    EmptyChunk,
    /// By the last chunk itself.
    OnLastChunk,
}

/// When things happen, in milliseconds after the request head. Times never run back: one that is over is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockPlan {
    /// When the request body arrives.
    pub request_end_ms: u64,
    /// When the response head arrives.
    pub response_head_ms: u64,
    /// When the chunks of the response body arrive.
    pub arrivals: Arrivals,
    /// When the stream ends.
    pub end_ms: u64,
}

/// When the chunks of a body arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// With the head.
    #[default]
    AtOnce,
    /// Chunk by chunk; later ones with the last.
    ByChunk(Vec<u64>),
    /// `(offset, ms)`: the bytes from this offset on arrive at that time; a chunk arrives with its last byte. This
    /// one gives the same times whatever the cuts.
    ByByte(Vec<(usize, u64)>),
}

impl ChunkPlan {
    /// Nothing is cut.
    pub fn whole() -> Self {
        Self::default()
    }

    /// Both bodies are cut after every so many bytes.
    pub fn every(bytes: usize) -> Self {
        Self { request: Cut::Every(bytes), response: Cut::Every(bytes), end: EndForm::default() }
    }

    /// The response is cut at these offsets.
    pub fn response_at(offsets: impl Into<Vec<usize>>) -> Self {
        Self { response: Cut::At(offsets.into()), ..Self::default() }
    }
}

impl Cut {
    /// The chunks of a body.
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
    /// When a chunk arrives, by its index and the number of bytes that are there with it.
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
