//! `cargo xtask bench --processors`: what Florin itself takes for a payment through the Stripe connector, beside the same
//! through the built-in simulator. Both are made by one server for two merchants, in turn, so that neither the machine nor
//! how well the Worker is compiled by then tells them apart. What any Worker takes to send a request to a processor and to
//! read its answer, while it does nothing else, is measured in the same way and taken out.
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::client::{Connection, request};
use super::load::{percentile, spread};
use super::operation::{Operation, Prepared};
use super::rows::PAYMENT;
use super::script;
use super::server::{Server, Subject, Wrapper};
use super::stand_in::StandIn;
use super::{middle, milliseconds};

/// The most that a payment through the connector may take, beside one through the simulator.
const LIMIT: f64 = 1.10;

/// The ratios in a report that this is said of.
const RATIOS: [&str; 2] = ["processor_ratio", "p50_ratio"];

/// On how many connections payments are made where the Worker's processor time is measured.
const CONNECTIONS: usize = 16;

/// How many payments are made through the one before the other has its turn.
const SLICE: usize = 200;

/// How many pairs of slices each server is measured in; before them it warms up.
const PAIRS: usize = 8;

/// How many servers are started one after the other: each is compiled a little differently.
const SERVERS: usize = 3;

/// How long a server runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(10);

/// How many bare requests to the stand-in are made in one slice, and how many in each request for them.
const BARE: usize = 2_000;
const BARE_TOGETHER: usize = 25;

/// How many single payments are made through each to tell how long one takes.
const SINGLE: usize = 200;

/// One server with a merchant at either processor.
struct Both {
    server: Server,
    stand_in: StandIn,
    /// The keys of the merchant at the simulator and of the one at the stand-in.
    keys: [String; 2],
    /// How many payments were begun.
    number: AtomicUsize,
}

/// What was measured: of payments through the simulator, of those through the connector, and of bare requests.
#[derive(Default)]
struct Measured {
    /// Milliseconds of processors for each, slice by slice.
    processor: [Vec<f64>; 3],
    /// How long each took alone.
    times: [Vec<Duration>; 3],
    /// How much of that the stand-in itself took, of a payment.
    answered_in: Vec<Duration>,
}

/// Runs the task.
pub fn run(place: &Path, as_json: bool) -> Result<ExitCode> {
    let hops = hops(place)?;
    let mut measured = Measured::default();
    for number in 1..=SERVERS {
        let both = Both::start(place, Wrapper::Outward)?;
        both.warm_up()?;
        both.slices(&mut measured)?;
        both.singles(&mut measured)?;
        ensure!(!both.server.log().contains("[error]"), "errors:\n{}", both.server.log());
        eprintln!("bench: server {number} of {SERVERS} is measured");
    }
    let report = report(&mut measured, &hops);
    if as_json {
        println!("{report}");
    } else {
        show(&report);
    }
    let is_allowed = RATIOS.iter().all(|ratio| is_allowed(&report, ratio));
    Ok(if is_allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a ratio, without the request itself, is within the limit; what was not measured is not.
fn is_allowed(report: &Value, ratio: &str) -> bool {
    report[format!("{ratio}_without")].as_f64().is_some_and(|ratio| ratio <= LIMIT)
}

impl Both {
    fn start(place: &Path, wrapper: Wrapper) -> Result<Self> {
        let mut server = Server::florin_in_development(place, wrapper)?;
        let keys = [server.account()?, server.account()?];
        let stand_in = StandIn::start()?;
        stand_in.connect(server.port, &keys[1])?;
        Ok(Self { server, stand_in, keys, number: AtomicUsize::new(0) })
    }

    fn warm_up(&self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < WARM_UP {
            self.slice(0)?;
            self.slice(1)?;
        }
        Ok(())
    }

    /// Does something so often on many connections, as fast as it goes.
    fn fast(&self, times: usize, act: impl Fn(&mut Connection) -> Result<()> + Sync) -> Result<()> {
        spread(self.server.port, CONNECTIONS, times, |connection, _| act(connection))
    }

    /// Pays through one of both.
    fn slice(&self, which: usize) -> Result<()> {
        let (port, key) = (self.server.port, &self.keys[which]);
        let prepared = Prepared::new(Operation::CreateAndConfirm, Subject::Florin, key, port)?;
        let asked_before = self.stand_in.books().posts;
        self.fast(SLICE, |connection| {
            let number = self.number.fetch_add(1, Ordering::Relaxed);
            prepared.send(connection, "processors", number)
        })?;
        let asked = self.stand_in.books().posts - asked_before;
        ensure!(asked == [0, SLICE as u64][which], "{asked} payments came to the stand-in");
        Ok(())
    }

    /// Sends nothing but requests to the stand-in, so many for each request here.
    fn bare(&self, connection: &mut Connection, times: usize) -> Result<()> {
        let bytes = request("POST", "/bare", "", None, &self.stand_in.bare(times));
        let status = connection.send(&bytes)?;
        ensure!(status == 200, "{}", String::from_utf8_lossy(&connection.body));
        Ok(())
    }

    /// Measures slices of all in turn; who comes first changes, so that what the one leaves to do after its answers
    /// falls on the other as often.
    fn slices(&self, measured: &mut Measured) -> Result<()> {
        for pair in 0..PAIRS {
            for which in [pair % 2, 1 - pair % 2, 2] {
                if which == 2 {
                    // What is left to do after the answers to payments is no bare request's.
                    sleep(Duration::from_millis(500));
                }
                let before = self.server.processor_time().context("the system tells no times")?;
                let times = if which == 2 { BARE } else { SLICE };
                match which {
                    2 => self.fast(BARE / BARE_TOGETHER, |it| self.bare(it, BARE_TOGETHER))?,
                    _ => self.slice(which)?,
                }
                let after = self.server.processor_time().context("the system tells no times")?;
                let each = milliseconds(after.saturating_sub(before)) / times as f64;
                measured.processor[which].push(each);
            }
        }
        Ok(())
    }

    /// Measures payments and bare requests one after the other.
    fn singles(&self, measured: &mut Measured) -> Result<()> {
        let mut connection = Connection::open(self.server.port)?;
        for number in 0..SINGLE {
            for which in [number % 2, 1 - number % 2, 2] {
                // What the one before left to do after its answer is done by then.
                sleep(Duration::from_millis(15));
                connection.revive()?;
                let answered_before = self.stand_in.books().busy;
                let began = Instant::now();
                if which == 2 {
                    self.bare(&mut connection, BARE_TOGETHER)?;
                    measured.times[2].push(began.elapsed() / BARE_TOGETHER as u32);
                    continue;
                }
                let once = format!("single-{number}");
                let key = &self.keys[which];
                let bytes = request("POST", "/v1/payment_intents", key, Some(&once), PAYMENT);
                let status = connection.send(&bytes)?;
                measured.times[which].push(began.elapsed());
                ensure!(status == 200, "{}", String::from_utf8_lossy(&connection.body));
                if which == 1 {
                    measured.answered_in.push(self.stand_in.books().busy - answered_before);
                }
            }
        }
        Ok(())
    }
}

/// What a payment through either asks of the stores.
fn hops(place: &Path) -> Result<[Value; 2]> {
    let both = Both::start(place, Wrapper::Observer)?;
    let mut hops = Vec::new();
    for (name, key) in ["simulator", "stripe"].into_iter().zip(&both.keys) {
        let operations = [Operation::CreateAndConfirm];
        let seen = script::observe(&both.server, Subject::Florin, key, &operations)?;
        let (_, seen) = seen.first().context("nothing was observed")?;
        eprintln!("bench: {name}: {seen}\n{}", seen.list());
        hops.push(json!(seen.to_string()));
    }
    <[Value; 2]>::try_from(hops).map_err(|_| anyhow!("one of both was not observed"))
}

fn report(measured: &mut Measured, hops: &[Value; 2]) -> Value {
    measured.times.iter_mut().for_each(|times| times.sort_unstable());
    measured.answered_in.sort_unstable();
    let [simulator, stripe, bare] = &measured.processor;
    let p50 = measured.times.each_ref().map(|times| percentile(times, 50));
    let threes = || simulator.iter().zip(stripe).zip(bare);
    json!({
        "processor_ms": measured.processor.each_ref().map(|of| middle(of.iter().copied())),
        // Of neighbours, not of the medians: what disturbed the one disturbed the other.
        "processor_ratio": middle(threes().map(|((simulator, stripe), _)| stripe / simulator)),
        "processor_ratio_without": middle(threes().map(|((simulator, stripe), bare)| (stripe - bare) / simulator)),
        "p50_ms": p50,
        "p50_ratio": p50[1] / p50[0],
        "p50_ratio_without": (p50[1] - p50[2]) / p50[0],
        "stand_in_answers_in_ms": percentile(&measured.answered_in, 50),
        "payments": [simulator.len() * SLICE, stripe.len() * SLICE],
        "hops": hops,
    })
}

fn show(report: &Value) {
    println!(
        "{:<34}{:>11}{:>10}{:>14}{:>11}{:>17}",
        "a payment through", "simulator", "stripe", "bare request", "stripe is", "without request"
    );
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    for ((name, of), ratio) in
        [("CPU ms of the Worker", "processor_ms"), ("p50 in ms, one at a time", "p50_ms")]
            .into_iter()
            .zip(RATIOS)
    {
        let [simulator, stripe, bare] = [0, 1, 2].map(|place| number(&report[of][place]));
        let without = number(&report[format!("{ratio}_without")]);
        println!(
            "{name:<34}{simulator:>11.2}{stripe:>10.2}{bare:>14.2}{:>9.2} x{without:>15.2} x{}",
            number(&report[ratio]),
            if is_allowed(report, ratio) { "" } else { "  MORE THAN ALLOWED" }
        );
    }
    println!(
        "the stand-in itself takes {:.2} ms for its answer (median)",
        number(&report["stand_in_answers_in_ms"])
    );
    let hops = report["hops"].as_array().into_iter().flatten();
    for (name, hops) in ["simulator", "stripe"].into_iter().zip(hops) {
        println!("{name}: {}", hops.as_str().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_beyond_the_limit_was_told_and_the_command_succeeded() {
        let report = json!({ "processor_ratio_without": 1.10, "p50_ratio_without": 1.11 });
        assert_eq!(RATIOS.map(|ratio| is_allowed(&report, ratio)), [true, false]);
        assert!(!is_allowed(&json!({}), "p50_ratio"), "what was not measured proves nothing");
    }
}
