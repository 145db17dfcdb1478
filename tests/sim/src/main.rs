//! `cargo xtask sim`: runs seeds, says what does not hold, and shows how that came about.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use pico_args::Arguments;
use sim::lived::{AFTER, Lived};
use sim::planted::BUGS;
use sim::run::{Plan, Report, run_guarded};

/// Rows and objects are many small pieces, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The seeds that are always run: those that found something once, and some of each weather.
const CORPUS: &str = include_str!("../corpus.txt");

/// How long a planted bug may stay unfound.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

/// The most steps that are shown of a run that failed; whoever asks for them sees all.
const MOST_LINES: usize = 3_000;

/// What is asked for.
struct Options {
    seed: Option<u64>,
    seeds: Option<u64>,
    minutes: Option<f64>,
    orders: u32,
    corpus: bool,
    planted: bool,
    bug: Option<String>,
    in_words: bool,
    /// Whether the run is for its speed: without the shared checker, which looks at each row by itself.
    is_bench: bool,
}

fn main() -> ExitCode {
    match options(Arguments::from_env()) {
        Ok(options) if options.planted => planted(&options),
        Ok(options) => seeds(&options),
        Err(problem) => {
            eprintln!("sim: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: Arguments) -> Result<Options, pico_args::Error> {
    let options = Options {
        seed: arguments.opt_value_from_str("--seed")?,
        seeds: arguments.opt_value_from_str("--seeds")?,
        minutes: arguments.opt_value_from_str("--minutes")?,
        orders: arguments.opt_value_from_str("--orders")?.unwrap_or(Plan::of(0).orders),
        corpus: arguments.contains("--corpus"),
        planted: arguments.contains("--planted"),
        bug: arguments.opt_value_from_str("--bug")?,
        in_words: arguments.contains("--trace"),
        is_bench: arguments.contains("--bench"),
    };
    match arguments.finish().first() {
        Some(word) => Err(pico_args::Error::ArgumentParsingFailed {
            cause: format!("not understood: {}", word.to_string_lossy()),
        }),
        None => Ok(options),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it takes can only be measured")]
fn now() -> Instant {
    Instant::now()
}

/// What runs came to.
#[derive(Default)]
struct Tally {
    driven: u64,
    payments: u64,
    passed: u64,
    failed: u64,
    lived: Lived,
}

impl Tally {
    fn run(&mut self, options: &Options, seed: u64, orders: u32) {
        let mut plan = Plan { orders, in_words: options.in_words, ..Plan::of(seed) };
        plan.planted = planted_name(options.bug.as_deref());
        plan.thoroughly &= !options.is_bench;
        let in_words = plan.in_words;
        let report = run_guarded(&plan);
        self.driven += report.driven;
        self.payments += report.payments;
        self.lived.add(&report.lived);
        if in_words {
            show(&report, usize::MAX);
        }
        if report.problems.is_empty() {
            self.passed += 1;
            if in_words || options.seeds.is_none_or(|seeds| seeds <= 20) && !options.corpus {
                say(seed, &report);
            }
        } else {
            self.failed += 1;
            say(seed, &report);
            explain(&plan, &report);
        }
    }

    /// As the test runner says it, which `cargo xtask test` counts by.
    fn end(&self) -> ExitCode {
        let Self { passed, failed, .. } = self;
        let result = if *failed == 0 { "ok" } else { "FAILED" };
        println!("test result: {result}. {passed} passed; {failed} failed; 0 ignored");
        if *failed == 0 && *passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Runs seeds: those of the corpus, and then as many as there is time for, or as were asked for.
fn seeds(options: &Options) -> ExitCode {
    let began = now();
    let mut tally = Tally::default();
    if options.corpus {
        corpus().for_each(|(seed, orders)| tally.run(options, seed, orders));
    }
    // What is always run takes nothing of the time that fresh seeds have.
    let fresh_began = now();
    let minutes = options.minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let fresh = || std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs() << 20;
    let first = options.seed.unwrap_or_else(fresh);
    let most = match (options.seeds, minutes, options.corpus) {
        (Some(seeds), ..) => seeds,
        (None, Some(_), _) => u64::MAX,
        (None, None, is_corpus) => u64::from(!is_corpus),
    };
    for seed in (first..).take(usize::try_from(most).unwrap_or(usize::MAX)) {
        if minutes.is_some_and(|minutes| fresh_began.elapsed() >= minutes) {
            break;
        }
        tally.run(options, seed, options.orders);
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "sim: {} seeds from {first}, in {seconds:.1} s {} payments driven to their ends, {:.0} a second, and {} of \
         them paid, {:.0} a second",
        tally.passed + tally.failed,
        tally.driven,
        tally.driven as f64 / seconds,
        tally.payments,
        tally.payments as f64 / seconds
    );
    if has_lived(options, tally.passed + tally.failed) {
        let lacks: Vec<_> = tally.lived.lacks().collect();
        lacks.iter().for_each(|lack| println!("    {lack}"));
        tally.failed += u64::from(!lacks.is_empty());
    }
    tally.end()
}

/// Whether after so many seeds everything has to have happened in some of them.
fn has_lived(options: &Options, seeds: u64) -> bool {
    seeds >= AFTER && options.orders >= Plan::of(0).orders
}

/// The corpus: a seed and how many orders in each line.
fn corpus() -> impl Iterator<Item = (u64, u32)> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    CORPUS.lines().filter(|line| !line.starts_with('#')).filter_map(line)
}

fn planted_name(name: Option<&str>) -> Option<&'static str> {
    BUGS.iter().map(|bug| bug.name).find(|known| Some(*known) == name)
}

fn say(seed: u64, report: &Report) {
    println!(
        "seed {seed}: {} payments, {} steps in {} simulated seconds, digest {:016x}, {} problems",
        report.payments,
        report.trace.steps(),
        report.seconds,
        report.trace.digest(),
        report.problems.len()
    );
    for problem in report.problems.iter().take(8) {
        println!("    {}", problem.chars().take(900).collect::<String>());
    }
}

fn show(report: &Report, most: usize) {
    let lines = report.trace.lines();
    lines.iter().rev().take(most).rev().for_each(|line| println!("{line}"));
}

/// Looks for the fewest orders with which a seed still fails, and shows how that came about.
fn explain(plan: &Plan, report: &Report) {
    if plan.in_words {
        return;
    }
    let fewer = [1, 2, 3, 5, 8, 12, 20, 35, 60];
    let smaller = fewer.into_iter().filter(|orders| *orders < plan.orders);
    let smallest = smaller.map(|orders| Plan { orders, ..plan.clone() }).find(|plan| {
        let kind = |problem: &String| problem.split(':').next().map(str::to_owned);
        run_guarded(plan).problems.first().map(kind) == report.problems.first().map(kind)
    });
    let plan = Plan { in_words: true, ..smallest.unwrap_or_else(|| plan.clone()) };
    let report = run_guarded(&plan);
    println!("  the trace with {} orders:", plan.orders);
    show(&report, MOST_LINES);
    say(plan.seed, &report);
    let bug = plan.planted.map_or_else(String::new, |name| format!(" --bug {name}"));
    println!(
        "  replay it: cargo xtask sim --seed {} --orders {}{bug} --trace",
        plan.seed, plan.orders
    );
}

/// Plants each bug, and says by which seed and which invariant it was found.
fn planted(options: &Options) -> ExitCode {
    let mut tally = Tally::default();
    let mut missed = Vec::new();
    println!("| bug | found by | seed | seconds |\n|---|---|---|---|");
    for bug in BUGS.iter().filter(|bug| options.bug.as_deref().is_none_or(|name| name == bug.name))
    {
        let began = now();
        let mut lived = Lived::default();
        let first = options.seed.unwrap_or(1);
        let found = (first..).find_map(|seed| {
            if began.elapsed() > FOUND_WITHIN {
                return Some(None);
            }
            let plan = Plan { planted: Some(bug.name), orders: options.orders, ..Plan::of(seed) };
            let report = run_guarded(&plan);
            lived.add(&report.lived);
            let lack = lived.lacks().next().filter(|_| has_lived(options, seed - first + 1));
            let problem = report.problems.into_iter().next().or(lack);
            problem.map(|problem| Some((seed, problem)))
        });
        let seconds = began.elapsed().as_secs_f64();
        match found.flatten() {
            Some((seed, problem)) => {
                tally.passed += 1;
                let by: String = problem.split_whitespace().take(11).collect::<Vec<_>>().join(" ");
                println!("| {} | {} | {seed} | {seconds:.1} |", bug.name, by.replace('|', "/"));
            }
            None => {
                tally.failed += 1;
                println!("| {} | NOT FOUND | | {seconds:.1} |", bug.name);
                missed.push(bug.name);
            }
        }
    }
    if !missed.is_empty() {
        println!("failures:\n    not found: {}", missed.join(", "));
    }
    tally.end()
}
