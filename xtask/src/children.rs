//! The programs that a task runs, each in a process group of its own, so that a signal ends all of what they started.
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, exit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{sleep, spawn as thread};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How long a program may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
static LEFT_TO_TASK: AtomicBool = AtomicBool::new(false);

/// From now on, a signal to end ends all children and then this process.
pub fn end_on_signal() -> Result<()> {
    let stop = STOP.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(stop))?;
    }
    thread(|| {
        while !stopped() || LEFT_TO_TASK.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(30));
        }
        let groups = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).clone();
        groups.iter().for_each(|group| end(*group));
        exit(130);
    });
    Ok(())
}

/// From now on, the task itself asks whether it is to end.
pub fn leave_signals_to_task() {
    LEFT_TO_TASK.store(true, Ordering::Relaxed);
}

/// Whether a signal to end has come.
pub fn stopped() -> bool {
    STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// A running program, which is forgotten when this is dropped.
pub struct Running {
    /// The program.
    pub child: Child,
    group: Option<Pid>,
}

/// Starts a program in a group of its own.
pub fn spawn(command: &mut Command) -> std::io::Result<Running> {
    let child = command.process_group(0).spawn()?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).extend(group);
    Ok(Running { child, group })
}

impl Running {
    /// Ends the program and all that it started.
    pub fn end(&mut self) {
        let Some(group) = self.group else { return };
        let limit = Instant::now() + GRACE;
        let _ = kill_process_group(group, Signal::TERM);
        // It is there until somebody has taken note of its end.
        while Instant::now() < limit && matches!(self.child.try_wait(), Ok(None)) {
            sleep(Duration::from_millis(10));
        }
        self.kill();
    }

    /// The same at once, without asking.
    pub fn kill(&mut self) {
        if let Some(group) = self.group {
            // Fails when nobody is left, which is what it is for.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|group| Some(*group) != self.group);
    }
}

fn end(group: Pid) {
    let limit = Instant::now() + GRACE;
    let _ = kill_process_group(group, Signal::TERM);
    while Instant::now() < limit && test_kill_process_group(group).is_ok() {
        sleep(Duration::from_millis(20));
    }
    let _ = kill_process_group(group, Signal::KILL);
}
