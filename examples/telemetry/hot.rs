//! Plain threads that do small pieces of work and push an event for each, as a library that tells what it does.

use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::event::Clock;
use crate::pusher::{Pusher, Pushers, Tally};

/// The work: hash so many bytes.
const WORK: [(&str, usize); 4] = [("hash/64", 64), ("hash/256", 256), ("hash/64", 64), ("hash/1024", 1024)];

/// How long a thread sleeps when it is ahead of its rate.
const NAP: Duration = Duration::from_millis(1);

/// The hot threads.
pub struct HotThreads {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Tally>>,
}

impl HotThreads {
    pub fn start(count: u16, rate: u32, pushers: &Pushers) -> io::Result<Self> {
        let mut hot = Self {
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for n in 0..count {
            let (pusher, clock, stop) = (pushers.pusher(), pushers.clock, hot.stop.clone());
            let thread = thread::Builder::new().name(format!("hot-{n}"));
            hot.threads
                .push(thread.spawn(move || work(pusher, rate, clock, &stop))?);
        }
        Ok(hot)
    }

    pub fn stop(mut self) -> thread::Result<Tally> {
        self.stop.store(true, Relaxed);
        let mut total = Tally::default();
        for thread in self.threads.drain(..) {
            total += thread.join()?;
        }
        Ok(total)
    }
}

/// Threads that could not all be started stop too.
impl Drop for HotThreads {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

fn work(mut pusher: Pusher, rate: u32, clock: Clock, stop: &AtomicBool) -> Tally {
    let buffer = [0xA5; 1024];
    let mut work = WORK.iter().cycle();
    let mut pace = Pace::new(rate);
    while !stop.load(Relaxed) {
        let burst = pace.due();
        if burst == 0 {
            thread::sleep(NAP);
        }
        for &(route, bytes) in work.by_ref().take(burst) {
            let began = Instant::now();
            let mut hasher = DefaultHasher::new();
            hasher.write(black_box(&buffer[..bytes]));
            black_box(hasher.finish());
            let event = clock.work(route, bytes, began, Instant::now());
            if !pusher.push(event) || stop.load(Relaxed) {
                return pusher.finish();
            }
        }
    }
    pusher.finish()
}

/// Says how many events are due at some rate.
struct Pace {
    rate: u32,
    began: Instant,
    sent: u64,
}

impl Pace {
    fn new(rate: u32) -> Self {
        let began = Instant::now();
        Self { rate, began, sent: 0 }
    }

    /// How many to send now, which are taken as sent. A thread that was held up catches up in bursts.
    fn due(&mut self) -> usize {
        const MAX_BURST: u64 = 1_000;
        if self.rate == 0 {
            return MAX_BURST as usize;
        }
        let by_now = self.began.elapsed().as_nanos() * u128::from(self.rate) / 1_000_000_000;
        let burst = (by_now as u64).saturating_sub(self.sent).min(MAX_BURST);
        self.sent += burst;
        burst as usize
    }
}
