//! Whether an account at a processor is well: a sliding window of its answers, a breaker, and what an isolate
//! remembers of it.
//!
//! No answer, an answer that says that the processor is broken, and one that it takes no more requests are
//! failures; a decline is an answer like any other.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How long an answer counts, in seconds.
const WINDOW: i64 = 60;

/// How many failures open the breaker within how many seconds, where they are at least half of all answers then. Where
/// answers are many, the short time tells of an outage before the good ones of a whole minute are outweighed.
const OPENED_BY: [(i64, i64); 2] = [(10, 5), (WINDOW, 3)];

/// For how many seconds no payment goes to an account whose breaker has opened.
const OPEN_FOR: i64 = 10;

/// How many payments probe an account within how many seconds, while none of them is known to have ended well: what a
/// dead account is sent stays open until somebody finds it out.
const PROBES: (i64, i64) = (3, 10);

/// How many answers without a failure between them close a breaker that is half open.
const SUCCESSES: i64 = 3;

/// After how many seconds without an answer a processor counts as one that gives none.
pub const SLOW: u32 = 10;

/// For how many milliseconds an isolate takes what it knows of an account to be true, until it asks again.
const VIEW_LASTS: i64 = 3_000;

/// For how many milliseconds it does where it may let one payment probe, so that it takes no other's turn meanwhile.
const PROBE_LASTS: i64 = 10_000;

/// After how many milliseconds it counts for nothing what it knows: nobody asked, and the account may be well.
const VIEW_COUNTS: i64 = 60_000;

/// After how many milliseconds a question whose answer did not come is asked again.
const GIVES_UP_AFTER: i64 = 10_000;

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
    /// Since when probes are counted, and how many there were.
    probes: (i64, i64),
}

impl Health {
    /// Where the breaker stands: half open only while one more payment may probe.
    pub fn breaker(&self, now: i64) -> Breaker {
        let (since, probes) = self.probes;
        let has_probed = self.probed == 0 && probes >= PROBES.0 && is_within(now, since, PROBES.1);
        match self.opened_at {
            None => Breaker::Closed,
            Some(_) if self.is_resting(now) || has_probed => Breaker::Open,
            Some(_) => Breaker::HalfOpen,
        }
    }

    /// Whether no payment goes there yet. A clock that went backwards must not keep it so.
    fn is_resting(&self, now: i64) -> bool {
        self.opened_at.is_some_and(|at| is_within(now, at, OPEN_FOR))
    }

    /// Tells where the breaker stands to somebody who lets one payment probe where it is half open.
    pub fn tell(&mut self, now: i64) -> Breaker {
        let breaker = self.breaker(now);
        if breaker == Breaker::HalfOpen {
            if !is_within(now, self.probes.0, PROBES.1) {
                self.probes = (now, 0);
            }
            self.probes.1 = self.probes.1.saturating_add(1);
        }
        breaker
    }

    /// Takes note of answers.
    pub fn note(&mut self, now: i64, answers: Answers) {
        if self.opened_at.is_none() {
            self.count(now, answers);
        } else if self.is_resting(now) {
            // They are of what was asked before.
        } else if answers.bad > 0 {
            self.open(now);
        } else {
            self.probed = self.probed.saturating_add(answers.good);
            if self.probed >= SUCCESSES {
                *self = Self::default();
            }
        }
    }

    fn count(&mut self, now: i64, answers: Answers) {
        self.window.retain(|(second, _)| is_within(now, *second, WINDOW));
        match self.window.back_mut() {
            Some((second, known)) if *second == now => known.add(answers),
            _ => self.window.push_back((now, answers)),
        }
        let is_opened = OPENED_BY.iter().any(|(seconds, failures)| {
            let mut all = Answers::default();
            let lately = self.window.iter().filter(|(second, _)| is_within(now, *second, *seconds));
            lately.for_each(|(_, answers)| all.add(*answers));
            all.bad >= *failures && all.bad >= all.good
        });
        if is_opened {
            self.open(now);
        }
    }

    fn open(&mut self, now: i64) {
        *self = Self { opened_at: Some(now), ..Self::default() };
    }
}

/// What an isolate knows of an account. All moments are in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct View {
    breaker: Breaker,
    read_at: i64,
    /// Since when the object that knows more is being asked.
    asking_since: i64,
    /// Answers that it has not been told of.
    untold: Answers,
}

impl View {
    /// Where the breaker stands, as far as is known here.
    pub fn breaker(&self, now: i64) -> Breaker {
        if is_within(now, self.read_at, VIEW_COUNTS) { self.breaker } else { Breaker::Closed }
    }

    /// Takes note of an answer, for the next report.
    pub fn note(&mut self, is_good: bool) {
        self.untold.add(Answers::one(is_good));
    }

    /// A payment goes there. Where it probes, no other does until the object was asked again.
    pub fn sends(&mut self) {
        if self.breaker == Breaker::HalfOpen {
            self.breaker = Breaker::Open;
            self.read_at = self.read_at.saturating_sub(VIEW_LASTS);
        }
    }

    /// Whether the object is to be asked: what is known is old, or a failure is news.
    pub fn is_due(&self, now: i64) -> bool {
        let lasts = if self.breaker == Breaker::HalfOpen { PROBE_LASTS } else { VIEW_LASTS };
        let is_known = is_within(now, self.read_at, lasts) && self.untold.bad == 0;
        !is_known && !is_within(now, self.asking_since, GIVES_UP_AFTER)
    }

    /// Asks the object, and tells it these answers.
    pub fn asks(&mut self, now: i64) -> Answers {
        self.asking_since = now;
        std::mem::take(&mut self.untold)
    }

    /// What the object says, which was told these answers. They are told again where it says nothing.
    pub fn learns(&mut self, now: i64, told: Answers, said: Option<Breaker>) {
        self.asking_since = 0;
        match said {
            Some(breaker) => (self.breaker, self.read_at) = (breaker, now),
            None => self.untold.add(told),
        }
    }
}

/// Whether something was no longer ago than this.
fn is_within(now: i64, moment: i64, time: i64) -> bool {
    (0..time).contains(&now.saturating_sub(moment))
}
