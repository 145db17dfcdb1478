//! Payment intents.

use domain::id::PaymentIntentId;
use domain::payment_intent::{PaymentIntent, State, Status};
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::metadata_entries::Owner;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that another change of the intent fails.
pub const VERSION_GUARD: &str = "payment_intent_version";

pub(crate) const INSERT: &str = "\
    INSERT INTO payment_intents (id, account, livemode, created, version, amount, currency, \
    capturable, received, status, canceled_at, cancellation_reason, customer, payment_method, \
    latest_charge, pending_operation, details) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

pub(crate) const UPDATE: &str = "\
    UPDATE payment_intents SET version = version + 1, amount = ?3, currency = ?4, capturable = ?5, \
    received = ?6, status = ?7, canceled_at = ?8, cancellation_reason = ?9, customer = ?10, \
    payment_method = ?11, latest_charge = ?12, pending_operation = ?13, details = ?14 \
    WHERE id = ?1 AND version = ?2";

pub(crate) const FIND: &str =
    "SELECT * FROM payment_intents WHERE id = ?1 AND account = ?2 AND livemode = ?3";

/// Writes a new intent.
pub fn insert(scope: &Scope, intent: &PaymentIntent) -> Statement {
    let (canceled_at, cancellation_reason) = end(intent);
    Statement::new(
        INSERT,
        values![
            intent.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            intent.created.seconds(),
            intent.version,
            intent.amount.amount.minor_units(),
            intent.amount.currency.code(),
            intent.capturable().minor_units(),
            intent.received.minor_units(),
            intent.status().name(),
            canceled_at,
            cancellation_reason,
            intent.customer.as_ref().map(|id| id.as_str()),
            intent.payment_method.as_ref().map(|id| id.as_str()),
            intent.latest_charge.as_ref().map(|id| id.as_str()),
            intent.pending_operation.as_ref().map(|id| id.as_str()),
            json(&intent.details),
        ],
    )
}

/// Writes a changed intent over the version that the change saw. Its version rises by
/// one, in the row and here.
pub fn update(intent: &mut PaymentIntent) -> [Statement; 2] {
    let (canceled_at, cancellation_reason) = end(intent);
    let update = Statement::new(
        UPDATE,
        values![
            intent.id.as_str(),
            intent.version,
            intent.amount.amount.minor_units(),
            intent.amount.currency.code(),
            intent.capturable().minor_units(),
            intent.received.minor_units(),
            intent.status().name(),
            canceled_at,
            cancellation_reason,
            intent.customer.as_ref().map(|id| id.as_str()),
            intent.payment_method.as_ref().map(|id| id.as_str()),
            intent.latest_charge.as_ref().map(|id| id.as_str()),
            intent.pending_operation.as_ref().map(|id| id.as_str()),
            json(&intent.details),
        ],
    );
    intent.version = intent.version.saturating_add(1);
    [update, guard::changed_one(VERSION_GUARD)]
}

/// Finds an intent.
pub fn find(scope: &Scope, id: &str) -> Statement {
    Statement::new(FIND, values![id, scope.account.as_str(), scope.livemode])
}

/// The owner of an intent's metadata rows.
pub fn owner(intent: &PaymentIntent) -> Owner<'_> {
    Owner { resource: "payment_intent", object: intent.id.as_str(), created: intent.created }
}

fn end(intent: &PaymentIntent) -> (Option<i64>, Option<String>) {
    match &intent.state {
        State::Canceled { at, reason } => {
            let reason = reason.and_then(|reason| match serde_json::to_value(reason) {
                Ok(serde_json::Value::String(name)) => Some(name),
                _ => None,
            });
            (Some(at.seconds()), reason)
        }
        _ => (None, None),
    }
}

impl TryFrom<&Row> for PaymentIntent {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named::<PaymentIntentId>("id")?,
            livemode: row.flag("livemode")?,
            created: Timestamp(row.integer("created")?),
            version: row.integer("version")?,
            amount: row.money()?,
            received: row.amount("received")?,
            state: state(row)?,
            customer: row.optional_named("customer")?,
            payment_method: row.optional_named("payment_method")?,
            latest_charge: row.optional_named("latest_charge")?,
            pending_operation: row.optional_named("pending_operation")?,
            details: row.json("details")?,
        })
    }
}

fn state(row: &Row) -> Result<State, Inconsistent> {
    Ok(match row.named::<Status>("status")? {
        Status::RequiresPaymentMethod => State::RequiresPaymentMethod,
        Status::RequiresConfirmation => State::RequiresConfirmation,
        Status::RequiresAction => State::RequiresAction,
        Status::Processing => State::Processing,
        Status::RequiresCapture => State::RequiresCapture { capturable: row.amount("capturable")? },
        Status::Succeeded => State::Succeeded,
        Status::Canceled => State::Canceled {
            at: Timestamp(row.integer("canceled_at")?),
            reason: row.optional_named("cancellation_reason")?,
        },
    })
}
