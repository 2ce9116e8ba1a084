//! The naive twin of the decoder: it decodes the whole text, bit by bit. It does not use the engine, so that the fuzz
//! targets can use it too.

const ALPHABETS: [&[u8]; 2] = [
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
];

/// Decodes the text before the first byte that is in no alphabet. Returns the bytes, and whether there is such a byte.
/// Padding is ignored everywhere.
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
