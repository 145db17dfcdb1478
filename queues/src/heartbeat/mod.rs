//! The heartbeat: does what is due, and says when it has to beat again. It has three lanes, each with an object of its
//! own behind it, so that none holds up another: what only the database and the queues are asked for, what is asked of
//! processors, and what waits for buckets and for whoever sends mail.
//!
//! Each kind of task is looked for by itself and a few at a time, so that a backlog of one holds up no other in its
//! lane either.

mod paperwork;
mod recovery;
mod tasks;

use std::cell::{Cell, RefCell};

use domain::Timestamp;
use flows::{Failure, Platform, balance, payouts, webhooks};
use store::scheduled_tasks::Kind;

use recovery::Met;
pub use recovery::perform;

/// The longest pause between two beats, in seconds: what nobody woke it for is found by then.
pub const LONGEST_PAUSE: i64 = 60;

/// How many tasks of a kind one beat of the main lane does; the rest follows at once in the next.
const BATCH: i64 = 10;

/// What is done one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Balances, payouts, disputes, events on their way to merchants: nothing here waits for anybody outside.
    Main,
    /// What processors are asked: payments and refunds that are open, and money that is held for too long.
    Recovery,
    /// Alerts; what waits for buckets, or for whoever sends mail: receipts, reports, the archive; and the audit.
    Paperwork,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 3] = [Self::Main, Self::Recovery, Self::Paperwork];

    /// The name of the object behind it, while there is one database shard.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "heartbeat",
            Self::Recovery => "recovery",
            Self::Paperwork => "paperwork",
        }
    }

    /// The lane of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.name() == name)
    }

    fn of(kind: Kind) -> Self {
        match kind {
            Kind::AdvancePayout
            | Kind::OpenDispute
            | Kind::ReplayEvents
            | Kind::SettleDispute
            | Kind::SettleTopup => Self::Main,
            Kind::RecoverAttempt
            | Kind::KeepCard
            | Kind::ExpireAuthorization
            | Kind::LookAgain
            | Kind::RetryConnectorWebhook
            | Kind::SettleRefund
            | Kind::UndoAttempt => Self::Recovery,
            Kind::ReconcileSettlement | Kind::RunReport | Kind::SendReceipt => Self::Paperwork,
        }
    }

    fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| Self::of(*kind) == self)
    }
}

/// What beats for one lane, and remembers what it has met. What it forgets costs time and nothing else.
#[derive(Debug)]
pub struct Heart {
    lane: Lane,
    met: RefCell<Met>,
    /// When it last did the paperwork that nobody waits for.
    filed_at: Cell<Timestamp>,
}

impl Heart {
    /// The heart of a lane.
    pub fn of(lane: Lane) -> Self {
        Self { lane, met: RefCell::default(), filed_at: Cell::new(Timestamp(0)) }
    }

    /// Its lane.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Does what is due. Returns when to beat again; right away where work is left.
    pub async fn beat<P: Platform>(&self, platform: &P) -> Timestamp {
        let latest = platform.now().plus(LONGEST_PAUSE);
        let next = match self.lane {
            Lane::Main => beat_main(platform).await,
            Lane::Recovery => recovery::beat(platform, &self.met).await,
            Lane::Paperwork => paperwork::beat(platform, &self.filed_at).await,
        };
        next.map_or(latest, |next| next.min(latest))
    }
}

/// A beat of the main lane.
async fn beat_main<P: Platform>(platform: &P) -> Option<Timestamp> {
    let days_are_left = left(platform, "balance", balance::move_due(platform).await);
    let payouts_are_left = left(platform, "payouts", payouts::run_due(platform).await);
    match tasks::due(platform, Lane::Main.kinds(), BATCH).await {
        Ok(due) => {
            for task in due {
                tasks::perform(platform, task).await;
            }
        }
        Err(failure) => platform.log_error("heartbeat", &failure.to_string()),
    }
    // After the tasks, so that what was done there is told of, too.
    let deliveries_are_left = left(platform, "events", events(platform).await);
    if days_are_left || payouts_are_left || deliveries_are_left {
        return Some(platform.now());
    }
    tasks::next(platform, Lane::Main.kinds()).await
}

/// Hands out events that nobody was woken for, finds deliveries that were lost on their way, and tries
/// dead letters again where an operator wants it. Says whether some of that is left.
async fn events<P: Platform>(platform: &P) -> Result<bool, Failure> {
    // Each is done whatever becomes of the others.
    let fanned_out = crate::deliveries::fan_out(platform).await;
    let letters_are_left =
        left(platform, "dead letters", crate::dead_letters::redrive(platform).await);
    let endpoints_are_left = webhooks::search(platform).await?;
    Ok(fanned_out? || endpoints_are_left || letters_are_left)
}

/// Whether some of a part's work is left; what went wrong is tried again with the next beat.
fn left<P: Platform>(platform: &P, part: &str, done: Result<bool, Failure>) -> bool {
    done.unwrap_or_else(|failure| {
        platform.log_error(part, &failure.to_string());
        false
    })
}
