//! What is `Send`, `Sync`, `Error` and so on, and for which items.
#![cfg(not(loom))]

use std::cell::Cell;
use std::error::Error;
use std::fmt::Debug;
use std::iter::FusedIterator;
use std::rc::Rc;
use std::sync::MutexGuard;

use futures::Sink;
use futures::stream::FusedStream;
use mpsc_ring::{
    BatchPushError, Batches, BuildError, Builder, Consumer, IntoIter, Items, Iter, LossWarning, Place, Producer,
    PushAsync, PushError, PushSink, Report, ReportedBatches, Stats, TakeTimeoutError, TryIter, TryTakeError,
    WeakProducer,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

/// `Send`, but not `Sync`.
type Movable = Cell<u8>;
/// Neither `Send` nor `Sync`.
type Bound = Rc<u8>;
/// `Sync`, but not `Send`.
type Shared = MutexGuard<'static, u8>;
/// Without any trait.
struct Plain;

// bug-classes E1
mod handles {
    use super::*;
    assert_impl_all!(Producer<Movable>: Send, Sync, Clone);
    assert_impl_all!(Consumer<Movable>: Send, Sync, Clone);
    assert_impl_all!(WeakProducer<Movable>: Send, Sync, Clone);
    assert_impl_all!(Builder<Movable>: Send);
    assert_impl_all!(Producer<Plain>: Send, Sync, Clone, Debug, Unpin);
    assert_impl_all!(Consumer<Plain>: Send, Sync, Clone, Debug, Unpin);
    assert_impl_all!(WeakProducer<Plain>: Send, Sync, Clone, Debug, Unpin);
    assert_not_impl_any!(Producer<Bound>: Send, Sync);
    assert_not_impl_any!(Consumer<Bound>: Send, Sync);
    assert_not_impl_any!(WeakProducer<Bound>: Send, Sync);
    assert_not_impl_any!(Producer<Shared>: Send, Sync);
    assert_not_impl_any!(Consumer<Shared>: Send, Sync);
    assert_not_impl_any!(WeakProducer<Shared>: Send, Sync);
}

// bug-classes E1. A future or sink holds an item itself, so it is `Sync` only if the item is.
mod futures_and_sinks {
    use super::*;
    assert_impl_all!(PushAsync<'static, Movable>: Send, Unpin);
    assert_impl_all!(PushAsync<'static, u8>: Send, Sync, Unpin, Debug);
    assert_impl_all!(PushSink<'static, Movable>: Send, Unpin, Sink<Movable>);
    assert_impl_all!(PushSink<'static, u8>: Send, Sync, Unpin, Debug);
    assert_impl_all!(PushAsync<'static, Plain>: Debug);
    assert_impl_all!(PushSink<'static, Plain>: Debug);
    assert_not_impl_any!(PushAsync<'static, Movable>: Sync);
    assert_not_impl_any!(PushSink<'static, Movable>: Sync);
    assert_not_impl_any!(PushAsync<'static, Bound>: Send, Sync);
    assert_not_impl_any!(PushSink<'static, Bound>: Send, Sync);
    assert_not_impl_any!(PushAsync<'static, Shared>: Send);
    assert_not_impl_any!(PushSink<'static, Shared>: Send);
    assert_impl_all!(Place: Send, Sync, Unpin, Debug, Default);
}

// bug-classes E1
mod streams_and_iterators {
    use super::*;
    assert_impl_all!(Items<'static, Movable>: Send, Sync, Unpin, FusedStream);
    assert_impl_all!(Batches<'static, Movable>: Send, Sync, Unpin, FusedStream);
    assert_impl_all!(ReportedBatches<'static, Movable>: Send, Sync, Unpin, FusedStream, Debug);
    assert_not_impl_any!(ReportedBatches<'static, Bound>: Send, Sync, Clone);
    #[cfg(feature = "tokio")]
    assert_impl_all!(mpsc_ring::LingeringBatches<'static, Movable>: Send, Sync, Unpin, FusedStream, Debug);
    #[cfg(feature = "tokio")]
    assert_not_impl_any!(mpsc_ring::LingeringBatches<'static, Bound>: Send, Sync, Clone);
    assert_impl_all!(Iter<'static, Movable>: Send, Sync, Unpin, FusedIterator);
    assert_impl_all!(TryIter<'static, Movable>: Send, Sync, Unpin, Iterator);
    assert_impl_all!(IntoIter<Movable>: Send, Sync, Unpin, FusedIterator);
    assert_not_impl_any!(Items<'static, Bound>: Send, Sync);
    assert_not_impl_any!(Batches<'static, Bound>: Send, Sync);
    assert_not_impl_any!(Iter<'static, Bound>: Send, Sync);
    assert_not_impl_any!(TryIter<'static, Bound>: Send, Sync);
    assert_not_impl_any!(IntoIter<Bound>: Send, Sync);
    assert_not_impl_any!(Items<'static, Shared>: Send, Sync);
    assert_not_impl_any!(Batches<'static, Shared>: Send, Sync);
    assert_not_impl_any!(Iter<'static, Shared>: Send, Sync);
    assert_not_impl_any!(TryIter<'static, Shared>: Send, Sync);
    assert_not_impl_any!(IntoIter<Shared>: Send, Sync);
}

// bug-classes E5: a clone of one of these would take an item twice or count a handle wrong.
mod not_clone {
    use super::*;
    assert_not_impl_any!(PushAsync<'static, u8>: Clone);
    assert_not_impl_any!(PushSink<'static, u8>: Clone);
    assert_not_impl_any!(Items<'static, u8>: Clone);
    assert_not_impl_any!(Batches<'static, u8>: Clone);
    assert_not_impl_any!(IntoIter<u8>: Clone);
    assert_not_impl_any!(Place: Clone);
}

mod errors {
    use super::*;
    assert_impl_all!(PushError<Plain>: Error);
    assert_impl_all!(PushError<Bound>: Error);
    assert_impl_all!(PushError<u8>: Error, Send, Sync, Clone, PartialEq);
    assert_impl_all!(BatchPushError: Error, Send, Sync, Clone, PartialEq);
    assert_impl_all!(TryTakeError: Error, Send, Sync, Copy, PartialEq);
    assert_impl_all!(TakeTimeoutError: Error, Send, Sync, Copy, PartialEq);
    assert_impl_all!(BuildError: Error, Send, Sync, Clone, PartialEq);
    assert_impl_all!(Stats: Send, Sync, Copy, Default, PartialEq, Debug);
    assert_impl_all!(Report: Send, Sync, Copy, Default, PartialEq, Debug);
    assert_impl_all!(LossWarning: Send, Sync, Default, Debug);
    assert_not_impl_any!(PushError<Bound>: Send, Sync);
}

fn is_send<F: Send>(future: F) -> F {
    future
}

// bug-classes E1
#[test]
fn unnamed_futures_are_send_for_items_that_are() {
    let (producer, consumer) = mpsc_ring::channel::<Movable>(1, mpsc_ring::BackPressurePolicy::Block);
    let (mut out, mut items, mut place) = (Vec::new(), Vec::new(), Place::new());
    drop(is_send(consumer.take_async()));
    drop(is_send(consumer.take_batch_async(1)));
    drop(is_send(consumer.take_batch_into_async(&mut out, 1)));
    drop(is_send(consumer.ready(1)));
    drop(is_send(consumer.take_batch_until(1, std::future::pending::<()>())));
    drop(is_send(consumer.take_batch_until_into(
        &mut out,
        1,
        std::future::pending::<()>(),
    )));
    drop(is_send(producer.push_from_async(&mut items)));
    drop(is_send(producer.closed()));
    place.leave();
}

#[test]
fn errors_say_what_happened() {
    let shown = [
        PushError::Full(Plain).to_string(),
        PushError::Closed(Plain).to_string(),
        PushError::Timeout(Plain).to_string(),
        BatchPushError::Full { pushed: 2 }.to_string(),
        BatchPushError::Closed { pushed: 2 }.to_string(),
        TryTakeError::Empty.to_string(),
        TryTakeError::Closed.to_string(),
        TakeTimeoutError::Timeout.to_string(),
        TakeTimeoutError::Closed.to_string(),
        BuildError::ZeroCapacity.to_string(),
        BuildError::TooLarge { capacity: 7 }.to_string(),
    ];
    for message in shown {
        assert!(
            message.starts_with(char::is_lowercase) && !message.ends_with('.'),
            "{message}"
        );
    }
    assert_eq!(format!("{:?}", PushError::Full(Plain)), "Full(..)");
}

#[test]
fn errors_know_what_they_are() {
    assert!(PushError::Full(1).is_full() && !PushError::Full(1).is_closed());
    assert!(PushError::Closed(1).is_closed() && !PushError::Closed(1).is_timeout());
    assert!(PushError::Timeout(1).is_timeout() && !PushError::Timeout(1).is_full());
    assert_eq!(PushError::Timeout(1).into_inner(), 1);
    assert!(BatchPushError::Full { pushed: 1 }.is_full() && BatchPushError::Closed { pushed: 1 }.is_closed());
    assert_eq!(BatchPushError::Closed { pushed: 1 }.pushed(), 1);
    assert!(TryTakeError::Empty.is_empty() && TryTakeError::Closed.is_closed());
    assert!(TakeTimeoutError::Timeout.is_timeout() && TakeTimeoutError::Closed.is_closed());
}

/// Nothing of the crate asks `T: Debug` to be shown itself.
#[test]
fn everything_is_debug_whatever_the_item_is() {
    struct Opaque;
    fn debug(value: impl std::fmt::Debug) -> String {
        format!("{value:?}")
    }
    let builder = mpsc_ring::Builder::<Opaque>::new(2);
    assert!(debug(&builder).contains("Block"));
    let (producer, consumer) = builder.build();
    let shown = [
        debug(&producer),
        debug(&consumer),
        debug(producer.downgrade()),
        debug(producer.push_async(Opaque)),
        debug(producer.sink()),
        debug(consumer.iter()),
        debug(consumer.try_iter()),
        debug(consumer.stream()),
        debug(consumer.batches(1)),
        debug(consumer.clone().into_iter()),
        debug(producer.push(Opaque)),
    ];
    assert!(shown.iter().all(|text| !text.is_empty()));
}
