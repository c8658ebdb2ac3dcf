//! What the tests share.
#![allow(dead_code)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use mpsc_ring::{BackPressurePolicy, Builder, Consumer, Producer};

/// Counts are divided by this where everything is slower: in debug builds, with which sanitizers run, and under Miri.
const SHRINK: usize = if cfg!(miri) {
    2_000
} else if cfg!(debug_assertions) {
    10
} else {
    1
};

/// `count` rounds in a release build, fewer elsewhere.
pub const fn rounds(count: usize) -> usize {
    if count / SHRINK == 0 { 1 } else { count / SHRINK }
}

/// Rounds 0 to `count`, as [`rounds`] counts them, but no more than the machine gets through in a moment: threads that
/// hand items to and fro starve where others use the processor, too. The first rounds are always made.
pub fn up_to(count: usize) -> impl Iterator<Item = usize> {
    let start = Instant::now();
    (0..rounds(count)).take_while(move |n| n % 16 != 15 || start.elapsed() < MOMENT)
}

const MOMENT: Duration = Duration::from_millis(400);

/// Far longer than any test takes: who is still running then hangs.
const HUNG: Duration = Duration::from_secs(if cfg!(miri) { 3600 } else { 120 });

/// Runs `test` and panics if it hangs.
pub fn in_time<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, finished) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(test));
        let _ = done.send(());
        result
    });
    match finished.recv_timeout(HUNG) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs"),
        _ => thread.join().unwrap().unwrap_or_else(|panic| resume_unwind(panic)),
    }
}

/// Gives other threads the time to go to sleep. No test relies on it: one that is too short only tests less.
pub fn let_others_park() {
    thread::sleep(Duration::from_millis(30));
}

/// Whether `f` panics.
pub fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// A policy, to be looped over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Block,
    DropOldest,
    DropNewest,
}

pub const POLICIES: [Policy; 3] = [Policy::Block, Policy::DropOldest, Policy::DropNewest];
pub const CAPACITIES: [usize; 5] = [1, 2, 3, 5, 1024];

/// First laps from which a test soon meets every wrap: none, of the stamps, of the sign of a position, of the whole
/// counter. High bits fall off where the lap field is narrower.
pub fn first_laps(slots: usize) -> [u64; 5] {
    let lap_bits = 61 - (u64::BITS - (slots as u64 - 1).leading_zeros());
    let last = u64::MAX >> (64 - lap_bits);
    [1, 254, last / 2, last - 1, last]
}

impl Policy {
    pub fn of<T>(self) -> BackPressurePolicy<T> {
        match self {
            Self::Block => BackPressurePolicy::Block,
            Self::DropOldest => BackPressurePolicy::DropOldest,
            Self::DropNewest => BackPressurePolicy::DropNewest,
        }
    }

    pub fn channel<T>(self, capacity: usize) -> (Producer<T>, Consumer<T>) {
        mpsc_ring::channel(capacity, self.of())
    }

    pub fn channel_from<T>(self, capacity: usize, first_lap: u64) -> (Producer<T>, Consumer<T>) {
        Builder::new(capacity).policy(self.of()).first_lap(first_lap).build()
    }
}

/// A task: counts how often it is woken.
pub struct Task {
    wakes: Arc<Wakes>,
    waker: Waker,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    pub fn new() -> Self {
        let wakes = Arc::new(Wakes::default());
        Self {
            waker: wakes.clone().into(),
            wakes,
        }
    }

    /// How often it has been woken.
    pub fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::SeqCst)
    }

    pub fn is_woken(&self) -> bool {
        self.wakes() > 0
    }

    /// How many copies of its waker others keep.
    pub fn kept(&self) -> usize {
        Arc::strong_count(&self.wakes) - 2
    }

    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    pub fn poll<F: Future + ?Sized>(&self, future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }

    /// Polls a future that is `Unpin`.
    pub fn poll_unpin<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker))
    }

    /// Polls a future that is `Unpin` for no task at all.
    pub fn poll_unpin_noop<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Polls with `poll`.
    pub fn with<R>(&self, poll: impl FnOnce(&mut Context<'_>) -> R) -> R {
        poll(&mut Context::from_waker(&self.waker))
    }
}

/// Counts how often each of its items is dropped.
#[derive(Clone)]
pub struct Ledger(Arc<Vec<Entry>>);

#[derive(Default)]
struct Entry {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

/// An item that the ledger knows by its id; its `Drop` panics if asked to.
pub struct Item {
    pub id: usize,
    panics: bool,
    ledger: Ledger,
}

impl Ledger {
    pub fn new(items: usize) -> Self {
        Self(Arc::new((0..items).map(|_| Entry::default()).collect()))
    }

    pub fn item(&self, id: usize) -> Item {
        self.0[id].made.fetch_add(1, Ordering::SeqCst);
        let ledger = self.clone();
        Item {
            id,
            panics: false,
            ledger,
        }
    }

    /// An item whose `Drop` panics, after it has been counted.
    pub fn bomb(&self, id: usize) -> Item {
        let mut item = self.item(id);
        item.panics = true;
        item
    }

    /// How often item `id` has been dropped.
    pub fn drops(&self, id: usize) -> usize {
        self.0[id].dropped.load(Ordering::SeqCst)
    }

    pub fn dropped(&self) -> usize {
        (0..self.0.len()).map(|id| self.drops(id)).sum()
    }

    /// Every item that was ever made has been dropped, once.
    pub fn assert_each_dropped_once(&self) {
        for (id, entry) in self.0.iter().enumerate() {
            assert_eq!(self.drops(id), entry.made.load(Ordering::SeqCst), "drops of item {id}");
        }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.ledger.0[self.id].dropped.fetch_add(1, Ordering::SeqCst);
        if self.panics && !thread::panicking() {
            panic!("dropping item {}", self.id);
        }
    }
}

impl Item {
    /// Drops it without a panic.
    pub fn disarm(mut self) -> usize {
        self.panics = false;
        self.id
    }
}

/// The ids of `items`, which are dropped without a panic.
pub fn ids(items: impl IntoIterator<Item = Item>) -> Vec<usize> {
    items.into_iter().map(Item::disarm).collect()
}

/// What each producer pushed comes in order, and nothing comes twice.
pub fn assert_order(items: &[(usize, usize)]) {
    let mut last = [None; 8];
    for &(producer, n) in items {
        assert!(last[producer] < Some(n), "{producer}: {n} after {:?}", last[producer]);
        last[producer] = Some(n);
    }
}
