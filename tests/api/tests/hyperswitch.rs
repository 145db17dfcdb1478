//! Payments through Hyperswitch, whose answers are read as it sends them: it knows no idempotency keys, but refuses
//! what has an id that is taken.

use api::processors::{self, MANUAL, PAY, Pairs, VISA, attempt, latest, lose, pass, path};
use api::{Api, invariants};
use domain::timestamp::{DAY, HOUR};
use http::Request;
use kit::{Fault, Hyperswitch};
use serde_json::{Value, json};

const KEY: &str = "key-1";
const SECRET: &str = "the_response_hash_key_of_the_profile";

/// A deployment whose merchant has an account at Hyperswitch.
fn connected() -> (Api, Hyperswitch) {
    let api = Api::watched();
    let processor = Hyperswitch::listening(&api.platform);
    let form = [("connector", "hyperswitch"), ("secret_key", "snd_verysecretindeed")];
    api.post("/v1/florin/connector_accounts", &form).ok();
    api.platform.advance(5);
    (api, processor)
}

/// The form of a payment by a card's number and its code.
fn card(number: &'static str, more: &[(&'static str, &'static str)]) -> Pairs {
    [processors::card(number, &[("payment_method_data[card][cvc]", "737")]), more.to_vec()].concat()
}

fn only(processor: &Hyperswitch) -> Value {
    let payments = processor.payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    payments[0].clone()
}

#[test]
fn a_payment_goes_to_the_sandbox_under_an_id_that_our_key_makes() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(processor.take_requests(), ["POST sandbox.hyperswitch.io/payments"]);
    let there = only(&processor);
    assert_eq!((&there["amount_received"], &there["currency"]), (&2000.into(), &"USD".into()));
    assert!(there["payment_id"].as_str().is_some_and(|id| id.starts_with("pay_att_")), "{there}");
    let refund = [("payment_intent", paid.id()), ("amount", "500")];
    assert_eq!(api.post("/v1/refunds", &refund).ok().body["status"], "succeeded");
    assert_eq!(processor.refunded(), 500);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_decline_that_comes_with_200_is_one() {
    let (api, processor) = connected();
    let declined = api.post(PAY, &card("4000000000009995", &[]));
    assert_eq!(declined.error(402)["decline_code"], "insufficient_funds");
    assert_eq!(only(&processor)["amount_received"], 0);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_lost_answer_is_found_by_the_id_and_nothing_is_done_twice() {
    let increments =
        ("payment_method_options[card][request_incremental_authorization]", "if_available");
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        for (verb, form, status, taken) in [
            ("", card(VISA, &[]), "succeeded", 2000),
            ("/capture", vec![], "succeeded", 2000),
            ("/capture", vec![("amount_to_capture", "700")], "partially_captured", 700),
            ("/increment_authorization", vec![("amount", "3000")], "requires_capture", 0),
            ("/cancel", vec![], "cancelled", 0),
        ] {
            let (api, processor) = connected();
            let target = match verb {
                "" => PAY.to_owned(),
                verb => path(&api.post(PAY, &card(VISA, &[MANUAL, increments])).ok()) + verb,
            };
            lose(&api, fault);
            api.post_once(&target, &form, KEY);
            pass(&api, 61, 1);
            // Of a payment with a code its client alone can ask again.
            if verb.is_empty() {
                api.post_once(&target, &form, KEY).ok();
            }
            let there = only(&processor);
            assert_eq!(there["status"], status, "{verb} {fault:?}");
            assert_eq!(there["amount_received"], taken, "{verb} {fault:?}");
            api.post_once(&target, &form, KEY).ok();
            assert_eq!(only(&processor), there, "{verb} {fault:?}");
            invariants::check_settled(&api.platform);
        }
    }
}

#[test]
fn a_refund_whose_answer_was_lost_goes_back_once() {
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        let (api, processor) = connected();
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        lose(&api, fault);
        api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
        pass(&api, 61, 1);
        assert_eq!(processor.refunded(), 500, "{fault:?}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_challenge_is_found_completed_or_given_up_and_voided() {
    for completes in [true, false] {
        let (api, processor) = connected();
        let back = [("return_url", "https://shop.test/done")];
        let open = api.post(PAY, &card("4000002760003184", &back)).ok();
        let url = open.text_at("/next_action/redirect_to_url/url");
        assert!(url.starts_with("https://sandbox.hyperswitch.io/payments/redirect/pay_"), "{url}");
        if completes {
            processor.complete();
        }
        pass(&api, 3 * DAY + 3 * HOUR, 150);
        let (status, there) = match completes {
            true => ("succeeded", "succeeded"),
            false => ("requires_payment_method", "cancelled"),
        };
        assert_eq!(latest(&api).body["status"], status);
        assert_eq!(only(&processor)["status"], there);
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_payment_that_hyperswitch_does_not_know_in_another_merchants_account_is_in_doubt() {
    let (api, processor) = connected();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).error(503);
    let accounts = "/v1/florin/connector_accounts";
    let account = format!("{accounts}/{}", api.get(accounts).ok().text_at("/data/0/id"));
    // Nothing was paid there that could tell whether it opens the same account.
    api.post(&account, &[("secret_key", "snd_anothersecret")]).ok();
    pass(&api, 30 * HOUR, 30);
    assert_eq!(latest(&api).body["status"], "processing");
    assert_eq!(only(&processor)["amount_received"], 2000);
    api.post(&account, &[("secret_key", "snd_verysecretindeed")]).ok();
    pass(&api, 2 * HOUR, 2);
    assert_eq!(latest(&api).body["status"], "succeeded");
    invariants::check_settled(&api.platform);
}

/// Has the profile's secret be known, and says where its webhooks go.
fn hearing(api: &Api) -> String {
    let account = api.get("/v1/florin/connector_accounts").ok();
    let id = account.text_at("/data/0/id").to_owned();
    api.post(&format!("/v1/florin/connector_accounts/{id}"), &[("webhook_secret", SECRET)]).ok();
    format!("https://florin.test/connectors/hyperswitch/webhooks/{id}")
}

/// Tells of the one payment as it is, and says how that was answered.
fn tell(api: &Api, processor: &Hyperswitch, hook: &str, event: &str, secret: &str) -> u16 {
    let content = json!({ "type": "payment_details", "object": only(processor) });
    let body = json!({ "event_id": event, "event_type": "payment_changed", "content": content });
    let body = body.to_string();
    let request = Request::builder()
        .method("POST")
        .uri(hook)
        .header("x-webhook-signature-512", Hyperswitch::sign(&body, secret))
        .body(body.into_bytes());
    kit::run(api.answer(&request.expect("a request"))).status
}

#[test]
fn a_webhook_tells_of_a_payment_whose_answer_was_lost() {
    let (api, processor) = connected();
    let hook = hearing(&api);
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).error(503);
    assert_eq!(latest(&api).body["status"], "processing");
    let tell = |secret| tell(&api, &processor, &hook, "evt_1", secret);
    assert_eq!(tell("another_hash_key_of_a_profile"), 400);
    assert_eq!((tell(SECRET), tell(SECRET)), (200, 200));
    assert_eq!(latest(&api).body["status"], "succeeded");
    invariants::check_settled(&api.platform);
}

#[test]
fn money_that_a_bank_sent_back_days_after_its_capture_was_kept_in_the_books_and_nobody_was_told() {
    for more in [&[][..], &[MANUAL]] {
        let (api, processor) = connected();
        let hook = hearing(&api);
        let paid = api.post(PAY, &card(VISA, more)).ok();
        if !more.is_empty() {
            api.post(&(path(&paid) + "/capture"), &[("amount_to_capture", "700")]).ok();
        }
        let events = || {
            let listed = api.get("/v1/florin/connector_webhooks").ok();
            listed.body["data"][0]["status"].clone()
        };
        tell(&api, &processor, &hook, "evt_1", SECRET);
        assert_eq!(events(), "ignored");
        pass(&api, 3 * DAY, 9);
        processor.send_back();
        tell(&api, &processor, &hook, "evt_2", SECRET);
        assert_eq!(events(), "parked");
        pass(&api, 2 * HOUR, 8);
        let told = api.platform.alerts();
        assert!(told.iter().any(|(told, _)| told == "connector_webhook_parked"), "{told:?}");
    }
}

#[test]
fn what_a_payment_is_for_was_not_told_to_hyperswitch() {
    let (api, processor) = connected();
    let said = [
        ("description", "Order 42"),
        ("statement_descriptor_suffix", "TEA 42"),
        ("shipping[name]", "Jo March"),
        ("shipping[address][line1]", "1 Main Street"),
        ("shipping[address][country]", "US"),
    ];
    api.post(PAY, &card(VISA, &said)).ok();
    let asked = processor.asked();
    assert_eq!(asked["description"], "Order 42");
    assert_eq!(asked["billing_descriptor"], json!({ "statement_descriptor_suffix": "TEA 42" }));
    let address = &asked["shipping"]["address"];
    assert_eq!((&address["first_name"], &address["last_name"]), (&"Jo".into(), &"March".into()));
    assert_eq!((&address["line1"], &address["country"]), (&"1 Main Street".into(), &"US".into()));
    api.post(PAY, &card(VISA, &[])).ok();
    let asked = processor.asked();
    let fields = ["description", "billing_descriptor", "shipping"];
    assert!(fields.iter().all(|name| asked.get(name).is_none()), "{asked}");
}

#[test]
fn a_card_without_its_code_was_sent_to_hyperswitch_and_refused_there() {
    let (api, processor) = connected();
    let refused = api.post(PAY, &processors::card(VISA, &[]));
    let told = refused.error(400)["message"].to_string();
    assert!(told.contains("Nothing was sent") && told.contains("cvc"), "{told}");
    assert_eq!(processor.take_requests(), [""; 0]);
    let intent = latest(&api);
    assert_eq!(intent.body["status"], "requires_confirmation");
    let again: Vec<_> = card(VISA, &[])
        .into_iter()
        .filter(|(name, _)| name.starts_with("payment_method_data"))
        .collect();
    api.post(&(path(&intent) + "/confirm"), &again).ok();
    assert_eq!(only(&processor)["amount_received"], 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_hold_that_hyperswitch_could_not_let_go_of_was_neither_taken_nor_released_and_nobody_was_told()
{
    let (api, processor) = connected();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    processor.keep_holds();
    let cancel = || api.post_once(&(path(&held) + "/cancel"), &[], "key-cancel");
    cancel().error(429);
    assert_eq!(latest(&api).body["status"], "requires_capture");
    // Whoever looked there says what became of it.
    let attempts = api.get("/v1/florin/payment_attempts").ok();
    assert_eq!(attempts.body["data"][0]["type"], "void", "{}", attempts.body);
    let resolve = format!("/v1/florin/payment_attempts/{}/resolve", attempts.text_at("/data/0/id"));
    api.post(&resolve, &[("outcome", "succeeded"), ("note", "Let go of by hand.")]).ok();
    assert_eq!(latest(&api).body["status"], "canceled");
    assert_eq!(
        cancel().ok().body["status"],
        "canceled",
        "the same request is told what it came to"
    );
    invariants::check_settled(&api.platform);
}

#[test]
fn a_payment_that_was_given_up_was_taken_for_undone_by_a_void_that_failed() {
    let (api, processor) = connected();
    processor.keep_holds();
    let error = ("error_on_requires_action", "true");
    api.post(PAY, &card("4000002760003184", &[error])).error(402);
    pass(&api, 3 * HOUR, 6);
    assert_eq!(only(&processor)["status"], "failed");
    assert_ne!(attempt(&api, "attention"), Value::Null);
}

#[test]
fn a_longer_description_than_hyperswitch_keeps_was_a_fault_there() {
    let (api, processor) = connected();
    let description: &'static str = "d".repeat(1000).leak();
    api.post(PAY, &card(VISA, &[("description", description)])).ok();
    assert_eq!(latest(&api).body["description"], description);
    assert_eq!(processor.asked()["description"], description[..255]);
}

#[test]
fn the_profile_of_an_account_was_told_in_a_header_alone() {
    let api = Api::watched();
    let processor = Hyperswitch::listening(&api.platform);
    let form = [
        ("connector", "hyperswitch"),
        ("secret_key", "snd_verysecretindeed"),
        ("processor_account", "pro_2"),
    ];
    api.post("/v1/florin/connector_accounts", &form).ok();
    api.platform.advance(5);
    api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(processor.asked()["profile_id"], "pro_2");
}
