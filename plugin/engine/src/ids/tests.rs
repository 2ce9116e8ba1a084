use proptest::prelude::*;

use super::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const RANDOM: [u8; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8];
const FRESH: &str = "0102030405060708090a0b0c0d0e0f10";

fn check(traceparent: Option<&str>, request_id: Option<&str>, trace: &str) {
    let ids = Ids::new(traceparent.map(str::as_bytes), request_id.map(str::as_bytes), RANDOM);
    let expected = format!("{trace}-a1a2a3a4a5a6a7a8-01-00000000-");
    assert_eq!(ids.request_id(0, "", None), expected, "{traceparent:?} {request_id:?}");
}

#[test]
fn ids_follow_a_valid_traceparent() {
    check(Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), None, TRACE);
    check(Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), Some("x"), TRACE);
    check(Some("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-later"), None, TRACE);
}

#[test]
fn ids_ignore_an_invalid_traceparent() {
    let faulty = [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "zz-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319cc-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
    ];
    for traceparent in faulty {
        check(Some(traceparent), None, FRESH);
    }
}

#[test]
fn ids_fall_back_to_a_request_id_that_is_a_uuid() {
    check(None, Some("0af76519-16cd-43dd-8448-eb211c80319c"), TRACE);
    check(None, Some("0AF76519-16CD-43DD-8448-EB211C80319C"), TRACE);
    check(Some("ff-x"), Some("0af76519-16cd-43dd-8448-eb211c80319c"), TRACE);
    let no_uuids = [
        "",
        "abc",
        TRACE,
        "00000000-0000-0000-0000-000000000000",
        "0af7651916-cd-43dd-8448-eb211c80319c",
        "0af76519-16cd-43dd-8448-eb211c80319g",
        "0af76519-16cd-43dd-8448-eb211c8031-c",
        "0af76519-16cd-43dd-8448-eb211c80319cc",
    ];
    for request_id in no_uuids {
        check(None, Some(request_id), FRESH);
    }
    check(None, None, FRESH);
}

#[test]
fn ids_have_the_parent_of_a_valid_traceparent() {
    let parent = |traceparent: &str| Ids::new(Some(traceparent.as_bytes()), None, RANDOM).parent;
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    assert_eq!(parent(good), Some([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
    assert_eq!(parent(&good.replace("b7ad6b7169203331", "0000000000000000")), None);
    assert_eq!(parent(&good.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32))), None);
    let of_uuid = Ids::new(None, Some(b"0af76519-16cd-43dd-8448-eb211c80319c"), RANDOM);
    assert_eq!(of_uuid.parent, None);
}

#[test]
fn ids_are_never_zero() {
    let ids = Ids::new(None, None, [0; 24]);
    assert_eq!(ids, Ids { trace: [1; 16], span: [1; 8], parent: None });
}

proptest! {
    #[test]
    fn ids_accept_any_headers(traceparent: Vec<u8>, request_id in "\\PC{0,40}") {
        let ids = Ids::new(Some(&traceparent), Some(request_id.as_bytes()), RANDOM);
        prop_assert!(ids.trace != [0; 16] && ids.span != [0; 8]);
    }

    #[test]
    fn push_hex_agrees_with_format_for_any_bytes(bytes: Vec<u8>) {
        let mut text = String::new();
        push_hex(&mut text, &bytes);
        prop_assert_eq!(text, bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }

    #[test]
    fn hex_digits_agree_with_format_for_any_number(number: u32) {
        prop_assert_eq!(hex_digits(number).to_be_bytes().to_vec(), format!("{number:08x}").into_bytes());
    }
}
