//! A channel under load, watched by Prometheus: its numbers over HTTP, and a scrape that checks them.
//!
//! ```text
//! cargo run --release --features metrics,tokio --example prometheus
//! ```
//!
//! Everything that a service needs is in `main`: a recorder with its listener, and one task for the channel. The rest is load,
//! and the scrape that Prometheus would make.
//!
//! Exit codes: 0 if the scraped numbers are the channel's own, 1 if not.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use mpsc_ring::{BackPressurePolicy, Consumer, Stats, channel, metrics};

/// How often the channel's numbers are published. Prometheus asks every few seconds at most.
const EVERY: Duration = Duration::from_millis(50);

/// Each thread pushes so many bursts of so many events, more than the ring holds, with a pause after each.
const THREADS: u64 = 3;
const BURSTS: u64 = 200;
const BURST: u64 = 2_000;
const PAUSE: Duration = Duration::from_millis(1);

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    // The recorder first: metrics belong to the one that is there when they are made.
    let address = free_address()?;
    PrometheusBuilder::new().with_http_listener(address).install()?;

    let (producer, consumer) = channel::<u64>(1_024, BackPressurePolicy::DropNewest);
    let publishing = metrics::spawn(&producer, "events", EVERY);

    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let producer = producer.clone();
            thread::spawn(move || {
                for _ in 0..BURSTS {
                    (0..BURST).for_each(|n| _ = producer.push(n)); // what is refused is counted
                    thread::sleep(PAUSE);
                }
            })
        })
        .collect();
    let consuming = tokio::spawn(consume(consumer));

    // While it runs, numbers only rise.
    tokio::time::sleep(2 * EVERY).await;
    let before = scrape(address).await?;
    tokio::time::sleep(2 * EVERY).await;
    let later = scrape(address).await?;
    let pushed = "mpsc_ring_pushed_total";
    assert!(value(&before, pushed).is_some_and(|count| count > 0.0));
    assert!(value(&before, pushed) <= value(&later, pushed));

    // At the end they are exact: the task publishes once more after the channel is closed and drained.
    let joined = tokio::task::spawn_blocking(|| threads.into_iter().try_for_each(thread::JoinHandle::join));
    joined.await?.map_err(|_| "a thread panicked")?;
    let watch = producer.downgrade();
    drop(producer);
    consuming.await?;
    publishing.await?;
    let (scraped, stats) = (scrape(address).await?, watch.stats());
    Ok(compare(&scraped, &stats))
}

async fn consume(consumer: Consumer<u64>) {
    let mut batch = Vec::with_capacity(256);
    while consumer.take_batch_into_async(&mut batch, 256).await.taken > 0 {
        batch.clear();
        tokio::time::sleep(Duration::from_micros(100)).await; // writes it somewhere
    }
}

/// An address that nobody listens on, but for the moment between this and the use of it.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// What a scrape yields: the values by name.
type Scraped = BTreeMap<String, f64>;

fn value(scraped: &Scraped, name: &str) -> Option<f64> {
    scraped.get(name).copied()
}

async fn scrape(address: SocketAddr) -> Result<Scraped, Failure> {
    let response = tokio::task::spawn_blocking(move || get(address, "/metrics")).await??;
    let (head, body) = response.split_once("\r\n\r\n").ok_or("not a response")?;
    if !head.starts_with("HTTP/1.0 200") && !head.starts_with("HTTP/1.1 200") {
        return Err(format!("no metrics: {head}").into());
    }
    // `mpsc_ring_pushed_total{channel="events"} 17`
    let values = body.lines().filter_map(|line| {
        let (name, value) = line.split_once("{channel=\"events\"} ")?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    Ok(values.collect())
}

/// The response to a request, as it comes.
fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let patience = Some(Duration::from_secs(5));
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(patience)?;
    connection.set_write_timeout(patience)?;
    write!(connection, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut response = String::new();
    connection.read_to_string(&mut response)?;
    Ok(response)
}

/// Prints both sides; whether they agree is the exit code.
fn compare(scraped: &Scraped, stats: &Stats) -> ExitCode {
    let expected = [
        ("mpsc_ring_pushed_total", stats.pushed),
        ("mpsc_ring_taken_total", stats.taken),
        ("mpsc_ring_evicted_total", stats.evicted),
        ("mpsc_ring_displaced_total", stats.displaced),
        ("mpsc_ring_discarded_total", stats.discarded),
        ("mpsc_ring_refused_total", stats.refused),
        ("mpsc_ring_refused_pinned_total", stats.refused_pinned),
        ("mpsc_ring_takers_parked_total", stats.takers_parked),
        ("mpsc_ring_takers_woken_total", stats.takers_woken),
        ("mpsc_ring_pushers_parked_total", stats.pushers_parked),
        ("mpsc_ring_pushers_woken_total", stats.pushers_woken),
        ("mpsc_ring_refused_spill_total", stats.refused_spill),
        ("mpsc_ring_spilled_total", stats.spilled),
        ("mpsc_ring_spill_lost_total", stats.spill_lost),
        ("mpsc_ring_on_disk", stats.on_disk),
        ("mpsc_ring_recovered", stats.recovered),
        ("mpsc_ring_length", stats.len),
        ("mpsc_ring_high_water", stats.high_water),
        ("mpsc_ring_capacity", stats.capacity),
        ("mpsc_ring_memory_bytes", stats.bytes),
    ];
    let mut agree = stats.offered() == THREADS * BURSTS * BURST && scraped.len() == expected.len();
    for (name, expected) in expected {
        let scraped = value(scraped, name);
        let same = scraped == Some(expected as f64);
        agree &= same;
        let sign = if same { "ok   " } else { "WRONG" };
        println!("{sign} {name:<32}{expected:>10}, scraped {scraped:?}");
    }
    println!("{}", if agree { "all agree" } else { "they differ" });
    if agree { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
