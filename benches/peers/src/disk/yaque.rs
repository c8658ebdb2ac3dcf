//! `yaque`, with what it does unless told otherwise: it flushes after every call, and writes down after every so many
//! reads how far they have come.

use std::path::Path;

use futures_executor::block_on;
use yaque::{Receiver, Sender};

use super::{Append, Event, Take, number_of, to_bytes};

pub fn sender(dir: &Path) -> Sender {
    Sender::open(dir).expect("a queue")
}

pub fn receiver(dir: &Path) -> Receiver {
    Receiver::open(dir).expect("a queue")
}

impl Append for Sender {
    fn append(&mut self, events: &[Event]) {
        let sent = if let [event] = events {
            self.try_send(to_bytes(event)).map_err(drop)
        } else {
            self.try_send_batch(events.iter().map(to_bytes)).map_err(drop)
        };
        sent.expect("events that are taken");
    }
}

impl Take for Receiver {
    fn take(&mut self, max: usize, mut see: impl FnMut(u64)) {
        let committed = if max == 1 {
            let event = block_on(self.recv()).expect("an event");
            see(number_of(&event));
            event.commit()
        } else {
            let events = block_on(self.recv_batch(max)).expect("events");
            events.iter().for_each(|bytes| see(number_of(bytes)));
            events.commit()
        };
        committed.expect("a position that is kept");
    }
}
