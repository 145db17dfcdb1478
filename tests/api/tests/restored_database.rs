//! A database that is restored to an earlier moment, while idempotency objects and the processor keep what they have.

use api::hearing::{deliver_all, hearing, kept};
use api::invariants;
use api::processors::{MANUAL, PAY, VISA, card, connected, only, path};
use domain::idempotency::LEASE;
use domain::timestamp::DAY;
use kit::Fault;

#[test]
fn scenario_32_a_database_that_is_restored_pays_nothing_twice_under_the_keys_that_were_used() {
    let (api, processor, hook) = hearing();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    deliver_all(&api, &processor, &hook);
    let database = api.platform.database();
    database.query("SAVEPOINT moment", vec![]);
    let form = card(VISA, &[]);
    let paid = api.post_once(PAY, &form, "paid").ok();
    let captured = api.post_once(&(path(&held) + "/capture"), &[], "captured").ok();
    // Of this one the processor knows, and the record only that it began.
    api.platform.complete_hop().fail(1, Fault::BeforeEffect);
    api.post_once(PAY, &form, "open").error(503);
    assert_eq!(processor.payments().len(), 3);
    database.query("ROLLBACK TO moment", vec![]);

    api.get(&path(&paid)).error(404);
    assert_eq!(api.post_once(PAY, &form, "paid").text, paid.text, "it is answered as before");
    let again = api.post_once(&(path(&held) + "/capture"), &[], "captured");
    assert_eq!(again.text, captured.text);
    api.platform.advance(LEASE);
    let open = api.post_once(PAY, &form, "open").ok();
    assert_eq!(open.body["status"], "succeeded");
    let payments = processor.payments();
    assert_eq!(payments.len(), 3, "what began under a key is the same payment: {payments:?}");
    assert!(payments.iter().all(|paid| paid.taken == 2_000), "{payments:?}");

    // What the processor tells of what is not here, or not as it says, waits for a person.
    deliver_all(&api, &processor, &hook);
    let parked = api.get("/v1/florin/connector_webhooks?status=parked").ok();
    let references: Vec<_> = parked.body["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|notice| notice["processor_reference"].as_str().expect("a reference"))
        .collect();
    let expected = [&payments[1], &payments[0]].map(|paid| paid.id.as_str());
    assert!(expected.iter().all(|id| references.contains(id)), "{references:?}");
    assert!(!references.contains(&payments[2].id.as_str()), "{references:?}: {:?}", kept(&api));
    // A capture that is asked for anew finds that it was made, and takes nothing more.
    api.post(&(path(&held) + "/capture"), &[]).ok();
    assert_eq!(api.get(&path(&held)).ok().body["status"], "succeeded");
    assert_eq!(processor.payments(), payments);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_of_after_the_moment_that_was_restored_was_made_once_more_a_day_later() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    let database = api.platform.database();
    database.query("SAVEPOINT moment", vec![]);
    let form = [("payment_intent", paid.id()), ("amount", "500")];
    api.platform.complete_hop().fail(1, Fault::BeforeEffect);
    api.post_once("/v1/refunds", &form, "back").error(503);
    assert_eq!(only(&processor).refunded, 500);
    database.query("ROLLBACK TO moment", vec![]);

    processor.forget_keys();
    api.platform.advance(DAY);
    let again = api.post_once("/v1/refunds", &form, "back").ok();
    assert_eq!(again.body["status"], "succeeded");
    assert_eq!(only(&processor).refunded, 500);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_refund_that_was_told_of_after_the_restore_was_booked_twice_when_it_came_again() {
    for status in ["succeeded", "pending"] {
        let (api, processor, hook) = hearing();
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        deliver_all(&api, &processor, &hook);
        processor.refunds_become(status);
        let database = api.platform.database();
        database.query("SAVEPOINT moment", vec![]);
        let form = [("payment_intent", paid.id()), ("amount", "500")];
        api.platform.complete_hop().fail(1, Fault::BeforeEffect);
        api.post_once("/v1/refunds", &form, "back").error(503);
        database.query("ROLLBACK TO moment", vec![]);

        deliver_all(&api, &processor, &hook);
        let booked = api.get("/v1/refunds").ok();
        assert_eq!(booked.text_at("/data/0/status"), status);
        api.platform.advance(LEASE);
        let again = api.post_once("/v1/refunds", &form, "back").ok();
        assert_eq!(again.body, booked.body["data"][0], "it is the same refund");
        assert_eq!(only(&processor).refunded, 500);
        processor.refunds_become("succeeded");
        deliver_all(&api, &processor, &hook);
        let refunds = api.get("/v1/refunds").ok();
        assert_eq!(refunds.body["data"].as_array().map(Vec::len), Some(1), "{:#}", refunds.body);
        assert_eq!(refunds.text_at("/data/0/status"), "succeeded");
        assert_eq!(api.get("/v1/charges").ok().body["data"][0]["amount_refunded"], 500);
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn refunds_began_while_nothing_else_did_and_the_database_was_restored() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    let form = [("payment_intent", paid.id()), ("amount", "500")];
    api.platform.outside().processor_hop.fail(1, Fault::AfterEffect);
    let open = api.post_once("/v1/refunds", &form, "open");
    api.platform.database().close(true);
    let refused = api.post_once("/v1/refunds", &form, "back");
    assert_eq!(refused.header("stripe-should-retry"), Some("true"), "{:#}", refused.body);
    refused.error(503);
    let charge = api.get("/v1/charges").ok().id_of_first();
    api.post(&format!("/v1/charges/{charge}/refunds"), &[]).error(503);
    // What has begun goes on to its end.
    api.platform.advance(61);
    api.beat();
    assert_eq!(only(&processor).refunded, 500);
    assert_eq!(api.get(&format!("/v1/refunds/{}", open.id())).ok().body["status"], "succeeded");
    api.platform.database().close(false);
    api.platform.advance(LEASE);
    api.post_once("/v1/refunds", &form, "back").ok();
    assert_eq!(only(&processor).refunded, 1000);
    invariants::check_settled(&api.platform);
}
