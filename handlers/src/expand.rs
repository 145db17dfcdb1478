//! `expand`: ids in a response are replaced by the objects that they name.
//!
//! Source: <https://docs.stripe.com/expand>: at most 4 levels, and `data.` before the fields of a
//! list's objects. Each level is read in one batch, however many objects a list holds.

use domain::ApiError;
use domain::api_key::{ApiKey, Kind as KeyKind};
use domain::balance_transaction::BalanceTransaction;
use domain::bank_account::BankAccount;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::dispute::Dispute;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::payout::Payout;
use domain::refund::Refund;
use domain::resource::{self, Json, json, read};
use domain::timestamp::Timestamp;
use domain::topup::Topup;
use domain::transfer::{Transfer, TransferReversal};
use flows::{Failure, Platform};
use serde_json::Value;
use store::{Row, Rows, Scope, Statement};

use crate::authenticate::check_right;
use crate::charges::refunds;
use crate::customers::tax;
use crate::endpoint::{Call, Method};
use crate::{included, topups, transfers};

/// How many levels may be expanded.
const MAX_LEVELS: usize = 4;

/// Checks the paths on their own.
///
/// # Errors
/// When one has too many levels.
pub fn check(paths: &[String]) -> Result<(), ApiError> {
    match paths.iter().find(|path| levels(path).count() > MAX_LEVELS) {
        Some(path) => Err(ApiError::TooDeepExpand { path: path.clone() }),
        None => Ok(()),
    }
}

/// The levels of a path; the `data` of a list is none.
fn levels(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').filter(|part| *part != "data")
}

/// The fields of an object that can be expanded.
pub(crate) fn expandable(object: &str) -> &'static [&'static str] {
    match object {
        "charge" => &[
            "application",
            "application_fee",
            "balance_transaction",
            "customer",
            "failure_balance_transaction",
            "on_behalf_of",
            "payment_intent",
            "refunds",
            "review",
            "source_transfer",
            "transfer",
        ],
        "customer" => &[
            "cash_balance",
            "default_source",
            "invoice_settings",
            "sources",
            "subscriptions",
            "tax",
            "tax_ids",
            "test_clock",
        ],
        // The movements are there in full already.
        "dispute" => &["balance_transactions", "charge", "payment_intent"],
        "payment_intent" => &[
            "application",
            "customer",
            "latest_charge",
            "on_behalf_of",
            "payment_method",
            "payment_record",
            "review",
            "source",
        ],
        "payment_method" => &["customer"],
        "payout" => &[
            "application_fee",
            "balance_transaction",
            "destination",
            "failure_balance_transaction",
            "original_payout",
            "reversed_by",
        ],
        "refund" => &[
            "balance_transaction",
            "charge",
            "customer",
            "failure_balance_transaction",
            "payment_intent",
            "payment_method",
            "source_transfer_reversal",
            "transfer_reversal",
        ],
        "setup_intent" => &[
            "application",
            "customer",
            "latest_attempt",
            "mandate",
            "on_behalf_of",
            "payment_method",
            "single_use_mandate",
        ],
        "balance_transaction" => &["source"],
        "topup" => &["balance_transaction"],
        "transfer" => &["balance_transaction"],
        "transfer_reversal" => &["balance_transaction", "transfer"],
        "search_result" => &["total_count"],
        _ => &[],
    }
}

/// Checks the paths against the object that a call will show, before the call does anything: who is
/// told that a request was wrong must be able to rely on its having had no effect.
///
/// # Errors
/// When a path leads to what cannot be expanded.
pub fn check_object(object: &'static str, paths: &[String]) -> Result<(), ApiError> {
    for path in paths {
        let mut place = Place::Object(object);
        for field in path.split('.') {
            if !place.holds(field) {
                return Err(ApiError::NotExpandable { path: path.clone(), hint: None });
            }
            // Where Florin has no such objects the field is null, and nothing lies behind it.
            let Some(next) = place.inside(field) else { break };
            place = next;
        }
    }
    Ok(())
}

/// Checks that a restricted key may read what it wants expanded.
///
/// # Errors
/// When it lacks the right.
pub fn check_rights(key: &ApiKey, paths: &[String]) -> Result<(), ApiError> {
    if key.kind != KeyKind::Restricted {
        return Ok(());
    }
    let fields = paths.iter().flat_map(|path| path.split('.'));
    for field in fields {
        let own = object_in(field);
        let resources: &[&str] = match field {
            "refunds" => &["refund"],
            "default_payment_method" | "default_source" | "sources" => &["payment_method"],
            // What moved a balance can be any of these.
            "source" => &["charge", "dispute", "payout", "refund", "topup", "transfer"],
            _ => own.as_slice(),
        };
        for resource in resources {
            check_right(key, Method::Get, resource)?;
        }
    }
    Ok(())
}

/// Where a path has led to.
#[derive(Clone, Copy)]
enum Place {
    /// An object of this kind.
    Object(&'static str),
    /// A list of such objects.
    List(&'static str),
    /// A customer's `invoice_settings`.
    InvoiceSettings,
}

impl Place {
    /// Whether something here can be expanded under this name.
    fn holds(self, field: &str) -> bool {
        match self {
            Self::Object(object) => expandable(object).contains(&field),
            Self::List(_) => field == "data",
            Self::InvoiceSettings => field == "default_payment_method",
        }
    }

    /// What lies behind a field, where Florin knows such objects.
    fn inside(self, field: &str) -> Option<Self> {
        match (self, field) {
            (Self::List(object), _) => Some(Self::Object(object)),
            (Self::InvoiceSettings, _) => Some(Self::Object("payment_method")),
            (Self::Object("balance_transaction"), "source") => None,
            (_, "refunds") => Some(Self::List("refund")),
            (_, "sources") => Some(Self::List("card")),
            (_, "subscriptions" | "tax_ids") => Some(Self::List("")),
            (_, "default_source") => Some(Self::Object("card")),
            (_, "invoice_settings") => Some(Self::InvoiceSettings),
            (_, field) => object_in(field).map(Self::Object),
        }
    }
}

/// The object that a field expands to, where Florin knows such objects.
fn object_in(field: &str) -> Option<&'static str> {
    match field {
        "balance_transaction" | "balance_transactions" | "failure_balance_transaction" => {
            Some("balance_transaction")
        }
        "charge" | "latest_charge" => Some("charge"),
        "customer" => Some("customer"),
        "destination" => Some("bank_account"),
        "original_payout" | "reversed_by" => Some("payout"),
        "payment_intent" => Some("payment_intent"),
        "payment_method" => Some("payment_method"),
        "transfer" => Some("transfer"),
        _ => None,
    }
}

/// Replaces ids by the objects that they name, path by path. `is_done` says that the call changed
/// something: then a path that turns out to lead nowhere is left as it is.
///
/// # Errors
/// When a path leads to what cannot be expanded, or the database does not answer.
pub async fn expand<P: Platform>(
    call: &Call<'_, P>,
    resource: &mut Value,
    paths: &[String],
    is_done: bool,
) -> Result<(), Failure> {
    for path in paths {
        match along(call, resource, path).await {
            // What was done cannot be called a mistake any more.
            Err(Failure::Api(error))
                if is_done && matches!(*error, ApiError::NotExpandable { .. }) => {}
            other => other?,
        }
    }
    Ok(())
}

async fn along<P: Platform>(
    call: &Call<'_, P>,
    resource: &mut Value,
    path: &str,
) -> Result<(), Failure> {
    let parts: Vec<_> = path.split('.').collect();
    check_path(resource, path, &parts)?;
    for level in 1..=parts.len() {
        let Some(prefix) = parts.get(..level) else { break };
        included::include(resource, prefix);
        embed(call, resource, prefix).await?;
        let mut slots = Vec::new();
        collect(resource, prefix, &mut slots);
        load(call, slots, included::holds_sources(prefix)).await?;
        check_path(resource, path, &parts)?;
    }
    Ok(())
}

/// Adds what objects leave out unless it is asked for and what has to be read: the refunds of charges
/// and the tax of customers. There is no id to replace.
async fn embed<P: Platform>(
    call: &Call<'_, P>,
    resource: &mut Value,
    path: &[&str],
) -> Result<(), Failure> {
    let Some((last @ ("refunds" | "tax"), owner)) =
        path.split_last().map(|(last, rest)| (*last, rest))
    else {
        return Ok(());
    };
    let mut owners = Vec::new();
    collect(resource, owner, &mut owners);
    match last {
        "refunds" => refunds::embed::embed(call, owners).await,
        _ => tax::embed(call, owners).await,
    }
}

/// Checks as much of a path as what was loaded so far can tell.
fn check_path(resource: &Value, path: &str, parts: &[&str]) -> Result<(), ApiError> {
    let Some((first, rest)) = parts.split_first() else { return Ok(()) };
    match resource {
        Value::Array(items) => items.iter().try_for_each(|item| check_path(item, path, parts)),
        Value::Object(fields) => {
            let object = fields.get("object").and_then(Value::as_str);
            let is_list = matches!(object, Some("list" | "search_result"));
            let known = match object {
                Some(_) if is_list && *first == "data" => true,
                Some(object) => expandable(object).contains(first),
                // A plain part of an object, as `invoice_settings`: its ids can be expanded.
                None => *first == "default_payment_method",
            };
            if known {
                return fields.get(*first).map_or(Ok(()), |next| check_path(next, path, rest));
            }
            let hint = is_list.then(|| hint(fields, path, first)).flatten();
            Err(ApiError::NotExpandable { path: path.to_owned(), hint })
        }
        _ => Ok(()),
    }
}

/// What a path on a list probably meant.
fn hint(fields: &serde_json::Map<String, Value>, path: &str, first: &str) -> Option<String> {
    let item = fields.get("data")?.as_array()?.first()?;
    let object = item.get("object")?.as_str()?;
    expandable(object).contains(&first).then(|| format!("data.{path}"))
}

/// Collects the values at a path.
fn collect<'v>(resource: &'v mut Value, parts: &[&str], slots: &mut Vec<&'v mut Value>) {
    match (resource, parts.split_first()) {
        (Value::Array(items), _) => {
            for item in items {
                collect(item, parts, slots);
            }
        }
        (slot, None) => slots.push(slot),
        (Value::Object(fields), Some((first, rest))) => {
            if let Some(next) = fields.get_mut(*first) {
                collect(next, rest, slots);
            }
        }
        _ => {}
    }
}

/// Reads the objects that the values name, in one batch, and puts them in their place. As a source, a
/// payment method is a card of the legacy API.
async fn load<P: Platform>(
    call: &Call<'_, P>,
    slots: Vec<&mut Value>,
    as_sources: bool,
) -> Result<(), Failure> {
    let wanted: Vec<(&mut Value, Kind, Statement)> = slots
        .into_iter()
        .flat_map(included::ids)
        .filter_map(|slot| {
            let id = slot.as_str()?;
            let kind = match Kind::of(id)? {
                Kind::PaymentMethod if as_sources => Kind::Source,
                kind => kind,
            };
            let statement = kind.find(&call.context.scope, id);
            Some((slot, kind, statement))
        })
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let statements = wanted.iter().map(|(_, _, statement)| statement.clone()).collect();
    let results = call.context.batch(statements).await?;
    for ((slot, kind, _), rows) in wanted.into_iter().zip(&results) {
        if let Some(row) = Rows::first(rows) {
            *slot = read(&kind.show(row, call.context.now)?);
        }
    }
    Ok(())
}

/// An object that an id can name.
#[derive(Clone, Copy)]
enum Kind {
    BalanceTransaction,
    BankAccount,
    Charge,
    Customer,
    Dispute,
    PaymentIntent,
    PaymentMethod,
    Payout,
    Refund,
    Source,
    Topup,
    Transfer,
    TransferReversal,
}

impl Kind {
    fn of(id: &str) -> Option<Self> {
        let (prefix, _) = id.split_once('_')?;
        Some(match prefix {
            "txn" => Self::BalanceTransaction,
            "ba" => Self::BankAccount,
            "ch" => Self::Charge,
            "cus" => Self::Customer,
            "du" => Self::Dispute,
            "pi" => Self::PaymentIntent,
            "pm" => Self::PaymentMethod,
            "po" => Self::Payout,
            "re" => Self::Refund,
            "tr" => Self::Transfer,
            "trr" => Self::TransferReversal,
            "tu" => Self::Topup,
            _ => return None,
        })
    }

    fn find(self, scope: &Scope, id: &str) -> Statement {
        match self {
            Self::BalanceTransaction => store::balance_transactions::find(scope, id),
            Self::BankAccount => store::bank_accounts::find(scope, id),
            Self::Charge => store::charges::find(scope, id),
            Self::Customer => store::customers::find(scope, id),
            Self::Dispute => store::disputes::find(scope, id),
            Self::PaymentIntent => store::payment_intents::find(scope, id),
            Self::PaymentMethod | Self::Source => store::payment_methods::find(scope, id),
            Self::Payout => store::payouts::find(scope, id),
            Self::Refund => store::refunds::find(scope, id),
            Self::Topup => store::topups::find(scope, id),
            Self::Transfer => store::transfers::find(scope, id),
            Self::TransferReversal => store::transfers::find_reversal(scope, id),
        }
    }

    fn show(self, row: &Row, now: Timestamp) -> Result<Json, store::Inconsistent> {
        Ok(match self {
            Self::BalanceTransaction => json(&resource::balance_transaction::Resource::new(
                &BalanceTransaction::try_from(row)?,
                now,
            )),
            Self::BankAccount => {
                let bank = BankAccount::try_from(row)?;
                if bank.deleted {
                    json(&resource::bank_account::Deleted::from(&bank))
                } else {
                    json(&resource::bank_account::Resource::from(&bank))
                }
            }
            Self::Charge => json(&resource::charge::Resource::from(&Charge::try_from(row)?)),
            Self::Customer => {
                let customer = Customer::try_from(row)?;
                if customer.deleted {
                    json(&resource::customer::Deleted::from(&customer))
                } else {
                    json(&resource::customer::Resource::from(&customer))
                }
            }
            Self::Dispute => json(&resource::dispute::Resource::new(&Dispute::try_from(row)?, now)),
            Self::PaymentIntent => {
                json(&resource::payment_intent::Resource::from(&PaymentIntent::try_from(row)?))
            }
            Self::PaymentMethod => {
                json(&resource::payment_method::Resource::from(&PaymentMethod::try_from(row)?))
            }
            Self::Payout => json(&resource::payout::Resource::from(&Payout::try_from(row)?)),
            Self::Refund => json(&resource::refund::Resource::from(&Refund::try_from(row)?)),
            Self::Topup => topups::show(&Topup::try_from(row)?),
            Self::Transfer => transfers::show(&Transfer::try_from(row)?),
            Self::TransferReversal => transfers::reversals::show(&TransferReversal::try_from(row)?),
            Self::Source => {
                let method = PaymentMethod::try_from(row)?;
                json(&resource::token::CardResource::new(
                    method.id.as_str(),
                    &method.card,
                    &method.details.billing_details,
                    method.customer.as_ref().map(|id| id.as_str()),
                ))
            }
        })
    }
}
