//! Failover between Stripe and Hyperswitch: what one of them takes and the other does not, and what Hyperswitch tells of
//! the processors behind it.

use std::cell::Cell;
use std::rc::Rc;

use api::processors::{PAY, VISA, absent, card, latest, pass};
use api::{Api, invariants};
use domain::timestamp::HOUR;
use flows::platform::Answered;
use kit::{Hyperswitch, Processor};
use serde_json::{Value, json};

const CVC: (&str, &str) = ("payment_method_data[card][cvc]", "737");
const RETRY_DECLINES: (&str, &str) = ("retry_declines", "true");

fn settled(api: &Api) {
    invariants::check(&api.platform);
    invariants::check_settled(&api.platform);
}

/// A merchant who pays at Hyperswitch first, which answers that the processor behind it did not, and then at Stripe.
fn behind_hyperswitch(details: &Value) -> (Api, Processor) {
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    let (listener, details) = (processor.clone(), details.clone());
    api.platform.outside().process(move |request| {
        if request.uri().host() != Some("sandbox.hyperswitch.io") {
            return Ok(listener.answer(request));
        }
        let asked: Value = serde_json::from_str(request.body()).expect("JSON");
        let failed = json!({
            "payment_id": asked["payment_id"], "status": "failed", "amount": asked["amount"],
            "currency": asked["currency"], "metadata": asked["metadata"],
            "error_code": "No error code", "error_details": { "unified_details": details },
        });
        Ok(Answered { status: 200, body: failed.to_string(), ..Answered::default() })
    });
    pays_at(&api, &["hyperswitch", "stripe"], RETRY_DECLINES);
    (api, processor)
}

/// Has payments go to accounts of these connectors, in this order.
fn pays_at(api: &Api, connectors: &[&str], more: (&str, &str)) {
    let ids: Vec<_> = connectors
        .iter()
        .map(|connector| {
            let secret = if *connector == "stripe" { "sk_test_51example" } else { "snd_example" };
            let form = [("connector", *connector), ("secret_key", secret)];
            api.post("/v1/florin/connector_accounts", &form).ok().id().to_owned()
        })
        .collect();
    api.platform.advance(5);
    let names: Vec<_> = (0..ids.len()).map(|place| format!("default[priority][{place}]")).collect();
    let named = names.iter().zip(&ids).map(|(name, id)| (name.as_str(), id.as_str()));
    let form: Vec<_> = named.chain([more]).collect();
    api.post("/v1/florin/routing", &form).ok();
}

/// A merchant whose first processor, Stripe, is busy at first, and whose second is Hyperswitch, with the requests
/// that came to that one.
fn busy_before_hyperswitch(more: (&str, &str)) -> (Api, Processor, Rc<Cell<(bool, i64)>>) {
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    let seen = Rc::new(Cell::new((true, 0)));
    let (listener, known) = (processor.clone(), Rc::clone(&seen));
    api.platform.outside().process(move |request| {
        let (is_busy, others) = known.get();
        if request.uri().host() == Some("sandbox.hyperswitch.io") {
            known.set((is_busy, others + 1));
        }
        if is_busy {
            let error = json!({ "error": { "type": "api_error", "code": "not_now" } });
            return Ok(Answered { status: 429, body: error.to_string(), ..Answered::default() });
        }
        Ok(listener.answer(request))
    });
    pays_at(&api, &["stripe", "hyperswitch"], more);
    (api, processor, seen)
}

#[test]
fn a_card_without_its_code_was_refused_for_good_where_its_processor_was_only_busy() {
    let mut in_shillings = card(VISA, &[CVC]);
    (in_shillings[0].1, in_shillings[1].1) = ("500000", "ugx");
    for (form, answered) in [(card(VISA, &[]), 200), (in_shillings, 503)] {
        let (api, processor, seen) = busy_before_hyperswitch(("max_attempts", "3"));
        let open = api.post_once(PAY, &form, "key-1");
        assert_eq!(open.status, answered, "{:#}", open.body);
        assert_eq!(seen.get().1, 0, "it takes no such payment");
        seen.set((false, 0));
        // Whoever sent a security code alone can send it again.
        api.post_once(PAY, &form, "key-1");
        pass(&api, HOUR, 60);
        assert_eq!(latest(&api).body["status"], "succeeded");
        assert_eq!(processor.payments().len(), 1);
        settled(&api);
    }
}

#[test]
fn what_was_never_sent_used_up_the_only_try() {
    let (api, processor) = behind_hyperswitch(&json!({}));
    let now = api.get("/v1/florin/routing").ok();
    let accounts = &now.body["default"]["priority"];
    let form = [
        ("default[priority][0]", accounts[0].as_str().expect("an account")),
        ("default[priority][1]", accounts[1].as_str().expect("an account")),
        ("max_attempts", "1"),
    ];
    api.post("/v1/florin/routing", &form).ok();
    api.platform.advance(6);
    assert_eq!(api.post(PAY, &card(VISA, &[])).ok().body["status"], "succeeded");
    assert_eq!(processor.payments().len(), 1);
    settled(&api);
}

#[test]
fn what_hyperswitch_advises_against_or_cannot_tell_was_tried_elsewhere() {
    for (code, action, passes) in [
        ("do_not_honor", json!("retry_later"), true),
        ("do_not_honor", Value::Null, true),
        ("do_not_honor", json!("do_not_retry"), false),
        ("do_not_honor", json!("stop_recurring"), false),
        ("do_not_honor", json!("retry_with_different_payment_method_data"), false),
        ("do_not_honor", json!("retry_after_1_hour"), false),
        ("transaction_timed_out", Value::Null, false),
        ("psp_acquirer_error", json!("retry_later"), false),
        ("downstream_technical_issue", json!("retry_later"), false),
        ("generic_unknown_error", Value::Null, false),
    ] {
        let details = json!({ "standardised_code": code, "recommended_action": action });
        let (api, processor) = behind_hyperswitch(&details);
        let answer = api.post(PAY, &card(VISA, &[CVC]));
        let what = format!("{code} {action}");
        assert_eq!(answer.status, if passes { 200 } else { 402 }, "{what}");
        assert_eq!(processor.payments().len(), usize::from(passes), "{what}");
        let sql = "SELECT resolution FROM attempts WHERE connector = 'hyperswitch'";
        let rows = api.platform.database().query(sql, vec![]);
        let kept = rows[0].0["resolution"].as_str().expect("JSON").to_owned();
        let kept: Value = serde_json::from_str(&kept).expect("JSON");
        assert_eq!(kept["refusal"]["code"], "No error code", "{kept:#}");
        assert_eq!(kept["refusal"]["advice_code"], action, "{kept:#}");
        settled(&api);
    }
}

#[test]
fn a_card_without_its_code_is_paid_with_where_none_is_wanted() {
    let (api, processor) = behind_hyperswitch(&json!({}));
    api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(processor.payments().len(), 1);
    settled(&api);
}

#[test]
fn a_card_that_hyperswitch_knows_no_more_was_taken_for_never_sent() {
    let api = Api::watched();
    let hyperswitch = Hyperswitch::listening(&api.platform);
    pays_at(&api, &["hyperswitch"], ("max_attempts", "1"));
    let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let kept = [CVC, ("setup_future_usage", "off_session"), ("customer", &customer)];
    let mut form: Vec<(&str, &str)> = card(VISA, &[]);
    form.extend(kept);
    let method = api.post(PAY, &form).ok().text_at("/payment_method").to_owned();
    let forget = "UPDATE payment_methods SET details = json_remove(details, '$.remembered[0].network_transaction')";
    api.platform.database().query(forget, vec![]);
    drop(hyperswitch);
    let asked = Rc::new(Cell::new(0));
    let seen = Rc::clone(&asked);
    api.platform.outside().process(move |_| {
        seen.set(seen.get() + 1);
        let error =
            json!({ "type": "invalid_request", "code": "IR_11", "message": "It was redacted." });
        let body = json!({ "error": error }).to_string();
        Ok(Answered { status: 400, body, ..Answered::default() })
    });
    let answer = api.post(PAY, &absent(&customer, &method));
    let message = answer.error(400)["message"].as_str().expect("a message").to_owned();
    assert!(!message.contains("Nothing was sent"), "{message}");
    assert_eq!(asked.get(), 1, "by its token, and not by its number without a code");
}
