//! What merchants, cardholders, banks and time may do next, and how a random sequence of it is made.

use proptest::prelude::*;

/// The currencies: of two decimals, of none, and of three.
pub const CURRENCIES: [&str; 3] = ["usd", "jpy", "bhd"];

/// How many merchants there are.
pub const MERCHANTS: usize = 2;

/// A test card, by what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    Pays,
    Declines,
    RefundPends,
    RefundFails,
    Disputes,
    Inquires,
}

impl Card {
    /// The end of its name as a payment method and as a token.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pays => "visa",
            Self::Declines => "chargeDeclined",
            Self::RefundPends => "pendingRefund",
            Self::RefundFails => "refundFail",
            Self::Disputes => "createDispute",
            Self::Inquires => "createDisputeInquiry",
        }
    }
}

/// How a payment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Charge,
    Intent,
    /// One that may be captured in several parts.
    PartsOfIntent,
}

/// What a merchant says to a bank that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Wins,
    Loses,
    Escalates,
    /// None of test mode's.
    Other,
}

impl Word {
    /// The text of the evidence.
    pub fn text(self) -> &'static str {
        match self {
            Self::Wins => "winning_evidence",
            Self::Loses => "losing_evidence",
            Self::Escalates => "escalate_inquiry_evidence",
            Self::Other => "It was Jo.",
        }
    }
}

/// One step. `at` picks an object of those that there are; a `part` is in thousandths of what is left,
/// and may be more than all.
#[derive(Clone, Debug)]
pub enum Operation {
    Pay {
        merchant: usize,
        currency: usize,
        amount: i64,
        card: Card,
        way: Way,
        /// Only for intents: whether the same request confirms it.
        confirms: bool,
        /// Whether the money is taken at once.
        takes: bool,
        application_fee: i64,
    },
    Confirm {
        at: usize,
        card: Card,
    },
    Capture {
        at: usize,
        part: Option<i64>,
        is_last: bool,
    },
    Cancel {
        at: usize,
    },
    Refund {
        at: usize,
        part: Option<i64>,
    },
    Answer {
        at: usize,
        word: Word,
    },
    Accept {
        at: usize,
    },
    PayOut {
        merchant: usize,
        currency: usize,
        part: i64,
        is_instant: bool,
        is_refused: bool,
    },
    StopPayout {
        at: usize,
    },
    ReturnPayout {
        at: usize,
    },
    Pass {
        seconds: i64,
        /// Whether the heartbeat beats then.
        beats: bool,
    },
}

/// How a merchant is priced and paid.
#[derive(Clone, Debug)]
pub struct Terms {
    pub basis_points: i64,
    /// The same in every currency, as all that follows.
    pub fixed: i64,
    pub minimum: i64,
    pub dispute: i64,
    /// Whether fees go back with refunds.
    pub returns_fees: bool,
    pub available_after_days: i64,
    pub schedule: Schedule,
}

/// When a merchant is paid out without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    Never,
    Daily,
    /// On a day of the week, from Monday on.
    Weekly(i64),
}

impl Schedule {
    /// As the settings say it.
    pub fn text(self) -> String {
        const DAYS: [&str; 7] =
            ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        match self {
            Self::Never => r#"{"interval": "manual"}"#.to_owned(),
            Self::Daily => r#"{"interval": "daily"}"#.to_owned(),
            Self::Weekly(day) => {
                let day = DAYS[usize::try_from(day).expect("a day")];
                format!(r#"{{"interval": "weekly", "weekly_anchor": "{day}"}}"#)
            }
        }
    }

    /// Whether money leaves on a day since 1970, which began on a Thursday.
    pub fn pays_on(self, day: i64) -> bool {
        match self {
            Self::Never => false,
            Self::Daily => true,
            Self::Weekly(weekday) => (day + 3).rem_euclid(7) == weekday,
        }
    }
}

pub fn terms() -> impl Strategy<Value = Terms> {
    let days = prop_oneof![Just(2_i64), Just(0), Just(1), Just(7)];
    let schedule = prop_oneof![
        5 => Just(Schedule::Never),
        1 => Just(Schedule::Daily),
        2 => (0..7_i64).prop_map(Schedule::Weekly),
    ];
    (0..1_000_i64, 0..100_i64, 0..100_i64, 0..2_000_i64, any::<bool>(), days, schedule).prop_map(
        |(basis_points, fixed, minimum, dispute, returns_fees, available_after_days, schedule)| {
            Terms {
                basis_points,
                fixed,
                minimum,
                dispute,
                returns_fees,
                available_after_days,
                schedule,
            }
        },
    )
}

fn card() -> impl Strategy<Value = Card> {
    prop_oneof![
        6 => Just(Card::Pays),
        1 => Just(Card::Declines),
        2 => Just(Card::RefundPends),
        2 => Just(Card::RefundFails),
        3 => Just(Card::Disputes),
        3 => Just(Card::Inquires),
    ]
}

fn part() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(1_000)),
        6 => (0..1_000_i64).prop_map(Some),
        1 => (1_001..1_500_i64).prop_map(Some),
    ]
}

fn pay() -> impl Strategy<Value = Operation> {
    let way =
        prop_oneof![3 => Just(Way::Charge), 3 => Just(Way::Intent), 2 => Just(Way::PartsOfIntent)];
    let flags = (prop::bool::weighted(0.8), any::<bool>());
    // In hundreds, so that each currency takes it.
    let amount = (1..200_i64).prop_map(|hundreds| hundreds * 100);
    let application_fee = prop_oneof![2 => Just(0_i64), 1 => 1..300_i64];
    (0..MERCHANTS, 0..CURRENCIES.len(), amount, card(), way, flags, application_fee).prop_map(
        |(merchant, currency, amount, card, way, (confirms, takes), application_fee)| {
            Operation::Pay {
                merchant,
                currency,
                amount,
                card,
                way,
                confirms: confirms || way == Way::Charge,
                takes,
                application_fee: match currency {
                    2 => application_fee.min(amount) / 10 * 10,
                    _ => application_fee.min(amount),
                },
            }
        },
    )
}

fn pass() -> impl Strategy<Value = Operation> {
    let day = 86_400_i64;
    let seconds = prop_oneof![
        6 => 1..6_i64,
        2 => 60..day,
        // Midnight is told from the end of the hour in which a day is closed.
        2 => Just(1_800_i64),
        6 => day..2 * day,
        2 => 2 * day..9 * day,
        1 => Just(80 * day),
        1 => Just(121 * day),
    ];
    (seconds, prop::bool::weighted(0.8))
        .prop_map(|(seconds, beats)| Operation::Pass { seconds, beats })
}

pub fn operation() -> impl Strategy<Value = Operation> {
    let at = 0..1_000_usize;
    let word = prop_oneof![
        2 => Just(Word::Wins),
        1 => Just(Word::Loses),
        1 => Just(Word::Escalates),
        1 => Just(Word::Other),
    ];
    let pay_out = (0..MERCHANTS, 0..CURRENCIES.len(), 0..1_200_i64, any::<bool>(), any::<bool>())
        .prop_map(|(merchant, currency, part, is_instant, is_refused)| Operation::PayOut {
            merchant,
            currency,
            part,
            is_instant,
            is_refused,
        });
    prop_oneof![
        8 => pay(),
        1 => (at.clone(), card()).prop_map(|(at, card)| Operation::Confirm { at, card }),
        4 => (at.clone(), part(), any::<bool>())
            .prop_map(|(at, part, is_last)| Operation::Capture { at, part, is_last }),
        1 => at.clone().prop_map(|at| Operation::Cancel { at }),
        5 => (at.clone(), part()).prop_map(|(at, part)| Operation::Refund { at, part }),
        3 => (at.clone(), word).prop_map(|(at, word)| Operation::Answer { at, word }),
        1 => at.clone().prop_map(|at| Operation::Accept { at }),
        4 => pay_out,
        1 => at.clone().prop_map(|at| Operation::StopPayout { at }),
        1 => at.prop_map(|at| Operation::ReturnPayout { at }),
        7 => pass(),
    ]
}
