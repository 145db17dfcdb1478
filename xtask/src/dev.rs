//! `cargo xtask dev`: builds, serves on workerd, and keeps serving until it is told to stop.
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pico_args::Arguments;
use serde_json::{Value, json};

use crate::children::{self, Running};
use crate::state::{self, Claim};
use crate::{build, finish, node, setup};

/// A server that gives up this often in a row without having served has a fault that no restart heals.
const TOO_OFTEN: u32 = 5;

/// How long the port of a server that was ready may refuse connections before the server counts as dead. Miniflare
/// starts workerd again by itself in well under a second, unless that fails too.
const REFUSAL: Duration = Duration::from_secs(2);

/// Runs the task.
pub fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let port: u16 = arguments.opt_value_from_str("--port")?.unwrap_or(8787);
    let folder: Option<String> = arguments.opt_value_from_str("--state")?;
    let reset = arguments.contains("--reset");
    let fast = arguments.contains("--fast");
    finish(arguments)?;
    let folder = state::folder(folder)?;
    let claim = state::claim(&folder)?;
    if reset {
        state::reset(&folder)?;
    }
    build::build(&setup::for_build()?, fast)?;
    serve(port, &folder, &claim)
}

/// Serves until a signal comes, and starts anew when the server's processes die.
fn serve(port: u16, folder: &Path, claim: &Claim) -> Result<ExitCode> {
    children::leave_signals_to_task();
    claim.end_leftovers()?;
    let port = wait_for_port(port)?;
    let mut announced = false;
    let mut failures = 0;
    loop {
        let mut server = Server::start(port, folder)?;
        claim.note(server.running.child.id())?;
        let death = server.watch(&mut announced)?;
        let Some(death) = death else {
            server.end();
            return Ok(ExitCode::SUCCESS);
        };
        server.running.kill();
        failures = if server.ready { 0 } else { failures + 1 };
        // Killed from outside, it may run next time; one that fails by itself before it ever served will not.
        if !announced && !death.killed || failures >= TOO_OFTEN {
            bail!("the server cannot run ({})", death.reason);
        }
        eprintln!("dev: the server died ({}); starting it again on the same state", death.reason);
        wait_for_port(port)?;
    }
}

/// Why a server does not serve any more.
struct Death {
    reason: String,
    killed: bool,
}

/// The node process that runs workerd, in a process group of its own so that none of them outlives the others.
struct Server {
    running: Running,
    /// Closing it is the server's sign to end, even when this process is killed.
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    port: u16,
    /// Whether it has said that it serves.
    ready: bool,
}

impl Server {
    fn start(port: u16, folder: &Path) -> Result<Server> {
        let bindings = json!({ "DEVELOPMENT": "1", "MASTER_KEY": state::master_key(folder)? });
        let settings = json!({ "port": port, "state": folder, "bindings": bindings, "demo": true });
        // In the environment rather than among the arguments, which any user of the machine can see.
        let mut command: Command = node::script("serve.ts")?;
        command.env("FLORIN_SERVE", settings.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = children::spawn(&mut command).context("cannot start Node")?;
        let child = &mut running.child;
        let stdin = child.stdin.take();
        let lines = read_lines(child.stdout.take().context("Node has no stdout")?);
        Ok(Server { running, stdin, lines, port, ready: false })
    }

    /// Waits until the server dies, which is `Some`, or a signal comes.
    fn watch(&mut self, announced: &mut bool) -> Result<Option<Death>> {
        let mut answered = Instant::now();
        while !children::stopped() {
            if let Some(status) = self.running.child.try_wait()? {
                return Ok(Some(Death {
                    reason: status.to_string(),
                    killed: status.signal().is_some(),
                }));
            }
            if let Ok(line) = self.lines.try_recv() {
                self.ready = true;
                if !*announced {
                    announce(&line)?;
                    *announced = true;
                }
            }
            if !self.ready || TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                answered = Instant::now();
            } else if answered.elapsed() > REFUSAL {
                return Ok(Some(Death {
                    reason: "its port refuses connections".to_owned(),
                    killed: true,
                }));
            }
            sleep(if self.ready { Duration::from_millis(200) } else { Duration::from_millis(25) });
        }
        Ok(None)
    }

    /// Ends the server, which first gets the time to end by itself.
    fn end(&mut self) {
        drop(self.stdin.take());
        self.running.end();
    }
}

fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// A server that was killed a moment ago may still hold its port.
fn wait_for_port(port: u16) -> Result<u16> {
    let limit = Instant::now() + Duration::from_secs(2);
    loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => return Ok(listener.local_addr()?.port()),
            Err(_) if Instant::now() < limit => sleep(Duration::from_millis(50)),
            Err(error) => bail!("port {port} cannot be had: {error}; choose another with --port"),
        }
    }
}

/// Passes the ready line on to stdout, and tells a person on stderr what to try.
fn announce(line: &str) -> Result<()> {
    let ready: Value =
        serde_json::from_str(line).with_context(|| format!("not a ready line: {line}"))?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
    let (url, key) = (text("url"), text("secret_key"));
    let port = url.rsplit(':').next().unwrap_or_default();
    eprint!(
        "\nFlorin serves {url}. Try a payment:\n\n  \
         curl {url}/v1/payment_intents -u {key}: -d amount=2000 -d currency=usd \\\n    \
         -d payment_method=pm_card_visa -d confirm=true -d return_url=https://example.com/done\n\n\
         or, with the official SDK:\n\n  \
         const stripe = new Stripe('{key}', {{ host: '127.0.0.1', port: {port}, protocol: 'http' }})\n\n\
         Ctrl-C ends it; the state stays.\n\n"
    );
    Ok(())
}
