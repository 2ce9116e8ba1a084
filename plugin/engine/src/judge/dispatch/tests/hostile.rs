//! What a judge, or the host, could do to the desk.

use super::*;

#[test]
fn what_waits_for_a_second_try_waits_like_the_others() {
    let mut rig = Rig::new(r#","max_queue":3,"max_in_flight":2"#);
    let mut submitted = 0;
    for token in 0..50 {
        rig.dispatcher.submit(job("C"), &mut rig.out);
        submitted += 1;
        if rig.next_is_sent(token) {
            rig.answer_as(token, CalloutResponse { retry_after: Some(b"20"), ..busy() });
        }
        assert!(rig.dispatcher.jobs.len() <= 5, "{} are kept", rig.dispatcher.jobs.len());
    }
    assert_eq!(rig.outcomes(), [("queue_full".to_owned(), submitted - 3)]);
    rig.dispatcher.abandon(&mut rig.out);
    rig.check(&[("lost", 3), ("queue_full", submitted - 3)]);
}

#[test]
fn a_call_that_is_not_made_costs_nothing() {
    let mut rig = Rig::new("");
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let mut reserved = Price::default();
    let budget = &mut |price| {
        reserved = price;
        true
    };
    let call = rig.dispatcher.next(rig.now_ns, [1; 24], budget, &mut rig.out).unwrap();
    let settled = rig.dispatcher.sent(call.number, None, rig.now_ns + 5, &mut rig.out);
    let expected = Settlement { reserved, reserved_at_ns: rig.now_ns, actual: Price::default() };
    assert!(reserved.tokens > 1024);
    assert_eq!(settled, Some(expected));
    rig.check(&[("judge_error", 1)]);
    // One that is made is settled when it is answered.
    rig.dispatcher.submit(job("C"), &mut rig.out);
    let call = rig.next().unwrap();
    assert_eq!(rig.dispatcher.sent(call.number, Some(7), rig.now_ns, &mut rig.out), None);
    assert_eq!(rig.dispatcher.sent(call.number, None, rig.now_ns, &mut rig.out), None, "it was sent");
}

#[test]
fn a_judge_cannot_claim_more_tokens_than_there_are() {
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
    // What it may have cost all the same.
    assert!(rig.settled.iter().all(|settled| settled.actual == settled.reserved));
}
