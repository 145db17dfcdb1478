//! Alerts: what calls for a person. What deserves one stands in the table `alerts` for as long as it stands: triggers
//! write it in the batch of what it is about. Here it is told, with what it means: once each, or once more where whoever
//! told it died before that was noted.

use serde::Serialize;
use store::alerts::{self, Trouble};
use store::{Database, Rows};

use crate::{Failure, Platform};

/// How much is told at a time; the rest follows in the next look.
const BATCH: i64 = 50;

/// What a kind of trouble means: its name, how the money stands, and what to do.
const MEANINGS: [[&str; 3]; 11] = [
    [
        "needs_attention",
        "Nothing is charged again. It is asked after daily, and what was given up goes on being taken back daily.",
        "Compare it with the processor, and resolve the attempt, as `handled` where you gave money back by hand: \
         docs/connector-accounts.md.",
    ],
    [
        "dead_letter",
        "What the message stood for is in its own rows, which the heartbeat searches by itself.",
        "Mend what it names, then `cargo xtask dead-letters redrive`: docs/webhooks.md.",
    ],
    [
        "books_differ",
        "Entries are never changed: what was posted is still there, and payments go on.",
        "Find out which side is wrong with `cargo xtask audit --remote`, and post what corrects it: docs/ledger.md.",
    ],
    [
        "connector_webhook_parked",
        "What the processor told is kept as it came, and changed nothing.",
        "Look it up at the processor, then have it tried again: docs/connector-accounts.md.",
    ],
    [
        "settlement_differs",
        "Only what both sides agree on is booked; nothing is charged or given back because of it.",
        "Look at the open settlement breaks, and resolve each: docs/reconciliation.md.",
    ],
    [
        alerts::WEBHOOK_SECRET_UNREADABLE,
        "Webhooks are answered so that the processor sends them again. Payments are asked after meanwhile; disputes are not.",
        "Set the account's `webhook_secret` anew, or bring the master key back: docs/master-key.md.",
    ],
    [
        "webhook_secret_missing",
        "Payments go on, and are asked after. Of disputes, and of what comes back later, nobody hears.",
        "Have its processor send webhooks, and set the account's `webhook_secret`: docs/connector-accounts.md.",
    ],
    [
        alerts::PROCESSOR_REFUSES,
        "No payment is made there: each fails before it is begun, or goes elsewhere where a routing says so.",
        "Set the account's `secret_key` anew: docs/connector-accounts.md.",
    ],
    [
        alerts::PROCESSOR_SILENT,
        "What was under way there waits, and is asked after until it is known. Nothing is sent twice.",
        "Look whether the processor is down. Send payments elsewhere: docs/routing.md.",
    ],
    [
        alerts::DATABASE_FULL,
        "No payment begins that could not be recorded; those that have begun go on.",
        "Make room: docs/operating.md.",
    ],
    [
        alerts::SETTING_UNREADABLE,
        "The default counts in its stead.",
        "Correct it in wrangler.toml, and deploy: docs/operating.md.",
    ],
];

/// What an operator is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alert<'a> {
    /// What kind of thing it is, under a name that stays the same for whatever listens.
    pub alert: &'a str,
    /// What it is about.
    pub subject: &'a str,
    /// What broke.
    pub problem: &'a str,
    /// How the money stands.
    pub money: &'a str,
    /// What to do.
    pub remedy: &'a str,
}

impl<'a> Alert<'a> {
    /// What there is to say of a trouble. One that this version does not know is a later one's, which was rolled back.
    fn of(Trouble { name, subject, problem }: &'a Trouble) -> Self {
        let known = MEANINGS.into_iter().find(|[known, ..]| known == name);
        let [alert, money, remedy] = known.unwrap_or([name, "", "See docs/operating.md."]);
        Self { alert, subject, problem, money, remedy }
    }
}

/// Tells of what nobody was told of yet. Says whether some is left.
///
/// # Errors
/// When the database does not answer; it is told later.
pub async fn tell<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let now = platform.now();
    let results = platform.database().batch(vec![alerts::untold(now, BATCH)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    let troubles: Vec<Trouble> = rows.iter().map(Trouble::try_from).collect::<Result<_, _>>()?;
    for trouble in &troubles {
        platform.alert(&Alert::of(trouble));
    }
    if !troubles.is_empty() {
        platform.database().batch(vec![alerts::told(&troubles, now)]).await?;
    }
    // After a batch, since it is a batch that says how full the database is; what is new is told in the next look.
    let of_deployment = alerts::raise_of_deployment(&of_deployment(platform), now);
    platform.database().batch(of_deployment.to_vec()).await?;
    Ok(i64::try_from(troubles.len()).unwrap_or(BATCH) >= BATCH)
}

/// What is wrong with the deployment itself, which no row shows.
fn of_deployment<P: Platform>(platform: &P) -> Vec<Trouble> {
    let trouble = |name: &str, subject: &str, problem: &str| Trouble {
        name: name.to_owned(),
        subject: subject.to_owned(),
        problem: problem.to_owned(),
    };
    let full = platform.is_nearly_full().then(|| {
        trouble(alerts::DATABASE_FULL, "database", "it is nearly full, and no payment begins")
    });
    let unreadable = platform
        .unreadable_settings()
        .into_iter()
        .map(|(setting, problem)| trouble(alerts::SETTING_UNREADABLE, setting, problem));
    full.into_iter().chain(unreadable).collect()
}
