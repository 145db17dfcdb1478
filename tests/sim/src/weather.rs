//! The weather of a run: how often each fault strikes. A seed decides it, so that some runs are calm, some
//! have one kind of trouble, and some have all of them.

use crate::random::Random;

/// Where a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The database.
    Database,
    /// An object that keeps idempotency records.
    Records,
    /// A queue, or an object that is to wake.
    Queue,
    /// A payment processor.
    Processor,
    /// A merchant's endpoint.
    Endpoint,
    /// Buckets, DNS and mail.
    Other,
}

impl Service {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Records => "idempotency",
            Self::Queue => "queue",
            Self::Processor => "processor",
            Self::Endpoint => "endpoint",
            Self::Other => "other",
        }
    }

    /// For how many milliseconds its caller waits.
    pub fn patience(self) -> i64 {
        match self {
            Self::Database | Self::Processor => 30_000,
            Self::Records | Self::Queue | Self::Other => 10_000,
            Self::Endpoint => 20_000,
        }
    }

    /// How many milliseconds a call takes on its way there, at least and at most.
    pub fn takes(self) -> (i64, i64) {
        match self {
            Self::Database => (1, 15),
            Self::Records | Self::Queue | Self::Other => (1, 8),
            Self::Processor => (40, 700),
            Self::Endpoint => (5, 300),
        }
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does its answer.
    Fine,
    /// It never arrives.
    Lost,
    /// It arrives, and its answer does not.
    AnswerLost,
    /// It arrives long after its caller has given up.
    Late,
    /// Its caller dies while it is under way.
    Crash,
    /// It is turned away at once: the service has too much to do.
    Refused,
}

/// How often each fault strikes, in ten thousand times.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is how often that happens")]
pub struct Weather {
    pub crash: u64,
    pub lost: u64,
    pub answer_lost: u64,
    pub late: u64,
    pub overload: u64,
    pub isolate_restarts: u64,
    pub everything_stops: u64,
    pub message_lost: u64,
    pub message_doubled: u64,
    pub message_late: u64,
    pub request_lost: u64,
    pub processor_fails: u64,
    pub processor_lags: u64,
    pub processor_refuses: u64,
    pub endpoint_fails: u64,
    pub clock_jumps: u64,
    pub misread: u64,
    pub notice_lost: u64,
    pub notice_doubled: u64,
    pub notice_late: u64,
    pub notice_forged: u64,
    pub disputes: u64,
    /// Whether the processor's outages and lags last for days, beyond all else.
    pub lasts_for_days: bool,
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

impl Weather {
    /// No faults.
    pub fn calm() -> Self {
        Self::default()
    }

    /// The weather of a seed.
    pub fn of(random: &mut Random) -> Self {
        let kind = random.below(10);
        if kind == 0 {
            return Self::calm();
        }
        // Some of the faults, each now and then; or one of them very often.
        let mut often = |most: u64| match kind {
            1..=6 if random.chance(4_500) => 1 + random.below(most),
            7..=8 => 1 + random.below(most / 2),
            9 if random.chance(1_200) => most * 2,
            _ => 0,
        };
        let mut weather = Self {
            crash: often(250),
            lost: often(200),
            answer_lost: often(300),
            late: often(150),
            overload: often(200),
            isolate_restarts: often(400),
            everything_stops: often(150),
            message_lost: often(2_500),
            message_doubled: often(2_500),
            message_late: often(2_500),
            request_lost: often(500),
            processor_fails: often(800),
            processor_lags: often(3_000),
            processor_refuses: often(800),
            endpoint_fails: often(2_500),
            clock_jumps: often(400),
            misread: often(60),
            notice_lost: often(4_000),
            notice_doubled: often(2_500),
            notice_late: often(2_500),
            notice_forged: often(1_500),
            disputes: often(1_500),
            lasts_for_days: false,
        };
        if random.chance(1_000) {
            weather.lasts_for_days = true;
            weather.processor_fails = weather.processor_fails.max(100);
            weather.processor_lags = weather.processor_lags.max(3_000);
        }
        weather
    }

    /// For how many milliseconds an outage of the processor lasts at most.
    pub fn longest_outage(&self) -> i64 {
        if self.lasts_for_days { 2 * DAY } else { 5 * MINUTE }
    }

    /// After how many milliseconds a payment is found by a search at the latest.
    pub fn longest_lag(&self) -> i64 {
        if self.lasts_for_days { 2 * DAY } else { 90 * MINUTE }
    }

    /// What becomes of a call.
    pub fn fate(&self, service: Service, random: &mut Random) -> Fate {
        let refused = if service == Service::Database { self.overload } else { 0 };
        // A processor is asked once where the database is asked ten times.
        let rarely = if service == Service::Processor { 3 } else { 1 };
        let fates = [
            (self.crash, Fate::Crash),
            (self.lost, Fate::Lost),
            (self.answer_lost * rarely, Fate::AnswerLost),
            (self.late * rarely, Fate::Late),
            (refused, Fate::Refused),
        ];
        let mut left = random.below(10_000);
        for (often, fate) in fates {
            if left < often {
                return fate;
            }
            left -= often;
        }
        Fate::Fine
    }
}
