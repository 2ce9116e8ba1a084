//! What the targets share: bytes in pieces.

/// From here on the smallest pieces are longer than a byte, so that no round is slow.
const BYTE_BY_BYTE_MAX: usize = 1000;

/// `bytes` whole, cut at two places, and byte by byte.
pub fn cuttings(bytes: &[u8], cuts: [u8; 2]) -> [Vec<&[u8]>; 3] {
    let mut cuts = cuts.map(|cut| usize::from(cut) * (bytes.len() + 1) / 256);
    cuts.sort_unstable();
    let in_three = vec![&bytes[..cuts[0]], &bytes[cuts[0]..cuts[1]], &bytes[cuts[1]..]];
    [vec![bytes], in_three, bytes.chunks(1 + bytes.len() / BYTE_BY_BYTE_MAX).collect()]
}
