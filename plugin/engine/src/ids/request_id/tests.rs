#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

const IDS: Ids = Ids { trace: [0x0A; 16], span: [0xB7; 8], parent: None };

fn key(secret: &str) -> SigningKey {
    SigningKey::new(secret.as_bytes())
}

fn read(text: &str, key: Option<&SigningKey>) -> Result<RequestId, RequestIdError> {
    RequestId::read(text, key.map_or(&[], core::slice::from_ref))
}

/// The signature was made with `openssl dgst -sha256 -mac HMAC -macopt key:0123456789abcdef` over the bytes, cut to 16
/// bytes.
#[test]
fn request_id_has_all_fields_of_its_exchange() {
    let unsigned = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a-b7b7b7b7b7b7b7b7-01-692951f3-6770742d346f";
    assert_eq!(IDS.request_id(0x6929_51F3, "gpt-4o", None), unsigned);
    let signed = IDS.request_id(0x6929_51F3, "gpt-4o", Some(&key("0123456789abcdef")));
    assert_eq!(signed, format!("{unsigned}-79c5fbb963f6936362e916b48a9f2819"));
    let id = RequestId { ids: IDS, issued_s: 0x6929_51F3, model: "gpt-4o".to_owned() };
    for text in [unsigned, &signed] {
        assert_eq!(read(text, None), Ok(id.clone()), "a signature is ignored without a secret");
    }
    assert_eq!(read(&signed, Some(&key("0123456789abcdef"))), Ok(id));
    assert_eq!(read(unsigned, Some(&key("0123456789abcdef"))), Err(RequestIdError::Signature));
    let without_model = IDS.request_id(1, "", None);
    assert_eq!(without_model, "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a-b7b7b7b7b7b7b7b7-01-00000001-");
    assert_eq!(read(&without_model, None).unwrap().model, "");
}

#[test]
fn request_id_refuses_other_text() {
    let good = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a-b7b7b7b7b7b7b7b7-01-692951f3-6770742d346f";
    assert!(read(good, None).is_ok());
    let long = "61".repeat(LABEL_BYTES_MAX);
    assert!(read(&good.replace("6770742d346f", &long), None).is_ok());
    let faulty = [
        String::new(),
        "x".to_owned(),
        good.to_uppercase(),
        good.replace("-01-", "-02-"),
        good.replace("-01-", "-1-"),
        good.replace("-01-", "-0001-"),
        good.replace("0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a", "00000000000000000000000000000000"),
        good.replace("b7b7b7b7b7b7b7b7", "0000000000000000"),
        good.replace("b7b7b7b7b7b7b7b7", "b7b7b7b7b7b7b7"),
        good.replace("692951f3", "692951f"),
        good.replace("6770742d346f", "6770742d346"),
        good.replace("6770742d346f", "ff"),
        good.replace("6770742d346f", &[long.as_str(), "61"].concat()),
        good.replace('-', "_"),
        good.replace('a', "é"),
        format!(" {good}"),
        format!("{good}-"),
        format!("{good}-00"),
        format!("{good}-{}-", "00".repeat(16)),
        format!("{good}-{}-00", "00".repeat(16)),
    ];
    for text in faulty {
        assert_eq!(read(&text, None), Err(RequestIdError::Form), "{text}");
    }
}

#[test]
fn request_id_accepts_any_of_several_secrets() {
    let [old, new, other] = ["old secret of ours", "new secret of ours", "a stranger's secret"].map(key);
    let of_old = IDS.request_id(7, "m", Some(&old));
    assert!(RequestId::read(&of_old, &[new.clone(), old.clone()]).is_ok());
    assert_eq!(RequestId::read(&of_old, &[new, other]), Err(RequestIdError::Signature));
    assert_eq!(format!("{old:?}"), "SigningKey");
}

#[test]
fn request_id_cuts_a_long_model_off_between_characters() {
    let long = ["x".repeat(LABEL_BYTES_MAX - 1), "é".to_owned()].concat();
    let key = key("0123456789abcdef");
    let id = read(&IDS.request_id(1, &long, Some(&key)), Some(&key)).unwrap();
    assert_eq!(id.model, "x".repeat(LABEL_BYTES_MAX - 1));
}

prop_compose! {
    fn any_ids()(trace in any::<[u8; 16]>(), span in any::<[u8; 8]>()) -> Ids {
        Ids { trace: super::super::nonzero(trace), span: super::super::nonzero(span), parent: None }
    }
}

proptest! {
    #[test]
    fn request_id_reads_what_it_writes(ids in any_ids(), issued_s: u32, model in "\\PC{0,30}", secret: Option<Vec<u8>>) {
        let key = secret.map(|secret| SigningKey::new(&secret));
        let text = ids.request_id(issued_s, &model, key.as_ref());
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'), "{text}");
        prop_assert_eq!(read(&text, key.as_ref()), Ok(RequestId { ids, issued_s, model }));
    }

    #[test]
    fn request_id_detects_flipped_bits(ids in any_ids(), issued_s: u32, model in "\\PC{0,9}", at: usize, bit in 0..8_u32) {
        let key = key("0123456789abcdef");
        let mut bytes = ids.request_id(issued_s, &model, Some(&key)).into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        // Bytes that are no text cannot be given to the parser.
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(read(&text, Some(&key)).is_err(), "{text}");
        }
    }

    #[test]
    fn request_id_refuses_the_signature_of_another_secret(ids in any_ids(), one in "[a-z]{16}", other in "[a-z]{16}") {
        prop_assume!(one != other);
        let text = ids.request_id(1, "m", Some(&key(&one)));
        prop_assert_eq!(read(&text, Some(&key(&other))), Err(RequestIdError::Signature));
    }

    #[test]
    fn request_id_accepts_any_text_without_a_panic(text in "[0-9a-f-]{0,200}|\\PC{0,99}") {
        if let Ok(id) = read(&text, None) {
            let again = id.ids.request_id(id.issued_s, &id.model, None);
            prop_assert!(text.starts_with(&again), "an id has one spelling");
        }
    }
}
