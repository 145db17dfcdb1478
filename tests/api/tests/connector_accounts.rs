//! Accounts at payment processors: made, shown without their secrets, changed, deleted.

use api::hearing::{account, deliver, deliver_all, disputed, hearing, now};
use api::processors::{MANUAL, PAY, VISA, attempt, card, connected, latest, lose, pass, path};
use api::{Answer, Api, invariants};
use domain::api_key::Kind;
use domain::timestamp::{DAY, HOUR};
use kit::Fault;
use serde_json::Value;

const PATH: &str = "/v1/florin/connector_accounts";
const SECRET: &str = "sk_test_51verysecretindeed";

fn connect(api: &Api, more: &[(&str, &str)]) -> Answer {
    let form = [&[("connector", "stripe"), ("secret_key", SECRET)], more].concat();
    api.post(PATH, &form)
}

#[test]
fn an_account_is_shown_and_kept_without_its_secret() {
    let api = Api::new();
    let made = connect(&api, &[("metadata[shop]", "north"), ("processor_account", "acct_1")]).ok();
    assert_eq!(made.body["object"], "florin.connector_account");
    assert_eq!(made.body["connector"], "stripe");
    assert_eq!(made.body["status"], "active");
    assert_eq!(made.body["secret_key_last4"], "deed");
    assert_eq!(made.body["processor_account"], "acct_1");
    assert_eq!(made.body["base_url"], Value::Null);
    assert_eq!(made.body["metadata"]["shop"], "north");
    let path = format!("{PATH}/{}", made.id());
    assert_eq!(api.get(&path).ok().body, made.body);
    let listed = api.get(PATH).ok();
    assert_eq!(listed.body["data"], serde_json::json!([made.body]));
    let kept = api.platform.database().query("SELECT * FROM connector_accounts", vec![]);
    for text in [made.text, listed.text, format!("{kept:?}")] {
        assert!(!text.contains(SECRET) && !text.contains("verysecret"), "{text}");
    }
}

#[test]
fn a_secret_is_rolled_and_sealed_anew() {
    let api = Api::new();
    let made = connect(&api, &[]).ok();
    let path = format!("{PATH}/{}", made.id());
    let sealed = || {
        let rows = api.platform.database().query("SELECT * FROM connector_accounts", vec![]);
        format!("{:?}", rows[0].0["sealed_credentials"])
    };
    let before = sealed();
    let rolled = api.post(&path, &[("secret_key", "sk_test_51anothersecret0001")]).ok();
    assert_eq!(rolled.body["secret_key_last4"], "0001");
    assert_ne!(sealed(), before);
    let moved = api.post(&path, &[("base_url", "https://elsewhere.test")]);
    assert_eq!(moved.error(400)["param"], "base_url", "an account stays where it is");
}

#[test]
fn an_account_is_deleted_once_no_payments_go_there() {
    let api = Api::new();
    let made = connect(&api, &[]).ok();
    let path = format!("{PATH}/{}", made.id());
    assert!(api.delete(&path).error(400)["message"].to_string().contains("Disable it"));
    assert_eq!(api.post(&path, &[("disabled", "true")]).ok().body["status"], "disabled");
    for _ in 0..2 {
        assert_eq!(api.delete(&path).ok().body["deleted"], true);
    }
    assert_eq!(api.get(&path).status, 404);
    assert_eq!(api.get(PATH).ok().body["data"], serde_json::json!([]));
    let rows = api.platform.database().query("SELECT * FROM connector_accounts", vec![]);
    assert_eq!(rows[0].0["sealed_credentials"], Value::Null, "nothing opens it any more");
}

/// Deletes the account, which is refused because of what is named.
#[track_caller]
fn is_kept_by(api: &Api, open: &str) {
    let refused = api.delete(&account(api));
    let message = refused.error(400)["message"].as_str().expect("a message").to_owned();
    assert!(message.contains(open), "{open}: {message}");
}

#[track_caller]
fn is_deleted(api: &Api) {
    assert_eq!(api.delete(&account(api)).ok().body["deleted"], true);
    invariants::check_settled(&api.platform);
}

/// No payments go there for as long as was once waited for.
fn disable(api: &Api) {
    api.post(&account(api), &[("disabled", "true")]).ok();
    pass(api, 11 * DAY, 11);
}

#[test]
fn an_account_was_deleted_while_money_was_held_there() {
    let (api, processor, _) = hearing();
    processor.hold_until(now(&api) + 30 * DAY);
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    disable(&api);
    is_kept_by(&api, latest(&api).text_at("/latest_charge"));
    api.post(&(path(&held) + "/capture"), &[]).ok();
    assert_eq!(processor.payments()[0].taken, 2000);
    is_deleted(&api);
}

#[test]
fn an_account_was_deleted_while_a_refund_was_on_its_way_or_a_dispute_open() {
    let (api, processor, hook) = hearing();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.refunds_become("pending");
    let refund = api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "5")]).ok();
    deliver(&api, &hook, &disputed("evt_a", "warning_needs_response"));
    disable(&api);
    let dispute = api.get("/v1/disputes").ok().id_of_first();
    is_kept_by(&api, &dispute);
    deliver(&api, &hook, &disputed("evt_b", "needs_response"));
    is_kept_by(&api, &dispute);
    deliver(&api, &hook, &disputed("evt_c", "lost"));
    is_kept_by(&api, refund.id());
    processor.refunds_become("succeeded");
    deliver_all(&api, &processor, &hook);
    is_deleted(&api);
}

#[test]
fn an_account_was_deleted_while_nobody_knew_what_became_of_a_payment() {
    let (api, processor) = connected();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    let open = attempt(&api, "id");
    let open = open.as_str().expect("an id");
    processor.fail(Some(500));
    api.post(&account(&api), &[("disabled", "true")]).ok();
    is_kept_by(&api, open);
    pass(&api, 11 * DAY, 11 * 24);
    is_kept_by(&api, open);
    let resolve = format!("/v1/florin/payment_attempts/{open}/resolve");
    api.post(&resolve, &[("note", "Lost."), ("outcome", "not_received")]).ok();
    is_kept_by(&api, open);
    processor.fail(None);
    pass(&api, DAY + HOUR, 25);
    assert_eq!(processor.payments()[0].refunded, 2000, "it is found by the second look");
    is_deleted(&api);
}

#[test]
fn an_account_was_deleted_before_a_page_that_was_voided_had_been_looked_at_once_more() {
    let (api, processor) = connected();
    let intent = api.post(PAY, &card("4000002760003184", &[])).ok();
    let open = attempt(&api, "id");
    let open = open.as_str().expect("an id");
    api.post(&account(&api), &[("disabled", "true")]).ok();
    is_kept_by(&api, open);
    api.post(&(path(&intent) + "/cancel"), &[]).ok();
    is_kept_by(&api, open);
    api.beat();
    assert_eq!(processor.payments()[0].status, "canceled");
    is_kept_by(&api, open);
    pass(&api, DAY, 24);
    is_deleted(&api);
}

#[test]
fn an_account_is_deleted_as_soon_as_a_person_says_that_all_is_done_there() {
    for is_looked_up in [true, false] {
        let (api, processor) = connected();
        let intent = api.post(PAY, &card("4000002760003184", &[])).ok();
        processor.refuse(Some(("/cancel", 400, "")));
        api.post(&(path(&intent) + "/cancel"), &[]).ok();
        api.post(&account(&api), &[("disabled", "true")]).ok();
        pass(&api, 4 * DAY, 96);
        if !is_looked_up {
            // As an earlier version left some.
            api.platform.database().query("DELETE FROM scheduled_tasks", vec![]);
        }
        let open = api.get("/v1/florin/payment_attempts").ok().id_of_first();
        is_kept_by(&api, &open);
        let resolve = format!("/v1/florin/payment_attempts/{open}/resolve");
        api.post(&resolve, &[("note", "By hand."), ("outcome", "handled")]).ok();
        assert_eq!(api.delete(&account(&api)).ok().body["deleted"], true);
    }
}

#[test]
fn what_is_open_elsewhere_keeps_no_account() {
    let (api, processor, hook) = hearing();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.refunds_become("pending");
    api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "5")]).ok();
    deliver(&api, &hook, &disputed("evt_a", "needs_response"));
    let other = connect(&api, &[("disabled", "true")]).ok();
    api.post(PAY, &card(VISA, &[MANUAL])).ok();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    let path = format!("{PATH}/{}", other.id());
    assert_eq!(api.delete(&path).ok().body["deleted"], true);
}

#[test]
fn what_opens_no_account_is_refused() {
    let api = Api::new();
    let refused = |form: &[(&str, &str)], param: &str| {
        let answer = api.post(PATH, form);
        assert_eq!(answer.error(400)["param"], param, "{form:?}");
        assert!(!answer.text.contains("live_51"), "{}", answer.text);
    };
    refused(&[("connector", "simulator"), ("secret_key", SECRET)], "connector");
    refused(&[("connector", "stripe"), ("secret_key", "sk_live_51verysecret")], "secret_key");
    refused(&[("connector", "stripe"), ("secret_key", "two words")], "secret_key");
    for url in ["ftp://a.test", "https://a.test/", "https://a.test?b", "https://u@a.test"] {
        let form = [("connector", "stripe"), ("secret_key", SECRET), ("base_url", url)];
        refused(&form, "base_url");
    }
    api.platform.outside().development(false);
    for url in ["https://10.0.0.1", "https://localhost:8080", "https://[::1]"] {
        let form = [("connector", "stripe"), ("secret_key", SECRET), ("base_url", url)];
        refused(&form, "base_url");
    }
    assert_eq!(api.get(PATH).ok().body["data"], serde_json::json!([]));
}

#[test]
fn live_mode_opens_accounts_with_live_secrets_over_tls_alone() {
    let api = Api::new();
    let live = api.platform.key(&api.merchant, Kind::Secret, true);
    let post = |form: &[(&str, &str)]| kit::run(api.posting_as(&live, PATH, form, None));
    let test = post(&[("connector", "stripe"), ("secret_key", SECRET)]);
    assert_eq!(test.error(400)["param"], "secret_key");
    let key = ("secret_key", "sk_live_51verysecretindeed");
    let plain = post(&[("connector", "stripe"), key, ("base_url", "http://a.test")]);
    assert_eq!(plain.error(400)["param"], "base_url");
    let made = post(&[("connector", "stripe"), key]).ok();
    assert_eq!(made.body["livemode"], true);
    assert_eq!(api.get(&format!("{PATH}/{}", made.id())).status, 404, "test mode sees none of it");
}

#[test]
fn there_are_no_more_accounts_than_may_be() {
    let api = Api::new();
    for _ in 0..16 {
        connect(&api, &[]).ok();
    }
    assert!(connect(&api, &[]).error(400)["message"].to_string().contains("maximum of 16"));
}

#[test]
fn a_repeated_request_connects_one_account() {
    let api = Api::new();
    let form = [("connector", "stripe"), ("secret_key", SECRET)];
    let first = api.post_once(PATH, &form, "key-1").ok();
    assert_eq!(api.post_once(PATH, &form, "key-1").ok().body, first.body);
    assert_eq!(api.get(PATH).ok().body["data"].as_array().map(Vec::len), Some(1));
}
