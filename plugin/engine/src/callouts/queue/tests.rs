#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

mod any;

use super::*;

const SECOND: u64 = 1_000_000_000;

const LIMITS: QueueLimits = QueueLimits { in_flight_max: 2, attempts_max: 3, timeout_ms: 1000 };

type Queue = CalloutQueue<&'static str, u32>;

fn queue(items: &[&'static str]) -> Queue {
    let mut queue = Queue::new(LIMITS);
    items.iter().for_each(|item| queue.push(item));
    queue
}

/// Starts the next callout under this number, and returns its item.
fn start(queue: &mut Queue, number: u64, now_ns: u64) -> Option<&'static str> {
    let queued = queue.next(now_ns)?;
    let item = queued.item;
    queue.start(number, queued, 7, now_ns);
    Some(item)
}

/// Starts the next callout, which the host accepts under the token `number`.
fn send(queue: &mut Queue, number: u32, now_ns: u64) -> Option<&'static str> {
    let item = start(queue, number.into(), now_ns)?;
    assert!(matches!(queue.sent(number.into(), Some(number)), SendResult::InFlight));
    Some(item)
}

#[test]
fn queue_sends_items_in_order_up_to_its_limit() {
    let mut queue = queue(&["a", "b", "c"]);
    assert_eq!((queue.queued(), queue.due_ns(), queue.wake_ns()), (3, Some(0), Some(0)));
    assert_eq!(
        [start(&mut queue, 1, 5), start(&mut queue, 2, 5), start(&mut queue, 3, 5)],
        [Some("a"), Some("b"), None]
    );
    // A callout counts from its start, even before the host accepts it.
    assert_eq!((queue.queued(), queue.has_capacity(), queue.in_flight()), (1, false, 0));
    assert!(matches!(queue.sent(1, Some(11)), SendResult::InFlight));
    assert_eq!((queue.due_ns(), queue.wake_ns()), (Some(0), Some(5 + SECOND + GRACE_NS)));
    let callout = queue.answered(11).unwrap();
    assert_eq!((callout.item, callout.context, callout.started_ns, callout.failures), ("a", 7, 5, 0));
    assert!(queue.answered(11).is_none(), "a response is accepted once");
    assert_eq!(send(&mut queue, 3, 6), Some("c"));
}

#[test]
fn queue_returns_refused_and_replaced_callouts() {
    let mut queue = queue(&["a", "b", "c"]);
    start(&mut queue, 1, 0);
    assert!(matches!(queue.sent(1, None), SendResult::Refused(ActiveCallout { item: "a", .. })));
    assert!(matches!(queue.sent(1, Some(9)), SendResult::Unknown));
    start(&mut queue, 2, 0);
    start(&mut queue, 3, 0);
    assert!(matches!(queue.sent(2, Some(9)), SendResult::InFlight));
    assert!(matches!(queue.sent(3, Some(9)), SendResult::Replaced(ActiveCallout { item: "b", .. })));
    assert_eq!(queue.answered(9).unwrap().item, "c");
    assert_eq!((queue.items().count(), queue.wake_ns()), (0, None));
}

#[test]
fn queue_times_out_callouts_without_a_response() {
    let mut queue = queue(&["a"]);
    send(&mut queue, 1, 3);
    let deadline_ns = 3 + SECOND + GRACE_NS;
    assert_eq!(queue.wake_ns(), Some(deadline_ns));
    assert!(queue.timed_out(deadline_ns - 1).is_none());
    assert_eq!(queue.timed_out(deadline_ns).unwrap().item, "a");
    assert!(queue.timed_out(deadline_ns).is_none());
    assert!(queue.answered(1).is_none(), "its response is too late");
}

#[test]
fn queue_retries_when_due_and_before_new_items() {
    let mut queue = queue(&["a", "b"]);
    send(&mut queue, 1, 0);
    let callout = queue.answered(1).unwrap();
    assert!(queue.retry(callout, 50).is_ok());
    assert_eq!(send(&mut queue, 2, 49), Some("b"), "the retry is not due");
    assert_eq!((queue.due_ns(), queue.wake_ns()), (Some(50), Some(50)));
    queue.push("c");
    assert_eq!(send(&mut queue, 3, 50), Some("a"));
    let callout = queue.answered(3).unwrap();
    assert_eq!(callout.failures, 1);
    assert!(queue.retry(callout, 50).is_ok());
    assert_eq!(send(&mut queue, 4, 50), Some("a"));
    let callout = queue.answered(4).unwrap();
    assert_eq!(queue.retry(callout, 50).unwrap_err().item, "a", "it was the third attempt");
}

#[test]
fn queue_sends_what_was_pushed_to_the_front_first() {
    let mut queue = queue(&["a"]);
    queue.push_front("c", 2);
    queue.push_front("b", 0);
    assert_eq!([send(&mut queue, 1, 0), send(&mut queue, 2, 0)], [Some("b"), Some("c")]);
    let callout = queue.answered(2).unwrap();
    assert!(queue.retry(callout, 0).is_err(), "two attempts had failed before");
}

#[test]
fn queue_sends_nothing_during_a_pause() {
    let mut queue = queue(&["a"]);
    queue.pause(100);
    assert_eq!((start(&mut queue, 1, 99), queue.due_ns(), queue.not_before(120)), (None, Some(100), 120));
    assert_eq!(start(&mut queue, 1, 100), Some("a"));
    queue.push("b");
    queue.pause(300);
    queue.resume();
    assert_eq!((queue.due_ns(), start(&mut queue, 2, 101)), (Some(0), Some("b")));
}

#[test]
fn closing_queue_sends_at_once_and_retries_nothing() {
    let mut queue = queue(&["a", "b"]);
    send(&mut queue, 1, 0);
    let callout = queue.answered(1).unwrap();
    assert!(queue.retry(callout, 500).is_ok());
    queue.pause(400);
    queue.close();
    assert_eq!((queue.due_ns(), queue.not_before(900)), (Some(0), 0));
    assert_eq!([send(&mut queue, 2, 1), send(&mut queue, 3, 1)], [Some("a"), Some("b")]);
    let callout = queue.answered(2).unwrap();
    assert!(queue.retry(callout, 1).is_err());
}

#[test]
fn drain_returns_every_item() {
    let mut queue = Queue::new(QueueLimits { in_flight_max: 3, ..LIMITS });
    ["a", "b", "c", "d"].into_iter().for_each(|item| queue.push(item));
    send(&mut queue, 1, 0);
    send(&mut queue, 2, 0);
    start(&mut queue, 3, 0);
    let callout = queue.answered(2).unwrap();
    assert!(queue.retry(callout, 9).is_ok());
    let mut items: Vec<_> = queue.drain().collect();
    items.sort_unstable();
    assert_eq!(items, ["a", "b", "c", "d"]);
    assert_eq!((queue.items().count(), queue.queued(), queue.wake_ns()), (0, 0, None));
}
