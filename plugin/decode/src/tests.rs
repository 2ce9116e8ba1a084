#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

mod budget;
mod contents;

use super::*;

/// Returns bounds above what any of these tests uses.
fn bounds() -> Bounds {
    Bounds { budget: MemoryBudget::new(1 << 30), window_bytes_max: 1 << 24 }
}

/// A file in `data`: its name, its encoding and its bytes.
struct File(&'static str, &'static str, &'static [u8]);

macro_rules! files {
    ($($name:literal $encoding:literal)*) => {
        [$(File($name, $encoding, include_bytes!(concat!("tests/data/", $name)))),*]
    };
}

const LONG: &[File] = &files!(
    "long.gz" "gzip"
    "long.zlib" "deflate"
    "long.deflate" "deflate"
    "long.br" "br"
    "long_fast.br" "br"
    "long.zst" "zstd"
    "long_fast.zst" "zstd"
);
const EVENTS: &[File] = &files!(
    "events.gz" "gzip"
    "events.zlib" "deflate"
    "events.deflate" "deflate"
    "events.br" "br"
    "events.zst" "zstd"
);

/// Returns the decoded content of a body in pieces, and the result.
fn decode<'a>(
    encoding: &str,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Result<(), DecodeError>) {
    let mut decoder = Decoder::new(encoding.as_bytes(), bounds()).unwrap();
    let mut decoded = Vec::new();
    for piece in pieces {
        let fed = decoder.feed(piece, &mut |bytes| decoded.extend_from_slice(bytes));
        if fed.is_err() {
            assert_eq!(decoder.finish(), fed);
            return (decoded, fed);
        }
    }
    (decoded, decoder.finish())
}

fn whole(encoding: &str, body: &[u8]) -> (Vec<u8>, Result<(), DecodeError>) {
    decode(encoding, [body])
}

/// Returns the bytes of a file.
fn file(name: &str) -> &'static [u8] {
    LONG.iter().chain(EVENTS).find(|file| file.0 == name).unwrap().2
}

#[test]
fn decoder_returns_the_encoded_content() {
    let content = contents::long();
    for File(name, encoding, body) in LONG {
        let (decoded, end) = whole(encoding, body);
        assert_eq!(end, Ok(()), "{name}");
        assert!(decoded == content, "{name}: {} bytes", decoded.len());
        for size in [1, 2, 3, 7, 1000, 16_384] {
            assert!(decode(encoding, body.chunks(size)) == (content.clone(), Ok(())), "{name} by {size}");
        }
    }
}

/// The bytes before a literal select its code.
#[test]
fn brotli_decodes_with_literal_contexts() {
    for body in [&include_bytes!("tests/data/mixed.br")[..], include_bytes!("tests/data/mixed_utf8.br")] {
        for size in [1, usize::MAX] {
            assert!(decode("br", body.chunks(size)) == (contents::mixed(), Ok(())));
        }
    }
}

#[test]
fn decoder_accepts_a_body_split_anywhere() {
    let content = contents::events().concat();
    for File(name, encoding, body) in EVENTS {
        for cut in 0..=body.len() {
            let (before, after) = body.split_at(cut);
            assert_eq!(decode(encoding, [before, b"", after]), (content.clone(), Ok(())), "{name} at {cut}");
        }
    }
}

#[test]
fn decoder_reports_a_truncated_body() {
    let content = contents::events().concat();
    for File(name, encoding, body) in EVENTS {
        for cut in 1..body.len() {
            let (decoded, end) = whole(encoding, &body[..cut]);
            assert_eq!(end, Err(DecodeError::Truncated), "{name} at {cut}");
            assert!(content.starts_with(&decoded), "{name} at {cut}");
        }
        assert_eq!(whole(encoding, b""), (Vec::new(), Ok(())), "{name}: an empty body");
    }
}

#[test]
fn decoder_returns_each_flushed_event_at_once() {
    let cuts = include_str!("tests/data/cuts.txt");
    let events = contents::events();
    for File(name, encoding, body) in EVENTS {
        let line = cuts.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
        let ends = line.split(' ').skip(1).map(|end| end.parse::<usize>().unwrap());
        let mut decoder = Decoder::new(encoding.as_bytes(), bounds()).unwrap();
        let mut from = 0;
        for (end, event) in ends.zip(&events) {
            let mut decoded = Vec::new();
            for byte in body[from..end].chunks(1) {
                decoder.feed(byte, &mut |bytes| decoded.extend_from_slice(bytes)).unwrap();
            }
            assert_eq!(str::from_utf8(&decoded), str::from_utf8(event), "{name} at {end}");
            from = end;
        }
        decoder.feed(&body[from..], &mut |bytes| assert_eq!(bytes, b"")).unwrap();
        assert_eq!(decoder.finish(), Ok(()), "{name}");
    }
}

/// Any one changed byte is an error, or has no effect. Raw deflate and br are not checked: they have no
/// checksum.
#[test]
fn decoder_detects_a_changed_byte() {
    let content = contents::events().concat();
    for File(name, encoding, body) in EVENTS {
        let mut unnoticed = Vec::new();
        for place in 0..body.len() {
            for change in [1, 0x80, 0xFF] {
                let mut body = body.to_vec();
                body[place] ^= change;
                let (decoded, end) = whole(encoding, &body);
                assert_eq!(decode(encoding, body.chunks(1)), (decoded.clone(), end), "{name} at {place}");
                if end.is_ok() && decoded != content {
                    unnoticed.push((place, change));
                }
            }
        }
        let is_checked = *name != "events.deflate" && *name != "events.br";
        assert!(!is_checked || unnoticed.is_empty(), "{name}: {unnoticed:?}");
    }
}

#[test]
fn decoder_detects_a_wrong_checksum() {
    for (name, from_end) in [("long.gz", 8), ("long.gz", 1), ("long.zlib", 1), ("long.zst", 1)] {
        let File(_, encoding, body) = LONG.iter().find(|file| file.0 == name).unwrap();
        let mut body = body.to_vec();
        let place = body.len() - from_end;
        body[place] ^= 4;
        let (decoded, end) = whole(encoding, &body);
        assert_eq!((decoded.len(), end), (131_764, Err(DecodeError::Corrupt)), "{name}");
    }
}

#[test]
fn decoder_knows_the_names_of_the_registry() {
    let content = contents::events().concat();
    for (encoding, name) in [
        ("GZip", "events.gz"),
        ("x-gzip", "events.gz"),
        (" deflate\t", "events.zlib"),
        (",identity , Deflate,", "events.deflate"),
        ("ZSTD", "events.zst"),
        ("Br", "events.br"),
    ] {
        assert_eq!(whole(encoding, file(name)), (content.clone(), Ok(())), "{encoding}");
    }
    for encoding in ["", "identity", " , IDENTITY,", "\t"] {
        assert_eq!(whole(encoding, b"as it is"), (b"as it is".to_vec(), Ok(())), "{encoding:?}");
    }
    for encoding in ["compress", "gzip, dcb", "gzi", "gzip gzip", "gzip;q=1", "gzip,gzip,gzip", "\u{fc}"] {
        assert!(Decoder::new(encoding.as_bytes(), bounds()).is_none(), "{encoding}");
    }
}

/// Returns a gzip member with a stored block and the header fields of `flags`.
fn member(flags: u8, content: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 0, 255];
    for (flag, field) in [(4, &b"\x05\0extra"[..]), (8, b"name\0"), (16, b"a comment\0")] {
        if flags & flag != 0 {
            member.extend_from_slice(field);
        }
    }
    let crc = |bytes: &[u8]| {
        let mut crc = crate::Crc32::default();
        crc.update(bytes);
        crc.value().to_le_bytes()
    };
    if flags & 2 != 0 {
        let header = crc(&member);
        member.extend_from_slice(&header[..2]);
    }
    let size = u16::try_from(content.len()).unwrap();
    member.push(1);
    member.extend(size.to_le_bytes());
    member.extend((!size).to_le_bytes());
    member.extend_from_slice(content);
    member.extend(crc(content));
    member.extend(u32::from(size).to_le_bytes());
    member
}

#[test]
fn gzip_accepts_all_header_fields() {
    assert_eq!(crate::Crc32::default().value(), 0);
    for flags in 0..32 {
        let body = member(flags, b"content");
        for cut in 0..=body.len() {
            let pieces = [&body[..cut], &body[cut..]];
            assert_eq!(decode("gzip", pieces), (b"content".to_vec(), Ok(())), "{flags:#b} at {cut}");
        }
        for cut in 1..body.len() {
            assert_eq!(whole("gzip", &body[..cut]).1, Err(DecodeError::Truncated), "{flags:#b} at {cut}");
        }
    }
    let mut damaged = member(2 | 8, b"content");
    damaged[12] ^= 1;
    assert_eq!(whole("gzip", &damaged), (Vec::new(), Err(DecodeError::Corrupt)));
    for (place, byte) in [(0, 0x1E), (1, 0x8A), (2, 7), (3, 0x20)] {
        let mut damaged = member(0, b"content");
        damaged[place] = byte;
        assert_eq!(whole("gzip", &damaged), (Vec::new(), Err(DecodeError::Corrupt)), "{place}");
    }
}

#[test]
fn decoder_reads_consecutive_members_and_frames() {
    let skippable = [&0x184D_2A5Eu32.to_le_bytes()[..], &3u32.to_le_bytes(), b"any"].concat();
    let empty = [&0x184D_2A50u32.to_le_bytes()[..], &0u32.to_le_bytes()].concat();
    let [zst, fast] = [file("events.zst"), file("long_fast.zst")];
    let events = contents::events().concat();
    let zstd = [&skippable[..], zst, &empty, fast, zst, &skippable].concat();
    let gzip = [&member(8, b"one ")[..], file("events.gz"), &member(0, b""), &member(31, b" two")].concat();
    for (encoding, body, content) in [
        ("zstd", zstd, [&events[..], &contents::long(), &events].concat()),
        ("gzip", gzip, [b"one ", &events[..], b" two"].concat()),
    ] {
        for size in [1, 5, usize::MAX] {
            assert!(decode(encoding, body.chunks(size)) == (content.clone(), Ok(())), "{encoding} by {size}");
        }
        for cut in [1, 30, body.len() - 1] {
            assert_eq!(whole(encoding, &body[..cut]).1, Err(DecodeError::Truncated), "{encoding} at {cut}");
        }
    }
}

#[test]
fn decoder_ignores_bytes_after_the_end() {
    let content = contents::events().concat();
    for File(name, encoding, body) in EVENTS {
        for after in
            [&b"\0"[..], b"\0\0\0\0\0\0\0\0\0", b"garbage", b"\x1F", b"\x1F\x8C", b"\x1F\x1F\x8B\x08"]
        {
            let body = [body, after].concat();
            for size in [1, usize::MAX] {
                assert_eq!(
                    decode(encoding, body.chunks(size)),
                    (content.clone(), Ok(())),
                    "{name} {after:?}"
                );
            }
        }
    }
}

#[test]
fn decoder_reads_nested_encodings() {
    let inner = file("events.zst");
    let content = contents::events().concat();
    let body = member(0, inner);
    for size in [1, 3, usize::MAX] {
        assert_eq!(decode("zstd, gzip", body.chunks(size)), (content.clone(), Ok(())));
    }
    let cut = &body[..body.len() - 3];
    assert_eq!(whole("zstd, gzip", cut), (content.clone(), Err(DecodeError::Truncated)));
    let short = member(0, &inner[..inner.len() - 3]);
    assert_eq!(whole("zstd, gzip", &short), (content, Err(DecodeError::Truncated)));
    assert_eq!(whole("gzip, zstd", &body).1, Err(DecodeError::Corrupt));
    assert_eq!(whole("zstd, gzip", &member(0, b"")), (Vec::new(), Ok(())), "nothing, compressed once");
}

/// Returns a frame with this window and a number of blocks of one repeated byte.
fn rle_frame(window: u8, blocks: usize, block_bytes: u32) -> Vec<u8> {
    let mut frame = [0xFD2F_B528u32.to_le_bytes().as_slice(), &[0, window]].concat();
    for block in 0..blocks {
        let header = block_bytes << 3 | 1 << 1 | u32::from(block + 1 == blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

#[test]
fn decoder_stops_at_the_maximum_ratio() {
    let bombs = [
        ("gzip", include_bytes!("tests/data/zeros.gz").to_vec()),
        ("br", include_bytes!("tests/data/zeros.br").to_vec()),
        ("zstd", rle_frame(13 << 3, 4000, 128 << 10)),
    ];
    for (encoding, body) in bombs {
        for size in [1, 100, usize::MAX] {
            let (decoded, end) = decode(encoding, body.chunks(size));
            assert_eq!(end, Err(DecodeError::Ratio), "{encoding} by {size}");
            let bound = DECODED_BYTES_FREE.max(length(&body) * DECODED_RATIO_MAX);
            assert!(length(&decoded) <= bound, "{encoding} by {size}: {} bytes", decoded.len());
            assert!(length(&decoded) > DECODED_BYTES_FREE / 2, "{encoding} by {size}");
        }
    }
    // A short body may be repetitive.
    let (decoded, end) = whole("zstd", &rle_frame(13 << 3, 8, 128 << 10));
    assert_eq!((decoded.len(), end), (1 << 20, Ok(())));
    // Two encodings that are each within the ratio are not so together.
    let inner = rle_frame(13 << 3, 7, 128 << 10);
    assert_eq!(whole("zstd, gzip", &member(0, &inner)).1, Ok(()));
}

#[test]
fn zstd_refuses_windows_and_blocks_above_the_maximum() {
    assert_eq!(whole("zstd", &rle_frame(13 << 3, 1, 1)), (vec![0], Ok(())));
    assert_eq!(whole("zstd", &rle_frame(13 << 3 | 1, 1, 1)).1, Err(DecodeError::Corrupt), "window");
    assert_eq!(whole("zstd", &rle_frame(0xFF, 1, 1)).1, Err(DecodeError::Corrupt), "the largest window");
    assert_eq!(whole("zstd", &rle_frame(0, 1, 1024)).1, Ok(()));
    assert_eq!(whole("zstd", &rle_frame(0, 1, 1025)).1, Err(DecodeError::Corrupt), "block beyond the window");
    assert_eq!(whole("zstd", &rle_frame(13 << 3, 1, (128 << 10) + 1)).1, Err(DecodeError::Corrupt), "block");
    let mut dictionary = rle_frame(0, 1, 1);
    dictionary[4] = 1;
    assert_eq!(whole("zstd", &dictionary).1, Err(DecodeError::Corrupt));
}

#[test]
fn decoder_has_no_memory_before_the_first_byte_and_after_an_error() {
    let mut decoder = Decoder::new(b"gzip", bounds()).unwrap();
    assert_eq!(decoder.feed(b"", &mut |_| panic!("there is no content")), Ok(()));
    assert_eq!(Decoder::new(b"gzip", bounds()).unwrap().finish(), Ok(()));
    assert_eq!(decoder.feed(b"x", &mut |_| panic!("there is no content")), Err(DecodeError::Corrupt));
    assert_eq!(decoder.layers.capacity(), 0);
    assert_eq!(decoder.feed(b"", &mut |_| panic!("there is no content")), Err(DecodeError::Corrupt));
    assert_eq!(decoder.finish(), Err(DecodeError::Corrupt));
}
