//! Three stages on tokio, parse → enrich → write, with a small channel between any two.
//!
//! ```text
//! cargo run --example async_pipeline
//! ```
//!
//! Each stage takes a batch, works on it and pushes the result as a batch. The last stage is slow. Its channel fills, so
//! the stage before it waits, so the channel before that fills too: back pressure travels up to the source without a
//! line of code for it. When the source drops its producer, the end travels down the same way.

use std::time::Duration;

use mpsc_ring::{BackPressurePolicy, BatchPushError, Consumer, Producer, channel};

const LINES: usize = 20_000;
const CAPACITY: usize = 256;
const BATCH: usize = 64;

/// What the first stage makes of a line.
struct Request {
    path: String,
    millis: u32,
}

/// What the second stage makes of that.
struct Enriched {
    request: Request,
    slow: bool,
}

#[tokio::main]
async fn main() -> Result<(), BatchPushError> {
    let (lines, to_parse) = channel(CAPACITY, BackPressurePolicy::Block);
    let (parsed, to_enrich) = channel(CAPACITY, BackPressurePolicy::Block);
    let (enriched, to_write) = channel(CAPACITY, BackPressurePolicy::Block);

    let parser = tokio::spawn(stage(to_parse, parsed, parse));
    let enricher = tokio::spawn(stage(to_enrich, enriched, |request| {
        let slow = request.millis >= 90;
        Some(Enriched { request, slow })
    }));
    let writer = tokio::spawn(write(to_write));

    // The source. A sender from synchronous code would call `push`; a task must not block its executor and awaits.
    for n in 0..LINES {
        let line = match n % 1_000 {
            999 => "not a request".to_owned(),
            _ => format!("/item/{n} {}", n % 100),
        };
        if lines.push_async(line).await.is_err() {
            break; // The parser is gone; it will say why.
        }
        assert!(lines.len() <= CAPACITY);
    }
    drop(lines);

    let parsed = parser.await.expect("the parser does not panic")?;
    let enriched = enricher.await.expect("the enricher does not panic")?;
    let (written, slow) = writer.await.expect("the writer does not panic");
    println!("{LINES} lines, {parsed} parsed, {enriched} enriched, {written} written, {slow} of them slow");
    assert_eq!(parsed, LINES - LINES / 1_000, "every thousandth line is no request");
    assert_eq!((enriched, written), (parsed, parsed), "nothing is lost between stages");
    Ok(())
}

/// Takes batches, passes what `work` makes of them on in batches, and returns how many items that were.
async fn stage<T, U>(
    input: Consumer<T>,
    output: Producer<U>,
    work: impl Fn(T) -> Option<U>,
) -> Result<usize, BatchPushError> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut done = Vec::with_capacity(BATCH);
    let mut passed_on = 0;
    while input.take_batch_into_async(&mut batch, BATCH).await.taken > 0 {
        done.extend(batch.drain(..).filter_map(&work));
        // Waits while the next stage is behind. If that one is gone, this one ends too, and dropping its consumer tells
        // the stage before it.
        passed_on += output.push_from_async(&mut done).await?;
    }
    Ok(passed_on)
}

fn parse(line: String) -> Option<Request> {
    let (path, millis) = line.split_once(' ')?;
    let millis = millis.parse().ok()?;
    Some(Request {
        path: path.to_owned(),
        millis,
    })
}

/// Returns how many items there were, and how many of them slow.
async fn write(input: Consumer<Enriched>) -> (usize, usize) {
    let mut batch = Vec::with_capacity(BATCH);
    let (mut written, mut slow, mut longest_path) = (0, 0, 0);
    while input.take_batch_into_async(&mut batch, BATCH).await.taken > 0 {
        // A disk or a network would take its time here.
        tokio::time::sleep(Duration::from_micros(50)).await;
        for Enriched { request, slow: is_slow } in batch.drain(..) {
            written += 1;
            slow += usize::from(is_slow);
            longest_path = longest_path.max(request.path.len());
        }
    }
    assert_eq!(longest_path, "/item/19998".len());
    (written, slow)
}
