use super::*;

fn masks(block: &[u8], ask: fn(Lane) -> u64) -> u64 {
    let mut mask = 0;
    lanes(block, |lane, from| mask |= ask(lane) << from);
    mask
}

#[test]
fn every_byte_has_its_bit_in_blocks_of_any_length() {
    for length in 0..=BLOCK_BYTES {
        for at in 0..length {
            let mut block = vec![b'x'; length];
            block[at] = 0xC3;
            assert_eq!(masks(&block, Lane::top), 1 << at);
            assert_eq!(masks(&block, Lane::two_tops), 1 << at);
            block[at] = 0x80;
            assert_eq!((masks(&block, Lane::top), masks(&block, Lane::two_tops)), (1 << at, 0));
            let all = u64::MAX >> (BLOCK_BYTES - length);
            assert_eq!(masks(&block, |lane| lane.within(b'w', 2)), all & !(1 << at));
        }
    }
}

#[test]
fn capitals_are_lowered() {
    let lane = Lane::of(u64::from_le_bytes(*b"aZ@[`{\xE1\xDA"), 0).lowered();
    assert_eq!(lane.within(b'a', 26) & 0xFF, 0b11);
}

#[test]
fn every_byte_is_in_the_ranges_that_have_it() {
    for byte in 0..=u8::MAX {
        let lane = Lane::of(u64::from(byte), u64::from(byte) << 56);
        let is = |yes: bool| if yes { 0x8001 } else { 0 };
        assert_eq!(lane.within(b'a', 26) & 0x8001, is(byte.is_ascii_lowercase()));
        assert_eq!(lane.within(b'!', 94) & 0x8001, is(byte.is_ascii_graphic()));
        assert_eq!(lane.is(b'u') & 0x8001, is(byte == b'u'));
        assert_eq!((lane.top() & 0x8001, lane.two_tops() & 0x8001), (is(byte >= 0x80), is(byte >= 0xC0)));
    }
}
