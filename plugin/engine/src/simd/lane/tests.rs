use super::*;

fn masks(block: &[u8], ask: fn(Lane) -> u64) -> u64 {
    let mut mask = 0;
    lanes(block, |lane, from| mask |= ask(lane) << from);
    mask
}

#[test]
fn masks_have_a_bit_for_each_byte_of_a_block() {
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
fn lowered_makes_capitals_lower_case() {
    let lane = Lane::of(u64::from_le_bytes(*b"aZ@[`{\xE1\xDA"), 0).lowered();
    assert_eq!(lane.within(b'a', 26) & 0xFF, 0b11);
}

#[test]
fn masks_agree_with_the_standard_library_for_every_byte() {
    for byte in 0..=u8::MAX {
        let lane = Lane::of(u64::from(byte), u64::from(byte) << 56);
        let is = |yes: bool| if yes { 0x8001 } else { 0 };
        assert_eq!(lane.within(b'a', 26) & 0x8001, is(byte.is_ascii_lowercase()));
        assert_eq!(lane.within(b'!', 94) & 0x8001, is(byte.is_ascii_graphic()));
        assert_eq!(lane.is(b'u') & 0x8001, is(byte == b'u'));
        assert_eq!((lane.top() & 0x8001, lane.two_tops() & 0x8001), (is(byte >= 0x80), is(byte >= 0xC0)));
    }
}
