//! Stat names as keys of a hash map.

use std::hash::{Hash, Hasher};

/// A stat name that is hashed and compared eight bytes at a time. In wasm, the standard library's hash and comparison
/// take one byte at a time.
pub(crate) struct Name(pub(crate) String);

impl Name {
    fn words(&self) -> (impl Iterator<Item = u64>, &[u8]) {
        let (words, tail) = self.0.as_bytes().as_chunks::<8>();
        (words.iter().map(|word| u64::from_le_bytes(*word)), tail)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        let ((mine, my_tail), (theirs, their_tail)) = (self.words(), other.words());
        mine.eq(theirs) && my_tail == their_tail
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (words, tail) = self.words();
        words.for_each(|word| state.write_u64(word));
        tail.iter().for_each(|byte| state.write_u64(u64::from(*byte)));
    }
}

/// The hasher of stat names. Names that are chosen to collide cost a search over at most `models.max_series` series.
#[derive(Default)]
pub(crate) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
