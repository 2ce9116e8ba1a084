//! Makes gzip from what the host compressed as zlib, so that the filter needs no compressor.

use llm_gauge_decode::Crc32;

/// The length of zlib's checksum after the data.
const ADLER_BYTES: usize = 4;

/// Returns `body` as gzip (RFC 1952), made from its zlib form (RFC 1950), which has the same data between another
/// header and another checksum. `None` if `zlib` is not in that form.
pub fn gzip(body: &[u8], zlib: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = zlib.split_first_chunk::<2>()?;
    let [method, flags] = *header;
    let has_dictionary = flags & 0x20 != 0;
    let is_zlib = method & 0xF == 8 && u16::from_be_bytes(*header) % 31 == 0 && !has_dictionary;
    let (data, _) = rest.split_at_checked(rest.len().checked_sub(ADLER_BYTES)?)?;
    if !is_zlib {
        return None;
    }
    let mut crc = Crc32::default();
    crc.update(body);
    // The format has the length modulo 2^32.
    let length = u64::try_from(body.len()).ok()?.to_le_bytes();
    // The header has no flags, no time, no level and an unknown system.
    let mut gzip = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    gzip.extend_from_slice(data);
    gzip.extend_from_slice(&crc.value().to_le_bytes());
    gzip.extend_from_slice(length.first_chunk::<4>()?);
    Some(gzip)
}
