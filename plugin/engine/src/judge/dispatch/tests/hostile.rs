//! Hostile judges and hosts: the dispatcher stays within its bounds.

use super::*;

#[test]
fn retries_count_towards_the_queue_bound() {
    let mut rig = Rig::new(r#","max_queue":3,"max_in_flight":2"#);
    let mut submitted = 0;
    for token in 0..50 {
        rig.dispatcher.submit(job("C"), &mut rig.out);
        submitted += 1;
        if rig.send_next(token) {
            rig.answer_as(token, CalloutResponse { retry_after: Some(b"20"), ..busy_response() });
        }
        assert!(rig.dispatcher.jobs.len() <= 5, "{} are kept", rig.dispatcher.jobs.len());
    }
    assert_eq!(rig.outcomes(), [("queue_full".to_owned(), submitted - 3)]);
    rig.dispatcher.abandon(&mut rig.out);
    rig.check(&[("lost", 3), ("queue_full", submitted - 3)]);
}

#[test]
fn a_refused_callout_gives_its_reservation_back() {
    let mut rig = Rig::new("");
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let mut reserved = Price::default();
    let budget = &mut |price| {
        reserved = price;
        true
    };
    let call = rig.dispatcher.next(rig.now_ns, [1; 24], budget, &mut rig.out).unwrap();
    let settled = rig.dispatcher.record_sent(call.number, None, rig.now_ns + 5, &mut rig.out);
    let expected = Settlement { reserved, reserved_at_ns: rig.now_ns, actual: Price::default() };
    assert!(reserved.tokens > 1024);
    assert_eq!(settled, Some(expected));
    rig.check(&[("judge_error", 1)]);
    // A callout that is made is settled when it is answered.
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let call = rig.next().unwrap();
    assert_eq!(rig.dispatcher.record_sent(call.number, Some(7), rig.now_ns, &mut rig.out), None);
    assert_eq!(rig.dispatcher.record_sent(call.number, None, rig.now_ns, &mut rig.out), None, "it was sent");
}

#[test]
fn implausible_token_counts_of_a_judge_are_ignored() {
    let mut rig = Rig::new("");
    for (token, claim) in [(1, "18446744073709551615"), (2, "4000000000")] {
        rig.dispatcher.submit(job("C"), &mut rig.out);
        let call = rig.send(token);
        let reply = verdict(&call, [5, 5, 5], "no").replace("900", claim);
        assert!(reply.contains(claim));
        rig.answer(token, 200, &reply);
    }
    rig.check(&[("scored", 2)]);
    assert!(rig.counts().keys().all(|stat| !stat.starts_with("llm_judge_tokens_total")));
    // The price that it may have cost all the same.
    assert!(rig.settled.iter().all(|settled| settled.actual == settled.reserved));
}

#[test]
fn texts_beyond_the_memory_budget_are_counted_and_give_it_back() {
    let document = br#"{"limits":{"worker_bytes":1048576},"judge":{"cluster":"judge","model":"j"}}"#;
    let policy = Rc::new(Policy::parse(document).unwrap());
    let mut rig = Rig { dispatcher: dispatcher(&policy), ..Rig::new("") };
    let text = "x".repeat(300 * 1024);
    for _ in 0..4 {
        rig.dispatcher.submit(job(&text), &mut rig.out);
    }
    // A large reservation may use three quarters of the budget.
    assert_eq!(rig.outcomes(), [("memory".to_owned(), 2)]);
    rig.dispatcher.abandon(&mut rig.out);
    rig.check(&[("lost", 2), ("memory", 2)]);
    assert_eq!(policy.memory().used_bytes(), 0);
}
