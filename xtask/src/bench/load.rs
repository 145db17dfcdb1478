//! Sends one operation over many connections at once, and takes the time of each answer.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::client::Connection;
use super::operation::Prepared;
use super::server::Server;

/// What one measurement came to.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Requests that were answered.
    pub requests: usize,
    /// The same, for each second.
    pub per_second: f64,
    /// How many milliseconds the server kept a processor busy for each, where the system tells.
    pub processor: Option<f64>,
    /// The median of the times, in milliseconds.
    pub p50: f64,
    /// The time that 99 of 100 stay below.
    pub p99: f64,
}

/// Drives a server for this long, once it is warm.
pub fn drive(
    prepared: &Prepared,
    server: &Server,
    connections: usize,
    (warm_up, length): (Duration, Duration),
) -> Result<Figures> {
    let port = server.port;
    let begin = Instant::now() + warm_up;
    let end = begin + length;
    let threads: Vec<_> = (0..connections)
        .map(|number| {
            let prepared = prepared.clone();
            thread::spawn(move || one(&prepared, port, number, begin, end))
        })
        .collect();
    let busy_at = |moment: Instant| {
        thread::sleep(moment.saturating_duration_since(Instant::now()));
        server.processor_time()
    };
    let (before, after) = (busy_at(begin), busy_at(end));
    let mut times = Vec::new();
    for thread in threads {
        times.extend(thread.join().map_err(|_| anyhow!("a connection's thread panicked"))??);
    }
    times.sort_unstable();
    Ok(Figures {
        requests: times.len(),
        per_second: times.len() as f64 / length.as_secs_f64(),
        processor: before.zip(after).map(|(before, after)| {
            (after.saturating_sub(before)).as_secs_f64() * 1_000.0 / times.len() as f64
        }),
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
    })
}

/// One connection's requests; only those that end within the time count.
fn one(
    prepared: &Prepared,
    port: u16,
    number: usize,
    begin: Instant,
    end: Instant,
) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(port)?;
    let who = format!("{number}");
    let mut times = Vec::new();
    for count in 0.. {
        let started = Instant::now();
        prepared.send(&mut connection, &who, count)?;
        let now = Instant::now();
        if now >= end {
            break;
        }
        if now >= begin {
            times.push(now - started);
        }
    }
    Ok(times)
}

/// Does something so often over many connections at once, as fast as it goes. What is done is told its number.
pub fn spread(
    port: u16,
    connections: usize,
    times: usize,
    act: impl Fn(&mut Connection, usize) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let one = || -> Result<()> {
        let mut connection = Connection::open(port)?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= times {
                return Ok(());
            }
            act(&mut connection, number)?;
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(one)).collect();
        let done = threads.into_iter().map(|thread| thread.join());
        done.into_iter().try_for_each(|done| done.map_err(|_| anyhow!("a thread panicked"))?)
    })
}

/// In milliseconds, of sorted times.
pub fn percentile(times: &[Duration], percent: usize) -> f64 {
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
