//! Items that carry the time at which they were made.
#![cfg(not(loom))]

mod common;

use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use mpsc_ring::Aged;
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_impl_all!(Aged<u8>: Send, Sync, Copy, Unpin);
assert_not_impl_any!(Aged<Rc<u8>>: Send, Sync);

const WAIT: Duration = Duration::from_millis(2);

#[test]
fn the_time_in_the_channel_is_part_of_the_age() {
    let (producer, consumer) = Policy::Block.channel(2);
    producer.push(Aged::new("a")).unwrap();
    thread::sleep(WAIT);
    producer.push("b".into()).unwrap();
    let taken: Vec<Aged<_>> = consumer.take_batch(2);
    let now = Instant::now();
    assert!(taken[0].age_at(now) >= taken[1].age_at(now) + WAIT);
    assert!(taken[0].age() >= taken[0].age_at(now));
}

#[test]
fn a_clone_is_as_old_as_the_original() {
    let item = Aged::new("a".to_owned());
    assert_eq!(item.clone().made(), item.made());
}

#[test]
fn before_it_was_made_an_item_has_no_age() {
    let item = Aged::made_at(Instant::now() + WAIT, 1);
    assert_eq!(item.age_at(item.made() - WAIT), Duration::ZERO);
    assert_eq!(item.age_at(item.made() + WAIT), WAIT);
}

#[test]
fn it_is_used_as_the_item_inside() {
    let mut item = Aged::new(vec![1]);
    item.push(2);
    assert_eq!(item.len(), 2);
    assert!(format!("{item:?}").contains("[1, 2]"));
    assert_eq!(item.into_inner(), [1, 2]);
}
