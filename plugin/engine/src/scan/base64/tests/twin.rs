//! The naive twin of the decoder: the whole text, bit by bit. It knows nothing of the engine, so that the fuzz targets
//! can use it too.

const ALPHABETS: [&[u8]; 2] = [
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
];

/// What stands before the first byte that is of no alphabet, decoded, and whether there is such a byte. Padding says
/// nothing wherever it stands.
pub fn decoded(text: &[u8]) -> (Vec<u8>, bool) {
    let sextet =
        |byte: &u8| ALPHABETS.iter().find_map(|letters| letters.iter().position(|letter| letter == byte));
    let letters: Vec<_> = text.iter().filter(|byte| **byte != b'=').collect();
    let sextets: Vec<_> = letters.iter().map_while(|byte| sextet(byte)).collect();
    let bits: String = sextets.iter().map(|sextet| format!("{sextet:06b}")).collect();
    let octets = (0..bits.len() / 8).filter_map(|number| bits.get(number * 8..number * 8 + 8));
    let bytes = octets.filter_map(|octet| u8::from_str_radix(octet, 2).ok()).collect();
    (bytes, sextets.len() < letters.len())
}
