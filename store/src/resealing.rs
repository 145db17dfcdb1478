//! Sealing again, under a new master key, what another one sealed: where the sweep stands, what it reads, and what it
//! writes.
//!
//! It reads slice by slice in the order of each table's key, and writes over what it saw alone: whoever changes a row
//! meanwhile wins.

use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Statement, guard, values};

/// The guard that fails when somebody else has moved the sweep on.
pub const PLACE_GUARD: &str = "resealing_place";

/// What is read, one after the other. A token's number is copied into the payment method that is made of it, so that
/// payment methods come after tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The keys that outlive master keys.
    LastingKeys,
    /// The cards behind single-use tokens.
    Tokens,
    /// The cards that were used or kept.
    PaymentMethods,
    /// What opens accounts at processors, and what those sign with.
    ConnectorAccounts,
    /// What signs deliveries.
    WebhookEndpoints,
}

impl Stage {
    /// Every one, in their order.
    pub const ALL: [Self; 5] = [
        Self::LastingKeys,
        Self::Tokens,
        Self::PaymentMethods,
        Self::ConnectorAccounts,
        Self::WebhookEndpoints,
    ];

    /// The name in the database, which is the table's.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastingKeys => "lasting_keys",
            Self::Tokens => "tokens",
            Self::PaymentMethods => "payment_methods",
            Self::ConnectorAccounts => "connector_accounts",
            Self::WebhookEndpoints => "webhook_endpoints",
        }
    }

    /// Finds the rows after a place, at most so many: each with its own `place`.
    pub fn read(self, place: &str, rows: i64) -> Statement {
        Statement::new(self.read_sql(), values![place, rows])
    }

    fn read_sql(self) -> &'static str {
        match self {
            Self::LastingKeys => {
                "SELECT name AS place, name AS key, sealed FROM lasting_keys \
                 WHERE name > ?1 ORDER BY name LIMIT ?2"
            }
            Self::Tokens => {
                "SELECT id AS place, id AS key, account, livemode, sealed_number AS sealed \
                 FROM tokens WHERE id > ?1 ORDER BY id LIMIT ?2"
            }
            Self::PaymentMethods => {
                "SELECT CAST(sequence AS TEXT) AS place, id AS key, account, livemode, \
                 sealed_number AS sealed FROM payment_methods \
                 WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT ?2"
            }
            Self::ConnectorAccounts => {
                "SELECT CAST(sequence AS TEXT) AS place, * FROM connector_accounts \
                 WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT ?2"
            }
            Self::WebhookEndpoints => {
                "SELECT CAST(sequence AS TEXT) AS place, * FROM webhook_endpoints \
                 WHERE sequence > CAST(?1 AS INTEGER) ORDER BY sequence LIMIT ?2"
            }
        }
    }

    /// Writes texts in place of those that were seen, by the keys of their rows; none for rows that are written as a
    /// whole. The version of a row stays: no change of a merchant's writes such a text.
    pub fn write(self, resealed: &[Resealed]) -> Option<Statement> {
        Some(Statement::new(self.write_sql()?, values![json(&resealed)]))
    }

    fn write_sql(self) -> Option<&'static str> {
        match self {
            Self::LastingKeys => Some(
                "UPDATE lasting_keys SET sealed = json_each.value ->> 2 FROM json_each(?1) \
                 WHERE name = json_each.value ->> 0 AND sealed = json_each.value ->> 1",
            ),
            Self::Tokens => Some(
                "UPDATE tokens SET sealed_number = json_each.value ->> 2 FROM json_each(?1) \
                 WHERE tokens.id = json_each.value ->> 0 AND sealed_number = json_each.value ->> 1",
            ),
            Self::PaymentMethods => Some(
                "UPDATE payment_methods SET sealed_number = json_each.value ->> 2 FROM json_each(?1) \
                 WHERE payment_methods.id = json_each.value ->> 0 \
                 AND sealed_number = json_each.value ->> 1",
            ),
            Self::ConnectorAccounts | Self::WebhookEndpoints => None,
        }
    }
}

/// A row's key, the text that it had, and the one in its place.
pub type Resealed = (String, String, String);

pub(crate) const FIND: &str = "\
    SELECT * FROM resealing WHERE id = 1 AND (master_key <> ?1 OR (completed_at IS NULL AND due_at <= ?2))";

pub(crate) const MOVE_ON: &str = "\
    UPDATE resealing SET master_key = ?1, stage = ?2, place = ?3, due_at = ?4, resealed = ?5, broken = ?6, \
    completed_at = ?7 WHERE id = 1 AND master_key = ?8 AND stage = ?9 AND place = ?10";

/// Counts what is sealed by the master key that it names, for people, with how the sweep stands.
pub const COUNT: &str = "\
    SELECT r.master_key, r.stage, r.resealed, r.broken, r.completed_at, \
    (SELECT json_group_object(name, count) FROM (\
    SELECT substr(sealed, 1, instr(sealed, '.') - 1) AS name, count(*) AS count FROM (\
    SELECT sealed FROM lasting_keys \
    UNION ALL SELECT sealed_number FROM tokens UNION ALL SELECT sealed_number FROM payment_methods \
    UNION ALL SELECT sealed_credentials FROM connector_accounts WHERE sealed_credentials IS NOT NULL \
    UNION ALL SELECT secret.value ->> 'sealed' FROM (SELECT details ->> '$.webhook_secrets' AS secrets \
    FROM connector_accounts UNION ALL SELECT details ->> '$.secrets' FROM webhook_endpoints), \
    json_each(secrets) AS secret) GROUP BY name)) AS sealed_under \
    FROM resealing AS r WHERE r.id = 1";

/// Where the sweep stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The name of the master key under which everything is to be.
    pub master_key: String,
    /// What is being read, by its name.
    pub stage: String,
    /// Up to which key it was.
    pub place: String,
    /// How many texts this pass has sealed again.
    pub resealed: i64,
    /// How many no key opens.
    pub broken: i64,
}

impl TryFrom<&Row> for Progress {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            master_key: row.text("master_key")?.to_owned(),
            stage: row.text("stage")?.to_owned(),
            place: row.text("place")?.to_owned(),
            resealed: row.integer("resealed")?,
            broken: row.integer("broken")?,
        })
    }
}

/// Finds where the sweep stands, where its next slice is due, or begins for this master key.
pub fn due(master_key: &str, now: Timestamp) -> Statement {
    Statement::new(FIND, values![master_key, now.seconds()])
}

/// Moves the sweep on from where it was seen: to its next slice, or to its end.
pub fn move_on(
    seen: &Progress,
    next: &Progress,
    due_at: Timestamp,
    completed_at: Option<Timestamp>,
) -> [Statement; 2] {
    let values = values![
        next.master_key.as_str(),
        next.stage.as_str(),
        next.place.as_str(),
        due_at.seconds(),
        next.resealed,
        next.broken,
        completed_at.map(Timestamp::seconds),
        seen.master_key.as_str(),
        seen.stage.as_str(),
        seen.place.as_str(),
    ];
    [Statement::new(MOVE_ON, values), guard::changed_one(PLACE_GUARD)]
}

/// Every statement, with a name for people.
pub(crate) fn statements() -> Vec<(String, String)> {
    let named = |name: String, sql: &str| (name, sql.to_owned());
    let mut statements = vec![
        named("resealing.find".to_owned(), FIND),
        named("resealing.move_on".to_owned(), MOVE_ON),
    ];
    for stage in Stage::ALL {
        statements.push(named(format!("resealing.read {}", stage.name()), stage.read_sql()));
        let write = stage.write_sql();
        statements.extend(write.map(|sql| named(format!("resealing.write {}", stage.name()), sql)));
    }
    statements
}
