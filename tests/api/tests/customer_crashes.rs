//! Crashes: a change of a customer, a payment method or a token dies at each of its awaits, or its
//! database breaks, and the client's retry brings it to the same end as if nothing had happened, with
//! no row and no event twice.

use api::{Answer, Api, invariants};
use domain::idempotency::LEASE;
use kit::Fault;
use serde_json::Value;

/// More polls than any operation has.
const MOST_POLLS: u32 = 200;

const KEY: &str = "key-1";

/// Where an operation is posted to, and what.
type Request = (String, Vec<(&'static str, String)>);

/// An operation that is made to die, by its name: makes what it is about, and says what to send.
type Operation = (&'static str, fn(&Api) -> Request);

const CARD: &[(&str, &str)] = &[
    ("card[number]", "4242424242424242"),
    ("card[exp_month]", "12"),
    ("card[exp_year]", "2030"),
    ("card[cvc]", "123"),
];

fn request(path: impl Into<String>, form: &[(&'static str, &str)]) -> Request {
    let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    (path.into(), form)
}

fn customer(api: &Api, form: &[(&str, &str)]) -> String {
    api.post("/v1/customers", form).ok().id().to_owned()
}

fn token(api: &Api) -> String {
    api.post("/v1/tokens", CARD).ok().id().to_owned()
}

fn loose_card(api: &Api) -> String {
    let form = [&[("type", "card")], CARD].concat();
    api.post("/v1/payment_methods", &form).ok().id().to_owned()
}

fn kept_card(api: &Api, customer: &str) -> String {
    let path = "/v1/payment_methods/pm_card_visa/attach";
    api.post(path, &[("customer", customer)]).ok().id().to_owned()
}

const OPERATIONS: &[Operation] = &[
    ("create a customer", |_| {
        request("/v1/customers", &[("name", "A"), ("metadata[a]", "1"), ("metadata[b]", "2")])
    }),
    ("create a customer with a new card", |_| {
        let default = "invoice_settings[default_payment_method]";
        let card = "pm_card_visa";
        request("/v1/customers", &[("payment_method", card), (default, card)])
    }),
    ("create a customer with a card", |api| {
        request("/v1/customers", &[("payment_method", &loose_card(api))])
    }),
    ("create a customer with a refused card", |_| {
        request("/v1/customers", &[("payment_method", "pm_card_chargeDeclined")])
    }),
    ("create a customer with a token", |api| request("/v1/customers", &[("source", &token(api))])),
    ("update a customer", |api| {
        let id = customer(api, &[("name", "A"), ("metadata[a]", "1"), ("metadata[b]", "2")]);
        let form = [("name", ""), ("metadata[a]", "2"), ("metadata[b]", ""), ("phone", "1")];
        request(format!("/v1/customers/{id}"), &form)
    }),
    ("update a customer's default", |api| {
        let id = customer(api, &[]);
        let card = kept_card(api, &id);
        let form = [("invoice_settings[default_payment_method]", card.as_str())];
        request(format!("/v1/customers/{id}"), &form)
    }),
    ("update a customer's source", |api| {
        let id = customer(api, &[("source", "tok_mastercard")]);
        request(format!("/v1/customers/{id}"), &[("source", &token(api))])
    }),
    ("update a customer's source by its id", |api| {
        let id = customer(api, &[("source", "tok_mastercard")]);
        let card = kept_card(api, &id);
        request(format!("/v1/customers/{id}"), &[("default_source", &card)])
    }),
    ("create a payment method by number", |_| {
        request("/v1/payment_methods", &[&[("type", "card")], CARD].concat())
    }),
    ("create a payment method by token", |api| {
        request("/v1/payment_methods", &[("type", "card"), ("card[token]", &token(api))])
    }),
    ("attach a card", |api| {
        let path = format!("/v1/payment_methods/{}/attach", loose_card(api));
        request(path, &[("customer", &customer(api, &[]))])
    }),
    ("attach a new card", |api| {
        let path = "/v1/payment_methods/pm_card_visa/attach";
        request(path, &[("customer", &customer(api, &[]))])
    }),
    ("update a payment method", |api| {
        let card = kept_card(api, &customer(api, &[]));
        let form = [("metadata[a]", "1"), ("billing_details[name]", "A")];
        request(format!("/v1/payment_methods/{card}"), &form)
    }),
    ("detach a card", |api| {
        let card = kept_card(api, &customer(api, &[]));
        request(format!("/v1/payment_methods/{card}/detach"), &[])
    }),
    ("detach a customer's default", |api| {
        let id = customer(api, &[("source", "tok_visa")]);
        let customer = api.get(&format!("/v1/customers/{id}")).ok();
        let card = customer.text_at("/default_source");
        request(format!("/v1/payment_methods/{card}/detach"), &[])
    }),
    ("set a card up", |api| {
        let (id, card) = (customer(api, &[]), loose_card(api));
        let form = [("customer", id.as_str()), ("payment_method", &card), ("confirm", "true")];
        request("/v1/setup_intents", &form)
    }),
    ("set a card up by token", |api| {
        let (id, token) = (customer(api, &[]), token(api));
        let form = [
            ("customer", id.as_str()),
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][token]", &token),
            ("confirm", "true"),
        ];
        request("/v1/setup_intents", &form)
    }),
    ("create a token", |_| request("/v1/tokens", CARD)),
];

/// An answer without what differs between two runs: ids and seconds.
fn redacted(answer: &Answer) -> (u16, Value) {
    fn redact(value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let is_id = ["cus_", "pm_", "tok_", "card_", "req_", "seti_"]
                    .iter()
                    .any(|prefix| text.starts_with(prefix));
                let is_prefix =
                    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                match text.split_once('_') {
                    Some((prefix, _)) if is_id => prefix.into(),
                    _ if is_prefix => "prefix".into(),
                    _ => value.clone(),
                }
            }
            Value::Number(number) if number.as_i64().is_some_and(|n| n > 1_700_000_000) => 0.into(),
            Value::Array(items) => items.iter().map(redact).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), redact(field))).collect()
            }
            other => other.clone(),
        }
    }
    (answer.status, redact(&answer.body))
}

/// What the database holds: how many rows in each table, and which events.
fn kept(api: &Api) -> (Vec<usize>, Vec<String>) {
    let tables = ["customers", "payment_methods", "setup_intents", "tokens", "metadata_entries"];
    let rows = tables.map(|table| {
        let sql = format!("SELECT * FROM {table}");
        api.platform.database().query(&sql, Vec::new()).len()
    });
    (rows.to_vec(), api.event_types())
}

/// An end that a request can come to: what is answered, and what is left behind.
#[derive(Debug, PartialEq)]
struct End {
    answer: (u16, Value),
    kept: (Vec<usize>, Vec<String>),
}

impl End {
    fn of(api: &Api, answer: &Answer) -> Self {
        Self { answer: redacted(answer), kept: kept(api) }
    }
}

fn borrowed<'f>(form: &'f [(&'static str, String)]) -> Vec<(&'f str, &'f str)> {
    form.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The end when nothing goes wrong.
fn undisturbed(prepare: fn(&Api) -> Request) -> End {
    let api = Api::new();
    let (path, form) = prepare(&api);
    let answer = api.post_once(&path, &borrowed(&form), KEY);
    invariants::check_registered(&api.platform);
    End::of(&api, &answer)
}

/// Begins the operation and drops it after so many polls; says whether it was still running.
fn crash(api: &Api, path: &str, form: &[(&str, &str)], polls: u32) -> bool {
    api.platform.yields(true);
    let answer = kit::run_until_poll(polls, api.posting(path, form, Some(KEY)));
    api.platform.yields(false);
    answer.is_none()
}

/// Retries as the SDKs do, with the same key and waiting out the lease of the request that died.
fn retry(api: &Api, path: &str, form: &[(&str, &str)]) -> Answer {
    let mut answer = api.post_once(path, form, KEY);
    for _ in 0..3 {
        if answer.header("stripe-should-retry") != Some("true") {
            break;
        }
        api.platform.advance(LEASE);
        answer = api.post_once(path, form, KEY);
    }
    answer
}

#[test]
fn a_retry_after_a_crash_comes_to_the_same_end() {
    for (name, prepare) in OPERATIONS {
        let expected = undisturbed(*prepare);
        for polls in 1..MOST_POLLS {
            let api = Api::new();
            let (path, form) = prepare(&api);
            let form = borrowed(&form);
            if !crash(&api, &path, &form, polls) {
                assert!(polls > 4, "{name} was never crashed");
                break;
            }
            let answer = retry(&api, &path, &form);
            assert_eq!(End::of(&api, &answer), expected, "{name} died after {polls} polls");
        }
    }
}

#[test]
fn a_retry_that_dies_too_is_no_worse() {
    for (name, prepare) in OPERATIONS {
        let expected = undisturbed(*prepare);
        for (first, second) in (1..MOST_POLLS).zip((1..20).cycle()) {
            let api = Api::new();
            let (path, form) = prepare(&api);
            let form = borrowed(&form);
            if !crash(&api, &path, &form, first) {
                break;
            }
            api.platform.advance(LEASE);
            crash(&api, &path, &form, second);
            let answer = retry(&api, &path, &form);
            let context = format!("{name} died after {first} polls, its retry after {second}");
            assert_eq!(End::of(&api, &answer), expected, "{context}");
        }
    }
}

#[test]
fn a_batch_that_breaks_is_told_as_such_and_the_retry_gets_the_result() {
    for (name, prepare) in OPERATIONS {
        let expected = undisturbed(*prepare);
        for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
            for nth in 1..9 {
                let api = Api::new();
                let (path, form) = prepare(&api);
                let form = borrowed(&form);
                let hop = api.platform.database().hop();
                hop.fail(nth, fault);
                let answer = api.post_once(&path, &form, KEY);
                if hop.faults_left() > 0 {
                    // The operation has fewer batches.
                    break;
                }
                let context = format!("{name}: batch {nth} broke {fault:?}");
                assert_eq!(answer.status, 503, "{context}: {:#}", answer.body);
                let answer = retry(&api, &path, &form);
                assert_eq!(End::of(&api, &answer), expected, "{context}");
            }
        }
    }
}

/// Two requests for one object at once: both are answered, one after the other.
#[test]
fn changes_of_one_object_at_once_both_hold() {
    let api = Api::new();
    let id = customer(&api, &[]);
    let path = format!("/v1/customers/{id}");
    api.platform.yields(true);
    let (one, two) = kit::run(async {
        futures_util::join!(
            api.posting(&path, &[("metadata[a]", "1")], Some("key-1")),
            api.posting(&path, &[("metadata[b]", "2")], Some("key-2")),
        )
    });
    api.platform.yields(false);
    assert_eq!((one.status, two.status), (200, 200));
    let after = api.get(&path).ok();
    assert_eq!(after.body["metadata"], serde_json::json!({"a": "1", "b": "2"}));
}

/// A card that two customers want at once becomes one's.
#[test]
fn a_card_becomes_one_customers_only() {
    let api = Api::new();
    let card = loose_card(&api);
    let (first, second) = (customer(&api, &[]), customer(&api, &[]));
    let path = format!("/v1/payment_methods/{card}/attach");
    let forms = [[("customer", first.as_str())], [("customer", second.as_str())]];
    api.platform.yields(true);
    let (one, two) = kit::run(async {
        futures_util::join!(
            api.posting(&path, &forms[0], Some("key-1")),
            api.posting(&path, &forms[1], Some("key-2")),
        )
    });
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let attached =
        api.event_types().iter().filter(|name| *name == "payment_method.attached").count();
    assert_eq!(attached, 1);
}

/// A token that two requests use at once makes one payment method, whatever it is made for.
#[test]
fn a_token_is_used_by_one_request_only() {
    let for_payment: &[(&str, &str)] = &[
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method_types[]", "card"),
        ("payment_method_data[type]", "card"),
    ];
    let operations = [
        ("/v1/payment_methods", &[("type", "card")][..], "card[token]"),
        ("/v1/customers", &[], "source"),
        ("/v1/payment_intents", for_payment, "payment_method_data[card][token]"),
    ];
    for (path, form, param) in operations {
        let api = Api::new();
        let token = token(&api);
        let form = [form, &[(param, token.as_str())]].concat();
        api.platform.yields(true);
        let (one, two) = kit::run(async {
            futures_util::join!(
                api.posting(path, &form, Some("key-1")),
                api.posting(path, &form, Some("key-2")),
            )
        });
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{path}");
        let loser = if one.status == 400 { one } else { two };
        assert_eq!(loser.error(400)["code"], "token_already_used", "{path}");
    }
}

/// Whoever is deleted while a card is attached does not keep it.
#[test]
fn a_deleted_customer_keeps_nothing() {
    for polls in 1..MOST_POLLS {
        let api = Api::new();
        let (card, id) = (loose_card(&api), customer(&api, &[]));
        let path = format!("/v1/payment_methods/{card}/attach");
        let form = [("customer", id.as_str())];
        let ended = crash(&api, &path, &form, polls);
        api.delete(&format!("/v1/customers/{id}")).ok();
        let attached = retry(&api, &path, &form);
        let after = api.get(&format!("/v1/payment_methods/{card}")).ok();
        assert_eq!(after.body["customer"], Value::Null, "after {polls} polls: {}", attached.status);
        if !ended {
            break;
        }
    }
}
