//! Attempts at processors.

use domain::attempt::{Attempt, AttemptState, Request, Resolved};
use domain::id::{AttemptId, PaymentIntentId};
use domain::timestamp::Timestamp;

use crate::database::json;
use crate::{Inconsistent, Row, Scope, Statement, guard, values};

/// The guard that fails when the attempt is no longer in the state that the change saw.
pub const STATE_GUARD: &str = "attempt_state";

/// The guard that fails when an attempt was sent by somebody else, too.
pub const ONCE_GUARD: &str = "attempt_sent_once";

/// The guard that fails when another payment or refund is known by the processor's reference.
pub const REFERENCE_GUARD: &str = "processor_reference";

// What the processor remembers the card by is as the payment method has it when this is written.
pub(crate) const INSERT: &str = "\
    INSERT INTO attempts (id, account, livemode, created, kind, state, connector, \
    processor_reference, payment_intent, charge, amount, currency, request, resolution, \
    connector_account, routing_version, token) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, COALESCE(?17, \
    (SELECT json_object('card', json_each.value ->> 'card', 'customer', json_each.value ->> 'customer') \
    FROM payment_methods AS m, json_each(m.details, '$.remembered') WHERE m.id = ?18 \
    AND json_each.value ->> 'connector_account' = ?15 \
    AND json_each.value ->> 'customer' IS NOT NULL LIMIT 1)))";

pub(crate) const MOVE: &str = "\
    UPDATE attempts SET state = ?3, processor_reference = ?4, request = ?5, \
    resolution = ?6, attention = NULL, resolved = ?7 \
    WHERE id = ?1 AND state = ?2";

// With a token that was refused meanwhile it would go out beside the card itself, which is under a key of its own.
pub(crate) const SEND_AGAIN: &str = "\
    UPDATE attempts SET sent_again = 1 WHERE id = ?1 AND state = 'started' \
    AND COALESCE(token ->> '$.is_gone', 0) = ?2";

pub(crate) const TOKEN_IS_GONE: &str = "\
    UPDATE attempts SET token = json_set(token, '$.is_gone', json('true'), \
    '$.key_is_free', json(iif(?2, 'true', 'false'))) \
    WHERE id = ?1 AND state = 'started' AND token IS NOT NULL AND COALESCE(token ->> '$.is_gone', 0) = 0";

pub(crate) const MUST_BE_SENT_ONCE: &str = "\
    INSERT INTO guard SELECT EXISTS (SELECT 1 FROM attempts WHERE id = ?1 \
    AND sent_again IS NULL), 'attempt_sent_once'";

pub(crate) const MUST_BE_ITS_OWN: &str = "\
    INSERT INTO guard SELECT NOT EXISTS (SELECT 1 FROM attempts WHERE connector_account = ?1 \
    AND processor_reference = ?2 AND kind = 'authorize' AND id <> ?3), 'processor_reference'";

pub(crate) const RESOLVE: &str = "\
    UPDATE attempts SET attention = NULL, resolved = COALESCE(?2, resolved) \
    WHERE id = ?1 AND attention IS NOT NULL";

pub(crate) const NOTE_REFERENCE: &str =
    "UPDATE attempts SET processor_reference = ?2 WHERE id = ?1 AND processor_reference IS NULL";

// Attention stays as it is: a person may have to look at an attempt whose processor says that it goes on.
pub(crate) const GOES_ON: &str = "\
    UPDATE attempts SET processor_reference = ?2 WHERE id = ?1 AND state = 'started' \
    AND processor_reference IS NULL";

pub(crate) const CANCEL_ACTION: &str = "\
    UPDATE attempts SET state = 'canceled', attention = NULL WHERE id = ?1 AND state = 'requires_action'";

pub(crate) const PARK: &str = "\
    UPDATE attempts SET attention = ?2, processor_reference = COALESCE(processor_reference, ?3) \
    WHERE id = ?1 AND state = ?4 AND attention IS NULL";

pub(crate) const FIND: &str =
    "SELECT * FROM attempts WHERE id = ?1 AND account = ?2 AND livemode = ?3";

pub(crate) const FIND_BY_ID: &str = "SELECT * FROM attempts WHERE id = ?1";

pub(crate) const FIND_BY_REFERENCE: &str = "\
    SELECT * FROM attempts WHERE connector_account = ?1 AND processor_reference = ?2 \
    AND kind = 'authorize' AND account = ?3 AND livemode = ?4";

/// Writes a new attempt, before the processor is asked.
pub fn insert(scope: &Scope, attempt: &Attempt) -> Statement {
    let method = match &attempt.request {
        // Who tries elsewhere knows the payment method already.
        Request::Authorize(authorize)
            if attempt.takes_token()
                && attempt.route().is_none_or(|route| route.previous.is_none()) =>
        {
            Some(authorize.payment_method.as_str())
        }
        _ => None,
    };
    Statement::new(
        INSERT,
        values![
            attempt.id.as_str(),
            scope.account.as_str(),
            scope.livemode,
            attempt.created.seconds(),
            attempt.request.kind(),
            attempt.state.name(),
            attempt.connector.as_str(),
            attempt.processor_reference.as_deref(),
            attempt.payment_intent.as_ref().map(PaymentIntentId::as_str),
            attempt.charge.as_ref().map(|id| id.as_str()),
            attempt.amount.amount.minor_units(),
            attempt.amount.currency.code(),
            json(&attempt.request),
            json(&attempt.resolution),
            attempt.connector_account.as_ref().map(|id| id.as_str()),
            attempt.route().map(|route| route.version),
            attempt.token.as_ref().map(json),
            method,
        ],
    )
}

/// Notes that the processor refused what it was to remember the card by: from then on, the card itself is sent alone.
/// Whoever notes it first sends that, and under which key is settled.
pub fn token_is_gone(id: &AttemptId, key_is_free: bool) -> [Statement; 2] {
    let note = Statement::new(TOKEN_IS_GONE, values![id.as_str(), key_is_free]);
    [note, guard::changed_one(STATE_GUARD)]
}

/// Moves an attempt on from the state that the change saw. No person has to look at it any more.
pub fn advance(attempt: &Attempt, seen: AttemptState) -> [Statement; 2] {
    let advance = Statement::new(
        MOVE,
        values![
            attempt.id.as_str(),
            seen.name(),
            attempt.state.name(),
            attempt.processor_reference.as_deref(),
            json(&attempt.request),
            json(&attempt.resolution),
            attempt.resolved.as_ref().map(json),
        ],
    );
    [advance, guard::changed_one(STATE_GUARD)]
}

/// Marks an attempt that is about to be sent once more, so that whoever sent it first does not take it for undone.
pub fn send_again(attempt: &Attempt) -> [Statement; 2] {
    let is_gone = attempt.token.as_ref().is_some_and(|token| token.is_gone);
    let mark = Statement::new(SEND_AGAIN, values![attempt.id.as_str(), is_gone]);
    [mark, guard::changed_one(STATE_GUARD)]
}

/// Stops a batch that takes an attempt for undone where somebody else has sent it, too.
pub fn must_be_sent_once(attempt: &AttemptId) -> Statement {
    Statement::new(MUST_BE_SENT_ONCE, values![attempt.as_str()])
}

/// Stops a batch that takes a payment at a processor for this attempt's, where another is known by it.
pub fn must_be_its_own(attempt: &AttemptId, account: &str, reference: &str) -> Statement {
    Statement::new(MUST_BE_ITS_OWN, values![account, reference, attempt.as_str()])
}

/// Leaves an attempt to a person.
pub fn park(attempt: &Attempt, why: &str) -> [Statement; 2] {
    let reference = attempt.processor_reference.as_deref();
    let park =
        Statement::new(PARK, values![attempt.id.as_str(), why, reference, attempt.state.name()]);
    [park, guard::changed_one(STATE_GUARD)]
}

/// Keeps how an attempt that was left to a person is resolved, where a person did; it stays in its state.
pub fn resolve(attempt: &AttemptId, resolved: Option<&Resolved>) -> [Statement; 2] {
    let resolve = Statement::new(RESOLVE, values![attempt.as_str(), resolved.map(json)]);
    [resolve, guard::changed_one(STATE_GUARD)]
}

/// Notes by what a processor knows an open attempt, which goes on there; its guard fails where it is over, or known already.
pub fn goes_on(id: &AttemptId, reference: &str) -> [Statement; 2] {
    [Statement::new(GOES_ON, values![id.as_str(), reference]), guard::changed_one(STATE_GUARD)]
}

/// Notes the processor's own reference of an attempt whose state nobody moves any more, where nobody knows it yet.
pub fn note_reference(attempt: &AttemptId, reference: &str) -> Statement {
    Statement::new(NOTE_REFERENCE, values![attempt.as_str(), reference])
}

/// Gives up an attempt that waits for the cardholder.
pub fn cancel_action(attempt: &AttemptId) -> [Statement; 2] {
    let cancel = Statement::new(CANCEL_ACTION, values![attempt.as_str()]);
    [cancel, guard::changed_one(STATE_GUARD)]
}

/// Finds an attempt.
pub fn find(scope: &Scope, id: &AttemptId) -> Statement {
    Statement::new(FIND, values![id.as_str(), scope.account.as_str(), scope.livemode])
}

/// Finds the authorisation that a processor knows by its own reference.
pub fn find_by_reference(scope: &Scope, connector_account: &str, reference: &str) -> Statement {
    let values = values![connector_account, reference, scope.account.as_str(), scope.livemode];
    Statement::new(FIND_BY_REFERENCE, values)
}

/// Finds an attempt by its id alone, for a cardholder who has no key.
pub fn find_by_id(id: &AttemptId) -> Statement {
    Statement::new(FIND_BY_ID, values![id.as_str()])
}

/// Whose an attempt is.
///
/// # Errors
/// When the row names no account.
pub fn scope(row: &Row) -> Result<Scope, Inconsistent> {
    Ok(Scope { account: row.named("account")?, livemode: row.flag("livemode")? })
}

impl TryFrom<&Row> for Attempt {
    type Error = Inconsistent;

    fn try_from(row: &Row) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: row.named("id")?,
            livemode: row.flag("livemode")?,
            state: row.named("state")?,
            connector: row.text("connector")?.to_owned(),
            processor_reference: row.optional_text("processor_reference")?.map(str::to_owned),
            payment_intent: row.optional_named("payment_intent")?,
            charge: row.optional_named("charge")?,
            amount: row.money()?,
            request: row.json("request")?,
            token: match row.optional_text("token")? {
                Some(_) => Some(row.json("token")?),
                None => None,
            },
            resolution: row.json("resolution")?,
            connector_account: row.optional_named("connector_account")?,
            created: Timestamp(row.integer("created")?),
            attention: row.optional_text("attention")?.map(str::to_owned),
            resolved: match row.optional_text("resolved")? {
                Some(_) => Some(row.json("resolved")?),
                None => None,
            },
        })
    }
}
