//! Any order of jobs, callouts and responses.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Submit,
    Next { within_budget: bool, is_taken: bool },
    Answer { which: usize, how: u8 },
    Pass { ms: u64 },
    Abandon,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Submit),
        4 => (prop::bool::weighted(0.9), prop::bool::weighted(0.9))
            .prop_map(|(within_budget, is_taken)| Step::Next { within_budget, is_taken }),
        4 => (0..8_usize, 0..8_u8).prop_map(|(which, how)| Step::Answer { which, how }),
        2 => (0..40_000_u64).prop_map(|ms| Step::Pass { ms }),
        1 => prop::bool::weighted(0.1).prop_map(|is| if is { Step::Abandon } else { Step::Submit }),
    ]
}

fn play(rig: &mut Rig, step: &Step, in_flight: &mut Vec<(u32, Callout)>, last_token: &mut u32) {
    match step {
        Step::Submit => {
            rig.dispatcher.submit(job("C"), &mut rig.out);
        }
        Step::Next { within_budget, is_taken } => {
            let call = rig.dispatcher.next(rig.now_ns, [3; 24], &mut |_| *within_budget, &mut rig.out);
            if let Some(call) = call {
                *last_token = last_token.wrapping_add(1);
                let token = is_taken.then_some(*last_token);
                rig.dispatcher.record_sent(call.number, token, rig.now_ns, &mut rig.out);
                in_flight.extend(token.map(|token| (token, call)));
            }
        }
        Step::Answer { which, how } if *which < in_flight.len() => {
            let (token, call) = in_flight.remove(*which);
            let good = verdict(&call, [1, 2, 3], "yes");
            let (status, body) = match how {
                0 => (None, ""),
                1 => (Some(504), ""),
                2 => (Some(429), ""),
                3 => (Some(503), ""),
                4 => (Some(500), ""),
                5 => (Some(200), "prose"),
                _ => (Some(200), good.as_str()),
            };
            rig.answer_as(
                token,
                CalloutResponse { status, is_local: *how == 1, retry_after: None, body: body.as_bytes() },
            );
            // A second response, or one to an unknown callout, is ignored.
            rig.answer_as(token, CalloutResponse { status, is_local: false, retry_after: None, body: b"" });
        }
        Step::Answer { .. } => {}
        Step::Pass { ms } => rig.now_ns = rig.now_ns.saturating_add(ms.saturating_mul(1_000_000)),
        Step::Abandon => {
            rig.dispatcher.abandon(&mut rig.out);
            in_flight.clear();
        }
    }
}

proptest! {
    #[test]
    fn every_job_has_exactly_one_outcome(steps in prop::collection::vec(step(), 0..200), panel in any::<bool>()) {
        let judges = if panel { [SECOND_JUDGE, r#","panel":"on","max_queue":3,"max_in_flight":2"#].concat() } else { r#","max_queue":3"#.to_owned() };
        let mut rig = Rig::new(&judges);
        let (mut in_flight, mut last_token) = (Vec::new(), 0);
        let mut submitted = 0_u64;
        for step in &steps {
            submitted = submitted.saturating_add(u64::from(matches!(step, Step::Submit)));
            play(&mut rig, step, &mut in_flight, &mut last_token);
            let ended: u64 = rig.outcomes().iter().map(|(_, by)| by).sum();
            prop_assert_eq!(submitted, ended.saturating_add(rig.dispatcher.jobs.len() as u64));
            prop_assert!(rig.dispatcher.callouts.in_flight() <= rig.dispatcher.plan.in_flight_max);
            // Some callouts have timed out, and their responses arrive too late.
            prop_assert!(rig.dispatcher.callouts.in_flight() <= in_flight.len());
        }
        rig.dispatcher.abandon(&mut rig.out);
        let ended: u64 = rig.outcomes().iter().map(|(_, by)| by).sum();
        prop_assert_eq!(submitted, ended);
        prop_assert!(rig.dispatcher.is_idle() && rig.dispatcher.wake_ms(rig.now_ns).is_none());
    }
}
