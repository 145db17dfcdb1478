//! The Worker: HTTP, queue and cron events in, the platform's own services behind the ports of
//! `store` and `flows`. This is the only code that names `worker`.
//!
//! Nothing here may panic or return an error to the runtime: one panic takes every request in the
//! isolate down with it.

mod clock;
mod database;
mod description;
mod development;
mod email;
mod endpoint;
mod files;
mod health;
mod heartbeat;
mod idempotency;
mod message;
mod object;
mod outbound;
mod platform;
mod promise;
mod queue;
mod receipts;
mod storage;
mod timings;

use flows::Platform;
use handlers::Server;
use worker::web_sys::{Request, Response};
use worker::{Context, Env, MessageBatch, Result, ScheduleContext, ScheduledEvent, event};

use crate::platform::CloudflarePlatform;

thread_local! {
    /// What lives as long as the isolate.
    static SERVER: Server = Server::default();
}

/// Prepares an isolate.
#[event(start)]
fn start() {
    promise::replace_queue_microtask();
    promise::tell_of_traps();
}

/// Answers every HTTP request.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let started = clock::milliseconds();
    let answer = match CloudflarePlatform::new(env.clone()).await {
        Ok(platform) => answer(request, env, &context, &platform, started).await,
        Err(problem) => Err(problem),
    };
    match answer {
        Ok(response) => Ok(response),
        Err(problem) => message::broken(&problem),
    }
}

async fn answer(
    request: Request,
    env: Env,
    context: &Context,
    platform: &CloudflarePlatform,
    started: i64,
) -> std::result::Result<Response, String> {
    if platform.is_development() {
        clock::load(platform).await;
    }
    let request = match message::read(request, handlers::dispatch::MAX_BODY).await {
        Ok(request) => request,
        Err(problem) => return message::unreadable(&problem),
    };
    if let Some(response) = development::answer(platform, &request).await {
        return response.map(Response::from);
    }
    if let Some(response) = description::answer(&request) {
        return response;
    }
    // The server keeps nothing that a request could hold on to across an await but shared keys.
    let server = SERVER.with(Server::clone);
    let mut reply = server.handle(platform, &request).await;
    platform.timings().show(&mut reply, started);
    let response = message::write(reply, &env);
    heartbeat::wake_after(context, env.clone(), platform.earliest_wake());
    health::report_after(context, &env, platform.take_accounts());
    if platform.has_events() {
        queue::announce_after(context, env);
    }
    response
}

/// Takes what arrives from the queues.
#[event(queue)]
async fn queue(batch: MessageBatch<String>, env: Env, context: Context) -> Result<()> {
    queue::take(&batch, env, &context).await;
    Ok(())
}

/// Re-arms the heartbeat, should its alarm ever have been lost.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let now = domain::Timestamp(clock::milliseconds().saturating_div(1000));
    if let Err(problem) = heartbeat::poke(&env, &[now]).await {
        worker::console_error!("the heartbeat could not be re-armed: {problem}");
    }
}
