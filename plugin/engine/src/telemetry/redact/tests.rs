#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::config::Policy;

fn redactor(list: &str) -> Redactor {
    let document = format!(r#"{{"redact":{list}}}"#);
    Policy::parse(document.as_bytes()).unwrap().redactor().as_ref().clone()
}

/// Asserts the redaction of texts: in each, `<` and `>` enclose a match, and there must be no other match.
fn check(name: &str, texts: &[&str]) {
    let redactor = redactor(&format!(r#"["{name}"]"#));
    for marked in texts {
        let mut expected = String::new();
        let mut rest = *marked;
        while let Some((before, inside)) = rest.split_once('<') {
            let (_, after) = inside.split_once('>').unwrap();
            expected.push_str(before);
            expected.push_str(&format!("[{name}]"));
            rest = after;
        }
        expected.push_str(rest);
        assert_eq!(redactor.apply(&marked.replace(['<', '>'], "")), expected, "{marked}");
    }
}

#[test]
fn email_matches_addresses() {
    check(
        "email",
        &[
            "<jan@example.com>",
            "Write to <jan.doe+tag@mail.example.co.uk>.",
            "(<a@b.io>), <c_d%e-f@g-h.org>; '<x@y.museum>'",
            "<jörg.müller@bücher.example>, <иван@пример.рф>",
            "请联系<jan@example.com>谢谢",
            "<a@xn--bcher-kva.xn--p1ai>",
            "<o'neil@example.com>",
            "wide: <jan＠example.com>",
            "at the end <jan@example.com>",
            "mailto:<jan@example.com>?subject=x",
            "?to=<jan%40example.com>&x=1",
            "<jan&#64;example.com>, <jan&commat;example.com>, <jan&#x40;example.com>",
            "<ja\u{AD}n@exam\u{200B}ple.com>",
            "100%40 of it, a &#64; b",
            "user@localhost",
            "x@1.2",
            "@example.com",
            "a@<b@c.com>",
            "a@b",
            "git@",
            "one @ two.com",
            "v1.2@3.4",
        ],
    );
}

#[test]
fn card_matches_payment_card_numbers() {
    check(
        "card",
        &[
            "<4111111111111111>",
            "<4111 1111 1111 1111>",
            "<4111-1111-1111-1111>, exp 12/27",
            "<5500 0000 0000 0004> and <3782 822463 10005>",
            "<4111\u{A0}1111\u{202F}1111–1111>",
            "é<4111111111111111>é",
            "卡号<４１１１１１１１１１１１１１１１>。",
            "No. 12 <4111 1111 1111 1111> 123",
            "<4111 1111 1111 1111> 2025 10",
            "<6011000990139424>",
            "<4111  1111  1111  1111>",
            "<4111\n1111\r\n1111\t1111>",
            "<4111.1111.1111.1111>, <4111/1111/1111/1111>",
            "<4111_1111_1111_1111>, <4111,1111,1111,1111>",
            // One digit differs.
            "4111111111111112",
            // Numbers that are too short or too long, a time, a fraction.
            "411111111111",
            "41111111111111111111",
            "1750000000000000003",
            "0.4111111111111111",
            "4111   1111   1111   1111",
            "4111:1111:1111:1111",
        ],
    );
}

#[test]
fn phone_matches_telephone_numbers() {
    check(
        "phone",
        &[
            "<+1 415 555 0100>",
            "<+49 (171) 1234567>, <+33 1 23 45 67 89>",
            "call <(415) 555-0100> or <415-555-0100> or <415.555.0100>!",
            "<1-800-555-0199>",
            "<0171 1234567>, <030/1234567>, <01 23 45 67 89>",
            "电话：<+86 10 1234 5678>。",
            "<+14155550100>",
            "<0049 30 1234567>, <00 1 415 555 0100>",
            "00493012345678",
            "2024-01-02 10:30",
            "01-02-2024 10:30",
            "0.123 456 789",
            "192.168.100.1",
            "v1.415.555.0100",
            "order 4155550100",
            "1 234 567",
            "+1 234",
            "4111 1111 1111 1111",
        ],
    );
}

#[test]
fn phone_is_found_after_other_digits() {
    check(
        "phone",
        &[
            "Order 1234567890123, call <415-555-0100>",
            "12345678901234567890 <(415) 555-0100>",
            "Call <415-555-0100>. 24 hours",
            "<(415) 555-0100> 2 pm",
            "<030 1234567> 2024",
            "<415-555-0100> <415-555-0101>",
            "<415-555-0100>/<415-555-0101>",
            "<1-800-555-0199> 365 days",
            "<01 23 45 67 89> 24 h",
            "24 <415-555-0100>",
            "<0171 1234567>. 5",
            "415-555-01001",
            "415-555-0100123",
        ],
    );
}

#[test]
fn ssn_matches_social_security_numbers() {
    check(
        "ssn",
        &[
            "<123-45-6789>",
            "SSN: <123 45 6789>.",
            "<123–45–6789>",
            "000-12-3456",
            "666-12-3456",
            "900-12-3456",
            "123-00-4567",
            "123-45-0000",
            "1123-45-6789",
            "123-45-67890",
            "x123-45-6789",
            "123456789",
            "123-456-789",
            "My SSN is <123-45-6789> 1985-02-03",
            "SSN <123-45-6789> 2 children",
            "<123-45-6789> <123 45 6788>",
        ],
    );
}

#[test]
fn numbers_match_with_any_gap_and_with_zero_width_characters() {
    let gaps =
        ["\u{3000}", "\u{A0}", "\u{2007}", "\u{202F}", "\u{2003}", "\t", "\n", "\r\n", "  ", "-\n", "－"];
    let unseen =
        ["\u{200B}", "\u{200C}", "\u{200D}", "\u{2060}", "\u{FEFF}", "\u{AD}", "\u{200B}\u{200B}\u{FEFF}"];
    for (name, groups) in [
        ("card", vec!["4111", "1111", "1111", "1111"]),
        ("phone", vec!["415", "555", "0100"]),
        ("phone", vec!["+49", "30", "1234567"]),
        ("ssn", vec!["123", "45", "6789"]),
    ] {
        for gap in gaps {
            check(name, &[&format!("a <{}> b", groups.join(gap))]);
        }
        for sign in unseen {
            let within = |group: &&str| {
                group.split("").collect::<Vec<_>>().join(sign).trim_matches(|c| sign.contains(c)).to_owned()
            };
            let written = groups.iter().map(within).collect::<Vec<_>>().join(&format!("{sign}-{sign}"));
            check(name, &[&format!("a{sign} <{written}>{sign} b")]);
        }
    }
}

#[test]
fn other_numbers_are_not_matched() {
    let texts = [
        "2024-01-02 10:30:00, 2024-01-03 11:45:00",
        "2024-01-02\n2024-01-03\n2024-01-04\n2024-01-05",
        "2024-05-02\t2024-06-03  2024-07-04",
        "20240102 20240103",
        "01/02/2024\n02/02/2024\n03/02/2024",
        "02.01.2024 10.30, 03.01.2024 11.45",
        "0815 2024-01-02 10:30",
        "0815\n02/01/2024 10:30",
        "10:30\n11:45\n12:00",
        "v1.415.555.0100, 2.31.4, 10.0.19045.3803",
        "192.168.100.1\n192.168.100.2",
        "$1,299.00  $2,499.00\n$3,999.99",
        "1 234 567 EUR, 12 500 000 EUR, 0.99 EUR",
        "19.99\n24.99\n100.00\n250.00",
        "1.\u{A0}first\n2.\u{A0}second\n3. third",
        "3000 x 2000, 1920\u{2009}x\u{2009}1080",
        "1234567890123 1234567890123",
    ];
    for name in ["card", "phone", "ssn"] {
        check(name, &texts);
    }
}

/// A long run of any character neither makes a finder miss a match after it nor takes quadratic time.
#[test]
fn a_match_after_a_long_run_of_characters_is_found() {
    let parts = [
        "1",
        "0 ",
        "1-",
        "(",
        "(\u{200B}",
        "+",
        "+1",
        "0\u{AD}",
        "\u{200B}",
        "\n",
        ". ",
        "0123 ",
        "2024-01-02 ",
    ];
    for part in parts {
        let stretch = part.repeat(20_000);
        for (name, number) in
            [("phone", "415-555-0100"), ("ssn", "123-45-6789"), ("card", "4111 1111 1111 1111")]
        {
            let left = redactor(&format!(r#"["{name}"]"#)).apply(&format!("{stretch}, {number}"));
            assert!(left.ends_with(&format!(", [{name}]")), "{name} behind {part:?}");
        }
    }
}

#[test]
fn api_key_matches_keys_and_tokens() {
    check(
        "api_key",
        &[
            "<sk-proj-abcDEF0123456789_-xyz>",
            "export KEY=<sk-0123456789abcdef0123>;",
            "Authorization: Bearer <abc.def-0123456789+/=>",
            "\"<AKIAIOSFODNN7EXAMPLE>\"",
            "<ghp_0123456789abcdefghij>, <xoxb-0123456789-abc>",
            "<eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijkl>.",
            "ключ <sk-0123456789abcdef0123>ключ",
            "s\u{AD}k-0123456789 <sk-01234\u{200B}56789abcdef>",
            "Authorization: Basic <QWxhZGRpbjpvcGVuIHNlc2FtZQ==>, basic responsibilities",
            "authorization: basic <dXNlcnBhc3N3b3JkYWJj>",
            "<SG.abcdefghijklmnopqrstuv.0123456789>, <dop_v1_0123456789abcdef0123456789abcdef>",
            "<SK0123456789abcdef0123456789abcdef>, SKILLS-and-experience-of-all-sorts-0000",
            "<xapp-1-A0123-456>, <ghr_0123456789abcdefghij>",
            "<123456789:AAabcdefghijklmnopqrstuvwxyz0123456>, 12:30",
            "AWS_SECRET_ACCESS_KEY=<wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY>",
            "<-----BEGIN RSA PRIVATE KEY-----\nMIIB\nabc=\n-----END RSA PRIVATE KEY----->\n",
            "<-----BEGIN PRIVATE KEY-----\nMIIB\ncut off>",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "sk-short",
            "task-0123456789abcdef0123",
            "Bearer of bad news",
            "desk-eyJ",
        ],
    );
}

#[test]
fn regular_expressions_of_the_operator_are_applied() {
    let redactor = redactor(
        r#"["email",{"name":"order","regex":"\\bORD-[0-9]{4,}\\b"},{"name":"name","regex":"Zoë|Łukasz"}]"#,
    );
    assert_eq!(
        redactor.apply("ORD-12345 of Zoë <zoe@example.com>, ORD-1, XORD-12345 and Łukasz"),
        "[order] of [name] <[email]>, ORD-1, XORD-12345 and [name]"
    );
    assert_eq!(redactor.apply(""), "");
}

/// Generates texts from the characters that finders test, so that many are close to a match.
fn text() -> impl Strategy<Value = String> {
    let signs = prop_oneof![
        4 => "[0-9]{1,5}",
        2 => "[-. +()/@]",
        2 => "[a-zé请]{1,3}",
        1 => Just("sk-".to_owned()),
        1 => Just("４１".to_owned()),
        1 => "[\u{AD}\u{200B}\u{3000}\t\n]",
        1 => "\\PC",
    ];
    prop::collection::vec(signs, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    /// Matches are in order, and the text between them stays unchanged.
    #[test]
    fn text_between_matches_stays_unchanged(text in text()) {
        for name in names() {
            let redactor = redactor(&format!(r#"["{name}"]"#));
            let once = redactor.apply(&text);
            let mark = format!("[{name}]");
            prop_assert!(once.matches(&mark).count() <= text.len());
            let places = once.split(&mark).collect::<Vec<_>>();
            let mut rest = text.as_str();
            for part in places {
                let at = rest.find(part);
                prop_assert!(at.is_some(), "{text} {once}");
                rest = rest.get(at.unwrap_or(0) + part.len()..).unwrap_or_default();
            }
        }
    }

    /// By the standard: every valid card number is found in any groups, and no other number of its length.
    #[test]
    fn card_requires_a_valid_checksum(head in "[2-6][0-9]{11,17}", wrong in 1..10_u32) {
        let digits: Vec<u32> = head.bytes().map(|byte| u32::from(byte - b'0')).collect();
        let sum: u32 = digits.iter().rev().enumerate().map(|(place, digit)| {
            let value = if place % 2 == 0 { digit * 2 } else { *digit };
            if value > 9 { value - 9 } else { value }
        }).sum();
        let check = (10 - sum % 10) % 10;
        let redactor = redactor(r#"["card"]"#);
        prop_assert_eq!(redactor.apply(&format!("{head}{check}")), "[card]");
        let other = format!("{head}{}", (check + wrong) % 10);
        prop_assert_eq!(redactor.apply(&other), other);
    }
}
