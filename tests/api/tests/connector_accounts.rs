//! Accounts at payment processors: made, shown without their secrets, changed, deleted.

use api::{Answer, Api};
use domain::api_key::Kind;
use domain::timestamp::DAY;
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
    api.platform.advance(11 * DAY);
    for _ in 0..2 {
        assert_eq!(api.delete(&path).ok().body["deleted"], true);
    }
    assert_eq!(api.get(&path).status, 404);
    assert_eq!(api.get(PATH).ok().body["data"], serde_json::json!([]));
    let rows = api.platform.database().query("SELECT * FROM connector_accounts", vec![]);
    assert_eq!(rows[0].0["sealed_credentials"], Value::Null, "nothing opens it any more");
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
