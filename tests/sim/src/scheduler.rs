//! The scheduler: what happens next, on one thread, in an order that the seed decides.
//!
//! Time is simulated: it jumps to the next thing that happens. A task is a future that is polled when something
//! wakes it; one that is ended is dropped where it waits, as an invocation that dies is.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::random::Random;
use crate::trace::{Actor, Trace};

/// The number of a task.
pub type TaskId = usize;

type Future = Pin<Box<dyn std::future::Future<Output = ()>>>;
type Act = Box<dyn FnOnce()>;

enum Happening {
    Wake(TaskId),
    End(TaskId),
    Act(Act),
}

struct Planned {
    at: i64,
    /// What is planned for the same moment happens in an order that the seed decides.
    order: u64,
    serial: u64,
    happening: Happening,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives its greatest first.
        let key = |planned: &Self| (planned.at, planned.order, planned.serial);
        key(other).cmp(&key(self))
    }
}

struct Task {
    future: Option<Future>,
    actor: Actor,
    is_ended: bool,
    /// What its end brings about where it did not come to its own.
    on_death: Option<Act>,
}

/// The scheduler of a run.
pub struct Scheduler {
    now: Cell<i64>,
    serial: Cell<u64>,
    planned: RefCell<BinaryHeap<Planned>>,
    tasks: RefCell<Vec<Task>>,
    random: RefCell<Random>,
    /// Shared with whoever wants to know what happened, however the run ends.
    trace: Rc<RefCell<Trace>>,
}

impl Scheduler {
    /// The scheduler of a seed.
    pub fn new(seed: u64, trace: Rc<RefCell<Trace>>) -> Self {
        Self {
            now: Cell::new(0),
            serial: Cell::new(0),
            planned: RefCell::default(),
            tasks: RefCell::default(),
            random: RefCell::new(Random::new(seed)),
            trace,
        }
    }

    /// The simulated moment, in milliseconds since the run began.
    pub fn now(&self) -> i64 {
        self.now.get()
    }

    /// Draws from the seed's numbers.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.random.borrow_mut())
    }

    /// Adds a step to the trace.
    pub fn note(&self, actor: Actor, number: u64, words: impl FnOnce() -> String) {
        self.trace.borrow_mut().add(self.now(), actor, number, words);
    }

    /// Forgets what is planned and who waits, all of which holds the world that holds this scheduler: else neither
    /// would ever go, nor the database be anybody else's.
    pub fn clear(&self) {
        drop(self.planned.take());
        drop(self.tasks.take());
    }

    /// Does something after so many milliseconds.
    pub fn after(&self, pause: i64, act: impl FnOnce() + 'static) {
        self.plan(pause, Happening::Act(Box::new(act)));
    }

    /// Wakes a task after so many milliseconds.
    pub fn wake_after(&self, pause: i64, task: TaskId) {
        self.plan(pause, Happening::Wake(task));
    }

    /// Ends a task after so many milliseconds, wherever it is then.
    pub fn end_after(&self, pause: i64, task: TaskId) {
        self.plan(pause, Happening::End(task));
    }

    fn plan(&self, pause: i64, happening: Happening) {
        let serial = self.serial.get() + 1;
        self.serial.set(serial);
        let order = self.draw(Random::number);
        let at = self.now() + pause.max(0);
        self.planned.borrow_mut().push(Planned { at, order, serial, happening });
    }

    /// Begins a task, which knows its own number.
    pub fn spawn<F>(&self, actor: Actor, make: impl FnOnce(TaskId) -> F) -> TaskId
    where
        F: std::future::Future<Output = ()> + 'static,
    {
        let id = self.tasks.borrow().len();
        let future: Future = Box::pin(make(id));
        let task = Task { future: Some(future), actor, is_ended: false, on_death: None };
        self.tasks.borrow_mut().push(task);
        self.wake_after(0, id);
        id
    }

    /// What is done when a task is ended before it came to its own end.
    pub fn on_death(&self, task: TaskId, act: impl FnOnce() + 'static) {
        if let Some(task) = self.tasks.borrow_mut().get_mut(task) {
            task.on_death = Some(Box::new(act));
        }
    }

    /// Whether a task goes on.
    pub fn is_alive(&self, task: TaskId) -> bool {
        self.tasks.borrow().get(task).is_some_and(|task| !task.is_ended)
    }

    /// Who a task is.
    pub fn actor(&self, task: TaskId) -> Actor {
        self.tasks.borrow().get(task).map_or(Actor::World, |task| task.actor)
    }

    /// Ends a task now.
    pub fn end(&self, task: TaskId) {
        let (future, on_death) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(task).filter(|task| !task.is_ended) else { return };
            task.is_ended = true;
            (task.future.take(), task.on_death.take())
        };
        drop(future);
        let actor = self.actor(task);
        self.note(actor, 0xdead, || "DIES: its invocation is dropped here".to_owned());
        if let Some(act) = on_death {
            act();
        }
    }

    /// Lets time go on until a moment, or until nothing more is planned before it, or until it is enough.
    pub fn run_until(&self, end: i64, is_enough: impl Fn() -> bool) {
        loop {
            let next = {
                let mut planned = self.planned.borrow_mut();
                match planned.peek() {
                    Some(next) if next.at <= end => planned.pop(),
                    _ => None,
                }
            };
            let Some(next) = next else {
                self.now.set(self.now().max(end));
                return;
            };
            self.now.set(next.at.max(self.now()));
            match next.happening {
                Happening::Wake(task) => self.poll(task),
                Happening::End(task) => self.end(task),
                Happening::Act(act) => act(),
            }
            if is_enough() {
                return;
            }
        }
    }

    /// Jumps to a moment, whatever is planned before it: alarms that would only look again are late then.
    pub fn jump_to(&self, at: i64) {
        self.now.set(self.now().max(at));
    }

    fn poll(&self, id: TaskId) {
        let future = self.tasks.borrow_mut().get_mut(id).and_then(|task| task.future.take());
        let Some(mut future) = future else { return };
        let outcome = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let mut tasks = self.tasks.borrow_mut();
        let task = &mut tasks[id];
        match outcome {
            Poll::Ready(()) => {
                task.is_ended = true;
                task.on_death = None;
            }
            // It was ended by what it did itself.
            Poll::Pending if task.is_ended => {}
            Poll::Pending => {
                task.future = Some(future);
                return;
            }
        }
        drop(tasks);
        drop(future);
    }

    /// Waits so many milliseconds within a task.
    pub async fn sleep(&self, task: TaskId, pause: i64) {
        let until = self.now() + pause;
        self.wake_after(pause, task);
        poll_fn(|_| if self.now() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// Where one task leaves something for another.
#[derive(Debug)]
pub struct Slot<T>(Rc<RefCell<Option<T>>>);

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(None)))
    }
}

impl<T> Slot<T> {
    /// Leaves something, unless something is there.
    pub fn leave(&self, value: T) {
        self.0.borrow_mut().get_or_insert(value);
    }

    /// Takes what was left.
    pub fn take(&self) -> Option<T> {
        self.0.borrow_mut().take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_jumps_to_what_is_next_and_a_task_that_is_ended_goes_no_further() {
        let scheduler = Rc::new(Scheduler::new(1, Rc::default()));
        let steps = Rc::new(RefCell::new(Vec::new()));
        let walk = |name: &'static str| {
            let (scheduler, steps) = (Rc::clone(&scheduler), Rc::clone(&steps));
            move |task| async move {
                for _ in 0..3 {
                    scheduler.sleep(task, 1_000).await;
                    steps.borrow_mut().push((name, scheduler.now()));
                }
            }
        };
        scheduler.spawn(Actor::World, walk("lives"));
        let dies = scheduler.spawn(Actor::World, walk("dies"));
        let died = Rc::new(Cell::new(false));
        let dead = Rc::clone(&died);
        scheduler.on_death(dies, move || dead.set(true));
        scheduler.end_after(1_500, dies);
        scheduler.run_until(60_000, || false);
        let of = |name| steps.borrow().iter().filter(|(who, _)| *who == name).count();
        assert_eq!((of("lives"), of("dies"), died.get()), (3, 1, true));
        assert_eq!(scheduler.now(), 60_000);
    }
}
