//! Whether an account at a processor is well: a sliding window of its answers, and a breaker.
//!
//! No answer, an answer that says that the processor is broken, and one that it takes no more requests are
//! failures; a decline is an answer like any other.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How long an answer counts, in seconds.
const WINDOW: i64 = 60;

/// How many failures open the breaker, where they are at least half of all answers.
const FAILURES: i64 = 3;

/// For how many seconds no payment goes to an account whose breaker has opened.
const OPEN_FOR: i64 = 10;

/// One in how many payments probes an account whose breaker is half open.
const PROBES_ONE_IN: u64 = 5;

/// How many answers without a failure between them close a breaker that is half open.
const SUCCESSES: i64 = 3;

/// After how many seconds without an answer a processor counts as one that gives none.
pub const SLOW: u32 = 10;

/// For how many seconds an isolate takes what it knows of an account to be true, until it asks again.
pub const VIEW_LASTS: i64 = 3;

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "connector_account_health")
)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    /// Payments go there.
    #[default]
    Closed,
    /// None does.
    Open,
    /// A few do, to find out whether it is well again.
    HalfOpen,
}

impl Breaker {
    /// The name in the API, and between objects.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }

    /// The breaker of a name; one that is unknown is as good as closed.
    pub fn from_name(name: &str) -> Self {
        match name {
            "open" => Self::Open,
            "half_open" => Self::HalfOpen,
            _ => Self::Closed,
        }
    }

    /// Whether the payment of a draw goes there.
    pub fn takes(self, draw: u64) -> bool {
        match self {
            Self::Closed => true,
            Self::Open => false,
            Self::HalfOpen => draw.is_multiple_of(PROBES_ONE_IN),
        }
    }
}

/// Whether an answer's status says that the processor is broken, or wants to be left in peace.
pub fn is_failure(status: u16) -> bool {
    status >= 500 || status == 429
}

/// Answers of one second, or more of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Those that say that it is well.
    pub good: i64,
    /// Those that do not, and those that did not come.
    pub bad: i64,
}

impl Answers {
    /// One answer.
    pub fn one(is_good: bool) -> Self {
        Self { good: i64::from(is_good), bad: i64::from(!is_good) }
    }

    /// Both together.
    pub fn add(&mut self, more: Self) {
        self.good = self.good.saturating_add(more.good);
        self.bad = self.bad.saturating_add(more.bad);
    }
}

/// What is known of one account. All moments are in seconds.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The answers of the last minute by their second, the oldest first.
    window: VecDeque<(i64, Answers)>,
    /// When the breaker opened, unless it is closed.
    opened_at: Option<i64>,
    /// The answers without failure since it is half open.
    probed: i64,
}

impl Health {
    /// Where the breaker stands.
    pub fn breaker(&self, now: i64) -> Breaker {
        match self.opened_at {
            None => Breaker::Closed,
            // A clock that went backwards must not keep it open.
            Some(at) if (0..OPEN_FOR).contains(&now.saturating_sub(at)) => Breaker::Open,
            Some(_) => Breaker::HalfOpen,
        }
    }

    /// Takes note of answers.
    pub fn note(&mut self, now: i64, answers: Answers) {
        match self.breaker(now) {
            Breaker::Closed => self.count(now, answers),
            // They are of what was asked before.
            Breaker::Open => {}
            Breaker::HalfOpen if answers.bad > 0 => self.open(now),
            Breaker::HalfOpen => {
                self.probed = self.probed.saturating_add(answers.good);
                if self.probed >= SUCCESSES {
                    *self = Self::default();
                }
            }
        }
    }

    fn count(&mut self, now: i64, answers: Answers) {
        self.window.retain(|(second, _)| (0..WINDOW).contains(&now.saturating_sub(*second)));
        match self.window.back_mut() {
            Some((second, known)) if *second == now => known.add(answers),
            _ => self.window.push_back((now, answers)),
        }
        let mut all = Answers::default();
        self.window.iter().for_each(|(_, answers)| all.add(*answers));
        if all.bad >= FAILURES && all.bad >= all.good {
            self.open(now);
        }
    }

    fn open(&mut self, now: i64) {
        *self = Self { opened_at: Some(now), ..Self::default() };
    }
}
