//! Top-ups: the merchant's own bank adds money to the balance.

use api::funds::{days_pass, dollars, told_since};
use api::{Answer, Api, Form, invariants};
use serde_json::json;

fn topup(api: &Api, amount: &str, more: Form<'_>) -> Answer {
    api.post("/v1/topups", &[&[("amount", amount), ("currency", "usd")], more].concat())
}

fn find(api: &Api, topup: &Answer) -> Answer {
    api.get(&format!("/v1/topups/{}?expand[]=balance_transaction", topup.id())).ok()
}

#[test]
fn what_a_bank_adds_is_available_when_it_answers() {
    let api = Api::watched();
    let form = [("description", "Float"), ("metadata[order]", "1"), ("transfer_group", "g")];
    let made = topup(&api, "2000", &form).ok();
    assert_eq!(made.body["status"], "pending");
    assert_eq!(
        (&made.body["description"], &made.body["transfer_group"]),
        (&json!("Float"), &json!("g"))
    );
    assert_eq!(dollars(&api), (0, 0));
    days_pass(&api, 1);
    let succeeded = find(&api, &made);
    assert_eq!(succeeded.body["status"], "succeeded");
    assert_eq!(
        succeeded.body["expected_availability_date"],
        made.body["expected_availability_date"]
    );
    let seen = &succeeded.body["balance_transaction"];
    assert_eq!(
        (&seen["type"], &seen["net"], &seen["fee"]),
        (&json!("topup"), &json!(2000), &json!(0))
    );
    assert_eq!((&seen["source"], &seen["status"]), (&json!(made.id()), &json!("available")));
    assert_eq!(dollars(&api), (2000, 0));
    assert_eq!(api.event_types(), ["topup.created", "topup.succeeded", "balance.available"],);
    let payout = [("amount", "2000"), ("currency", "usd")];
    api.post("/v1/payouts", &payout).ok();
    days_pass(&api, 3);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_bank_that_refuses_says_why() {
    let tokens = [
        ("btok_us_verified_noAccount", "no_account"),
        ("btok_us_verified_accountClosed", "account_closed"),
        ("btok_us_verified_insufficientFunds", "insufficient_funds"),
        ("btok_us_verified_debitNotAuthorized", "debit_not_authorized"),
        ("btok_us_verified_invalidCurrency", "invalid_currency"),
    ];
    for (source, code) in tokens {
        let api = Api::watched();
        let made = topup(&api, "2000", &[("source", source)]).ok();
        days_pass(&api, 1);
        let failed = find(&api, &made);
        assert_eq!(
            (&failed.body["status"], &failed.body["failure_code"]),
            (&json!("failed"), &json!(code))
        );
        assert!(
            failed.body["failure_message"].is_string()
                && failed.body["balance_transaction"].is_null()
        );
        assert_eq!(dollars(&api), (0, 0));
        assert_eq!(api.event_types(), ["topup.created", "topup.failed"]);
        invariants::check_settled(&api.platform);
        invariants::check_quiet(&api.platform);
    }
}

#[test]
fn the_default_bank_account_is_asked_unless_said_otherwise() {
    let api = Api::watched();
    let banks = format!("/v1/accounts/{}/external_accounts", api.merchant.account);
    api.post(&banks, &[("external_account", "btok_us_verified_noAccount")]).ok();
    let refused = topup(&api, "2000", &[]).ok();
    let given = topup(&api, "2000", &[("source", "btok_us_verified")]).ok();
    days_pass(&api, 1);
    assert_eq!(find(&api, &refused).body["failure_code"], "no_account");
    assert_eq!(find(&api, &given).body["status"], "succeeded");
}

#[test]
fn only_a_pending_topup_is_canceled() {
    let api = Api::watched();
    let made = topup(&api, "2000", &[]).ok();
    let path = format!("/v1/topups/{}/cancel", made.id());
    assert_eq!(api.post(&path, &[]).ok().body["status"], "canceled");
    let message = api.post(&path, &[]).error(400)["message"].to_string();
    assert!(message.contains("status of canceled"), "{message}");
    days_pass(&api, 2);
    assert_eq!(dollars(&api), (0, 0));
    let second = topup(&api, "2000", &[]).ok();
    days_pass(&api, 1);
    api.post(&format!("/v1/topups/{}/cancel", second.id()), &[]).error(400);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn what_the_bank_takes_back_is_owed_where_it_is_gone() {
    let api = Api::watched();
    let made = topup(&api, "2000", &[]).ok();
    days_pass(&api, 1);
    api.post("/v1/payouts", &[("amount", "1500"), ("currency", "usd")]).ok();
    let before = api.event_types().len();
    let context = flows::Context::unattended(&api.platform, api.merchant.scope());
    let code = domain::payout::FailureCode::DebitNotAuthorized;
    for _ in 0..2 {
        kit::run(flows::topups::fail(&context, made.id(), code)).expect("it is reversed once");
    }
    assert_eq!(find(&api, &made).body["status"], "reversed");
    assert_eq!(told_since(&api, before), ["topup.reversed"]);
    assert_eq!(dollars(&api), (-1500, 0));
    let listed = api.get("/v1/balance_transactions?type=topup_reversal").ok();
    assert_eq!(listed.body["data"][0]["net"], -2000);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn topups_are_listed_and_updated() {
    let api = Api::watched();
    let first = topup(&api, "1000", &[]).ok();
    let second = topup(&api, "2000", &[]).ok();
    api.post(&format!("/v1/topups/{}/cancel", first.id()), &[]).ok();
    let ids = |query: &str| -> Vec<String> {
        let listed = api.get(&format!("/v1/topups{query}")).ok();
        let data = listed.body["data"].as_array().expect("a list");
        data.iter().map(|topup| topup["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(""), [second.id(), first.id()]);
    assert_eq!(ids("?status=canceled"), [first.id()]);
    assert_eq!(ids("?amount=2000"), [second.id()]);
    assert_eq!(ids("?amount[lte]=1500"), [first.id()]);
    assert_eq!(ids("?amount[gt]=1000&status=canceled"), Vec::<String>::new());
    assert_eq!(ids(&format!("?starting_after={}", second.id())), [first.id()]);
    let path = format!("/v1/topups/{}", first.id());
    let updated = api.post(&path, &[("description", "Tea"), ("metadata[a]", "1")]).ok();
    assert_eq!(
        (&updated.body["description"], &updated.body["metadata"]),
        (&json!("Tea"), &json!({"a": "1"}))
    );
    assert_eq!(api.post(&path, &[("description", "")]).ok().body["description"], json!(null));
    api.get("/v1/topups/tu_none").error(404);
    assert_eq!(topup(&api, "0", &[]).error(400)["param"], "amount");
    assert_eq!(topup(&api, "1", &[("source", "btok_none")]).error(400)["param"], "source");
    let long = [("statement_descriptor", "sixteen letters!")];
    assert_eq!(topup(&api, "1", &long).error(400)["param"], "statement_descriptor");
    let key = api.platform.key(&api.merchant, domain::api_key::Kind::Secret, true);
    let form = [("amount", "1"), ("currency", "usd")];
    let refused = kit::run(api.posting_as(&key, "/v1/topups", &form, None));
    assert_eq!(refused.error(400)["code"], "payouts_not_allowed");
    invariants::check_registered(&api.platform);
}

#[test]
fn an_amount_of_more_than_eight_digits_cannot_be_moved() {
    let api = Api::watched();
    let connected = api.post("/v1/accounts", &[]).ok();
    for amount in ["1000000000000000", "100000000", "9007199254740992"] {
        let form = [("amount", amount), ("currency", "eur"), ("destination", connected.id())];
        for (path, fields) in [("topups", 2), ("payouts", 2), ("transfers", 3)] {
            let refused = api.post(&format!("/v1/{path}"), &form[..fields]);
            let error = refused.error(400);
            assert_eq!(error["code"], "amount_too_large", "{path} {amount}");
            assert_eq!(error["message"], "Amount must be no more than €999,999.99");
        }
    }
    topup(&api, "99999999", &[]).ok();
    invariants::check_settled(&api.platform);
}
