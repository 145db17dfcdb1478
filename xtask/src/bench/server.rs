//! The servers that are measured, each started with an empty store of its own.
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::client::Connection;
use super::script::Script;
use crate::cache::{self, root};
use crate::children::{self, Running};
use crate::{node, setup, state};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Florin itself.
    Florin,
    /// The Worker that makes the same hops and does nothing else.
    Floor,
    /// The stand-in for Stripe that others test with.
    Localstripe,
}

impl Subject {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Florin => "florin",
            Self::Floor => "floor",
            Self::Localstripe => "localstripe",
        }
    }

    /// How long it runs before it is measured. WebAssembly is compiled again for speed while it runs, function by function
    /// as each was called often enough: an isolate lives for hours, so that what its first half minute costs is no answer.
    /// Python has nothing to warm, and localstripe gets slower with every object that it holds.
    pub fn warm_up(self) -> Duration {
        match self {
            Self::Florin | Self::Floor => Duration::from_secs(30),
            Self::Localstripe => Duration::from_millis(200),
        }
    }
}

/// What is put around a Worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// Nothing.
    None,
    /// What says with each answer what the request did in D1 and Durable Objects.
    Observer,
    /// What has its requests to others leave at once.
    Outward,
}

impl Wrapper {
    fn file(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Observer => Some("observer.js"),
            Self::Outward => Some("outward.js"),
        }
    }
}

/// A running server, whose state goes with it.
pub struct Server {
    running: Running,
    ends: Option<Ends>,
    folder: PathBuf,
    /// Where it serves.
    pub port: u16,
    /// How long it took until it served.
    pub start: Duration,
}

/// The two ends of the process that serves a Worker.
struct Ends {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    asked: u64,
}

impl Server {
    /// Starts Florin.
    pub fn florin(place: &Path, wrapper: Wrapper) -> Result<Self> {
        let folder = empty_folder(place)?;
        let bindings = json!({ "MASTER_KEY": state::master_key(&folder)? });
        Self::worker(folder, json!({ "bindings": bindings, "wrapper": wrapper.file() }))
    }

    /// Starts Florin as a developer has it, so that deliveries may go to this machine.
    pub fn florin_in_development(place: &Path, wrapper: Wrapper) -> Result<Self> {
        let folder = empty_folder(place)?;
        let bindings = json!({ "MASTER_KEY": state::master_key(&folder)?, "DEVELOPMENT": "1" });
        Self::worker(folder, json!({ "bindings": bindings, "wrapper": wrapper.file() }))
    }

    /// Starts the floor, which does what the script says.
    pub fn floor(place: &Path, script: &Script, wrapper: Wrapper) -> Result<Self> {
        let settings = json!({
            "config": config_of_floor(),
            "bindings": { "SCRIPT": script.text },
            "migrations": false,
            "wrapper": wrapper.file(),
        });
        let mut server = Self::worker(empty_folder(place)?, settings)?;
        server.batch(script.tables.iter().map(|sql| json!([sql])).collect())?;
        Ok(server)
    }

    /// Starts a Worker.
    fn worker(folder: PathBuf, mut settings: Value) -> Result<Self> {
        settings["state"] = json!(folder);
        let mut command: Command = node::script("serve.ts")?;
        command.env("FLORIN_SERVE", settings.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // It says when it is ready, which is of no interest here; its log is, when something fails.
        let log = fs::File::create(folder.join("log"))?;
        command.stderr(log);
        let started = Instant::now();
        let mut running = children::spawn(&mut command).context("cannot start Node")?;
        let stdin = running.child.stdin.take().context("Node has no stdin")?;
        let stdout = running.child.stdout.take().context("Node has no stdout")?;
        let ends = Ends { stdin, stdout: BufReader::new(stdout), asked: 0 };
        let mut server = Self { running, ends: Some(ends), folder, port: 0, start: Duration::ZERO };
        let ready = server.line()?;
        let port = ready["url"].as_str().and_then(|url| url.rsplit(':').next()?.parse().ok());
        server.port = port.with_context(|| format!("no ready line: {ready}"))?;
        server.start = started.elapsed();
        Ok(server)
    }

    /// Starts localstripe.
    pub fn localstripe(place: &Path) -> Result<Self> {
        let folder = empty_folder(place)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(setup::python()?);
        command.args(["-m", "localstripe", "--from-scratch", "--port", &port.to_string()]);
        command.current_dir(&folder).stdin(Stdio::null());
        // Its access log would be the slowest part of it.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let mut running = children::spawn(&mut command).context("cannot start localstripe")?;
        while Connection::open(port).is_err() {
            if running.child.try_wait()?.is_some() || started.elapsed() > Duration::from_secs(30) {
                bail!("localstripe does not start");
            }
            sleep(Duration::from_millis(5));
        }
        Ok(Self { running, ends: None, folder, port, start: started.elapsed() })
    }

    /// Makes an account; answers with its secret key.
    pub fn account(&mut self) -> Result<String> {
        let account = self.ask(json!({ "account": "Benchmark" }))?;
        let key = account["secret_key"].as_str().context("an account without a key")?;
        Ok(key.to_owned())
    }

    /// Runs statements in D1 as one batch; answers with the rows of each.
    pub fn batch(&mut self, statements: Vec<Value>) -> Result<Value> {
        self.ask(json!({ "batch": statements }))
    }

    fn ask(&mut self, mut request: Value) -> Result<Value> {
        let ends = self.ends.as_mut().context("this server has no script")?;
        ends.asked += 1;
        request["id"] = json!(ends.asked);
        writeln!(ends.stdin, "{request}")?;
        let mut answer = self.line()?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer["result"].take()),
        }
    }

    fn line(&mut self) -> Result<Value> {
        let ends = self.ends.as_mut().context("this server has no script")?;
        let mut line = String::new();
        if ends.stdout.read_line(&mut line)? == 0 {
            bail!("the server ended:\n{}", self.log());
        }
        serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))
    }

    /// How long its processes have kept processors busy so far, where the system tells. It says more than the time on
    /// the clock where a machine is shared.
    pub fn processor_time(&self) -> Option<Duration> {
        let group = self.running.child.id();
        let mut ticks = 0;
        for process in fs::read_dir("/proc").ok()?.flatten() {
            let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // "123 (workerd) S 1 99 ...": after the name come the state, the parent, the group; 8 more, and the ticks.
            let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
            let fields: Vec<u64> =
                rest.split(' ').map(|field| field.parse().unwrap_or_default()).collect();
            if let [_, _, owner, _, _, _, _, _, _, _, _, user, system, ..] = fields.as_slice()
                && *owner == u64::from(group)
            {
                ticks += user + system;
            }
        }
        // Linux counts in hundredths of a second for every program, whatever its own clock is.
        Some(Duration::from_millis(ticks * 10))
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.kill();
        if let Err(error) = cache::remove(&self.folder) {
            eprintln!("bench: {error:#}");
        }
    }
}

/// The floor's configuration.
fn config_of_floor() -> PathBuf {
    root().join("bench/floor/wrangler.toml")
}

fn empty_folder(place: &Path) -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = place.join(format!("florin-bench-{}-{number}", std::process::id()));
    cache::remove(&folder)?;
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Memory, where this machine lets files live in it: how long its disk takes to write is not what is measured.
pub fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}
