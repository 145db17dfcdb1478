//! Florin's tasks, so that a fresh machine needs nothing learnt: `cargo xtask help` lists them.
use std::process::ExitCode;

use anyhow::{Result, bail};
use pico_args::Arguments;

mod account;
mod alike;
mod arrange;
mod audit;
mod bench;
mod build;
mod cache;
mod chaos;
mod check;
mod children;
mod clock;
mod command;
mod dead_letters;
mod dev;
mod fingerprint;
mod key;
mod master_key;
mod node;
mod previous;
mod results;
mod rollout;
mod setup;
mod sim;
mod state;
mod test;

const HELP: &str = "\
Usage: cargo xtask <task>

  dev [--port 8787] [--state .florin] [--reset]
      build, and serve on this machine with a demo merchant; --reset starts from nothing
  test [--quick] [--edge PART]
      run all tests; with --quick the native ones, with --edge those on workerd whose file name holds PART
  sim [--seeds N] [--seed S] [--minutes M] [--orders 120] [--corpus] [--trace] [--bench]
      run production code in a simulated world that each seed makes and breaks; --trace shows every step of it
  sim --planted [--bug NAME]
      plant each known bug, and say which seed and which invariant found it
  chaos [--kills 50] [--seed S] [--connections 16]
      kill the built Worker under load, between clients and processors that cannot be relied on, and compare them after
  chaos --planted [...]
      have a processor forget our keys, and fail unless that is found
  rollout [--previous REVISION] [--seconds 15] [--seed S] [--connections 8]
      run the version before this one and this one over one state, as in a deployment and in a rollback, and compare after
  check
      what must hold besides: format, lints, licences, types, documentation, unused dependencies
  bench [--seconds 5] [--rounds 3] [--connections 16] [--only ROW] [--json]
      measure Florin on workerd beside a Worker that only makes the same storage hops, and beside localstripe
  bench --rows 1000000 [--json]
      measure reads over that many payment intents beside the same over a thousand
  bench --webhooks [--seconds 5] [--json]
      measure how fast events reach up to 16 endpoints, what that costs, and what it costs a payment
  bench --processors [--json]
      measure a payment through the Stripe connector beside one through the simulator, the processor's time taken out
  bench --recovery 10000 [--answer-ms 300] [--json]
      lose a processor's answers to that many payments, and measure how long recovery takes to find all of them, where each
      answer then takes so long
  account create --name NAME [--state DIR | --remote]
      make a merchant; prints its id and its first test keys as JSON
  account update --account ID [--price-plan JSON|@FILE] [--payout-schedule manual|daily|weekly:DAY|monthly:DAY]
                 [--delay-days N] [--state DIR | --remote]
      set what a merchant pays from now on, when it is paid out by itself, and after how many days its money is available
  key create --account ID [--kind secret|publishable|restricted] [--allow charge=read ...] [--live] [--name NAME]
  key list --account ID
  key roll --id ID [--overlap 24h]
  key revoke --id ID
      manage API keys; a key's text is shown once; each takes [--state DIR | --remote]
  audit [--state DIR | --remote] [--json]
      recompute the books from the entries and the objects; the exit code is 1 where something does not hold
  master-key [--key FILE] [--state DIR | --remote]
      say what is still sealed under another master key than the present one; with the new one's file, whether
      all others may be dropped
  dead-letters list [--state DIR | --remote]
  dead-letters redrive [--id ID] [--state DIR | --remote]
      show the messages that no consumer could take, each with its error, or have them tried again
  clock --advance 1d12h [--port 8787 | --url URL]
      move what the running development server takes for now
  build
      build the Worker into build/, where wrangler deploys it from
  setup
      install what the other tasks need, outside the checkout

  dev, test, chaos, rollout and build take --fast: a build without optimisation, for the edit loop.

What tasks install is kept by version in $FLORIN_CACHE, else $XDG_CACHE_HOME/florin, else ~/.cache/florin.
";

fn main() -> ExitCode {
    match run(Arguments::from_env()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: Arguments) -> Result<ExitCode> {
    if arguments.contains(["-h", "--help"]) {
        eprint!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    children::end_on_signal()?;
    let task = arguments.subcommand()?;
    match task.as_deref() {
        Some("dev") => dev::run(arguments),
        Some("test") => test::run(arguments),
        Some("check") => check::run(arguments),
        Some("account") => account::run(arguments),
        Some("audit") => audit::run(arguments),
        Some("dead-letters") => dead_letters::run(arguments),
        Some("key") => key::run(arguments),
        Some("master-key") => master_key::run(arguments),
        Some("clock") => clock::run(arguments),
        Some("bench") => bench::run(arguments),
        Some("build") => build::run(arguments),
        Some("setup") => setup::run(arguments),
        Some("sim") => sim::run(arguments),
        Some("chaos") => chaos::run(arguments),
        Some("rollout") => rollout::run(arguments),
        Some("help") | None => {
            eprint!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => bail!("there is no task `{other}`; `cargo xtask help` lists them"),
    }
}

/// Refuses arguments that no option took: a misspelt option must not be ignored.
fn finish(arguments: Arguments) -> Result<()> {
    let left = arguments.finish();
    if left.is_empty() {
        return Ok(());
    }
    let left: Vec<_> = left.iter().map(|word| word.to_string_lossy()).collect();
    bail!("not understood: {}", left.join(" "));
}
