//! `cargo xtask bench`: how fast Florin is beside the least that a Worker can do for the same storage hops, and beside
//! localstripe. Rounds are interleaved, so that what else the machine does falls on all alike.
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use pico_args::Arguments;
use serde_json::{Value, json};

use crate::{build, finish, setup};

mod client;
mod entries;
mod listener;
mod load;
mod operation;
mod processors;
mod recovery;
mod rows;
mod script;
mod server;
mod stand_in;
mod webhooks;

use client::Connection;
use load::Figures;
use operation::{Operation, Prepared};
use script::{Observed, Script};
use server::{Server, Subject, Wrapper};

const SUBJECTS: [Subject; 3] = [Subject::Florin, Subject::Floor, Subject::Localstripe];

/// How a measurement is taken.
struct Settings {
    length: Duration,
    connections: usize,
    rounds: usize,
    operations: Vec<Operation>,
    /// Where the stores are kept.
    place: PathBuf,
}

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let rows: Option<u64> = arguments.opt_value_from_str("--rows")?;
    let entries: Option<u64> = arguments.opt_value_from_str("--entries")?;
    let is_webhooks = arguments.contains("--webhooks");
    let recovery: Option<u64> = arguments.opt_value_from_str("--recovery")?;
    let is_processors = arguments.contains("--processors");
    let as_json = arguments.contains("--json");
    let place: Option<PathBuf> = arguments.opt_value_from_str("--folder")?;
    let tools = setup::for_build()?;
    if let Some(rows) = rows {
        finish(arguments)?;
        build::build(&tools, false)?;
        return rows::run(rows, &place.unwrap_or_else(std::env::temp_dir), as_json);
    }
    if let Some(entries) = entries {
        finish(arguments)?;
        build::build(&tools, false)?;
        return entries::run(entries, &place.unwrap_or_else(server::memory), as_json);
    }
    if let Some(count) = recovery {
        let delay: u64 = arguments.opt_value_from_str("--answer-ms")?.unwrap_or(0);
        finish(arguments)?;
        build::build(&tools, false)?;
        let place = place.unwrap_or_else(server::memory);
        return recovery::run(count, Duration::from_millis(delay), &place, as_json);
    }
    if is_processors {
        finish(arguments)?;
        build::build(&tools, false)?;
        return processors::run(&place.unwrap_or_else(server::memory), as_json);
    }
    let seconds: f64 = arguments.opt_value_from_str("--seconds")?.unwrap_or(5.0);
    if is_webhooks {
        finish(arguments)?;
        build::build(&tools, false)?;
        let length = Duration::from_secs_f64(seconds);
        return webhooks::run(&place.unwrap_or_else(server::memory), length, as_json);
    }
    let only: Option<String> = arguments.opt_value_from_str("--only")?;
    let settings = Settings {
        length: Duration::from_secs_f64(seconds),
        connections: arguments.opt_value_from_str("--connections")?.unwrap_or(16),
        rounds: arguments.opt_value_from_str("--rounds")?.unwrap_or(3),
        operations: operations(only.as_deref())?,
        place: place.unwrap_or_else(server::memory),
    };
    finish(arguments)?;
    build::build(&tools, false)?;
    build::build_floor(&tools)?;
    let report = measure(&settings)?;
    if as_json {
        println!("{report}");
    } else {
        print!("{}", table(&report));
    }
    Ok(ExitCode::SUCCESS)
}

fn operations(only: Option<&str>) -> Result<Vec<Operation>> {
    let Some(only) = only else { return Ok(Operation::ALL.to_vec()) };
    let found: Vec<_> =
        Operation::ALL.into_iter().filter(|operation| operation.name() == only).collect();
    if found.is_empty() {
        let names = Operation::ALL.map(Operation::name).join(", ");
        bail!("there is no row `{only}`; there are {names}");
    }
    Ok(found)
}

/// Watches Florin, makes the floor of what was seen, and measures all in turn.
fn measure(settings: &Settings) -> Result<Value> {
    let (observed, script) = observe(settings)?;
    // By operation, then by subject, then by round.
    let mut figures = vec![vec![Vec::new(); SUBJECTS.len()]; settings.operations.len()];
    let mut starts = vec![Vec::new(); SUBJECTS.len()];
    for round in 1..=settings.rounds {
        for (operation, figures) in settings.operations.iter().zip(&mut figures) {
            for (place, subject) in SUBJECTS.into_iter().enumerate() {
                if !operation.is_done_by(subject) {
                    continue;
                }
                let (start, figure) = one(settings, *operation, subject, &script)?;
                eprintln!(
                    "bench: round {round}, {}, {}: {:.0} each second, {:.2} ms of a processor each",
                    operation.name(),
                    subject.name(),
                    figure.per_second,
                    figure.processor.unwrap_or_default()
                );
                figures[place].push(figure);
                starts[place].push(start);
            }
        }
    }
    let rows: Vec<Value> = observed
        .iter()
        .zip(&figures)
        .map(|((operation, observed), figures)| row(*operation, observed, figures))
        .collect();
    Ok(json!({
        "seconds": settings.length.as_secs_f64(),
        "connections": settings.connections,
        "rounds": settings.rounds,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "wasm_gzipped": build::check_size()?,
        "start": SUBJECTS.iter().zip(&starts).map(|(subject, starts)| json!({
            "subject": subject.name(),
            "serves_after_ms": middle(starts.iter().map(|start| start.0)),
            "first_answer_ms": middle(starts.iter().map(|start| start.1)),
        })).collect::<Vec<_>>(),
        "rows": rows,
    }))
}

fn observe(settings: &Settings) -> Result<(Vec<(Operation, Observed)>, Script)> {
    let mut florin = Server::florin(&settings.place, Wrapper::Observer)?;
    let key = florin.account()?;
    let seen = script::observe(&florin, Subject::Florin, &key, &settings.operations)?;
    drop(florin);
    let script = script::of(&seen);
    let floor = Server::floor(&settings.place, &script, Wrapper::Observer)?;
    let done = script::observe(&floor, Subject::Floor, "none", &settings.operations)?;
    script::compare(&seen, &done)?;
    for (operation, seen) in &seen {
        eprintln!("bench: {}: {seen}\n{}", operation.name(), seen.list());
    }
    Ok((seen, script))
}

/// One operation on one server with an empty store; also the milliseconds until it served, and those until the first
/// answer after that.
fn one(
    settings: &Settings,
    operation: Operation,
    subject: Subject,
    script: &Script,
) -> Result<((f64, f64), Figures)> {
    let mut server = match subject {
        Subject::Florin => Server::florin(&settings.place, Wrapper::None)?,
        Subject::Floor => Server::floor(&settings.place, script, Wrapper::None)?,
        Subject::Localstripe => Server::localstripe(&settings.place)?,
    };
    let key = match subject {
        Subject::Florin => server.account()?,
        _ => "sk_test_benchmark".to_owned(),
    };
    let first = first_answer(server.port, &key)?;
    let prepared = Prepared::new(operation, subject, &key, server.port)?;
    let lengths = (subject.warm_up(), settings.length);
    let figures = load::drive(&prepared, &server, settings.connections, lengths)?;
    let log = server.log();
    if log.contains("[error]") {
        bail!("{} logged errors:\n{log}", subject.name());
    }
    Ok(((milliseconds(server.start), milliseconds(first)), figures))
}

/// How long a new isolate takes for an answer that needs no store, whatever its status.
fn first_answer(port: u16, key: &str) -> Result<Duration> {
    let mut connection = Connection::open(port)?;
    let started = Instant::now();
    connection.send(&client::request("GET", "/nowhere", key, None, ""))?;
    Ok(started.elapsed())
}

fn row(operation: Operation, observed: &Observed, figures: &[Vec<Figures>]) -> Value {
    let mut row = json!({
        "name": operation.name(),
        "hops": observed.to_string(),
        "rows_written": observed.rows_written(),
    });
    let florin = figures.first().map(Vec::as_slice).unwrap_or_default();
    for (subject, figures) in SUBJECTS.iter().zip(figures).filter(|(_, of)| !of.is_empty()) {
        row[subject.name()] = json!({
            "per_second": middle(figures.iter().map(|figure| figure.per_second)),
            "p50_ms": middle(figures.iter().map(|figure| figure.p50)),
            "p99_ms": middle(figures.iter().map(|figure| figure.p99)),
            "processor_ms": middle(figures.iter().filter_map(|figure| figure.processor)),
            "requests": figures.iter().map(|figure| figure.requests).sum::<usize>(),
            // Of the rounds, not of the medians: what disturbed a round disturbed both of its halves.
            "florin_to_this": middle(
                florin.iter().zip(figures).map(|(florin, other)| florin.per_second / other.per_second)
            ),
            "florin_to_this_by_processor": middle(florin.iter().zip(figures).filter_map(
                |(florin, other)| Some(other.processor? / florin.processor?)
            )),
        });
    }
    row
}

/// The median.
fn middle(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    match numbers.as_slice() {
        [] => 0.0,
        all if all.len() % 2 == 1 => all[half],
        all => (all[half - 1] + all[half]) / 2.0,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn table(report: &Value) -> String {
    let mut text = String::new();
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let mut line = |cells: [String; 8]| {
        let [name, subject, per_second, p50, p99, ratio, processor, by_processor] = cells;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{name:<20}{subject:<13}{per_second:>8}{p50:>10}{p99:>10}{ratio:>11}{processor:>9}{by_processor:>11}"
        );
    };
    line(
        ["", "", "per s", "p50 ms", "p99 ms", "florin is", "CPU ms", "florin is"]
            .map(str::to_owned),
    );
    for row in report["rows"].as_array().into_iter().flatten() {
        for subject in SUBJECTS.into_iter().filter(|subject| row[subject.name()].is_object()) {
            let figures = &row[subject.name()];
            let of_florin =
                |text: String| if subject == Subject::Florin { text } else { String::new() };
            let of_others =
                |text: String| if subject == Subject::Florin { String::new() } else { text };
            line([
                of_florin(row["name"].as_str().unwrap_or_default().to_owned()),
                subject.name().to_owned(),
                format!("{:.0}", number(&figures["per_second"])),
                format!("{:.2}", number(&figures["p50_ms"])),
                format!("{:.2}", number(&figures["p99_ms"])),
                of_others(format!("{:.2} x", number(&figures["florin_to_this"]))),
                format!("{:.2}", number(&figures["processor_ms"])),
                of_others(format!("{:.2} x", number(&figures["florin_to_this_by_processor"]))),
            ]);
        }
    }
    text.push('\n');
    for row in report["rows"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "{}: {}",
            row["name"].as_str().unwrap_or_default(),
            row["hops"].as_str().unwrap_or_default()
        );
    }
    for start in report["start"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "{} serves {:.0} ms after its process started, and answers first after {:.1} ms more",
            start["subject"].as_str().unwrap_or_default(),
            number(&start["serves_after_ms"]),
            number(&start["first_answer_ms"]),
        );
    }
    let _ = writeln!(text, "the WebAssembly is {} bytes gzipped", report["wasm_gzipped"]);
    text
}
