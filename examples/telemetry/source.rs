//! Where events come from: the service and the hot threads, or an input.

use std::future::pending;

use crate::Failure;
use crate::hot::HotThreads;
use crate::input::{Input, Lines, Reader};
use crate::load::Load;
use crate::pusher::{Pushers, Tally};
use crate::service::Service;

/// What runs.
pub enum Source {
    Service {
        service: Service,
        load: Load,
        hot: HotThreads,
    },
    Input(Reader),
}

/// What all pushers, and those they work for, have counted.
pub struct Counts {
    pub tally: Tally,
    pub origin: Origin,
}

pub enum Origin {
    Service {
        /// Answers that the clients got.
        answers: u64,
        /// What came of the events of the request handlers.
        handlers: Tally,
    },
    Input(Lines),
}

impl Source {
    pub async fn serve(producers: u16, rate: u32, pushers: &Pushers) -> Result<Self, Failure> {
        let service = Service::start(pushers.clone()).await;
        let service = service.map_err(|error| format!("cannot start the service: {error}"))?;
        let hot = HotThreads::start(producers, rate, pushers);
        let hot = hot.map_err(|error| format!("cannot start {producers} hot threads: {error}"))?;
        let load = Load::start(service.address);
        Ok(Self::Service { service, load, hot })
    }

    pub fn read(input: Input, pushers: &Pushers) -> Result<Self, Failure> {
        let reader = Reader::start(input, pushers.pusher());
        let reader = reader.map_err(|error| format!("cannot start the reader: {error}"))?;
        Ok(Self::Input(reader))
    }

    /// Waits for the end of the input; a service has none.
    pub async fn ended(&mut self) {
        match self {
            Self::Service { .. } => pending().await,
            Self::Input(reader) => reader.ended().await,
        }
    }

    /// Stops everything that pushes; also says what went wrong while it ran.
    pub async fn stop(self) -> Result<(Counts, Option<Failure>), Failure> {
        match self {
            Self::Service { service, load, hot } => {
                // Clients first, so that every request gets its answer, and then the service.
                let answers = load.stop().await.map_err(|error| format!("a client: {error}"))?;
                let handlers = service.stop().await.map_err(|error| format!("the service: {error}"))?;
                let hot = tokio::task::spawn_blocking(|| hot.stop());
                let hot = hot.await.map_err(|error| format!("the hot threads: {error}"))?;
                let mut tally = hot.map_err(|_| "a hot thread panicked")?;
                tally += handlers;
                let origin = Origin::Service {
                    answers: answers.count,
                    handlers,
                };
                let failure = answers.broken.map(|error| format!("a client: {error}"));
                Ok((Counts { tally, origin }, failure))
            }
            Self::Input(reader) => {
                let stopped = tokio::task::spawn_blocking(|| reader.stop()).await;
                let stopped = stopped.map_err(|error| format!("the reader: {error}"))?;
                let (tally, lines, failure) = stopped.ok_or("the reader was stopped twice")?;
                let origin = Origin::Input(lines);
                Ok((Counts { tally, origin }, failure))
            }
        }
    }
}
