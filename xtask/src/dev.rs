//! `cargo xtask dev`: builds, serves on workerd, and keeps serving until it is told to stop.
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use pico_args::Arguments;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::{build, finish, node, setup, state};

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
    finish(arguments)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))?;
    }
    let folder = state::folder(folder)?;
    let _claim = state::claim(&folder)?;
    if reset {
        state::reset(&folder)?;
    }
    build::build(&setup::for_build()?, true)?;
    serve(port, &folder, &stop)
}

/// Serves until `stop` is set, and starts anew when the server's processes die.
fn serve(port: u16, folder: &Path, stop: &Arc<AtomicBool>) -> Result<ExitCode> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(stop))?;
    }
    let port = wait_for_port(port)?;
    let mut announced = false;
    let mut failures = 0;
    loop {
        let mut server = Server::start(port, folder)?;
        let death = server.watch(stop, &mut announced)?;
        let Some(death) = death else {
            server.end();
            return Ok(ExitCode::SUCCESS);
        };
        server.kill();
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
    child: Child,
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
        command.env("FLORIN_SERVE", settings.to_string()).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start Node")?;
        let stdin = child.stdin.take();
        let lines = read_lines(child.stdout.take().context("Node has no stdout")?);
        Ok(Server { child, stdin, lines, port, ready: false })
    }

    /// Waits until the server dies, which is `Some`, or `stop` is set.
    fn watch(&mut self, stop: &AtomicBool, announced: &mut bool) -> Result<Option<Death>> {
        let mut answered = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            if let Some(status) = self.child.try_wait()? {
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

    /// Lets the server end by itself, for at most three seconds.
    fn end(&mut self) {
        drop(self.stdin.take());
        let limit = Instant::now() + Duration::from_secs(3);
        while Instant::now() < limit && matches!(self.child.try_wait(), Ok(None)) {
            sleep(Duration::from_millis(10));
        }
        self.kill();
    }

    /// Ends whatever is left of the server's processes.
    fn kill(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails when nobody is left, which is what it is for.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
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
