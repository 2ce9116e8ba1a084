use super::*;

fn candidate(faults: f64, trace: &str) -> Candidate {
    Candidate { faults, key: (trace.to_owned(), "span".to_owned()) }
}

#[test]
fn the_ten_worst_are_kept_the_worst_first() {
    let mut worst = WorstExchanges::default();
    for place in 0..30 {
        worst.offer(candidate(f64::from(place % 15) / 10.0, &format!("{place:02}")));
    }
    let kept: Vec<_> = worst.0.iter().map(|candidate| candidate.key.0.as_str()).collect();
    assert_eq!(kept, ["14", "29", "13", "28", "12", "27", "11", "26", "10", "25"]);
}

#[test]
fn an_exchange_without_fault_is_not_among_the_worst() {
    let mut worst = WorstExchanges::default();
    worst.offer(candidate(0.0, "good"));
    assert_eq!(worst.0, []);
}

#[test]
fn messages_are_read_and_other_text_is_shown_as_it_is() {
    let messages = r#"[{"role":"system","parts":[{"type":"text","content":"Be brief."}]},
        {"role":"user","parts":[{"type":"text","content":"Hello"},{"type":"text","content":"there"}]},
        {"role":"assistant","parts":[{"type":"text","content":"Hi"}],"finish_reason":"stop"}]"#;
    assert_eq!(said(messages, "user"), "Hello\nthere");
    assert_eq!(said(messages, "assistant"), "Hi");
    for text in ["plain", "[1, 2", "[]", "{}", "[{\"role\":\"user\"}]", ""] {
        assert_eq!(said(text, "user"), text);
    }
}

#[test]
fn long_texts_are_cut_between_letters() {
    assert_eq!(cut("äöü", 3), "äöü");
    assert_eq!(cut("äöüß", 3), "äöü …");
}
