//! Money that turns up at a processor where nobody here expects it: a second payment under one key, what was given up
//! and happened all the same, and disputes that come back. It goes back, or a person is told; nothing is passed over.

use std::task::{Context, Waker};

use api::hearing::{at, deliver, deliver_all, delivering, dispute, disputed, hearing, kept, now};
use api::processors::{
    MANUAL, PAY, VISA, attempt, card, connected, latest, lose, only, pass, path,
};
use api::{Api, Form, invariants};
use domain::timestamp::{DAY, HOUR};
use kit::{Fault, Processor};
use serde_json::{Value, json};

const NOTICES: &str = "/v1/florin/connector_webhooks";
const CHALLENGED: &str = "4000002760003184";
const ATTEMPTS: &str = "/v1/florin/payment_attempts";

/// What became of the newest notice, and why a person should look.
fn last(api: &Api) -> (String, String) {
    let listed = api.get(NOTICES).ok();
    let problem = listed.body["data"][0]["problem"].as_str().unwrap_or_default();
    (listed.text_at("/data/0/status").to_owned(), problem.to_owned())
}

/// A person says of the one attempt that was left to them what became of it.
fn resolve(api: &Api, outcome: &str) {
    let id = api.get(ATTEMPTS).ok().id_of_first();
    let form = [("note", "I looked there."), ("outcome", outcome)];
    api.post(&format!("{ATTEMPTS}/{id}/resolve"), &form).ok();
}

/// Lets three days pass in which the processor says nothing.
fn be_silent(api: &Api, processor: &Processor) {
    processor.fail(Some(500));
    pass(api, 3 * DAY + HOUR, 73);
}

fn second(key: &str, status: &str) -> Value {
    let (taken, held) = match status {
        "succeeded" => (2000, 0),
        "requires_capture" => (0, 2000),
        _ => (0, 0),
    };
    json!({
        "id": "pi_second", "object": "payment_intent", "amount": 2000, "currency": "usd",
        "metadata": { "florin_key": key }, "status": status, "amount_received": taken,
        "amount_capturable": held, "latest_charge": "ch_second",
    })
}

#[test]
fn a_second_payment_under_our_key_was_ignored() {
    for number in [VISA, CHALLENGED] {
        for manual in [false, true] {
            let (api, processor, hook) = hearing();
            let form: Form<'_> = if manual { &[MANUAL] } else { &[] };
            let answer = api.post(PAY, &card(number, form)).ok();
            if number == CHALLENGED {
                api.post(&(path(&answer) + "/cancel"), &[]).ok();
                api.beat();
            }
            deliver_all(&api, &processor, &hook);
            let before = (latest(&api).text, processor.payments());
            let tell = |event: &str, status: &str| {
                let object = second(&processor.payments()[0].key, status);
                deliver(&api, &hook, &Processor::notice(event, "payment_intent.updated", &object));
                last(&api)
            };
            assert_eq!(tell("evt_a", "processing").0, "ignored");
            assert_eq!(tell("evt_b", "canceled").0, "ignored");
            let stands = if manual { "requires_capture" } else { "succeeded" };
            let (status, problem) = tell("evt_c", stands);
            assert_eq!(status, "parked", "{}", answer.text);
            assert!(problem.contains("pi_second") && problem.contains("pi_1"), "{problem}");
            let taken = if manual { "succeeded" } else { "requires_capture" };
            assert_eq!(tell("evt_d", taken).0, "parked", "nor is it what was asked for");
            api.beat();
            assert_eq!((latest(&api).text, processor.payments()), before, "nothing is guessed");
            assert!(!api.platform.alerts().is_empty());
            invariants::check(&api.platform);
        }
    }
}

#[test]
fn an_answer_that_came_after_its_payment_was_given_up_left_the_money_there() {
    let (api, processor) = connected();
    let form = card(VISA, &[]);
    api.platform.yields(true);
    let mut run = Box::pin(api.posting(PAY, &form, Some("key-1")));
    let mut context = Context::from_waker(Waker::noop());
    while processor.payments().is_empty() {
        assert!(run.as_mut().poll(&mut context).is_pending());
    }
    // Its answer is on its way for so long that a person was asked.
    api.platform.yields(false);
    be_silent(&api, &processor);
    resolve(&api, "failed");
    assert_eq!(latest(&api).body["status"], "requires_payment_method");
    processor.fail(None);
    kit::run(run);
    assert_eq!(only(&processor).taken, 2000);
    pass(&api, HOUR, 4);
    assert_eq!(only(&processor).refunded, 2000);
    assert_eq!(latest(&api).body["status"], "requires_payment_method");
    invariants::check_settled(&api.platform);
}
