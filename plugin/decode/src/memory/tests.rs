use super::*;

#[test]
fn reservation_is_released_on_drop() {
    let budget = MemoryBudget::new(100);
    let mut first = budget.reservation();
    assert_eq!(first.resize(60), Ok(()));
    let mut second = budget.reservation();
    assert_eq!(second.resize(41), Err(OutOfMemory));
    assert_eq!((second.bytes(), budget.used_bytes()), (0, 60));
    assert_eq!(second.grow(40), Ok(()));
    assert_eq!(first.resize(10), Ok(()));
    assert_eq!(budget.used_bytes(), 50);
    drop((first, second));
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn budget_grants_requests_only_half() {
    let budget = MemoryBudget::new(100);
    let requests = budget.for_requests();
    let mut request = requests.reservation();
    assert_eq!(request.resize(51), Err(OutOfMemory));
    assert_eq!(request.resize(50), Ok(()));
    let mut response = budget.reservation();
    assert_eq!(response.resize(50), Ok(()));
    assert_eq!(response.resize(51), Err(OutOfMemory));
    // The memory of responses counts too: the sum must not exceed the budget.
    drop(request);
    assert_eq!(requests.reservation().resize(1), Err(OutOfMemory));
}

#[test]
fn large_reservations_leave_a_quarter_free() {
    let budget = MemoryBudget::new(1 << 20);
    let mut large = budget.reservation();
    assert_eq!(large.resize((768 << 10) + 1), Err(OutOfMemory));
    assert_eq!(large.resize(768 << 10), Ok(()));
    let mut small = budget.reservation();
    assert_eq!(small.resize(64 << 10), Ok(()));
    assert_eq!(small.grow(1), Err(OutOfMemory), "it would be large");
}

#[test]
fn take_may_exceed_the_budget() {
    let budget = MemoryBudget::new(100);
    let mut exchange = budget.reservation();
    exchange.take(120);
    assert_eq!((budget.used_bytes(), budget.is_overdrawn()), (120, false));
    exchange.take(31);
    assert!(budget.is_overdrawn());
    assert_eq!(budget.reservation().resize(1), Err(OutOfMemory));
    drop(exchange);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn buffer_reserves_its_capacity() {
    let budget = MemoryBudget::new(64);
    let mut buffer = budget.buffer();
    assert_eq!(buffer.extend(&[1; 20]), Ok(()));
    assert_eq!(buffer.extend(&[2; 5]), Ok(()), "in powers of 2: 40 bytes");
    assert_eq!((buffer.len(), budget.used_bytes()), (25, 40));
    assert_eq!(buffer.extend(&[3; 30]), Err(OutOfMemory), "it would take 80");
    assert_eq!(buffer.bytes().len(), 25);
    let taken = buffer.take();
    assert!(buffer.is_empty());
    assert_eq!((taken.len(), budget.used_bytes()), (25, 40));
    drop(taken);
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn clear_to_keeps_at_most_the_given_memory() {
    let budget = MemoryBudget::new(1000);
    let mut buffer = budget.buffer();
    buffer.extend(&[0; 100]).unwrap();
    buffer.clear_to(100);
    assert_eq!(budget.used_bytes(), 100);
    buffer.clear_to(10);
    assert_eq!(budget.used_bytes(), 10);
}

#[test]
fn failed_allocation_lowers_the_budget() {
    let budget = MemoryBudget::new(0);
    budget.set_bytes_max(usize::MAX);
    assert!(budget.ledger.cushion.borrow().capacity() > 0);
    let mut kept = budget.reservation();
    kept.take(1000);
    let mut list = Vec::<u8>::new();
    let mut reservation = budget.reservation();
    // No machine has an address space of this size, so every allocator refuses.
    assert_eq!(reservation.make_room(&mut list, usize::MAX / 2), Err(OutOfMemory));
    assert_eq!((reservation.bytes(), budget.used_bytes()), (0, 1000));
    assert!(budget.ledger.cushion.borrow().capacity() == 0, "it is given up");
    assert_eq!(reservation.resize(1), Err(OutOfMemory), "750 bytes are granted, 1000 are in use");
    assert!(budget.is_overdrawn());
    drop(kept);
    assert_eq!(reservation.resize(750), Ok(()));
    assert_eq!(reservation.resize(751), Err(OutOfMemory));
}

#[test]
fn has_room_asks_the_allocator() {
    let budget = MemoryBudget::new(1 << 20);
    assert!(budget.has_room(1 << 16));
    assert!(!budget.is_overdrawn());
    assert!(!budget.has_room(usize::MAX / 2));
}
