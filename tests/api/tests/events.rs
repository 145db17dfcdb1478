//! Events and the account: what merchants can read again.

use api::{Answer, Api, Form, invariants};
use http::Method;
use kit::run;
use serde_json::json;

fn paid(api: &Api) -> Answer {
    let form = [
        ("amount", "100"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post_once("/v1/payment_intents", &form, "key").ok()
}

fn types(page: &Answer) -> Vec<String> {
    let data = page.body["data"].as_array().expect("a list");
    data.iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

#[test]
fn an_event_shows_the_object_as_it_was_and_the_request_that_caused_it() {
    let api = Api::new();
    let intent = paid(&api);
    let page = api.get("/v1/events?type=payment_intent.succeeded").ok();
    let event = &page.body["data"][0];
    assert_eq!(event["object"], "event");
    assert_eq!(event["api_version"], "2026-10-28.endive");
    assert_eq!(event["pending_webhooks"], 0);
    assert_eq!(event["livemode"], false);
    assert_eq!(event["data"], json!({"object": intent.body}));
    assert_eq!(
        event["request"],
        json!({"id": intent.header("request-id"), "idempotency_key": "key"})
    );
    let path = format!("/v1/events/{}", event["id"].as_str().expect("an id"));
    assert_eq!(api.get(&path).ok().body, *event);
    let missing = api.get("/v1/events/evt_none");
    assert_eq!(missing.error(404)["message"], "No such event: 'evt_none'");
    assert_eq!(missing.error(404)["param"], "id");
}

#[test]
fn what_nobody_asked_for_has_no_request() {
    let api = Api::new();
    let form =
        [("amount", "100"), ("currency", "usd"), ("source", "tok_visa"), ("capture", "false")];
    api.post("/v1/charges", &form).ok();
    api.platform.advance(8 * domain::timestamp::DAY);
    api.beat();
    let page = api.get("/v1/events?type=charge.expired").ok();
    assert_eq!(page.body["data"][0]["request"], json!({"id": null, "idempotency_key": null}));
}

#[test]
fn lists_are_narrowed_by_type() {
    let api = Api::new();
    let intent = paid(&api);
    api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    let list = |query: &str| types(&api.get(&format!("/v1/events{query}")).ok());
    let all = list("");
    assert_eq!(
        all,
        [
            "refund.created",
            "charge.refunded",
            "payment_intent.succeeded",
            "charge.succeeded",
            "payment_intent.created",
        ]
    );
    assert_eq!(list("?type=*"), all);
    assert_eq!(list("?type=charge.*"), ["charge.refunded", "charge.succeeded"]);
    assert_eq!(list("?type=*.created"), ["refund.created", "payment_intent.created"]);
    assert_eq!(list("?type=charge.succeeded"), ["charge.succeeded"]);
    assert_eq!(list("?type=invoice.*"), Vec::<String>::new());
    assert_eq!(
        list("?types[]=charge.succeeded&types[]=refund.created&types[]=refund.created"),
        ["refund.created", "charge.succeeded"]
    );
    assert_eq!(list("?delivery_success=true"), all);
    let many: String = (0..21).map(|number| format!("&types[]=a.b{number}")).collect();
    assert_eq!(api.get(&format!("/v1/events?limit=1{many}")).error(400)["param"], "types");
    let both = api.get("/v1/events?type=charge.*&types[]=charge.succeeded");
    assert_eq!(both.error(400)["code"], "parameters_exclusive");
    invariants::check_registered(&api.platform);
}

#[test]
fn pages_of_several_types_follow_one_another() {
    let api = Api::new();
    for number in 0..3 {
        let form: Form<'_> = &[("amount", "100"), ("currency", "usd"), ("source", "tok_visa")];
        let charge = api.post("/v1/charges", form).ok();
        // Some of them fall into one second.
        api.platform.advance(number % 2);
        api.post("/v1/refunds", &[("charge", charge.id())]).ok();
    }
    let all = api.get("/v1/events?type=charge.*").ok();
    assert_eq!(types(&all).len(), 6);
    let mut forward = Vec::new();
    let mut query = String::new();
    loop {
        let page = api.get(&format!("/v1/events?type=charge.*&limit=2{query}")).ok();
        forward.extend(page.body["data"].as_array().expect("a list").clone());
        if page.body["has_more"] == false {
            break;
        }
        query = format!("&starting_after={}", page.text_at("/data/1/id"));
    }
    assert_eq!(json!(forward), all.body["data"]);
    let oldest = all.text_at("/data/5/id");
    let back = api.get(&format!("/v1/events?type=charge.*&limit=2&ending_before={oldest}")).ok();
    assert_eq!(back.body["data"], json!([all.body["data"][3], all.body["data"][4]]));
    assert_eq!(back.body["has_more"], true);
}

#[test]
fn the_account_is_the_callers_own() {
    let api = Api::new();
    let account = api.get("/v1/account").ok();
    assert_eq!(account.body["object"], "account");
    assert_eq!(account.body["id"], api.merchant.account.as_str());
    assert_eq!(account.body["email"], "acme@example.com");
    let by_id = format!("/v1/accounts/{}", api.merchant.account);
    assert_eq!(api.get(&by_id).ok().body, account.body);
    let stranger = api.platform.merchant("stranger");
    let path = format!("/v1/accounts/{}", stranger.account);
    assert_eq!(api.get(&path).error(403)["code"], "account_invalid");
    let publishable = &api.merchant.publishable_key;
    let refused = run(api.send(Method::GET, "/v1/account", Vec::new(), publishable, None));
    assert_eq!(refused.error(403)["code"], "secret_key_required");
}
