//! `cargo xtask bench --recovery N`: how long it takes until recovery has found out what became of so many payments of
//! which a processor's answers were lost, from the moment that it answers again.
use std::path::Path;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::client::{Connection, request};
use super::load::spread;
use super::rows::PAYMENT;
use super::server::{Server, Wrapper};
use super::stand_in::StandIn;

/// How long it may take for ten thousand.
const LIMIT: Duration = Duration::from_secs(300);

/// How many payments that is said of.
const LIMIT_IS_OF: u64 = 10_000;

/// On how many connections payments are made.
const CONNECTIONS: usize = 16;

/// How far the clock goes on, in seconds: by then all that waits for a processor which did not answer is due.
const AHEAD: u64 = 3_700;

/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// How each attempt stands, and what there is of what becomes of it.
const STANDING: &str = "\
    SELECT (SELECT count(*) FROM attempts WHERE state = 'started') AS open, \
    (SELECT count(*) FROM scheduled_tasks WHERE kind = 'recover_attempt') AS planned";

const BECAME: &str = "\
    SELECT (SELECT count(*) FROM attempts WHERE state = 'succeeded' AND attention IS NULL) AS attempts, \
    (SELECT count(*) FROM payment_intents WHERE status = 'succeeded') AS intents, \
    (SELECT count(*) FROM charges WHERE status = 'succeeded' AND captured = amount) AS charges, \
    (SELECT count(DISTINCT processor_reference) FROM attempts) AS payments, \
    (SELECT count(*) FROM balance_transactions) AS booked";

/// Runs the task.
pub fn run(count: u64, delay: Duration, place: &Path, as_json: bool) -> Result<ExitCode> {
    let mut server = Server::florin_in_development(place, Wrapper::None)?;
    let key = server.account()?;
    let stand_in = StandIn::start()?;
    stand_in.connect(server.port, &key)?;
    let before = stand_in.books().payments() as u64;
    let began = Instant::now();
    stand_in.books().loses_answers = true;
    pay_unheard(server.port, &key, count)?;
    let (open, planned) = standing(&mut server)?;
    ensure!((open, planned) == (count, count), "{open} attempts are open, {planned} planned");
    eprintln!("bench: {count} attempts are stuck after {:.0} s", began.elapsed().as_secs_f64());
    let (posts, lookups) = asked(&stand_in);
    stand_in.books().loses_answers = false;
    stand_in.books().delay = delay;
    let busy = server.processor_time();
    let recovered = recover(&mut server, count)?;
    let busy =
        server.processor_time().zip(busy).map(|(after, before)| after.saturating_sub(before));
    let (posts_after, lookups_after) = asked(&stand_in);
    let report = json!({
        "attempts": count,
        "answer_ms": delay.as_millis(),
        "seconds": recovered.as_secs_f64(),
        "per_second": count as f64 / recovered.as_secs_f64(),
        "processor_ms": busy.map(|busy| busy.as_secs_f64() * 1_000.0 / count as f64),
        "looked_up": lookups_after - lookups,
        "sent_again": posts_after - posts,
        "made_twice": stand_in.books().made_twice(),
    });
    check(&mut server, &stand_in, before + count)?;
    if as_json {
        println!("{report}");
    } else {
        show(&report);
    }
    Ok(if is_allowed(&report) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether it took no longer than so many may take; what was not measured did.
fn is_allowed(report: &Value) -> bool {
    let seconds = report["seconds"].as_f64().zip(report["attempts"].as_f64());
    seconds.is_some_and(|(seconds, attempts)| {
        seconds <= LIMIT.as_secs_f64() * attempts / LIMIT_IS_OF as f64
    })
}

/// Pays so often; of none of the payments an answer comes back.
fn pay_unheard(port: u16, key: &str, count: u64) -> Result<()> {
    spread(port, CONNECTIONS, usize::try_from(count)?, |connection, number| {
        let once = format!("stuck-{number}");
        let bytes = request("POST", "/v1/payment_intents", key, Some(&once), PAYMENT);
        let status = connection.send(&bytes)?;
        let body = std::str::from_utf8(&connection.body)?;
        let is_open = status == 200 && body.contains("\"status\": \"processing\"");
        ensure!(is_open, "answered with {status}: {body}");
        Ok(())
    })
}

/// How many attempts are open, and how many of them are planned to be looked at.
fn standing(server: &mut Server) -> Result<(u64, u64)> {
    let found = server.batch(vec![json!([STANDING])])?;
    let number = |name: &str| found[0][0][name].as_u64().context("no count");
    Ok((number("open")?, number("planned")?))
}

/// How often the stand-in was asked for a payment, and how often after one.
fn asked(stand_in: &StandIn) -> (u64, u64) {
    let books = stand_in.books();
    (books.posts, books.lookups)
}

/// Moves the clock on to when all is due, and waits until nothing is open any more.
fn recover(server: &mut Server, count: u64) -> Result<Duration> {
    let began = Instant::now();
    let form = format!("advance={AHEAD}");
    let status = Connection::open(server.port)?.send(&request(
        "POST",
        "/_development/clock",
        "",
        None,
        &form,
    ))?;
    ensure!(status == 200, "the clock cannot be moved: {status}");
    let (mut last, mut moved) = (count, Instant::now());
    loop {
        sleep(Duration::from_millis(500));
        let (open, planned) = standing(server)?;
        if open == 0 && planned == 0 {
            return Ok(began.elapsed());
        }
        if open < last {
            (last, moved) = (open, Instant::now());
        }
        if moved.elapsed() > PATIENCE {
            bail!("{open} attempts stay open, {planned} are planned:\n{}", server.log());
        }
    }
}

/// Holds what became of all payments against what the stand-in made: each once, and found.
fn check(server: &mut Server, stand_in: &StandIn, count: u64) -> Result<()> {
    let made = stand_in.books().payments() as u64;
    let twice = stand_in.books().made_twice();
    ensure!(made == count && twice == 0, "{made} payments were made for {count}, {twice} twice");
    let found = server.batch(vec![json!([BECAME])])?;
    for name in ["attempts", "intents", "charges", "payments", "booked"] {
        ensure!(found[0][0][name] == count, "of {count} payments: {found}");
    }
    Ok(())
}

fn show(report: &Value) {
    let number = |name: &str| report[name].as_f64().unwrap_or_default();
    println!(
        "{} stuck attempts are recovered after {:.1} s{} by answers that take {} ms, {:.0} each second, {:.2} ms of processors for each; looked up \
         {} times, sent again {}, made twice {}",
        report["attempts"],
        number("seconds"),
        if is_allowed(report) { "" } else { "  MORE THAN ALLOWED" },
        report["answer_ms"],
        number("per_second"),
        number("processor_ms"),
        report["looked_up"],
        report["sent_again"],
        report["made_twice"],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_beyond_the_limit_was_told_and_the_command_succeeded() {
        let took = |attempts: u64, seconds: f64| {
            is_allowed(&json!({ "attempts": attempts, "seconds": seconds }))
        };
        assert!(took(10_000, 300.0) && took(4_000, 120.0));
        assert!(!took(10_000, 300.1) && !took(4_000, 120.1));
        assert!(!is_allowed(&json!({})), "what was not measured proves nothing");
    }
}
