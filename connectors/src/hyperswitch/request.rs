//! Commands as Hyperswitch wants them: JSON.

use domain::attempt::Purpose;
use domain::payment_method::{Address, BillingDetails, ProcessorToken};
use http::header::HeaderName;
use http::{Method, Request};
use serde_json::{Map, Value, json};

use super::outcome::expected;
use super::{BASE_URL, OTHER_UNIT, SANDBOX_URL, customer_id, payment_id, refund_id, token};
use crate::command::{Account, Authorize, Command, LookUp, Operation, Unsupported, plain};
use crate::wire::{API_KEY, IDEMPOTENCY_KEY, build};

/// The request that carries out a command.
pub(crate) fn request(
    command: &Command<'_>,
    account: &Account<'_>,
) -> Result<Request<String>, Unsupported> {
    if command.question().amount.currency.code() == OTHER_UNIT {
        return Err(Unsupported::Currency);
    }
    let (path, key, body) = match command {
        Command::Authorize(authorize) => {
            let id = payment_id(&command.question());
            let body = authorization(authorize, &id, account.within)?;
            ("/payments".to_owned(), authorize.key, body)
        }
        // Taken in parts, a capture that is sent again would take twice: nothing would tell the two apart.
        Command::Capture { is_final: false, .. } => return Err(Unsupported::Operation),
        Command::Capture { key, payment, amount, .. } => {
            let body = json!({ "amount_to_capture": amount.amount });
            (payment_path(payment, "/capture")?, *key, body)
        }
        Command::Increment { key, payment, amount } => {
            let body = json!({ "amount": amount.amount });
            (payment_path(payment, "/incremental_authorization")?, *key, body)
        }
        Command::Void { key, payment, .. } => {
            // Some of the processors behind it want a reason, and Stripe takes no other text than four.
            let body = json!({ "cancellation_reason": "requested_by_customer" });
            (payment_path(payment, "/cancel")?, *key, body)
        }
        Command::Refund { key, payment, amount, .. } => {
            let body = json!({
                "payment_id": plain(payment)?,
                "refund_id": refund_id(key),
                "amount": amount.amount,
                "refund_type": "instant",
                "metadata": { "florin_key": key },
            });
            ("/refunds".to_owned(), *key, body)
        }
        Command::CancelRefund { .. } => return Err(Unsupported::Operation),
        Command::LookUp(question) => return look_up(question, account),
    };
    send(account, Method::POST, &path, Some(plain(key)?), Some(&body))
}

fn payment_path(payment: &str, rest: &str) -> Result<String, Unsupported> {
    Ok(format!("/payments/{}{rest}", plain(payment)?))
}

/// By our key or by the reference is the same here, because the one makes the other.
fn look_up(question: &LookUp<'_>, account: &Account<'_>) -> Result<Request<String>, Unsupported> {
    plain(question.key)?;
    let id = expected(question);
    let path = match question.operation {
        Operation::Refund => format!("/refunds/{}?force_sync=true", plain(&id)?),
        operation => {
            if !matches!(operation, Operation::Authorize { .. }) {
                question.payment.ok_or(Unsupported::Reference)?;
            }
            payment_path(&id, "?force_sync=true")?
        }
    };
    send(account, Method::GET, &path, None, None)
}

/// Hyperswitch pays our key in the header no heed; whoever reads its logs may.
fn send(
    account: &Account<'_>,
    method: Method,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Result<Request<String>, Unsupported> {
    let mut headers = vec![(API_KEY, account.api_key)];
    headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
    let profile = HeaderName::from_static("x-profile-id");
    headers.extend(account.within.map(|within| (profile, within)));
    let usual = if account.livemode { BASE_URL } else { SANDBOX_URL };
    let url = format!("{}{path}", account.base_url.unwrap_or(usual));
    build(method, url, &headers, body.map(|body| ("application/json", body.to_string())))
}

/// Where there are several profiles, the header alone does not choose one of them for a payment.
fn authorization(
    authorize: &Authorize<'_>,
    id: &str,
    profile: Option<&str>,
) -> Result<Value, Unsupported> {
    let key = authorize.key;
    let challenges = authorize.wants_challenge && !authorize.off_session;
    let token = token(authorize);
    // Only what is kept for payments in its holder's absence can be paid with again, and only so.
    let remembers = authorize.remembers == Some(true);
    let customer = match token {
        Some(token) => Some(token.customer.clone()),
        None => remembers.then(|| customer_id(key)),
    };
    let recurring = recurring(authorize, token)?;
    let number = authorize.cvc.filter(|_| recurring.is_none());
    let mut body = json!({
        "payment_id": id,
        "profile_id": profile,
        "merchant_order_reference_id": key,
        "metadata": { "florin_key": key },
        "amount": authorize.amount.amount,
        "currency": authorize.amount.currency.code().to_ascii_uppercase(),
        "confirm": true,
        "capture_method": if authorize.capture { "automatic" } else { "manual" },
        "authentication_type": if challenges { "three_ds" } else { "no_three_ds" },
        "return_url": authorize.return_url.filter(|_| !authorize.off_session),
        "request_incremental_authorization": !authorize.capture && authorize.wants_increments,
        "payment_method": "card",
        "payment_method_data":
            number.map(|code| json!({ "card": card(authorize, "card_cvc", code.0) })),
        "billing": token.is_none().then(|| billing(authorize.billing)),
        "customer": customer.map(|id| json!({ "id": id })),
        "setup_future_usage": remembers.then_some("off_session"),
        "customer_acceptance": remembers.then(|| json!({ "acceptance_type": "offline" })),
        // With the number alone it is left out: it asks for what is remembered.
        "off_session": recurring.as_ref().map(|_| true),
        "recurring_details": recurring,
    });
    if let Some(body) = body.as_object_mut() {
        tell_purpose(body, authorize.purpose);
    }
    Ok(body)
}

/// How what is paid without the number's code is paid for; nothing where the code is there.
fn recurring(
    authorize: &Authorize<'_>,
    token: Option<&ProcessorToken>,
) -> Result<Option<Value>, Unsupported> {
    let (kind, data) = match (token, authorize.cvc, authorize.network_transaction) {
        (Some(token), ..) => ("payment_method_id", json!(token.card)),
        (None, Some(_), _) => return Ok(None),
        (None, None, Some(network)) if authorize.off_session => {
            let data = card(authorize, "network_transaction_id", network);
            ("network_transaction_id_and_card_details", data)
        }
        (None, None, _) => return Err(Unsupported::CodeMissing),
    };
    Ok(Some(json!({ "type": kind, "data": data })))
}

/// The card, and by what its holder's will is proved.
fn card(authorize: &Authorize<'_>, name: &str, proof: &str) -> Value {
    json!({
        "card_number": authorize.number.digits(),
        "card_exp_month": format!("{:02}", authorize.expiry.month),
        "card_exp_year": authorize.expiry.year.to_string(),
        "card_holder_name": authorize.billing.name.as_deref().unwrap_or_default(),
        name: proof,
    })
}

fn billing(billing: &BillingDetails) -> Value {
    let address = billing.address.as_ref().map(
        |Address { line1, line2, city, state, postal_code, country }| {
            let parts =
                [line1, line2, city, state, postal_code, country].map(|part| part.as_deref());
            address(billing.name.as_deref(), parts)
        },
    );
    json!({ "address": address, "email": billing.email })
}

/// An address, and whose it is.
fn address(name: Option<&str>, parts: [Option<&str>; 6]) -> Value {
    let (first, last) = match name.map(|name| name.rsplit_once(' ')) {
        Some(Some((first, last))) => (Some(first), Some(last)),
        _ => (name, None),
    };
    let [line1, line2, city, state, zip, country] = parts;
    json!({
        "first_name": first,
        "last_name": last,
        "line1": line1,
        "line2": line2,
        "city": city,
        "state": state,
        "zip": zip,
        "country": country,
    })
}

/// What the payment is for. Where nothing is said, the request is as it was before anything was.
fn tell_purpose(body: &mut Map<String, Value>, purpose: &Purpose) {
    let said = |name: &str| purpose.get(name).map(String::as_str);
    let mut tell = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    if let Some(description) = said("description") {
        // Its database keeps no more of it, and fails at more.
        tell("description", json!(description.chars().take(255).collect::<String>()));
    }
    if let Some(suffix) = said("statement_descriptor_suffix") {
        tell("billing_descriptor", json!({ "statement_descriptor_suffix": suffix }));
    }
    if let Some(name) = said("shipping[name]") {
        let parts = ["line1", "line2", "city", "state", "postal_code", "country"];
        let parts = parts.map(|part| said(&format!("shipping[address][{part}]")));
        tell("shipping", json!({ "address": address(Some(name), parts) }));
    }
}
