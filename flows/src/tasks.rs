//! Tasks that are under way at the same time.
//!
//! Each is boxed, so that all share the code that has them go on: what others make of it weighs as much again for each kind
//! of task.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Something that is under way.
pub type Task<'t> = Pin<Box<dyn Future<Output = ()> + 't>>;

/// Has tasks go on, and takes out those that have ended. Says whether some have.
pub fn advance(tasks: &mut Vec<Task<'_>>, context: &mut Context<'_>) -> bool {
    let count = tasks.len();
    tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
    tasks.len() < count
}

/// Waits until all of them have ended.
pub async fn all(mut tasks: Vec<Task<'_>>) {
    poll_fn(|context| {
        advance(&mut tasks, context);
        if tasks.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
