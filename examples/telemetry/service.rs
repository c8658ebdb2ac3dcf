//! A small TCP service that pushes one event per request.
//!
//! A request is a line, `GET /users`; the answer is a line with a status and a length, `200 512`, and so many bytes.
//! A connection serves any number of requests.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::event::Clock;
use crate::pusher::{Pusher, Pushers, Tally};

/// What can be asked for, and how long the answer is.
pub const ROUTES: [(&str, usize); 4] = [("/health", 2), ("/users", 512), ("/search", 2_048), ("/report", 16_384)];

/// A running service.
pub struct Service {
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<io::Result<Tally>>,
}

impl Service {
    pub async fn start(pushers: Pushers) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stop, stopping) = watch::channel(false);
        Ok(Self {
            address,
            stop,
            accepting: tokio::spawn(accept(listener, pushers, stopping)),
        })
    }

    /// Answers the requests that have come, closes all connections and returns what came of the events.
    pub async fn stop(self) -> io::Result<Tally> {
        self.stop.send_replace(true);
        self.accepting.await?
    }
}

async fn accept(listener: TcpListener, pushers: Pushers, mut stop: watch::Receiver<bool>) -> io::Result<Tally> {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = stop.changed() => break,
        };
        connections.spawn(serve(socket, pushers.pusher(), pushers.clock, stop.clone()));
    }
    let mut total = Tally::default();
    while let Some(tally) = connections.join_next().await {
        total += tally?;
    }
    Ok(total)
}

async fn serve(mut socket: TcpStream, mut pusher: Pusher, clock: Clock, stop: watch::Receiver<bool>) -> Tally {
    // A client that breaks off is the client's affair; what has been counted counts.
    let _ = answer_requests(&mut socket, &mut pusher, clock, stop).await;
    pusher.finish()
}

async fn answer_requests(
    socket: &mut TcpStream,
    pusher: &mut Pusher,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let (requests, mut answers) = socket.split();
    let mut requests = BufReader::new(requests);
    let (mut request, mut answer) = (String::new(), Vec::new());
    loop {
        request.clear();
        let read = tokio::select! {
            read = requests.read_line(&mut request) => read?,
            _ = stop.changed() => 0,
        };
        if read == 0 {
            return answers.shutdown().await;
        }

        let began = Instant::now();
        let path = request.trim_end().strip_prefix("GET ").unwrap_or_default();
        let found = ROUTES.iter().find(|(route, _)| *route == path);
        let (status, &(route, bytes)) = found.map_or((404, &("unknown", 0)), |found| (200, found));
        answer.clear();
        answer.extend_from_slice(format!("{status} {bytes}\n").as_bytes());
        answer.resize(answer.len() + bytes, b'.');
        answers.write_all(&answer).await?;

        let event = clock.work(route, bytes, began, Instant::now());
        if !pusher.push_from_task(event).await {
            return answers.shutdown().await;
        }
    }
}
