//! Disputes: opened by test cards, answered in the words of Stripe's test mode, and never paid twice.

use api::{Answer, Api, Form, invariants};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

fn api() -> Api {
    Api::watched()
}

/// A payment of 100 dollars by a test card; its charge.
fn paid(api: &Api, card: &str) -> String {
    let form = [
        ("amount", "10000"),
        ("currency", "usd"),
        ("payment_method", card),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    let intent = api.post("/v1/payment_intents", &form).ok();
    intent.text_at("/latest_charge").to_owned()
}

/// Lets the simulator act.
fn pass(api: &Api, seconds: i64) {
    api.platform.advance(seconds);
    api.beat();
    invariants::check(&api.platform);
}

fn disputes_of(api: &Api, charge: &str) -> Vec<Value> {
    // Asking for those of one charge would open its dispute.
    let list = api.get("/v1/disputes?limit=100").ok();
    let mut disputes = list.body["data"].as_array().expect("a list").clone();
    disputes.retain(|dispute| dispute["charge"] == charge);
    disputes
}

/// The dispute of a charge, once it is opened.
fn dispute_of(api: &Api, charge: &str) -> String {
    let disputes = disputes_of(api, charge);
    assert_eq!(disputes.len(), 1, "{disputes:#?}");
    format!("/v1/disputes/{}", disputes[0]["id"].as_str().expect("an id"))
}

/// The path of the dispute of a new payment.
fn disputed(api: &Api, card: &str) -> (String, String) {
    let charge = paid(api, card);
    pass(api, 2);
    (dispute_of(api, &charge), charge)
}

fn status(api: &Api, path: &str) -> String {
    api.get(path).ok().text_at("/status").to_owned()
}

fn answer(api: &Api, path: &str, text: &str) -> Answer {
    api.post(path, &[("evidence[uncategorized_text]", text)])
}

/// Dispute events so far, without their common beginning.
fn told(api: &Api) -> Vec<String> {
    let types = api.event_types();
    types
        .iter()
        .filter_map(|name| name.strip_prefix("charge.dispute."))
        .map(str::to_owned)
        .collect()
}

fn pending(api: &Api) -> Value {
    api.get("/v1/balance").ok().body["pending"][0]["amount"].clone()
}

fn refund(api: &Api, charge: &str, more: Form<'_>) -> Answer {
    api.post("/v1/refunds", &[&[("charge", charge)], more].concat())
}

fn finish(api: &Api) {
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_chargeback_takes_the_money_at_once() {
    let api = api();
    let charge = paid(&api, "pm_card_createDispute");
    assert_eq!(disputes_of(&api, &charge), Vec::<Value>::new());
    assert_eq!(pending(&api), 9_680);
    pass(&api, 2);
    let dispute = api.get(&dispute_of(&api, &charge)).ok();
    assert!(dispute.id().starts_with("du_"));
    assert_eq!(dispute.body["amount"], 10_000);
    assert_eq!(dispute.body["charge"], charge.as_str());
    assert_eq!(dispute.body["status"], "needs_response");
    assert_eq!(dispute.body["reason"], "fraudulent");
    assert_eq!(dispute.body["is_charge_refundable"], false);
    assert_eq!(dispute.body["network_reason_code"], "10.4");
    assert_eq!(
        dispute.body["payment_method_details"],
        json!({"type": "card", "card": {"brand": "visa", "network": "visa",
            "case_type": "chargeback", "network_reason_code": "10.4"}})
    );
    let details = &dispute.body["evidence_details"];
    assert_eq!(details["has_evidence"], false);
    assert_eq!(details["submission_count"], 0);
    assert_eq!(details["due_by"].as_i64().map(|due_by| due_by % DAY), Some(DAY - 1));
    let moved = &dispute.body["balance_transactions"];
    assert_eq!(moved.as_array().map(Vec::len), Some(1));
    assert_eq!(moved[0]["amount"], -10_000);
    assert_eq!(moved[0]["fee"], 1_500);
    assert_eq!(moved[0]["fee_details"][0]["description"], "Dispute fee");
    assert_eq!(moved[0]["net"], -11_500);
    assert_eq!(moved[0]["type"], "adjustment");
    assert_eq!(moved[0]["reporting_category"], "dispute");
    assert_eq!(pending(&api), 9_680 - 11_500);
    let shown = api.get(&format!("/v1/charges/{charge}")).ok();
    assert_eq!(shown.body["disputed"], true);
    assert_eq!(told(&api), ["created", "funds_withdrawn"]);
    finish(&api);
}

#[test]
fn an_inquiry_asks_and_moves_no_money() {
    let api = api();
    let (path, _) = disputed(&api, "pm_card_createDisputeInquiry");
    let dispute = api.get(&path).ok();
    assert_eq!(dispute.body["status"], "warning_needs_response");
    assert_eq!(dispute.body["balance_transactions"], json!([]));
    assert_eq!(dispute.body["is_charge_refundable"], true);
    assert_eq!(dispute.body["payment_method_details"]["card"]["case_type"], "inquiry");
    assert_eq!(pending(&api), 9_680);
    assert_eq!(told(&api), ["created"]);
    finish(&api);
}

#[test]
fn a_merchant_that_wins_has_the_money_again_and_can_refund() {
    let api = api();
    let (path, charge) = disputed(&api, "pm_card_createDisputeProductNotReceived");
    assert_eq!(api.get(&path).ok().body["reason"], "product_not_received");
    let refused = refund(&api, &charge, &[("amount", "100")]);
    assert_eq!(refused.error(400)["code"], "charge_disputed");
    let sent = answer(&api, &path, "winning_evidence").ok();
    assert_eq!(sent.body["status"], "under_review");
    assert_eq!(sent.body["evidence"]["uncategorized_text"], "winning_evidence");
    assert_eq!(sent.body["evidence_details"]["submission_count"], 1);
    assert_eq!(sent.body["evidence_details"]["submission_method"], "manual");
    assert_eq!(refund(&api, &charge, &[]).error(400)["code"], "charge_disputed");
    pass(&api, 2);
    let won = api.get(&path).ok();
    assert_eq!(won.body["status"], "won");
    let moved = &won.body["balance_transactions"];
    assert_eq!(moved.as_array().map(Vec::len), Some(2));
    // The fee for receiving a dispute stays paid.
    assert_eq!((&moved[1]["amount"], &moved[1]["fee"]), (&json!(10_000), &json!(0)));
    assert_eq!(moved[1]["reporting_category"], "dispute_reversal");
    assert_eq!(pending(&api), 9_680 - 1_500);
    assert_eq!(
        told(&api),
        ["created", "funds_withdrawn", "updated", "updated", "funds_reinstated", "closed"]
    );
    let back = refund(&api, &charge, &[]).ok();
    assert_eq!(back.body["amount"], 10_000);
    finish(&api);
}

#[test]
fn a_merchant_that_loses_has_nothing_to_refund() {
    let api = api();
    let (path, charge) = disputed(&api, "pm_card_createDispute");
    api.post(&path, &[("evidence[product_description]", "losing_evidence")]).ok();
    pass(&api, 2);
    assert_eq!(status(&api, &path), "lost");
    assert_eq!(pending(&api), 9_680 - 11_500);
    assert_eq!(told(&api), ["created", "funds_withdrawn", "updated", "updated", "closed"]);
    assert_eq!(refund(&api, &charge, &[]).error(400)["code"], "charge_disputed");
    answer(&api, &path, "winning_evidence").error(400);
    finish(&api);
}

#[test]
fn an_inquiry_that_convinces_is_closed_and_one_that_does_not_is_a_chargeback() {
    for (text, end, events) in [
        ("winning_evidence", "warning_closed", vec!["created", "updated", "updated", "closed"]),
        (
            "escalate_inquiry_evidence",
            "needs_response",
            vec!["created", "updated", "updated", "funds_withdrawn"],
        ),
    ] {
        let api = api();
        let (path, _) = disputed(&api, "pm_card_createDisputeInquiry");
        let sent = answer(&api, &path, text).ok();
        assert_eq!(sent.body["status"], "warning_under_review");
        pass(&api, 2);
        assert_eq!(status(&api, &path), end);
        assert_eq!(told(&api), events);
        finish(&api);
    }
}

#[test]
fn a_chargeback_that_was_an_inquiry_takes_what_refunds_left_and_is_answered_anew() {
    let api = api();
    let (path, charge) = disputed(&api, "pm_card_createDisputeInquiry");
    refund(&api, &charge, &[("amount", "4000")]).ok();
    answer(&api, &path, "escalate_inquiry_evidence").ok();
    pass(&api, 2);
    let dispute = api.get(&path).ok();
    assert_eq!(dispute.body["status"], "needs_response");
    assert_eq!(dispute.body["amount"], 6_000);
    assert_eq!(dispute.body["balance_transactions"][0]["amount"], -6_000);
    assert_eq!(refund(&api, &charge, &[]).error(400)["code"], "charge_disputed");
    let sent = api.post(&path, &[("evidence[customer_name]", "winning_evidence")]).ok();
    assert_eq!(sent.body["evidence_details"]["submission_count"], 2);
    pass(&api, 2);
    assert_eq!(status(&api, &path), "won");
    assert_eq!(refund(&api, &charge, &[]).ok().body["amount"], 6_000);
    finish(&api);
}

#[test]
fn a_full_refund_resolves_an_inquiry() {
    let api = api();
    let (path, charge) = disputed(&api, "pm_card_createDisputeInquiry");
    refund(&api, &charge, &[("amount", "4000")]).ok();
    pass(&api, 2);
    assert_eq!(status(&api, &path), "warning_needs_response");
    refund(&api, &charge, &[]).ok();
    pass(&api, 0);
    assert_eq!(status(&api, &path), "warning_closed");
    assert_eq!(told(&api), ["created", "updated", "closed"]);
    finish(&api);
}

#[test]
fn a_dispute_asks_what_refunds_left_and_none_is_opened_for_nothing() {
    let api = api();
    let charge = paid(&api, "pm_card_createDispute");
    refund(&api, &charge, &[("amount", "4000")]).ok();
    pass(&api, 2);
    assert_eq!(api.get(&dispute_of(&api, &charge)).ok().body["amount"], 6_000);
    let charge = paid(&api, "pm_card_createDispute");
    refund(&api, &charge, &[]).ok();
    pass(&api, 2);
    assert_eq!(disputes_of(&api, &charge), Vec::<Value>::new());
    finish(&api);
}

#[test]
fn what_is_captured_later_is_disputed_then() {
    let api = api();
    let form = [
        ("amount", "10000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_createDispute"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
        ("capture_method", "manual"),
    ];
    let intent = api.post("/v1/payment_intents", &form).ok();
    let charge = intent.text_at("/latest_charge");
    pass(&api, 60);
    assert_eq!(disputes_of(&api, charge), Vec::<Value>::new());
    let capture = format!("/v1/payment_intents/{}/capture", intent.id());
    api.post(&capture, &[("amount_to_capture", "7000")]).ok();
    pass(&api, 2);
    assert_eq!(api.get(&dispute_of(&api, charge)).ok().body["amount"], 7_000);
    let form = [("amount", "500"), ("currency", "usd"), ("source", "tok_visa_createDispute")];
    let legacy = api.post("/v1/charges", &form).ok();
    pass(&api, 2);
    let dispute = api.get(&dispute_of(&api, legacy.id())).ok();
    assert_eq!(
        (&dispute.body["amount"], &dispute.body["payment_intent"]),
        (&json!(500), &json!(null))
    );
    finish(&api);
}

#[test]
fn evidence_is_staged_then_sent_and_taken_once() {
    let api = api();
    let (path, _) = disputed(&api, "pm_card_createDispute");
    let form = [
        ("evidence[customer_name]", "Jo"),
        ("evidence[receipt]", "file_1"),
        ("metadata[case]", "7"),
        ("submit", "false"),
    ];
    let staged = api.post(&path, &form).ok();
    assert_eq!(staged.body["status"], "needs_response");
    assert_eq!(staged.body["evidence_details"]["has_evidence"], true);
    assert_eq!(staged.body["evidence_details"]["submission_count"], 0);
    // The same again is no change.
    api.post(&path, &form).ok();
    let cleared = api.post(&path, &[("evidence[receipt]", ""), ("submit", "false")]).ok();
    assert_eq!(cleared.body["evidence"]["receipt"], Value::Null);
    assert_eq!(cleared.body["evidence"]["customer_name"], "Jo");
    // Metadata alone sends nothing.
    let noted = api.post(&path, &[("metadata[case]", "8")]).ok();
    assert_eq!(noted.body["status"], "needs_response");
    assert_eq!(api.post(&path, &[("submit", "true")]).ok().body["status"], "under_review");
    assert_eq!(told(&api)[2..], ["updated"; 4]);
    answer(&api, &path, "winning_evidence").error(400);
    api.post(&format!("{path}/close"), &[]).error(400);
    api.post(&path, &[("metadata[case]", "9")]).ok();
    // A bank that is told nothing that test mode knows decides in the end.
    pass(&api, 74 * DAY);
    assert_eq!(status(&api, &path), "under_review");
    pass(&api, 2 * DAY);
    assert_eq!(status(&api, &path), "lost");
    finish(&api);
}

#[test]
fn a_chargeback_that_nobody_answers_is_lost_and_an_inquiry_ends() {
    let api = api();
    let (chargeback, _) = disputed(&api, "pm_card_createDispute");
    let (inquiry, _) = disputed(&api, "pm_card_createDisputeInquiry");
    let due_by = api.get(&chargeback).ok().body["evidence_details"]["due_by"].as_i64();
    let now = flows::Platform::now(&api.platform).seconds();
    api.platform.advance(due_by.expect("a date") - now + 1);
    // The books lag behind the clock until the heartbeat comes.
    answer(&api, &chargeback, "winning_evidence").error(400);
    pass(&api, 0);
    assert_eq!(status(&api, &chargeback), "lost");
    assert_eq!(status(&api, &inquiry), "warning_needs_response");
    pass(&api, 120 * DAY);
    assert_eq!(status(&api, &inquiry), "warning_closed");
    finish(&api);
}

#[test]
fn a_merchant_accepts_a_dispute() {
    for (card, end) in
        [("pm_card_createDispute", "lost"), ("pm_card_createDisputeInquiry", "warning_closed")]
    {
        let api = api();
        let (path, _) = disputed(&api, card);
        let closed = api.post(&format!("{path}/close"), &[]).ok();
        assert_eq!(closed.body["status"], end);
        api.post(&format!("{path}/close"), &[]).error(400);
        answer(&api, &path, "winning_evidence").error(400);
        assert_eq!(told(&api).last().map(String::as_str), Some("closed"));
        finish(&api);
    }
}

#[test]
fn disputes_are_listed_and_expanded() {
    let api = api();
    let (path, charge) = disputed(&api, "pm_card_createDispute");
    disputed(&api, "pm_card_createDispute");
    let dispute = api
        .get(&format!(
            "{path}?expand[]=charge&expand[]=payment_intent&expand[]=balance_transactions.source"
        ))
        .ok();
    assert_eq!(dispute.body["charge"]["id"], charge.as_str());
    assert_eq!(dispute.body["payment_intent"]["latest_charge"], charge.as_str());
    assert_eq!(dispute.body["balance_transactions"][0]["source"]["object"], "dispute");
    let intent = dispute.text_at("/payment_intent/id");
    let id = dispute.id();
    let count = |query: &str| {
        let list = api.get(&format!("/v1/disputes?{query}")).ok();
        list.body["data"].as_array().map(Vec::len).expect("a list")
    };
    assert_eq!(count(""), 2);
    assert_eq!(count("limit=1"), 1);
    assert_eq!(count(&format!("payment_intent={intent}")), 1);
    assert_eq!(count(&format!("charge={charge}&payment_intent={intent}")), 1);
    assert_eq!(count(&format!("ending_before={id}")), 1);
    assert_eq!(count("created[lt]=5"), 0);
    let moved =
        api.get(&format!("/v1/balance_transactions?source={id}&expand[]=data.source.charge")).ok();
    assert_eq!(moved.body["data"][0]["source"]["charge"]["id"], charge.as_str());
}

#[test]
fn what_is_wrong_is_told_and_changes_nothing() {
    let api = api();
    let (path, _) = disputed(&api, "pm_card_createDispute");
    let before = api.get(&path).ok().text;
    let long = "x".repeat(20_001);
    let cases: [(Form<'_>, &str); 6] = [
        (&[("evidence[uncategorized_text]", &long)], "evidence[uncategorized_text]"),
        (&[("evidence[customer_name]", &long[..5_001])], "evidence[customer_name]"),
        (&[("evidence[receipt]", "ch_1")], "evidence[receipt]"),
        (&[("evidence[unheard_of]", "1")], "evidence[unheard_of]"),
        (&[("submit", "perhaps")], "submit"),
        (&[("submit", "true")], "evidence"),
    ];
    for (form, param) in cases {
        assert_eq!(api.post(&path, form).error(400)["param"], param, "{param}");
    }
    assert_eq!(api.get(&path).ok().text, before);
    api.post(&path, &[("evidence[uncategorized_text]", &long[..20_000])]).ok();
    for missing in ["/v1/disputes/du_1", "/v1/disputes/ch_1"] {
        assert_eq!(api.get(missing).error(404)["code"], "resource_missing");
        answer(&api, missing, "winning_evidence").error(404);
        api.post(&format!("{missing}/close"), &[]).error(404);
    }
}

#[test]
fn who_asks_for_the_dispute_of_a_payment_at_once_gets_it() {
    let api = api();
    let first = paid(&api, "pm_card_createDispute");
    let second = paid(&api, "pm_card_createDisputeInquiry");
    let intent =
        api.get(&format!("/v1/charges/{second}")).ok().text_at("/payment_intent").to_owned();
    let clean = paid(&api, "pm_card_visa");
    for (query, charge) in [("charge", &first), ("payment_intent", &intent)] {
        let path = format!("/v1/disputes?{query}={charge}");
        let listed = api.get(&path).ok();
        assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1), "{query}");
        assert_eq!(api.get(&path).ok().body, listed.body, "{query}");
    }
    let listed = api.get(&format!("/v1/disputes?charge={clean}")).ok();
    assert_eq!(listed.body["data"], json!([]));
    pass(&api, 2);
    assert_eq!(disputes_of(&api, &first).len(), 1, "it is opened once");
    finish(&api);
}

#[test]
fn a_dispute_is_found_answered_and_accepted_by_its_charge() {
    let api = api();
    let (path, charge) = disputed(&api, "pm_card_createDispute");
    let legacy = format!("/v1/charges/{charge}/dispute");
    assert_eq!(api.get(&legacy).ok().body, api.get(&path).ok().body);
    let staged = [("evidence[uncategorized_text]", "Tea was drunk"), ("submit", "false")];
    let updated = api.post(&legacy, &staged).ok();
    assert_eq!(updated.body["evidence"]["uncategorized_text"], "Tea was drunk");
    assert_eq!(api.post(&format!("{legacy}/close"), &[]).ok().body["status"], "lost");
    let clean = paid(&api, "pm_card_visa");
    for charge in [clean.as_str(), "ch_none", "po_1"] {
        let refused = api.get(&format!("/v1/charges/{charge}/dispute"));
        assert_eq!(refused.error(404)["message"], format!("No such dispute: '{charge}'"));
    }
    api.post(&format!("/v1/charges/{clean}/dispute/close"), &[]).error(404);
    finish(&api);
}

#[test]
fn a_charge_that_was_given_back_after_its_dispute_was_won_is_not_refundable() {
    let api = api();
    let (path, charge) = disputed(&api, "pm_card_createDispute");
    answer(&api, &path, "winning_evidence").ok();
    pass(&api, 2);
    let is_refundable = |path: &str| api.get(path).ok().body["is_charge_refundable"].clone();
    assert_eq!(is_refundable(&path), true);
    api.post("/v1/refunds", &[("charge", &charge), ("amount", "4000")]).ok();
    assert_eq!(is_refundable(&path), true);
    api.post("/v1/refunds", &[("charge", &charge)]).ok();
    assert_eq!(is_refundable(&path), false);
    assert_eq!(disputes_of(&api, &charge)[0]["is_charge_refundable"], false);
    finish(&api);
}
