//! What a person should hear of, while it stands. Triggers write most of it, in the batch of what it is about
//! (`migrations/0040_alerts.sql`); here is what no row shows, and that something was told.

use domain::timestamp::Timestamp;
use serde::Serialize;

use crate::database::json;
use crate::{Inconsistent, Row, Statement, values};

// What stands already is known.
pub(crate) const RAISE: &str = "\
    INSERT INTO alerts (name, subject, problem, due_at) SELECT value ->> 'name', value ->> 'subject', \
    substr(value ->> 'problem', 1, 500), ?2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";

pub(crate) const END_OTHERS: &str = "\
    DELETE FROM alerts WHERE name IN ('database_full', 'setting_unreadable') AND NOT EXISTS \
    (SELECT 1 FROM json_each(?1) WHERE value ->> 'name' = name AND value ->> 'subject' = subject)";

pub(crate) const UNTOLD: &str = "\
    SELECT * FROM alerts WHERE told_at IS NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2";

// What was over meanwhile and came again with another problem was not told.
pub(crate) const TOLD: &str = "\
    UPDATE alerts SET told_at = ?2 WHERE (name, subject, problem) IN \
    (SELECT value ->> 'name', value ->> 'subject', value ->> 'problem' FROM json_each(?1))";

/// The database has little room left.
pub const DATABASE_FULL: &str = "database_full";

/// A setting of the deployment cannot be read.
pub const SETTING_UNREADABLE: &str = "setting_unreadable";

/// A secret of an account at a processor cannot be opened, under which webhooks would be believed.
pub const WEBHOOK_SECRET_UNREADABLE: &str = "webhook_secret_unreadable";

/// A processor refuses the secret of an account.
pub const PROCESSOR_REFUSES: &str = "processor_refuses";

/// A processor has not answered for long.
pub const PROCESSOR_SILENT: &str = "processor_silent";

/// Something that a person should hear of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What kind of thing it is, as `needs_attention`.
    pub name: String,
    /// What it is about; of a kind each is told of once.
    pub subject: String,
    /// What is wrong.
    pub problem: String,
}

/// Notes what no row shows.
pub fn raise(troubles: &[Trouble], now: Timestamp) -> Statement {
    Statement::new(RAISE, values![json(&troubles), now.seconds()])
}

/// Notes all that is wrong with the deployment itself, and forgets what is not any more.
pub fn raise_of_deployment(troubles: &[Trouble], now: Timestamp) -> [Statement; 2] {
    [raise(troubles, now), Statement::new(END_OTHERS, values![json(&troubles)])]
}

/// Finds what nobody was told of yet, at most so much.
pub fn untold(now: Timestamp, most: i64) -> Statement {
    Statement::new(UNTOLD, values![now.seconds(), most])
}

/// Notes that somebody was told.
pub fn told(troubles: &[Trouble], now: Timestamp) -> Statement {
    Statement::new(TOLD, values![json(&troubles), now.seconds()])
}

impl TryFrom<&Row> for Trouble {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let text = |column| row.text(column).map(str::to_owned);
        Ok(Self { name: text("name")?, subject: text("subject")?, problem: text("problem")? })
    }
}
