//! Clients that keep the service busy, each on a connection of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::service::ROUTES;

/// How many clients there are.
const CLIENTS: usize = 8;

/// After so many requests, a client pauses: the example shall load the machine, not fill it.
const REQUESTS_IN_A_ROW: usize = 8;
const PAUSE: Duration = Duration::from_millis(2);

/// The clients.
pub struct Load {
    stop: watch::Sender<bool>,
    clients: JoinSet<Answers>,
}

/// What a client got: how many answers, and why it got no more, if not because it was told to stop.
pub struct Answers {
    pub count: u64,
    pub broken: Option<io::Error>,
}

impl Load {
    pub fn start(service: SocketAddr) -> Self {
        let (stop, stopping) = watch::channel(false);
        let mut clients = JoinSet::new();
        for n in 0..CLIENTS {
            let stopping = stopping.clone();
            clients.spawn(async move {
                let mut count = 0;
                let broken = ask(service, n, stopping, &mut count).await.err();
                Answers { count, broken }
            });
        }
        Self { stop, clients }
    }

    /// Lets every client read the answer it waits for and close its connection.
    pub async fn stop(mut self) -> io::Result<Answers> {
        self.stop.send_replace(true);
        let mut total = Answers { count: 0, broken: None };
        while let Some(answers) = self.clients.join_next().await {
            let Answers { count, broken } = answers?;
            total.count += count;
            total.broken = total.broken.or(broken);
        }
        Ok(total)
    }
}

async fn ask(service: SocketAddr, n: usize, stop: watch::Receiver<bool>, answers: &mut u64) -> io::Result<()> {
    let mut socket = TcpStream::connect(service).await?;
    socket.set_nodelay(true)?;
    let (received, mut requests) = socket.split();
    let mut received = BufReader::new(received);
    let (mut head, mut body) = (String::new(), Vec::new());
    let mut routes = ROUTES.iter().cycle().skip(n);
    while !*stop.borrow() {
        for (route, _) in routes.by_ref().take(REQUESTS_IN_A_ROW) {
            requests.write_all(format!("GET {route}\n").as_bytes()).await?;
            head.clear();
            received.read_line(&mut head).await?;
            body.resize(length(&head)?, 0);
            received.read_exact(&mut body).await?;
            *answers += 1;
        }
        tokio::time::sleep(PAUSE).await;
    }
    requests.shutdown().await
}

/// The length in the first line of an answer, `200 512`.
fn length(head: &str) -> io::Result<usize> {
    let length = head.trim_end().strip_prefix("200 ").and_then(|it| it.parse().ok());
    length.ok_or_else(|| io::Error::other(format!("expected an answer, got {head:?}")))
}
