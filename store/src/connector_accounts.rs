//! Accounts at payment processors.

use domain::connector_account::ConnectorAccount;
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the account fails.
pub const VERSION_GUARD: &str = "connector_account_version";
/// The guard that fails when the merchant has as many as it may.
pub const ROOM_GUARD: &str = "connector_account_room";

/// The guard that fails when payments go there no more. A trigger on `attempts` holds it, whoever begins a payment: an isolate
/// remembers an account for seconds.
pub const ACTIVE_GUARD: &str = "connector_account_active";

pub(crate) const INSERT: &str = "\
    INSERT INTO connector_accounts (id, account, livemode, created, version, connector, status, \
    sealed_credentials, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

pub(crate) const MUST_HAVE_ROOM: &str = "\
    INSERT INTO guard SELECT (SELECT COUNT(*) FROM connector_accounts WHERE account = ?1 \
    AND livemode = ?2 AND status <> 'deleted') <= ?3, 'connector_account_room'";

pub(crate) const UPDATE: &str = "\
    UPDATE connector_accounts SET version = version + 1, status = ?3, sealed_credentials = ?4, \
    details = ?5 WHERE id = ?1 AND version = ?2";

// It fails under the id of what is open. What is asked after, or looked at once more, has a task: there are few of these, and
// no index of open attempts or refunds costs each payment a row.
pub(crate) const MUST_HAVE_NOTHING_OPEN: &str = "\
    INSERT INTO guard SELECT 0, id FROM (\
    SELECT id FROM charges INDEXED BY charges_by_hold WHERE account = ?1 AND livemode = ?2 \
    AND status = 'succeeded' AND amount > captured + released AND details ->> '$.processor.account' = ?3 \
    UNION ALL SELECT d.id FROM disputes AS d INDEXED BY disputes_by_account \
    CROSS JOIN charges AS c ON c.id = d.charge WHERE d.account = ?1 AND d.livemode = ?2 \
    AND d.status IN ('warning_needs_response', 'warning_under_review', 'needs_response', 'under_review') \
    AND c.details ->> '$.processor.account' = ?3 \
    UNION ALL SELECT r.id FROM scheduled_tasks AS t CROSS JOIN refunds AS r ON r.id = t.subject \
    CROSS JOIN charges AS c ON c.id = r.charge WHERE t.kind = 'settle_refund' AND t.account = ?1 \
    AND r.status IN ('pending', 'requires_action') AND c.details ->> '$.processor.account' = ?3 \
    UNION ALL SELECT a.id FROM scheduled_tasks AS t CROSS JOIN attempts AS a ON a.id = t.subject \
    WHERE t.kind IN ('recover_attempt', 'undo_attempt', 'look_again') AND t.account = ?1 AND a.connector_account = ?3 \
    AND (a.state IN ('started', 'requires_action', 'processing') \
    OR t.kind <> 'recover_attempt' AND a.resolved ->> 'outcome' IS NOT 'handled') \
    UNION ALL SELECT id FROM attempts INDEXED BY attempts_by_attention WHERE account = ?1 \
    AND livemode = ?2 AND attention IS NOT NULL AND connector_account = ?3) LIMIT 1";

pub(crate) const FIND: &str =
    "SELECT * FROM connector_accounts WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_BY_ID: &str = "SELECT * FROM connector_accounts WHERE id = ?1";

/// Writes a new account, unless the merchant has so many already.
pub fn insert(scope: &Scope, made: &ConnectorAccount, most: usize) -> [Statement; 2] {
    let account = scope.account.as_str();
    let insert = Statement::new(
        INSERT,
        values![
            made.id.as_str(),
            account,
            scope.livemode,
            made.created.seconds(),
            made.version,
            made.connector.as_str(),
            made.status.name(),
            made.sealed_credentials.as_deref(),
            json(&made.details),
        ],
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    [insert, Statement::new(MUST_HAVE_ROOM, values![account, scope.livemode, most])]
}

/// Writes an account over the version that the change saw. Its version rises by one, in the row and here.
pub fn update(changed: &mut ConnectorAccount) -> [Statement; 2] {
    let update = Statement::new(
        UPDATE,
        values![
            changed.id.as_str(),
            changed.version,
            changed.status.name(),
            changed.sealed_credentials.as_deref(),
            json(&changed.details),
        ],
    );
    changed.version = changed.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Stops a batch that deletes an account where something is open there: a hold, a dispute, a refund on its way, or an
/// attempt that is asked after, looked at once more or left to a person. The guard that fails is named as that is.
pub fn must_have_nothing_open(scope: &Scope, id: &str) -> Statement {
    Statement::new(MUST_HAVE_NOTHING_OPEN, values![scope.account.as_str(), scope.livemode, id])
}

/// Finds an account, also one that was deleted.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// Finds an account by its id alone, for its processor, which has no key.
pub fn find_by_id(id: &str) -> Statement {
    Statement::new(FIND_BY_ID, values![id])
}

/// Whose an account is.
///
/// # Errors
/// When the row names nobody.
pub fn scope(row: &Row) -> Result<Scope, Inconsistent> {
    Ok(Scope { account: row.named("account")?, livemode: row.flag("livemode")? })
}

impl TryFrom<&Row> for ConnectorAccount {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            connector: row.text("connector")?.to_owned(),
            status: row.named("status")?,
            sealed_credentials: row.optional_text("sealed_credentials")?.map(str::to_owned),
            details: row.json("details")?,
        })
    }
}
