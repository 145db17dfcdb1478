//! Crashes: an operation dies at each of its awaits, or a hop breaks, and whoever comes next (the
//! client's retry, recovery, or both) brings it to the same end as if nothing had happened.

use std::task::{Context as TaskContext, Waker};

use api::funds::days_pass;
use api::{Answer, Api, cases, invariants};
use domain::attempt::ChallengeResult;
use domain::id::{AttemptId, Id};
use domain::idempotency::LEASE;
use flows::Context;
use flows::operations::RECOVERY_DELAY;
use kit::Fault;
use serde_json::Value;

/// More polls than any operation has.
const MOST_POLLS: u32 = 200;

const KEY: &str = "key-1";

type Pairs = Vec<(&'static str, &'static str)>;

/// An operation that is made to die.
struct Operation {
    name: &'static str,
    /// Makes what it is about, and says where it is posted to.
    prepare: fn(&Api) -> String,
    form: Pairs,
}

const PAY: &[(&str, &str)] =
    &[("amount", "2000"), ("currency", "usd"), ("payment_method_types[]", "card")];

fn with(more: &[(&'static str, &'static str)]) -> Pairs {
    [PAY, more].concat()
}

fn created(api: &Api, more: &[(&'static str, &'static str)]) -> String {
    let intent = api.post("/v1/payment_intents", &with(more)).ok();
    format!("/v1/payment_intents/{}", intent.id())
}

fn held(api: &Api) -> String {
    created(
        api,
        &[
            ("confirm", "true"),
            ("payment_method", "pm_card_visa"),
            ("capture_method", "manual"),
            ("metadata[order]", "1"),
            ("payment_method_options[card][request_incremental_authorization]", "if_available"),
            ("payment_method_options[card][request_multicapture]", "if_available"),
        ],
    )
}

fn existing_method(api: &Api) -> String {
    let path = created(api, &[("payment_method", "pm_card_visa")]);
    api.get(&path).ok().text_at("/payment_method").to_owned()
}

const BY_NUMBER: &[(&str, &str)] = &[
    ("payment_method_data[type]", "card"),
    ("payment_method_data[card][number]", "4242424242424242"),
    ("payment_method_data[card][exp_month]", "12"),
    ("payment_method_data[card][exp_year]", "2034"),
    ("payment_method_data[card][cvc]", "123"),
];

fn operations() -> Vec<Operation> {
    let root = |_: &Api| "/v1/payment_intents".to_owned();
    let operation = |name, prepare, form| Operation { name, prepare, form };
    vec![
        operation(
            "create and confirm with a card",
            root,
            [with(&[("confirm", "true"), ("metadata[order]", "1")]), BY_NUMBER.to_vec()].concat(),
        ),
        operation(
            "create and confirm with a card that is declined",
            root,
            with(&[("confirm", "true"), ("payment_method", "pm_card_chargeDeclined")]),
        ),
        operation(
            "create and confirm with a card that was to be kept and is declined",
            root,
            with(&[
                ("confirm", "true"),
                ("payment_method", "pm_card_chargeDeclined"),
                ("setup_future_usage", "off_session"),
            ]),
        ),
        operation(
            "create and confirm with a card that is challenged",
            root,
            with(&[
                ("confirm", "true"),
                ("payment_method", "pm_card_threeDSecureRequired"),
                ("return_url", "https://shop.test/back"),
            ]),
        ),
        operation(
            "create and hold",
            root,
            with(&[
                ("confirm", "true"),
                ("payment_method", "pm_card_visa"),
                ("capture_method", "manual"),
            ]),
        ),
        operation("create", root, with(&[("metadata[order]", "1")])),
        operation("create with a card", root, with(&[("payment_method", "pm_card_visa")])),
        operation(
            "confirm",
            |api| created(api, &[("payment_method", "pm_card_visa")]) + "/confirm",
            vec![],
        ),
        operation(
            "confirm with a card",
            |api| created(api, &[]) + "/confirm",
            vec![("payment_method", "pm_card_visa")],
        ),
        operation(
            "confirm with a card that is declined",
            |api| created(api, &[]) + "/confirm",
            vec![("payment_method", "pm_card_chargeDeclinedInsufficientFunds")],
        ),
        operation("capture", |api| held(api) + "/capture", vec![("metadata[parcel]", "2")]),
        operation(
            "capture a part",
            |api| held(api) + "/capture",
            vec![("amount_to_capture", "1500")],
        ),
        operation(
            "capture the first of several parts",
            |api| held(api) + "/capture",
            vec![("amount_to_capture", "700"), ("final_capture", "false")],
        ),
        operation(
            "increment",
            |api| held(api) + "/increment_authorization",
            vec![("amount", "3000"), ("metadata[order]", "2")],
        ),
        operation(
            "cancel what is held",
            |api| held(api) + "/cancel",
            vec![("cancellation_reason", "duplicate")],
        ),
        operation("cancel", |api| created(api, &[]) + "/cancel", vec![]),
        operation(
            "cancel a challenge",
            |api| challenged(api).0 + "/cancel",
            vec![("cancellation_reason", "abandoned")],
        ),
        operation(
            "update",
            |api| created(api, &[("metadata[order]", "1")]),
            vec![("amount", "2500"), ("metadata[order]", "2"), ("description", "new")],
        ),
        operation(
            "refund a part",
            |api| paid(api, "pm_card_visa") + "/refunds",
            vec![("amount", "1200"), ("metadata[order]", "1")],
        ),
        operation("charge", |_| "/v1/charges".to_owned(), charge_form(&[])),
        operation(
            "charge a card that is declined",
            |_| "/v1/charges".to_owned(),
            vec![("amount", "2000"), ("currency", "usd"), ("source", "tok_chargeDeclined")],
        ),
        operation(
            "capture a charge",
            |api| {
                let charge = api.post("/v1/charges", &charge_form(&[("capture", "false")])).ok();
                format!("/v1/charges/{}/capture", charge.id())
            },
            vec![("amount", "1500")],
        ),
        operation(
            "let go of a charge",
            |api| {
                let charge = api.post("/v1/charges", &charge_form(&[("capture", "false")])).ok();
                format!("/v1/charges/{}/refunds", charge.id())
            },
            vec![],
        ),
        operation(
            "update with a card",
            |api| created(api, &[]),
            vec![("payment_method", "pm_card_visa")],
        ),
    ]
    .into_iter()
    .chain(operations_on_charges())
    .chain(operations_on_disputes())
    .chain(operations_on_payouts())
    .chain([Operation {
        name: "ask for a report",
        prepare: |api| {
            funded(api);
            api.platform.advance(2 * 3_600);
            "/v1/reporting/report_runs".to_owned()
        },
        form: REPORT.to_vec(),
    }])
    .chain(operations_on_topups_and_transfers())
    .chain(operations_on_bank_accounts())
    .collect()
}

/// A dispute that waits for the merchant, by its path.
fn disputed(api: &Api, source: &'static str) -> String {
    let form = [("amount", "2000"), ("currency", "usd"), ("source", source)];
    let charge = api.post("/v1/charges", &form).ok();
    api.platform.advance(2);
    api.beat();
    let list = api.get(&format!("/v1/disputes?charge={}", charge.id())).ok();
    format!("/v1/disputes/{}", list.text_at("/data/0/id"))
}

fn operations_on_disputes() -> Vec<Operation> {
    let operation = |name, prepare, form| Operation { name, prepare, form };
    vec![
        operation(
            "answer a chargeback",
            |api| disputed(api, "tok_visa_createDispute"),
            vec![("evidence[uncategorized_text]", "winning_evidence"), ("metadata[case]", "1")],
        ),
        operation(
            "escalate an inquiry",
            |api| disputed(api, "tok_visa_createDisputeInquiry"),
            vec![("evidence[uncategorized_text]", "escalate_inquiry_evidence")],
        ),
        operation(
            "stage evidence",
            |api| disputed(api, "tok_visa_createDispute"),
            vec![("evidence[customer_name]", "Jo"), ("submit", "false")],
        ),
        operation(
            "accept a chargeback",
            |api| disputed(api, "tok_visa_createDispute") + "/close",
            vec![],
        ),
        operation(
            "accept an inquiry",
            |api| disputed(api, "tok_visa_createDisputeInquiry") + "/close",
            vec![],
        ),
    ]
}

const CHARGE: &[(&str, &str)] = &[("amount", "2000"), ("currency", "usd")];

/// A charge without an intent; what it is made with decides whether its money is taken.
fn charged(api: &Api, more: &[(&'static str, &'static str)]) -> String {
    let form = [CHARGE, &[("source", "tok_visa")], more].concat();
    format!("/v1/charges/{}", api.post("/v1/charges", &form).ok().id())
}

fn operations_on_charges() -> Vec<Operation> {
    let root = |_: &Api| "/v1/charges".to_owned();
    let operation = |name, prepare, form| Operation { name, prepare, form };
    vec![
        operation("charge a token", root, [CHARGE, &[("source", "tok_visa")]].concat()),
        operation(
            "charge a token that is declined",
            root,
            [CHARGE, &[("source", "tok_chargeDeclined")]].concat(),
        ),
        operation(
            "hold a token's money",
            root,
            [CHARGE, &[("source", "tok_visa"), ("capture", "false")]].concat(),
        ),
        operation(
            "capture a part of a charge",
            |api| charged(api, &[("capture", "false")]) + "/capture",
            vec![("amount", "1500"), ("receipt_email", "jo@example.com")],
        ),
        operation(
            "capture the charge of an intent",
            |api| {
                let intent = api.get(&held(api)).ok();
                format!("/v1/charges/{}/capture", intent.text_at("/latest_charge"))
            },
            vec![("amount", "1500"), ("transfer_group", "group")],
        ),
        operation(
            "update a charge",
            |api| charged(api, &[("metadata[order]", "1")]),
            vec![("metadata[order]", "2"), ("description", "new")],
        ),
        operation("refund all", |api| charged(api, &[]) + "/refunds", vec![]),
        operation(
            "refund a part",
            |api| charged(api, &[]) + "/refunds",
            vec![("amount", "500"), ("reason", "fraudulent"), ("metadata[order]", "1")],
        ),
        operation(
            "refund what is only held",
            |api| charged(api, &[("capture", "false")]) + "/refund",
            vec![],
        ),
        operation(
            "update a refund",
            |api| {
                let refund = api.post(&(charged(api, &[]) + "/refunds"), &[]).ok();
                format!("/v1/refunds/{}", refund.id())
            },
            vec![("metadata[order]", "2")],
        ),
    ]
}

/// A merchant whose money is available at once, with some of it.
fn funded(api: &Api) {
    api.platform.set_settings(&api.merchant, r#"{"available_after_days": 0}"#);
    paid(api, "pm_card_visa");
}

/// A payout that has not left yet, by its path.
fn payout(api: &Api) -> String {
    funded(api);
    let form = [("amount", "1000"), ("currency", "usd"), ("metadata[order]", "1")];
    format!("/v1/payouts/{}", api.post("/v1/payouts", &form).ok().id())
}

/// All that came and went in the first hour.
const REPORT: &[(&str, &str)] = &[
    ("report_type", "balance_change_from_activity.itemized.3"),
    ("parameters[interval_start]", "1767225600"),
    ("parameters[interval_end]", "1767229200"),
    ("parameters[columns][]", "balance_transaction_id"),
    ("parameters[columns][]", "charge_id"),
];

fn operations_on_payouts() -> Vec<Operation> {
    let operation = |name, prepare, form| Operation { name, prepare, form };
    let root = |api: &Api| {
        funded(api);
        "/v1/payouts".to_owned()
    };
    vec![
        operation(
            "pay out all there is",
            root,
            vec![("amount", "1912"), ("currency", "usd"), ("metadata[order]", "1")],
        ),
        operation(
            "pay out more than there is",
            root,
            vec![("amount", "1913"), ("currency", "usd")],
        ),
        operation("cancel a payout", |api| payout(api) + "/cancel", vec![]),
        operation(
            "reverse a payout",
            |api| {
                let path = payout(api);
                days_pass(api, 1);
                path + "/reverse"
            },
            vec![("metadata[why]", "2")],
        ),
        operation("update a payout", payout, vec![("metadata[order]", "2")]),
    ]
}

fn banks(api: &Api) -> String {
    format!("/v1/accounts/{}/external_accounts", api.merchant.account)
}

/// Two bank accounts, of which the first is the default: the path of the other.
fn another_bank(api: &Api) -> String {
    let path = banks(api);
    let form = [("external_account", "btok_us_verified")];
    api.post(&path, &form).ok();
    format!("{path}/{}", api.post(&path, &form).ok().id())
}

fn operations_on_bank_accounts() -> Vec<Operation> {
    let operation = |name, prepare, form| Operation { name, prepare, form };
    let number = |prefix: &'static [&'static str; 4]| -> Pairs {
        prefix.iter().copied().zip(["US", "usd", "110000000", "000123456789"]).collect()
    };
    vec![
        operation(
            "name a bank account",
            banks,
            number(&[
                "external_account[country]",
                "external_account[currency]",
                "external_account[routing_number]",
                "external_account[account_number]",
            ]),
        ),
        operation(
            "name another bank account as the default",
            |api| {
                another_bank(api);
                banks(api)
            },
            vec![("external_account", "btok_us_verified"), ("default_for_currency", "true")],
        ),
        operation(
            "name a bank account by a token",
            |api| {
                let insert = "INSERT INTO bank_account_tokens SELECT 'btok_given', 'ba_given', id, 0, \
                              0, 0, NULL, 'usd', '{}' FROM accounts";
                api.platform.database().query(insert, vec![]);
                banks(api)
            },
            vec![("external_account", "btok_given"), ("metadata[order]", "1")],
        ),
        operation(
            "make a bank account the default",
            another_bank,
            vec![("default_for_currency", "true")],
        ),
        operation("update a bank account", another_bank, vec![("metadata[order]", "1")]),
        operation(
            "make a token for a bank account",
            |_| "/v1/tokens".to_owned(),
            number(&[
                "bank_account[country]",
                "bank_account[currency]",
                "bank_account[routing_number]",
                "bank_account[account_number]",
            ]),
        ),
    ]
}

/// A merchant with money, and an account that is connected to it.
fn connected(api: &Api) -> String {
    funded(api);
    let insert = "INSERT INTO accounts (id, name, country, default_currency, idempotency_shards, \
                  created, platform) SELECT 'acct_connected', '', 'US', 'usd', 1, 0, id \
                  FROM accounts";
    api.platform.database().query(insert, vec![]);
    "/v1/transfers".to_owned()
}

const TRANSFER: &[(&str, &str)] =
    &[("amount", "1000"), ("currency", "usd"), ("destination", "acct_connected")];

/// A transfer to a connected account, by its path.
fn transferred(api: &Api) -> String {
    let path = connected(api);
    format!("{path}/{}", api.post(&path, TRANSFER).ok().id())
}

/// A top-up that the bank has not answered, by its path.
fn topup(api: &Api) -> String {
    let form = [("amount", "1000"), ("currency", "usd")];
    format!("/v1/topups/{}", api.post("/v1/topups", &form).ok().id())
}

fn operations_on_topups_and_transfers() -> Vec<Operation> {
    let operation = |name, prepare, form| Operation { name, prepare, form };
    let reversals = |api: &Api| transferred(api) + "/reversals";
    vec![
        operation("connect an account", |_| "/v1/accounts".to_owned(), vec![]),
        operation(
            "top up",
            |_| "/v1/topups".to_owned(),
            vec![("amount", "1000"), ("currency", "usd"), ("metadata[order]", "1")],
        ),
        operation("cancel a top-up", |api| topup(api) + "/cancel", vec![]),
        operation("update a top-up", topup, vec![("description", "Tea")]),
        operation("transfer", connected, TRANSFER.to_vec()),
        operation("update a transfer", transferred, vec![("description", "Tea")]),
        operation("reverse a transfer", reversals, vec![]),
        operation("reverse a part of a transfer", reversals, vec![("amount", "1")]),
        operation(
            "update a reversal of a transfer",
            |api| {
                let path = transferred(api) + "/reversals";
                let reversal = api.post(&path, &[("amount", "1")]).ok();
                format!("{path}/{}", reversal.id())
            },
            vec![("metadata[order]", "2")],
        ),
    ]
}

fn charge_form(more: &[(&'static str, &'static str)]) -> Pairs {
    let form: Pairs = vec![("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];
    [form, more.to_vec()].concat()
}

/// A charge that took its money, by its path.
fn paid(api: &Api, card: &'static str) -> String {
    let path = created(api, &[("confirm", "true"), ("payment_method", card)]);
    format!("/v1/charges/{}", api.get(&path).ok().text_at("/latest_charge"))
}

/// An intent that waits for its cardholder: its path, and the attempt.
fn challenged(api: &Api) -> (String, AttemptId) {
    let path = created(
        api,
        &[
            ("confirm", "true"),
            ("payment_method", "pm_card_threeDSecureRequired"),
            ("return_url", "https://shop.test/back"),
        ],
    );
    let intent = api.get(&path).ok();
    assert_eq!(intent.body["status"], "requires_action");
    let url = intent.text_at("/next_action/redirect_to_url/url");
    let attempt = url.rsplit('/').next().expect("the attempt ends the link");
    (path, AttemptId::parse(attempt).expect("an attempt"))
}

/// An answer without what differs between two runs: ids, seconds, and whether a receipt was sent.
fn redacted(answer: &Answer) -> (u16, Value) {
    fn redact(value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let prefixes = [
                    "pi_", "ch_", "pm_", "att_", "req_", "re_", "card_", "sim_", "txn_", "du_",
                    "po_", "ba_", "tu_", "tr_", "trr_", "frr_", "acct_", "btok_",
                ];
                // Ids also stand in links.
                let parts = text.split('/').map(|part| match part.split_once('_') {
                    Some((kind, _)) if prefixes.iter().any(|p| part.starts_with(p)) => kind,
                    _ => part,
                });
                parts.collect::<Vec<_>>().join("/").into()
            }
            Value::Number(number) if number.as_i64().is_some_and(|n| n > 1_700_000_000) => 0.into(),
            Value::Array(items) => items.iter().map(redact).collect(),
            // Whoever comes late may find that the receipt has been sent meanwhile.
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| *name != "receipt_number")
                .map(|(name, field)| (name.clone(), redact(field)))
                .collect(),
            other => other.clone(),
        }
    }
    (answer.status, redact(&answer.body))
}

/// A platform on which an operation is ready to run.
fn ready(operation: &Operation) -> (Api, String) {
    let api = Api::watched();
    let path = (operation.prepare)(&api);
    (api, path)
}

/// What the operation is answered when nothing goes wrong.
fn undisturbed(operation: &Operation) -> (u16, Value) {
    let (api, path) = ready(operation);
    let answer = api.post_once(&path, &operation.form, KEY);
    invariants::check(&api.platform);
    invariants::check_quiet(&api.platform);
    redacted(&answer)
}

/// Begins the operation and drops it after so many polls; says whether it was still running.
fn crash(api: &Api, path: &str, form: &[(&str, &str)], polls: u32) -> bool {
    api.platform.yields(true);
    let answer = kit::run_until_poll(polls, api.posting(path, form, Some(KEY)));
    api.platform.yields(false);
    answer.is_none()
}

/// Retries as the SDKs do, with the same key and waiting out the lease of the request that died, and
/// once more when there is an answer, which must then be the same bytes.
fn retry(api: &Api, path: &str, form: &[(&str, &str)]) -> Answer {
    let mut answer = api.post_once(path, form, KEY);
    for _ in 0..3 {
        if answer.header("stripe-should-retry") != Some("true") {
            break;
        }
        api.platform.advance(LEASE);
        answer = api.post_once(path, form, KEY);
    }
    let again = api.post_once(path, form, KEY);
    assert_eq!((again.status, &again.text), (answer.status, &answer.text), "I5");
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{:#}", again.body);
    answer
}

/// Who comes first after a crash.
#[derive(Clone, Copy, Debug)]
enum Next {
    Client,
    Recovery,
}

#[test]
fn whoever_comes_after_a_crash_brings_the_operation_to_the_same_end() {
    for (place, operation) in operations().iter().enumerate() {
        let expected = undisturbed(operation);
        for (turn, next) in [Next::Client, Next::Recovery].into_iter().enumerate() {
            // In the edit loop, each takes every fifth crash point in turn.
            let first = 1 + cases((place + turn) % 5, 0);
            for polls in (u32::try_from(first).expect("small")..MOST_POLLS).step_by(cases(5, 1)) {
                let (api, path) = ready(operation);
                if !crash(&api, &path, &operation.form, polls) {
                    assert!(polls > 5, "{} was never crashed", operation.name);
                    break;
                }
                invariants::check(&api.platform);
                let context = format!("{} died after {polls} polls, {next:?}", operation.name);
                if let Next::Recovery = next {
                    // Whether the client comes back or not, nothing may be open then.
                    invariants::check_settled(&api.platform);
                }
                let answer = retry(&api, &path, &operation.form);
                assert_eq!(redacted(&answer), expected, "{context}");
                invariants::check_settled(&api.platform);
                invariants::check_quiet(&api.platform);
            }
        }
    }
}

#[test]
fn a_retry_that_dies_too_is_no_worse() {
    for operation in operations() {
        let expected = undisturbed(&operation);
        for first in (1..MOST_POLLS).step_by(cases(9, 1)) {
            let (api, path) = ready(&operation);
            if !crash(&api, &path, &operation.form, first) {
                break;
            }
            for second in (1..MOST_POLLS).step_by(cases(7, 1)) {
                let (api, path) = ready(&operation);
                crash(&api, &path, &operation.form, first);
                api.platform.advance(LEASE);
                if !crash(&api, &path, &operation.form, second) {
                    break;
                }
                let answer = retry(&api, &path, &operation.form);
                assert_eq!(
                    redacted(&answer),
                    expected,
                    "{} died after {first} polls, its retry after {second}",
                    operation.name
                );
                invariants::check_settled(&api.platform);
                invariants::check_quiet(&api.platform);
            }
        }
    }
}

/// The faults that an operation meets: in the edit loop, one or the other in turn.
fn faults(place: usize) -> Vec<Fault> {
    let faults = vec![Fault::BeforeEffect, Fault::AfterEffect];
    cases(vec![faults[place % 2]], faults)
}

#[derive(Clone, Copy, Debug)]
enum Broken {
    Batch(u64),
    Begin,
    Complete,
}

#[test]
fn a_hop_that_breaks_is_told_as_such_and_the_retry_gets_the_result() {
    for (place, operation) in operations().into_iter().enumerate() {
        let expected = undisturbed(&operation);
        for fault in faults(place) {
            for broken in
                [Broken::Begin, Broken::Complete].into_iter().chain((1..).map(Broken::Batch))
            {
                let (api, path) = ready(&operation);
                let hop = match broken {
                    Broken::Batch(_) => api.platform.database().hop(),
                    Broken::Begin => api.platform.begin_hop(),
                    Broken::Complete => api.platform.complete_hop(),
                };
                hop.fail(if let Broken::Batch(nth) = broken { nth } else { 1 }, fault);
                let answer = api.post_once(&path, &operation.form, KEY);
                if hop.faults_left() > 0 {
                    // The operation has fewer batches.
                    break;
                }
                let context = format!("{}: {broken:?} broke {fault:?}", operation.name);
                // Whoever asked again whether the lost batch was written may answer at once.
                if answer.status == 200 {
                    assert_eq!(redacted(&answer), expected, "{context}");
                } else {
                    assert_eq!(answer.status, 503, "{context}: {:#}", answer.body);
                    assert_eq!(answer.body["error"]["type"], "api_error", "{context}");
                    assert_eq!(answer.header("stripe-should-retry"), Some("true"), "{context}");
                    assert_eq!(answer.header("retry-after"), Some("1"), "{context}");
                }
                invariants::check(&api.platform);
                let answer = retry(&api, &path, &operation.form);
                assert_eq!(redacted(&answer), expected, "{context}");
                invariants::check_settled(&api.platform);
                invariants::check_registered(&api.platform);
            }
        }
    }
}

#[test]
fn scenario_28_what_stalls_for_half_a_minute_and_goes_on_then_changes_nothing_that_its_retry_did() {
    for operation in operations() {
        let expected = undisturbed(&operation);
        for polls in (1..MOST_POLLS).step_by(cases(5, 1)) {
            let (api, path) = ready(&operation);
            api.platform.yields(true);
            let mut stalled = Box::pin(api.posting(&path, &operation.form, Some(KEY)));
            let mut context = TaskContext::from_waker(Waker::noop());
            let has_ended = (0..polls).any(|_| stalled.as_mut().poll(&mut context).is_ready());
            api.platform.yields(false);
            if has_ended {
                break;
            }
            // Its lease is over, and its next batch or answer still on its way.
            api.platform.advance(30);
            let retried = retry(&api, &path, &operation.form);
            let context = format!("{} stalls after {polls} polls", operation.name);
            assert_eq!(redacted(&retried), expected, "{context}");
            let late = kit::run(stalled);
            if late.header("stripe-should-retry") != Some("true") {
                assert_eq!(late.text, retried.text, "I5: two answers for one key, {context}");
            }
            let again = api.post_once(&path, &operation.form, KEY);
            assert_eq!(again.text, retried.text, "I5: {context}");
            invariants::check_settled(&api.platform);
            invariants::check_registered(&api.platform);
        }
    }
}

#[test]
fn a_batch_of_the_recovery_that_breaks_is_made_up_for() {
    for (place, operation) in operations().into_iter().enumerate() {
        for fault in faults(place) {
            for batch in (1..8).step_by(cases(2, 1)) {
                // Six polls reach past the first batch of each operation.
                let (api, path) = ready(&operation);
                crash(&api, &path, &operation.form, 6);
                api.platform.advance(RECOVERY_DELAY + 1);
                api.platform.database().hop().fail(batch, fault);
                api.beat();
                if api.platform.database().hop().faults_left() > 0 {
                    break;
                }
                invariants::check(&api.platform);
                invariants::check_settled(&api.platform);
            }
        }
    }
}

/// What finishes a challenge, as its page does.
async fn finish(api: &Api, attempt: &AttemptId, result: ChallengeResult) -> Option<String> {
    let context = Context::unattended(&api.platform, api.merchant.scope());
    let intent = flows::payment_intents::finish_challenge(&context, attempt, result).await;
    intent.expect("a challenge ends").map(|intent| intent.status().name().to_owned())
}

#[test]
fn a_challenge_that_dies_half_way_is_finished_by_its_page_or_by_recovery() {
    let results = [
        (ChallengeResult::Completed, "succeeded"),
        (ChallengeResult::Failed, "requires_payment_method"),
    ];
    for (result, expected) in results {
        for comes_back in [true, false] {
            for polls in 1..MOST_POLLS {
                let api = Api::watched();
                let (path, attempt) = challenged(&api);
                api.platform.yields(true);
                let ended = kit::run_until_poll(polls, finish(&api, &attempt, result));
                api.platform.yields(false);
                if ended.is_some() {
                    assert_eq!(ended.flatten().as_deref(), Some(expected));
                    break;
                }
                invariants::check(&api.platform);
                if comes_back {
                    let status = kit::run(finish(&api, &attempt, result));
                    assert_eq!(status.as_deref(), Some(expected), "after {polls} polls");
                }
                invariants::check_settled(&api.platform);
                let status = api.get(&path).ok().text_at("/status").to_owned();
                assert!(
                    status == expected || (status == "requires_action" && !comes_back),
                    "{status} after {polls} polls"
                );
                invariants::check_quiet(&api.platform);
            }
        }
    }
}

#[test]
fn a_payment_without_a_key_that_dies_is_finished_by_recovery() {
    for polls in 1..MOST_POLLS {
        let api = Api::watched();
        let method = existing_method(&api);
        let mut form = with(&[("confirm", "true")]);
        let method: &'static str = Box::leak(method.into_boxed_str());
        form.push(("payment_method", method));
        api.platform.yields(true);
        let answer = kit::run_until_poll(polls, api.posting("/v1/payment_intents", &form, None));
        api.platform.yields(false);
        if answer.is_some() {
            break;
        }
        invariants::check_settled(&api.platform);
        let list = api.get("/v1/payment_intents").ok();
        let intents = list.body["data"].as_array().expect("a list");
        // The first is the intent that the payment method was made with.
        assert!(intents.len() == 1 || intents[0]["status"] == "succeeded", "{intents:#?}");
        invariants::check_quiet(&api.platform);
    }
}

/// What the simulator does by itself: a chargeback opens, and is decided.
#[test]
fn a_dispute_that_dies_half_way_is_opened_and_decided_once() {
    for polls in 1..MOST_POLLS {
        let api = Api::watched();
        let form = [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa_createDispute")];
        let charge = api.post("/v1/charges", &form).ok().id().to_owned();
        api.platform.advance(2);
        let opened = api.beat_that_dies(polls);
        invariants::check_settled(&api.platform);
        let list = api.get(&format!("/v1/disputes?charge={charge}")).ok();
        assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1), "after {polls} polls");
        let path = format!("/v1/disputes/{}", list.text_at("/data/0/id"));
        api.post(&path, &[("evidence[uncategorized_text]", "winning_evidence")]).ok();
        api.platform.advance(2);
        let decided = api.beat_that_dies(polls);
        invariants::check_settled(&api.platform);
        assert_eq!(api.get(&path).ok().body["status"], "won", "after {polls} polls");
        invariants::check_quiet(&api.platform);
        if opened && decided {
            assert!(polls > 3, "no beat was cut short");
            break;
        }
    }
}

/// A report of more lines than one step reads, which the heartbeat dies over again and again.
#[test]
fn a_report_that_dies_half_way_is_written_once() {
    let written = |polls: Option<u32>| {
        let api = Api::watched();
        api.platform.database().query(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5100) \
             INSERT INTO balance_transactions (id, account, livemode, created, type, currency, amount, fee, net, \
             available_on, details) SELECT 'txn_' || n, 'acct_acme', 0, 1767225600, 'charge', 'usd', 0, 0, 0, 0, \
             '{\"cause\": \"none\"}' FROM numbers",
            Vec::new(),
        );
        api.platform.advance(2 * 3_600);
        let run = api.post("/v1/reporting/report_runs", REPORT).ok();
        let mut ended = polls.is_none();
        if let Some(polls) = polls {
            // Each step dies there once.
            ended = api.beat_that_dies(polls);
            api.platform.advance(1);
            api.beat_that_dies(polls);
        }
        for _ in 0..4 {
            api.platform.advance(1);
            api.beat();
        }
        let run = api.get(&format!("/v1/reporting/report_runs/{}", run.id())).ok();
        assert_eq!(run.body["status"], "succeeded", "{polls:?}");
        assert_eq!(api.platform.files().len(), 2, "no part is kept twice, {polls:?}");
        invariants::check(&api.platform);
        invariants::check_quiet(&api.platform);
        let url = run.text_at("/result/url").replace("https://florin.test", "");
        (api.get(&url).ok().text, ended)
    };
    let (expected, _) = written(None);
    assert_eq!(expected.lines().count(), 5_101);
    for polls in (1..MOST_POLLS).step_by(cases(23, 1)) {
        let (text, ended) = written(Some(polls));
        assert!(text == expected, "after {polls} polls");
        if ended {
            assert!(polls > 50, "no beat was cut short");
            return;
        }
    }
    panic!("a step has more polls than that");
}

#[test]
fn a_request_that_died_keeps_its_key_for_the_length_of_its_lease() {
    let operation = &operations()[0];
    let (api, path) = ready(operation);
    crash(&api, &path, &operation.form, 4);
    let busy = api.post_once(&path, &operation.form, KEY);
    assert_eq!(busy.error(409)["code"], "idempotency_key_in_use");
    assert_eq!(busy.header("stripe-should-retry"), Some("true"));
    api.platform.advance(LEASE - 1);
    api.post_once(&path, &operation.form, KEY).error(409);
    api.platform.advance(1);
    api.post_once(&path, &operation.form, KEY).ok();
    invariants::check_settled(&api.platform);
}

#[test]
fn a_challenge_that_recovery_recorded_links_to_the_deployment() {
    let api = Api::new();
    let form = with(&[
        ("confirm", "true"),
        ("payment_method", "pm_card_threeDSecureRequired"),
        ("return_url", "https://shop.test/back"),
    ]);
    api.get("/v1/payment_intents").ok();
    // The first batch is written, and the request dies before the answer is recorded.
    assert!(crash(&api, "/v1/payment_intents", &form, 6));
    invariants::check_settled(&api.platform);
    let intent = &api.get("/v1/payment_intents").ok().body["data"][0];
    assert_eq!(intent["status"], "requires_action");
    let url = intent["next_action"]["redirect_to_url"]["url"].as_str().expect("a link");
    assert!(url.starts_with("https://florin.test/challenges/att_"), "{url}");
}

#[test]
fn an_update_that_died_after_it_made_its_card_can_be_retried() {
    let api = Api::new();
    let path = created(&api, &[]);
    let form = [("payment_method", "pm_card_visa")];
    api.platform.complete_hop().fail(1, Fault::BeforeEffect);
    api.post_once(&path, &form, KEY).error(503);
    let updated = retry(&api, &path, &form).ok();
    assert_eq!(updated.body["status"], "requires_confirmation");
    invariants::check_settled(&api.platform);
}

#[test]
fn an_update_whose_answer_was_lost_does_not_undo_what_came_after_it() {
    let api = Api::new();
    let path = created(&api, &[]);
    let (old, new) = ([("amount", "2100")], [("amount", "2200")]);
    api.platform.complete_hop().fail(1, Fault::BeforeEffect);
    api.post_once(&path, &old, KEY).error(503);
    api.post(&path, &new).ok();
    retry(&api, &path, &old).ok();
    assert_eq!(api.get(&path).ok().body["amount"], 2200);
}
