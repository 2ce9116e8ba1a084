use super::*;

#[test]
fn a_retry_waits_for_retry_after() {
    let wait = |retry_after: &str| retry_ms(Some(retry_after.as_bytes()), 0);
    assert_eq!(retry_ms(None, 0), Some(500));
    assert_eq!(retry_ms(None, 0x01f3), Some(999));
    assert_eq!((wait("0"), wait("1"), wait(" 30 ")), (Some(500), Some(1000), Some(30_000)));
    assert_eq!((wait("0.2"), wait("1.5"), wait("29.001")), (Some(1000), Some(2000), Some(30_000)));
    // A longer pause than a sample is worth, in either form.
    for long in ["31", "30.5", "3600", "18446744073709551615", "99999999999999999999999"] {
        assert_eq!(wait(long), None, "{long}");
    }
    // The filter cannot interpret dates, and an unreadable value may ask for any pause.
    let dates = ["Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT"];
    let others = ["-5", "+5", "5s", "1e9", "", ".", "1.", "1.5.2", "soon", "\u{0661}"];
    for unread in dates.iter().chain(&others) {
        assert_eq!(wait(unread), None, "{unread}");
    }
    assert_eq!(retry_ms(Some(b"\xFF"), 0), None);
}
