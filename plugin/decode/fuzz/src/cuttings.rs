//! The pieces in which the checks feed their bytes.

/// The maximum number of bytes that are fed one by one. Longer inputs are fed in about as many larger pieces, so that
/// no input takes long.
pub const SINGLE_BYTES_MAX: usize = 1000;

/// Returns `bytes` whole, cut at two places, and in the smallest pieces.
pub fn cuttings(bytes: &[u8], cuts: [u8; 2]) -> [Vec<&[u8]>; 3] {
    [vec![bytes], cut(bytes, &cuts), smallest(bytes)]
}

/// Returns `bytes` cut at as many places as there are `cuts`, each in 256ths of the length. Pieces may be empty.
pub fn cut<'a>(bytes: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| usize::from(*cut) * (bytes.len() + 1) / 256).collect();
    places.sort_unstable();
    let begins = [0].into_iter().chain(places.iter().copied());
    let ends = places.iter().copied().chain([bytes.len()]);
    begins.zip(ends).map(|(begin, end)| &bytes[begin..end]).collect()
}

/// Returns `bytes` one by one, or in larger pieces beyond [`SINGLE_BYTES_MAX`].
pub fn smallest(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.chunks(1 + bytes.len() / SINGLE_BYTES_MAX).collect()
}
