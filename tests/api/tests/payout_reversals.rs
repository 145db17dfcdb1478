//! Payouts that are taken back from the bank account that they went to.

use api::funds::{DAY, days_pass, dollars, funded, payout, told_since};
use api::{Answer, Api, Form, cases, invariants};
use serde_json::json;

/// A payout of ten dollars of 19.12 that arrived.
fn paid() -> (Api, Answer) {
    let api = funded();
    let made = payout(&api, "1000", &[]).ok();
    days_pass(&api, 2);
    (api, made)
}

fn reverse(api: &Api, payout: &Answer, form: Form<'_>) -> Answer {
    api.post(&format!("/v1/payouts/{}/reverse", payout.id()), form)
}

fn find(api: &Api, id: &str) -> Answer {
    api.get(&format!("/v1/payouts/{id}")).ok()
}

#[test]
fn a_reversal_takes_a_payout_back_from_the_bank() {
    let (api, made) = paid();
    let before = api.event_types().len();
    let reversal = reverse(&api, &made, &[("metadata[why]", "wrong bank")]).ok();
    assert_eq!(
        (&reversal.body["amount"], &reversal.body["status"]),
        (&json!(-1000), &json!("pending"))
    );
    assert_eq!(reversal.body["original_payout"], *made.id());
    assert_eq!(reversal.body["destination"], made.body["destination"]);
    assert_eq!(reversal.body["metadata"], json!({"why": "wrong bank"}));
    assert_eq!(find(&api, made.id()).body["reversed_by"], *reversal.id());
    assert_eq!(told_since(&api, before), ["payout.updated", "payout.created"]);
    // It counts from the day on which the bank is to give it.
    assert_eq!(dollars(&api), (912, 1000));
    let path = format!("/v1/balance_transactions/{}", reversal.text_at("/balance_transaction"));
    let seen = api.get(&path).ok();
    assert_eq!((&seen.body["type"], &seen.body["net"]), (&json!("payout"), &json!(1000)));
    assert_eq!(seen.body["reporting_category"], "payout_reversal");
    assert_eq!(seen.body["available_on"], reversal.body["arrival_date"]);
    days_pass(&api, 1);
    assert_eq!(find(&api, reversal.id()).body["status"], "in_transit");
    days_pass(&api, 1);
    assert_eq!(find(&api, reversal.id()).body["status"], "paid");
    assert_eq!(find(&api, made.id()).body["status"], "paid");
    assert_eq!(dollars(&api), (1912, 0));
    payout(&api, "1912", &[]).ok();
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn what_cannot_be_reversed_is_refused_and_says_why() {
    let (api, made) = paid();
    let refused = |payout: &Answer, why: &str| {
        let answer = reverse(&api, payout, &[]);
        let message = answer.error(400)["message"].as_str().expect("a message").to_owned();
        assert!(message.contains(why), "{message}");
    };
    refused(&payout(&api, "100", &[]).ok(), "cancel it instead");
    let instant = payout(&api, "100", &[("method", "instant")]).ok();
    for _ in 0..2 {
        api.platform.advance(2);
        api.beat();
    }
    refused(&instant, "instant");
    let reversal = reverse(&api, &made, &[]).ok();
    refused(&made, "already been reversed");
    refused(&reversal, "a reversal itself");
    api.post("/v1/payouts/po_none/reverse", &[]).error(404);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_payout_of_long_ago_stays_where_it_is() {
    let (api, made) = paid();
    api.platform.advance(90 * DAY);
    reverse(&api, &made, &[]).error(400);
}

#[test]
fn a_reversal_that_the_bank_refuses_gives_nothing() {
    let (api, made) = paid();
    let reversal = reverse(&api, &made, &[]).ok();
    days_pass(&api, 2);
    assert_eq!(dollars(&api), (1912, 0));
    let context = flows::Context::unattended(&api.platform, api.merchant.scope());
    let code = domain::payout::FailureCode::DebitNotAuthorized;
    kit::run(flows::payouts::fail(&context, reversal.id(), code)).expect("it fails");
    let failed = find(&api, reversal.id());
    assert_eq!(failed.body["failure_code"], "debit_not_authorized");
    assert_eq!(dollars(&api), (912, 0));
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_payout_that_comes_back_stops_the_reversal_that_waits_for_it() {
    let (api, made) = paid();
    let reversal = reverse(&api, &made, &[]).ok();
    let context = flows::Context::unattended(&api.platform, api.merchant.scope());
    let code = domain::payout::FailureCode::AccountClosed;
    kit::run(flows::payouts::fail(&context, made.id(), code)).expect("it fails");
    assert_eq!(find(&api, reversal.id()).body["status"], "canceled");
    assert_eq!(dollars(&api), (1912, 0), "it comes back once");
    days_pass(&api, 3);
    assert_eq!(dollars(&api), (1912, 0));
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn two_reversals_at_once_take_a_payout_back_once() {
    for seed in 0..cases(16, 400) {
        let (api, made) = paid();
        let path = format!("/v1/payouts/{}/reverse", made.id());
        api.platform.yields(true);
        let racers: Vec<std::pin::Pin<Box<dyn Future<Output = Answer>>>> =
            vec![Box::pin(api.posting(&path, &[], None)), Box::pin(api.posting(&path, &[], None))];
        let mut told: Vec<_> =
            kit::interleave(seed, racers).iter().map(|answer| answer.status).collect();
        api.platform.yields(false);
        told.sort_unstable();
        assert_eq!(told, [200, 400], "seed {seed}");
        assert_eq!(dollars(&api), (912, 1000), "seed {seed}");
        invariants::check_settled(&api.platform);
    }
}
