//! Merchants and their API keys.

use std::rc::Rc;

use domain::account::Account;
use domain::api_key::{ApiKey, Permissions};
use domain::connector_account::ConnectorAccount;
use domain::id::AccountId;
use domain::payout_schedule::PayoutSchedule;
use domain::pricing::{AVAILABLE_AFTER_DAYS, PricePlan, Terms};
use domain::routing::Routes;
use domain::timestamp::{Day, Timestamp};

use crate::{Inconsistent, Row, Scope, Statement, values};

pub(crate) const FIND_BY_KEY: &str = "\
    SELECT k.account, k.livemode, k.kind, k.display, k.permissions, k.expires_at, \
    a.name, a.email, a.country, a.default_currency, a.idempotency_shards, a.created, \
    a.settings, (SELECT p.plan FROM price_plans AS p WHERE p.account = a.id \
    ORDER BY p.version DESC LIMIT 1) AS plan, \
    EXISTS (SELECT 1 FROM webhook_endpoints AS w \
    WHERE w.account = k.account AND w.livemode = k.livemode) AS has_endpoints, \
    r.version AS routing_version, r.document AS routing, \
    (SELECT json_group_array(json_object('id', id, 'livemode', livemode, 'created', created, \
    'version', version, 'connector', connector, 'status', status, \
    'sealed_credentials', sealed_credentials, 'details', details)) \
    FROM (SELECT * FROM connector_accounts AS n INDEXED BY connector_accounts_active \
    WHERE n.account = k.account AND n.livemode = k.livemode AND n.status = 'active' \
    ORDER BY n.created, n.sequence)) AS connector_accounts \
    FROM api_keys AS k JOIN accounts AS a ON a.id = k.account \
    LEFT JOIN routings AS r ON r.account = k.account AND r.livemode = k.livemode \
    AND r.version = (SELECT MAX(n.version) FROM routings AS n \
    WHERE n.account = k.account AND n.livemode = k.livemode) WHERE k.hash = ?1";

pub(crate) const FIND: &str = "\
    SELECT a.id AS account, a.name, a.email, a.country, a.default_currency, \
    a.idempotency_shards, a.created, a.settings, (SELECT p.plan FROM price_plans AS p \
    WHERE p.account = a.id ORDER BY p.version DESC LIMIT 1) AS plan \
    FROM accounts AS a WHERE a.id = ?1 AND ?2 IN (a.id, a.platform)";

pub(crate) const INSERT_CONNECTED: &str = "\
    INSERT INTO accounts (id, name, email, country, default_currency, idempotency_shards, created, \
    platform) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

pub(crate) const PAYOUTS_DUE: &str = "\
    SELECT id, payouts_due, settings FROM accounts INDEXED BY accounts_by_payouts_due \
    WHERE payouts_due <= ?1 LIMIT ?2";

pub(crate) const PLAN_PAYOUTS: &str =
    "UPDATE accounts SET payouts_due = ?3 WHERE id = ?1 AND payouts_due = ?2 AND settings = ?4";

pub(crate) const POSTPONE_PAYOUTS: &str =
    "UPDATE accounts SET payouts_due = ?2 WHERE id = ?1 AND payouts_due IS NOT NULL";

/// Finds a key by its hash, with the account that it belongs to, and where its payments can go.
pub fn find_by_key(hash: &str) -> Statement {
    Statement::new(FIND_BY_KEY, values![hash])
}

/// Finds an account, if it is this one or connected to it.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str()])
}

/// Writes a new account that is connected to this one.
pub fn insert_connected(scope: &Scope, account: &Account) -> Statement {
    Statement::new(
        INSERT_CONNECTED,
        values![
            account.id.as_str(),
            account.name.as_str(),
            account.email.as_deref(),
            account.country.as_str(),
            account.default_currency.code(),
            i64::from(account.idempotency_shards),
            account.created.seconds(),
            scope.account.as_str(),
        ],
    )
}

/// A key and its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAndAccount {
    /// The key.
    pub key: ApiKey,
    /// Whose it is.
    pub account: Account,
    /// Whether the account ever had an endpoint for webhooks in the key's mode.
    pub has_endpoints: bool,
    /// Where its payments can go, in the key's mode.
    pub routes: Rc<Routes>,
}

impl TryFrom<&Row> for KeyAndAccount {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let account = Account::try_from(row)?;
        let permissions: Permissions = match row.optional_text("permissions")? {
            Some(_) => row.json("permissions")?,
            None => Permissions::new(),
        };
        Ok(Self {
            key: ApiKey {
                account: account.id.clone(),
                livemode: row.flag("livemode")?,
                kind: row.named("kind")?,
                display: row.text("display")?.to_owned(),
                permissions,
                expires_at: row.optional_integer("expires_at")?.map(Timestamp),
            },
            account,
            has_endpoints: row.flag("has_endpoints")?,
            routes: Rc::new(routes(row)?),
        })
    }
}

fn routes(row: &Row) -> Result<Routes, Inconsistent> {
    let accounts: Vec<serde_json::Map<String, serde_json::Value>> =
        row.json("connector_accounts")?;
    let account = |fields| ConnectorAccount::try_from(&Row(fields)).map(Rc::new);
    let version = row.optional_integer("routing_version")?;
    // Whatever else the merchant asks for does not depend on it.
    let document = version.and_then(|version| Some((version, row.json("routing").ok()?)));
    Ok(Routes {
        accounts: accounts.into_iter().map(account).collect::<Result<_, _>>()?,
        unreadable: version.filter(|_| document.is_none()),
        document,
    })
}

impl TryFrom<&Row> for Account {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let idempotency_shards =
            u32::try_from(row.integer("idempotency_shards")?).map_err(|error| Inconsistent {
                column: "idempotency_shards",
                problem: error.to_string(),
            })?;
        let (terms, payout_schedule) = terms(row)?;
        Ok(Self {
            id: row.named("account")?,
            name: row.text("name")?.to_owned(),
            email: row.optional_text("email")?.map(str::to_owned),
            country: row.text("country")?.to_owned(),
            default_currency: row.named("default_currency")?,
            idempotency_shards,
            created: Timestamp(row.integer("created")?),
            terms,
            payout_schedule,
        })
    }
}

/// The longest that money may wait until it is available, in days: what a payout carries is looked for so
/// far before the days that it covers.
pub const LONGEST_DELAY: u16 = 90;

/// What of an account's settings the books need.
#[derive(serde::Deserialize)]
#[serde(default)]
struct Settings {
    available_after_days: u16,
    payout_schedule: PayoutSchedule,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            available_after_days: AVAILABLE_AFTER_DAYS,
            payout_schedule: PayoutSchedule::default(),
        }
    }
}

fn terms(row: &Row) -> Result<(Terms, PayoutSchedule), Inconsistent> {
    let Settings { available_after_days, payout_schedule } = row.json("settings")?;
    let delay = payout_schedule.delay_days.unwrap_or(available_after_days).min(LONGEST_DELAY);
    let plan = match row.optional_text("plan")? {
        Some(_) => row.json("plan")?,
        // Who was given no plan pays nothing.
        None => PricePlan::default(),
    };
    Ok((Terms { plan, available_after_days: delay }, payout_schedule))
}

/// An account whose schedule pays out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The account.
    pub id: AccountId,
    /// The day on which it was to pay out; none where that is to be found out.
    pub due: Option<Day>,
    /// When it pays out.
    pub schedule: PayoutSchedule,
    /// The settings as they were read.
    settings: String,
}

impl TryFrom<&Row> for Scheduled {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        let Settings { payout_schedule, .. } = row.json("settings")?;
        let due = Some(Day(row.integer("payouts_due")?)).filter(|day| *day != Day(0));
        let settings = row.text("settings")?.to_owned();
        Ok(Self { id: row.named("id")?, due, schedule: payout_schedule, settings })
    }
}

/// Finds accounts whose schedule pays out by this day.
pub fn due(day: Day, limit: i64) -> Statement {
    Statement::new(PAYOUTS_DUE, values![day.0, limit])
}

/// Notes when an account's schedule pays out next, unless somebody has changed it meanwhile.
pub fn plan(seen: &Scheduled, next: Option<Day>) -> Statement {
    let due = seen.due.unwrap_or(Day(0));
    let next = next.map(|day| day.0);
    Statement::new(PLAN_PAYOUTS, values![seen.id.as_str(), due.0, next, seen.settings.as_str()])
}

/// Looks no sooner at an account that could not be paid out. A change of its settings makes it due.
pub fn postpone(row: &Row, until: Day) -> Vec<Statement> {
    let id = row.text("id").ok();
    id.map(|id| Statement::new(POSTPONE_PAYOUTS, values![id, until.0])).into_iter().collect()
}
