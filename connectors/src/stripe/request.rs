//! Commands as Stripe's API wants them: forms.

use domain::payment_method::BillingDetails;
use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, HeaderName};
use http::{Method, Request};

use super::{BASE_URL, KEY, VERSION};
use crate::command::{Account, Authorize, Command, LookUp, Operation, Unsupported, plain};
use crate::wire::{IDEMPOTENCY_KEY, build};

/// The request that carries out a command.
pub(crate) fn request(
    command: &Command<'_>,
    account: &Account<'_>,
) -> Result<Request<String>, Unsupported> {
    let mut form = Form::default();
    let (path, key) = match command {
        Command::Authorize(authorize) => {
            form.authorize(authorize);
            let path = "/v1/payment_intents";
            if authorize.is_instead {
                // The request with the token had the key itself.
                let key = format!("{}-card", plain(authorize.key)?);
                return send(account, Method::POST, path, Some(&key), form);
            }
            (path.to_owned(), authorize.key)
        }
        Command::Capture { key, payment, amount, is_final, suffix, .. } => {
            form.number("amount_to_capture", amount.amount.minor_units());
            form.some("statement_descriptor_suffix", *suffix);
            if !is_final {
                form.text("final_capture", "false");
            }
            (payment_path(payment, "/capture")?, *key)
        }
        Command::Increment { key, payment, amount } => {
            form.number("amount", amount.amount.minor_units());
            (payment_path(payment, "/increment_authorization")?, *key)
        }
        Command::Void { key, payment, .. } => (payment_path(payment, "/cancel")?, *key),
        Command::Refund { key, payment, amount, .. } => {
            form.text("payment_intent", plain(payment)?);
            form.number("amount", amount.amount.minor_units());
            form.key(key);
            ("/v1/refunds".to_owned(), *key)
        }
        Command::CancelRefund { key, refund } => {
            let reference = plain(refund.reference.ok_or(Unsupported::Reference)?)?;
            (format!("/v1/refunds/{reference}/cancel"), *key)
        }
        Command::LookUp(question) => return look_up(question, account),
    };
    send(account, Method::POST, &path, Some(plain(key)?), form)
}

/// The request that has a card kept by a customer of its own, without whom it could not be used again
/// (<https://docs.stripe.com/api/customers/create>).
pub(crate) fn keep(card: &str, account: &Account<'_>) -> Result<Request<String>, Unsupported> {
    let mut form = Form::default();
    form.text("payment_method", plain(card)?);
    send(account, Method::POST, "/v1/customers", Some(&format!("{card}-kept")), form)
}

fn payment_path(payment: &str, rest: &str) -> Result<String, Unsupported> {
    Ok(format!("/v1/payment_intents/{}{rest}", plain(payment)?))
}

/// Objects are read by their reference. By our own key, payments are searched for and the refunds of a
/// payment are gone through.
fn look_up(question: &LookUp<'_>, account: &Account<'_>) -> Result<Request<String>, Unsupported> {
    let key = plain(question.key)?;
    let mut form = Form::default();
    let path = match (question.operation, question.reference) {
        (Operation::Authorize { .. }, Some(reference)) => {
            form.text("expand[0]", "latest_charge");
            payment_path(reference, "")?
        }
        (Operation::Authorize { .. }, None) => {
            form.text("query", &format!("metadata['{KEY}']:'{key}'"));
            form.text("expand[0]", "data.latest_charge");
            "/v1/payment_intents/search".to_owned()
        }
        (Operation::Refund, Some(reference)) => {
            // What tells it from what was let go of uncaptured: a restricted key may not read that.
            if key == reference {
                form.text("expand[0]", "balance_transaction");
            }
            format!("/v1/refunds/{}", plain(reference)?)
        }
        (Operation::Refund, None) => {
            let payment = question.payment.ok_or(Unsupported::Reference)?;
            form.text("payment_intent", plain(payment)?);
            form.text("limit", "100");
            "/v1/refunds".to_owned()
        }
        (Operation::Capture | Operation::Increment | Operation::Void, _) => {
            payment_path(question.payment.ok_or(Unsupported::Reference)?, "")?
        }
    };
    send(account, Method::GET, &path, None, form)
}

fn send(
    account: &Account<'_>,
    method: Method,
    path: &str,
    key: Option<&str>,
    mut form: Form,
) -> Result<Request<String>, Unsupported> {
    let authorization = format!("Bearer {}", account.api_key);
    let mut headers = vec![
        (AUTHORIZATION, authorization.as_str()),
        (HeaderName::from_static("stripe-version"), VERSION),
    ];
    headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
    let within = HeaderName::from_static("stripe-account");
    headers.extend(account.within.map(|account| (within, account)));
    let mut url = format!("{}{path}", account.base_url.unwrap_or(BASE_URL));
    let fields = form.0.finish();
    if method == Method::GET {
        if !fields.is_empty() {
            url.push('?');
            url.push_str(&fields);
        }
        return build(method, url, &headers, None);
    }
    build(method, url, &headers, Some(("application/x-www-form-urlencoded", fields)))
}

/// The fields of a request.
struct Form(Serializer<'static, String>);

impl Default for Form {
    fn default() -> Self {
        Self(Serializer::new(String::new()))
    }
}

impl Form {
    fn text(&mut self, name: &str, value: &str) {
        self.0.append_pair(name, value);
    }

    fn number(&mut self, name: &str, value: i64) {
        self.text(name, &value.to_string());
    }

    fn some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    fn key(&mut self, key: &str) {
        self.text(&format!("metadata[{KEY}]"), key);
    }

    fn authorize(&mut self, authorize: &Authorize<'_>) {
        self.number("amount", authorize.amount.amount.minor_units());
        self.text("currency", authorize.amount.currency.code());
        self.text("confirm", "true");
        self.text("capture_method", if authorize.capture { "automatic" } else { "manual" });
        self.text("payment_method_types[0]", "card");
        match authorize.token {
            Some(token) => {
                self.text("customer", &token.customer);
                self.text("payment_method", &token.card);
            }
            None => self.card(authorize),
        }
        if let Some(off_session) = authorize.remembers {
            self.text("setup_future_usage", if off_session { "off_session" } else { "on_session" });
        }
        // Nobody is there who could be sent away and come back.
        if authorize.off_session {
            self.text("off_session", "true");
        } else {
            self.some("return_url", authorize.return_url);
        }
        let mut option = |wanted: bool, name: &str, value: &str| {
            if wanted {
                self.text(&format!("payment_method_options[card][{name}]"), value);
            }
        };
        let holds = !authorize.capture;
        let challenges = authorize.wants_challenge && !authorize.off_session;
        option(challenges, "request_three_d_secure", "any");
        option(holds && authorize.wants_multicapture, "request_multicapture", "if_available");
        let increments = holds && authorize.wants_increments;
        option(increments, "request_incremental_authorization", "if_available");
        for (name, said) in authorize.purpose {
            self.text(name, said);
        }
        self.key(authorize.key);
        self.text("expand[0]", "latest_charge");
    }

    fn card(&mut self, authorize: &Authorize<'_>) {
        self.text("payment_method_data[type]", "card");
        self.text("payment_method_data[card][number]", authorize.number.digits());
        self.number("payment_method_data[card][exp_month]", authorize.expiry.month.into());
        self.number("payment_method_data[card][exp_year]", authorize.expiry.year.into());
        self.some("payment_method_data[card][cvc]", authorize.cvc.map(|code| code.0));
        self.billing(authorize.billing);
    }

    fn billing(&mut self, billing: &BillingDetails) {
        let mut detail = |name: &str, value: &Option<String>| {
            let name = format!("payment_method_data[billing_details]{name}");
            self.some(&name, value.as_deref());
        };
        detail("[name]", &billing.name);
        detail("[email]", &billing.email);
        detail("[phone]", &billing.phone);
        if let Some(address) = &billing.address {
            detail("[address][line1]", &address.line1);
            detail("[address][line2]", &address.line2);
            detail("[address][city]", &address.city);
            detail("[address][state]", &address.state);
            detail("[address][postal_code]", &address.postal_code);
            detail("[address][country]", &address.country);
        }
    }
}
