//! Accounts at processors while payments are under way: another secret, another mode, disabled, deleted.

use api::processors::{
    MANUAL, PAY, VISA, attempt, card, connected, latest, lose, only, pass, path,
};
use api::{Api, invariants};
use domain::timestamp::HOUR;
use kit::{Fault, Processor};
use serde_json::Value;

const ACCOUNTS: &str = "/v1/florin/connector_accounts";

fn account_path(api: &Api) -> String {
    format!("{ACCOUNTS}/{}", api.get(ACCOUNTS).ok().text_at("/data/0/id"))
}

/// Gives the account another secret while its processor says nothing, so that nobody can tell what it opens.
fn roll_unseen(api: &Api, processor: &Processor, secret: &str) {
    processor.fail(Some(503));
    api.post(&account_path(api), &[("secret_key", secret)]).ok();
    processor.fail(None);
}

#[test]
fn a_payment_that_another_secret_does_not_find_is_neither_sent_again_nor_taken_for_lost() {
    for fault in [Fault::AfterEffect, Fault::BeforeEffect] {
        let (api, processor) = connected();
        lose(&api, fault);
        api.post(PAY, &card(VISA, &[])).ok();
        let there = processor.payments();
        roll_unseen(&api, &processor, "sk_test_52another");
        pass(&api, 50 * HOUR, 50);
        assert_eq!(processor.payments(), there, "{fault:?}: it was paid twice");
        assert_eq!(latest(&api).body["status"], "processing", "{fault:?}: nothing is guessed");
        roll_unseen(&api, &processor, "sk_test_51again");
        pass(&api, 30 * HOUR, 30);
        if !there.is_empty() {
            assert_eq!(latest(&api).body["status"], "succeeded");
            assert_eq!(only(&processor).taken, 2000);
        }
        invariants::check(&api.platform);
    }
}

#[test]
fn held_money_that_another_secret_does_not_find_was_not_refused() {
    let (api, processor) = connected();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    api.platform.advance(1);
    lose(&api, Fault::AfterEffect);
    api.post(&(path(&held) + "/capture"), &[]);
    roll_unseen(&api, &processor, "sk_test_52another");
    pass(&api, 50 * HOUR, 50);
    assert_eq!(
        attempt(&api, "state"),
        "started",
        "who does not know the payment tells nothing of it"
    );
    assert_eq!(only(&processor).taken, 2000);
    invariants::check(&api.platform);
}

#[test]
fn a_secret_that_opens_another_account_is_refused() {
    let (api, processor) = connected();
    api.post(PAY, &card(VISA, &[])).ok();
    let before = api.get(ACCOUNTS).ok().body;
    let refused = api.post(&account_path(&api), &[("secret_key", "sk_test_52another")]);
    assert_eq!(refused.error(400)["param"], "secret_key");
    assert_eq!(api.get(ACCOUNTS).ok().body, before);
    api.post(&account_path(&api), &[("secret_key", "sk_test_51rolled0002")]).ok();
    // It is proved to open the same account, so that nothing is in doubt.
    lose(&api, Fault::BeforeEffect);
    api.platform.advance(5);
    api.post(PAY, &card(VISA, &[])).ok();
    api.post(&account_path(&api), &[("secret_key", "sk_test_51rolled0003")]).ok();
    pass(&api, 61, 1);
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(processor.payments().len(), 2);
    invariants::check_settled(&api.platform);
}

#[test]
fn money_of_the_other_mode_is_left_to_a_person() {
    let (api, processor) = connected();
    processor.is_live(true);
    api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(latest(&api).body["status"], "processing");
    let why = attempt(&api, "attention");
    assert!(why.as_str().is_some_and(|why| why.contains("live mode")), "{why}");
}

#[test]
fn a_disabled_account_takes_no_payment_that_an_isolate_still_sends_there() {
    let (api, processor) = connected();
    api.get("/v1/balance").ok();
    // Another isolate's request: this one remembers the account for as long as it does.
    api.platform
        .database()
        .query("UPDATE connector_accounts SET status = 'disabled', version = version + 1", vec![]);
    let refused = api.post(PAY, &card(VISA, &[]));
    assert_eq!(refused.error(429)["code"], "lock_timeout");
    assert!(processor.payments().is_empty());
    // Whoever asks again is not told the same for as long as the isolate would have remembered it.
    assert_eq!(api.post(PAY, &card(VISA, &[])).ok().body["status"], "succeeded");
    assert!(processor.payments().is_empty(), "it went to the simulator");
}

#[test]
fn a_base_url_that_leads_to_a_private_address_by_now_is_sent_no_card() {
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    api.platform.outside().resolve("psp.test", &["93.184.216.34"]);
    let form = [
        ("connector", "stripe"),
        ("secret_key", "sk_test_51example"),
        ("base_url", "https://psp.test"),
    ];
    api.post(ACCOUNTS, &form).ok();
    api.platform.advance(5);
    api.platform.outside().development(false);
    assert_eq!(api.post(PAY, &card(VISA, &[])).ok().body["status"], "succeeded");
    api.platform.outside().resolve("psp.test", &["169.254.169.254"]);
    processor.take_requests();
    api.post(PAY, &card(VISA, &[]));
    assert_eq!(processor.take_requests(), Vec::<String>::new());
    assert_ne!(latest(&api).body["status"], Value::from("succeeded"));
}
