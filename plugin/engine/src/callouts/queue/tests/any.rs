//! Plays random steps of owner, host and clock: the queue returns each item once.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Push,
    PushFront { failures: u32 },
    Start,
    Sent { which: usize, token: Option<u32> },
    Answered { token: u32, retry_after: Option<u64> },
    Pass { ns: u64 },
    Pause { ns: u64 },
    Resume,
    Close,
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Push),
        1 => (0..4_u32).prop_map(|failures| Step::PushFront { failures }),
        6 => Just(Step::Start),
        // There are few tokens, so that hosts reuse them.
        6 => (0..2_usize, prop::option::weighted(0.8, 0..3_u32)).prop_map(|(which, token)| Step::Sent { which, token }),
        6 => (0..3_u32, prop::option::weighted(0.6, 0..20_u64)).prop_map(|(token, retry_after)| Step::Answered { token, retry_after }),
        3 => (0..8_000_000_000_u64).prop_map(|ns| Step::Pass { ns }),
        1 => (0..20_u64).prop_map(|ns| Step::Pause { ns }),
        1 => Just(Step::Resume),
        1 => prop::bool::weighted(0.1).prop_map(|is| if is { Step::Close } else { Step::Start }),
        1 => prop::bool::weighted(0.1).prop_map(|is| if is { Step::Drain } else { Step::Start }),
    ]
}

struct Run {
    queue: CalloutQueue<u64, ()>,
    now_ns: u64,
    pushed: u64,
    returned: Vec<u64>,
    last_number: u64,
    unsent: Vec<u64>,
}

impl Run {
    fn new() -> Self {
        let queue = CalloutQueue::new(LIMITS);
        Self { queue, now_ns: 0, pushed: 0, returned: Vec::new(), last_number: 0, unsent: Vec::new() }
    }

    fn play(&mut self, step: &Step) {
        match step {
            Step::Push => {
                self.pushed += 1;
                self.queue.push(self.pushed);
            }
            Step::PushFront { failures } => {
                self.pushed += 1;
                self.queue.push_front(self.pushed, *failures);
            }
            Step::Start => {
                let due_ns = self.queue.due_ns().filter(|_| self.queue.has_capacity());
                let queued = self.queue.next(self.now_ns);
                assert_eq!(queued.is_some(), due_ns.is_some_and(|due_ns| due_ns <= self.now_ns));
                if let Some(queued) = queued {
                    self.last_number += 1;
                    self.queue.start(self.last_number, queued, (), self.now_ns);
                    self.unsent.push(self.last_number);
                }
            }
            Step::Sent { which, token } if *which < self.unsent.len() => {
                let number = self.unsent.remove(*which);
                match self.queue.sent(number, *token) {
                    SendResult::Unknown => panic!("{number} was started"),
                    SendResult::InFlight => {}
                    SendResult::Refused(callout) | SendResult::Replaced(callout) => {
                        self.returned.push(callout.item);
                    }
                }
            }
            Step::Sent { .. } => {}
            Step::Answered { token, retry_after } => {
                let Some(callout) = self.queue.answered(*token) else {
                    return;
                };
                let retried = match retry_after {
                    Some(ns) => self.queue.retry(callout, self.now_ns + ns),
                    None => Err(callout),
                };
                self.returned.extend(retried.err().map(|callout| callout.item));
            }
            Step::Pass { ns } => {
                self.now_ns += ns;
                while let Some(callout) = self.queue.timed_out(self.now_ns) {
                    self.returned.push(callout.item);
                }
            }
            Step::Pause { ns } => self.queue.pause(self.now_ns + ns),
            Step::Resume => self.queue.resume(),
            Step::Close => self.queue.close(),
            Step::Drain => {
                self.unsent.clear();
                self.returned.extend(self.queue.drain());
            }
        }
    }
}

proptest! {
    #[test]
    fn queue_returns_each_item_once(steps in prop::collection::vec(step(), 0..200)) {
        let mut run = Run::new();
        for step in &steps {
            run.play(step);
            prop_assert_eq!(run.pushed, (run.returned.len() + run.queue.items().count()) as u64, "{:?}", step);
            prop_assert!(run.queue.in_flight() + run.unsent.len() <= LIMITS.in_flight_max);
        }
        run.play(&Step::Drain);
        run.returned.sort_unstable();
        prop_assert_eq!(run.returned, (1..=run.pushed).collect::<Vec<_>>());
        prop_assert_eq!(run.queue.wake_ns(), None);
    }
}
