//! Races for a merchant's money: a request and what happens by itself run together under a seeded
//! scheduler. Whoever is first, no cent moves twice, and the other is told so.

use std::future::Future;
use std::pin::Pin;

use api::{Answer, Api, Form, cases, invariants};

fn seeds() -> std::ops::Range<u64> {
    0..cases(20, 400)
}

/// A merchant whose money is available at once.
fn api() -> Api {
    let api = Api::watched();
    api.platform.set_settings(&api.merchant, r#"{"available_after_days": 0}"#);
    api
}

/// A charge of 100 dollars; of the fees, nothing is left to wonder about.
fn charged(api: &Api, card: &str) -> String {
    let source = format!("tok_{card}");
    let form = [("amount", "10000"), ("currency", "usd"), ("source", source.as_str())];
    api.post("/v1/charges", &form).ok().id().to_owned()
}

/// A request together with the heartbeat. The answer is a success, or an error that a client can act on.
fn race(api: &Api, seed: u64, path: &str, form: Form<'_>) -> Answer {
    type Racer<'f> = Pin<Box<dyn Future<Output = Option<Answer>> + 'f>>;
    api.platform.yields(true);
    let request: Racer<'_> = Box::pin(async { Some(api.posting(path, form, None).await) });
    let heartbeat: Racer<'_> = Box::pin(async {
        api::beat(&api.platform).await;
        None
    });
    let answers = kit::interleave(seed, vec![request, heartbeat]);
    api.platform.yields(false);
    invariants::check(&api.platform);
    let answer = answers.into_iter().flatten().next().expect("an answer");
    assert!(matches!(answer.status, 200 | 400 | 429), "seed {seed}: {:#}", answer.body);
    answer
}

fn finish(api: &Api) {
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

fn available(api: &Api) -> i64 {
    api.get("/v1/balance").ok().body["available"][0]["amount"].as_i64().expect("an amount")
}

/// How often the request was done, and how often it was refused: both orders were seen.
#[derive(Default)]
struct Orders {
    done: u32,
    refused: u32,
}

impl Orders {
    fn count(&mut self, answer: &Answer) -> bool {
        let is_done = answer.status == 200;
        if is_done {
            self.done += 1;
        } else {
            self.refused += 1;
        }
        is_done
    }

    fn assert_both(&self) {
        assert!(self.done > 0 && self.refused > 0, "{} and {}", self.done, self.refused);
    }
}

#[test]
fn a_payout_against_a_chargeback_leaves_before_it_or_not_at_all() {
    let mut orders = Orders::default();
    for seed in seeds() {
        let api = api();
        charged(&api, "visa_createDispute");
        let all = available(&api);
        api.platform.advance(2);
        let form = [("amount", all.to_string()), ("currency", "usd".to_owned())];
        let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = race(&api, seed, "/v1/payouts", &form);
        // The chargeback takes 100 dollars and its fee of 15, whether or not they are there.
        if orders.count(&answer) {
            assert_eq!(available(&api), -11_500, "seed {seed}");
        } else {
            assert_eq!(answer.text_at("/error/code"), "balance_insufficient", "seed {seed}");
            assert_eq!(available(&api), all - 11_500, "seed {seed}");
        }
        finish(&api);
    }
    orders.assert_both();
}

#[test]
fn a_payout_is_stopped_or_leaves_and_never_both() {
    let mut orders = Orders::default();
    for seed in seeds() {
        let api = api();
        charged(&api, "visa");
        let all = available(&api);
        let form = [("amount", "5000"), ("currency", "usd"), ("method", "instant")];
        let path = format!("/v1/payouts/{}", api.post("/v1/payouts", &form).ok().id());
        api.platform.advance(2);
        let answer = race(&api, seed, &format!("{path}/cancel"), &[]);
        let (status, left) = match orders.count(&answer) {
            true => ("canceled", all),
            false => ("paid", all - 5_000),
        };
        api.platform.advance(5);
        api.beat();
        assert_eq!((api.get(&path).ok().text_at("/status"), available(&api)), (status, left));
        finish(&api);
    }
    orders.assert_both();
}

#[test]
fn a_refund_that_comes_back_is_given_again_only_once_it_is_there() {
    let mut orders = Orders::default();
    for seed in seeds() {
        let api = api();
        let charge = charged(&api, "refundFail");
        let refund: Form<'_> = &[("charge", &charge), ("amount", "6000")];
        api.post("/v1/refunds", refund).ok();
        api.platform.advance(2);
        let answer = race(&api, seed, "/v1/refunds", refund);
        let given = if orders.count(&answer) { 6_000 } else { 0 };
        let charge = api.get(&format!("/v1/charges/{charge}")).ok();
        assert_eq!(charge.body["amount_refunded"], given, "seed {seed}");
        finish(&api);
    }
    orders.assert_both();
}

#[test]
fn what_a_dispute_gives_back_is_refunded_only_once_it_is_there() {
    let mut orders = Orders::default();
    for seed in seeds() {
        let api = api();
        let charge = charged(&api, "visa_createDispute");
        api.platform.advance(2);
        api.beat();
        let disputes = api.get(&format!("/v1/disputes?charge={charge}")).ok();
        let dispute = format!("/v1/disputes/{}", disputes.text_at("/data/0/id"));
        api.post(&dispute, &[("evidence[uncategorized_text]", "winning_evidence")]).ok();
        api.platform.advance(2);
        let answer = race(&api, seed, "/v1/refunds", &[("charge", &charge)]);
        if !orders.count(&answer) {
            assert_eq!(answer.text_at("/error/code"), "charge_disputed", "seed {seed}");
        }
        assert_eq!(api.get(&dispute).ok().text_at("/status"), "won", "seed {seed}");
        finish(&api);
    }
    orders.assert_both();
}
