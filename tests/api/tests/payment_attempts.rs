//! Attempts at processors that were left to a person: looked up once a day, listed, and resolved by one who looked.

use std::pin::Pin;

use api::processors::{
    MANUAL, PAY, VISA, attempt, card, connected, latest, lose, only, pass, path,
};
use api::{Answer, Api, Form, invariants};
use domain::timestamp::{DAY, HOUR};
use kit::{Fault, Processor};
use serde_json::{Value, json};

const ATTEMPTS: &str = "/v1/florin/payment_attempts";

/// The one attempt that a person has to look at.
fn parked(api: &Api) -> Answer {
    let listed = api.get(ATTEMPTS).ok();
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1), "{:#}", listed.body);
    api.get(&format!("{ATTEMPTS}/{}", listed.text_at("/data/0/id"))).ok()
}

fn resolve(api: &Api, attempt: &Answer, form: Form<'_>) -> Answer {
    let form = [&[("note", "I looked there.")], form].concat();
    api.post(&format!("{ATTEMPTS}/{}/resolve", attempt.id()), &form)
}

/// A payment of which its processor has not said anything for three days.
fn silent(fault: Fault) -> (Api, Processor) {
    let (api, processor) = connected();
    lose(&api, fault);
    api.post(PAY, &card(VISA, &[])).ok();
    processor.fail(Some(500));
    pass(&api, 3 * DAY + HOUR, 73);
    (api, processor)
}

#[test]
fn what_a_processor_says_after_days_is_heard_though_it_was_left_to_a_person() {
    let (api, processor) = silent(Fault::AfterEffect);
    let open = parked(&api);
    assert_eq!(
        (&open.body["status"], &open.body["type"]),
        (&json!("started"), &json!("authorize"))
    );
    assert!(open.text_at("/attention").contains("three days"));
    processor.take_requests();
    pass(&api, 4 * DAY, 96);
    let asked = processor.take_requests();
    assert!((3..=5).contains(&asked.len()), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.starts_with("GET ")), "{asked:?}");
    processor.fail(None);
    pass(&api, DAY + HOUR, 25);
    assert_eq!(latest(&api).body["status"], "succeeded");
    assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]), "nobody has to look any more");
    assert_eq!(only(&processor).taken, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_person_says_what_became_of_a_payment_and_that_is_remembered() {
    for (outcome, reference, status) in [
        ("succeeded", Some("pi_1"), "succeeded"),
        ("failed", None, "requires_payment_method"),
        ("not_received", None, "requires_payment_method"),
    ] {
        let (api, _) = silent(Fault::AfterEffect);
        let open = parked(&api);
        let mut form = vec![("outcome", outcome)];
        form.extend(reference.map(|reference| ("processor_reference", reference)));
        let resolved = resolve(&api, &open, &form).ok();
        assert_eq!(latest(&api).body["status"], status, "{outcome}");
        assert_eq!(resolved.body["attention"], Value::Null);
        assert_eq!(resolved.text_at("/resolution/outcome"), outcome);
        assert_eq!(resolved.text_at("/resolution/note"), "I looked there.");
        assert!(resolved.text_at("/resolution/by").starts_with("sk_test_"));
        let again = resolve(&api, &open, &form).ok();
        assert_eq!(again.body, resolved.body, "once");
        resolve(&api, &open, &[("outcome", "handled")]).error(400);
        assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]));
        invariants::check(&api.platform);
    }
}

#[test]
fn what_was_not_received_by_a_persons_word_and_turns_up_goes_back() {
    let (api, processor) = silent(Fault::AfterEffect);
    resolve(&api, &parked(&api), &[("outcome", "not_received")]).ok();
    processor.fail(None);
    pass(&api, 2 * DAY, 48);
    assert_eq!(only(&processor).refunded, 2000);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_processors_own_word_counts_more_than_a_persons() {
    let (api, processor) = silent(Fault::AfterEffect);
    let open = parked(&api);
    processor.fail(None);
    let resolved = resolve(&api, &open, &[("outcome", "failed")]).ok();
    assert_eq!(resolved.body["status"], "succeeded");
    assert_eq!(resolved.body["resolution"], Value::Null);
    assert_eq!(latest(&api).body["status"], "succeeded");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_payment_whose_amount_was_put_right_by_hand_goes_on() {
    let (api, processor) = connected();
    processor.misread(1);
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    let open = parked(&api);
    let wrong = [("outcome", "succeeded"), ("processor_reference", "pi_other")];
    resolve(&api, &open, &wrong).error(400);
    resolve(&api, &open, &[("outcome", "handled")]).error(400);
    resolve(&api, &open, &[("outcome", "succeeded")]).ok();
    assert_eq!(latest(&api).body["status"], "succeeded");
    processor.misread(0);
    let refund = [("payment_intent", paid.id()), ("amount", "500")];
    assert_eq!(api.post("/v1/refunds", &refund).ok().body["status"], "succeeded");
    assert_eq!(only(&processor).refunded, 500);
    invariants::check(&api.platform);
}

#[test]
fn operations_on_held_money_are_resolved_as_payments_are() {
    for (verb, outcome, status) in [
        ("capture", "succeeded", "succeeded"),
        ("capture", "failed", "requires_capture"),
        ("cancel", "succeeded", "canceled"),
        ("cancel", "not_received", "requires_capture"),
    ] {
        let (api, processor) = connected();
        let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
        api.platform.advance(1);
        processor.fail(Some(500));
        api.post(&format!("{}/{verb}", path(&held)), &[]);
        pass(&api, 3 * DAY + HOUR, 73);
        assert_eq!(latest(&api).body["status"], "requires_capture");
        assert_eq!(api.post(&(path(&held) + "/capture"), &[]).status, 429);
        resolve(&api, &parked(&api), &[("outcome", outcome)]).ok();
        assert_eq!(latest(&api).body["status"], status, "{verb} {outcome}");
        invariants::check(&api.platform);
    }
}

#[test]
fn a_refund_that_never_arrived_is_ended_by_a_person() {
    for (outcome, refunded) in [("succeeded", 2000), ("failed", 0)] {
        let (api, processor) = connected();
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        processor.refunds_become("pending");
        api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
        pass(&api, 33 * DAY, 33 * 4);
        let open = parked(&api);
        resolve(&api, &open, &[("outcome", "handled")]).error(400);
        resolve(&api, &open, &[("outcome", outcome)]).ok();
        let kept = api.get(&format!("{ATTEMPTS}/{}", open.id())).ok();
        assert_eq!(kept.text_at("/resolution/outcome"), outcome);
        let refund = api.get("/v1/refunds").ok();
        assert_eq!(refund.text_at("/data/0/status"), outcome);
        let charge = api.get(&format!("/v1/charges/{}", paid.text_at("/latest_charge"))).ok();
        assert_eq!(charge.body["amount_refunded"], refunded);
        invariants::check_settled(&api.platform);
    }
}

/// A refund that its processor keeps on its way for longer than a month.
fn slow_refund() -> (Api, Processor) {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    processor.refunds_become("pending");
    api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    pass(&api, 33 * DAY, 33 * 4);
    (api, processor)
}

#[test]
fn a_refund_that_ended_after_it_was_left_to_a_person_called_for_one_for_ever() {
    for end in ["succeeded", "failed"] {
        let (api, processor) = slow_refund();
        parked(&api);
        processor.refunds_become(end);
        pass(&api, DAY + HOUR, 25);
        assert_eq!(api.get("/v1/refunds").ok().text_at("/data/0/status"), end);
        assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]), "{end}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_person_was_believed_who_said_that_a_refund_failed_which_had_arrived() {
    let (api, processor) = slow_refund();
    processor.refunds_become("succeeded");
    pass(&api, DAY + HOUR, 25);
    // As who looked before it did left it, or an earlier version.
    let left = "UPDATE attempts SET attention = 'It is slow.' WHERE kind = 'refund'";
    api.platform.database().query(left, vec![]);
    let open = parked(&api);
    resolve(&api, &open, &[("outcome", "failed")]).error(400);
    let resolved = resolve(&api, &open, &[("outcome", "succeeded")]).ok();
    assert_eq!(resolved.text_at("/resolution/outcome"), "succeeded");
    invariants::check_settled(&api.platform);
}

#[test]
fn what_could_not_be_asked_after_at_all_called_for_nobody() {
    for (what, days) in [("challenge", 7), ("undoing", 5), ("refund", 32)] {
        let (api, processor) = connected();
        let number = if what == "refund" { VISA } else { "4000002760003184" };
        let back = [("return_url", "https://shop.test/done")];
        let intent = api.post(PAY, &card(number, &back)).ok();
        processor.refunds_become("pending");
        match what {
            "undoing" => api.post(&(path(&intent) + "/cancel"), &[]).ok(),
            "refund" => api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok(),
            _ => intent,
        };
        let speak = |connector: &str| {
            let sql = format!("UPDATE connector_accounts SET connector = '{connector}'");
            api.platform.database().query(&sql, vec![]);
        };
        speak("adyen");
        pass(&api, days * DAY, days * 24);
        let why = parked(&api).text_at("/attention").to_owned();
        assert!(why.contains("adyen is no connector"), "{what}: {why}");
        let errors = api.platform.errors().len();
        pass(&api, DAY, 24);
        assert_eq!(api.platform.errors().len(), errors, "{what} fails every hour");
        speak("stripe");
        processor.refunds_become("succeeded");
        pass(&api, 2 * DAY, 48);
        assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]), "{what}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn what_could_not_be_taken_back_is_tried_once_a_day_until_a_person_did_it() {
    for by_hand in [false, true] {
        let (api, processor) = connected();
        let back = [("return_url", "https://shop.test/done")];
        let intent = api.post(PAY, &card("4000002760003184", &back)).ok();
        processor.refuse(Some(("/cancel", 400, "")));
        api.post(&(path(&intent) + "/cancel"), &[]).ok();
        pass(&api, 4 * DAY, 96);
        let open = parked(&api);
        assert_eq!(open.body["status"], "canceled");
        assert!(open.text_at("/attention").contains("taken back"));
        processor.take_requests();
        if by_hand {
            resolve(&api, &open, &[("outcome", "succeeded")]).error(400);
            resolve(&api, &open, &[("outcome", "handled")]).ok();
            pass(&api, 3 * DAY, 72);
            assert_eq!(processor.take_requests(), Vec::<String>::new(), "nobody asks any more");
        } else {
            processor.refuse(None);
            pass(&api, DAY + HOUR, 25);
            assert_eq!(only(&processor).status, "canceled");
        }
        assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]));
        assert_eq!(attempt(&api, "state"), "canceled");
    }
}

#[test]
fn a_hold_that_ended_beside_a_capture_left_to_a_person_failed_to_be_let_go_of_every_hour() {
    let of_charge =
        [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa"), ("capture", "false")];
    for (collection, form) in
        [("payment_intents", card(VISA, &[MANUAL])), ("charges", of_charge.to_vec())]
    {
        let (api, processor) = connected();
        let held = api.post(&format!("/v1/{collection}"), &form).ok();
        api.platform.advance(1);
        lose(&api, Fault::BeforeEffect);
        api.post(&format!("/v1/{collection}/{}/capture", held.id()), &[]);
        processor.fail(Some(500));
        pass(&api, 7 * DAY + 2 * HOUR, 7 * 24);
        let errors = api.platform.errors().len();
        pass(&api, DAY, 24);
        let new = api.platform.errors().split_off(errors);
        assert!(new.len() <= 2, "{collection} {new:?}");
        processor.fail(None);
        resolve(&api, &parked(&api), &[("outcome", "failed")]).ok();
        pass(&api, DAY + HOUR, 25);
        assert_eq!(only(&processor).status, "canceled", "{collection}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_refund_that_a_person_took_for_another_was_booked_as_both() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    let refund = |fault| {
        api.platform.advance(1);
        lose(&api, fault);
        api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "500")]).ok();
        processor.fail(Some(500));
    };
    refund(Fault::BeforeEffect);
    pass(&api, 3 * DAY + HOUR, 73);
    processor.fail(None);
    let left = parked(&api);
    refund(Fault::AfterEffect);
    let named = [("outcome", "succeeded"), ("processor_reference", "re_1")];
    resolve(&api, &left, &named).ok();
    processor.fail(None);
    pass(&api, HOUR, 4);
    let open = parked(&api);
    assert!(open.text_at("/attention").contains("another refund"), "{:#}", open.body);
    resolve(&api, &open, &[("outcome", "failed")]).ok();
    let charge = api.get(&format!("/v1/charges/{}", paid.text_at("/latest_charge"))).ok();
    assert_eq!((&charge.body["amount_refunded"], only(&processor).refunded), (&json!(500), 500));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_voided_page_that_nobody_may_look_at_once_more_is_left_to_a_person_until_somebody_may() {
    for stays_revoked in [false, true] {
        let (api, processor) = connected();
        let back = [("return_url", "https://shop.test/done")];
        let intent = api.post(PAY, &card("4000002760003184", &back)).ok();
        api.post(&(path(&intent) + "/cancel"), &[]).ok();
        api.beat();
        assert_eq!(only(&processor).status, "canceled");
        processor.fail(Some(401));
        pass(&api, 3 * DAY, 72);
        assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]), "nothing is wrong yet");
        if stays_revoked {
            pass(&api, 2 * DAY, 48);
            assert!(parked(&api).text_at("/attention").contains("if anything"));
        }
        processor.fail(None);
        pass(&api, DAY + HOUR, 25);
        assert_eq!(api.get(ATTEMPTS).ok().body["data"], json!([]), "nothing had been paid");
    }
}

#[test]
fn attempts_are_listed_page_by_page_the_newest_first() {
    let (api, processor) = connected();
    processor.misread(1);
    let mut made = Vec::new();
    for second in [0, 0, 1, 0, 1] {
        api.platform.advance(second);
        made.push(api.post(PAY, &card(VISA, &[])).ok().id().to_owned());
    }
    let all = api.get(ATTEMPTS).ok();
    let ids = |answer: &Answer| -> Vec<String> {
        let data = answer.body["data"].as_array().expect("a list");
        data.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    };
    let all = ids(&all);
    assert_eq!(all.len(), 5);
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{ATTEMPTS}?limit=2{after}")).ok();
        paged.extend(ids(&page));
        after = format!("&starting_after={}", paged.last().expect("an attempt"));
        if page.body["has_more"] == false {
            break;
        }
    }
    assert_eq!(paged, all);
    let before = api.get(&format!("{ATTEMPTS}?limit=2&ending_before={}", all[3])).ok();
    assert_eq!(ids(&before), all[1..3]);
    let one = api.get(&format!("{ATTEMPTS}?payment_intent={}", made[2])).ok();
    assert_eq!(one.text_at("/data/0/payment_intent"), made[2]);
    assert_eq!(ids(&one).len(), 1);
    let note = [("outcome", "failed"), ("note", " ")];
    let path = format!("{ATTEMPTS}/{}/resolve", all[0]);
    assert_eq!(api.post(&path, &note).error(400)["param"], "note");
    assert_eq!(api.get(&format!("{ATTEMPTS}/att_none")).status, 404);
}

#[test]
fn a_resolution_that_dies_at_any_await_is_made_once() {
    for polls in 1.. {
        let (api, processor) = silent(Fault::AfterEffect);
        let target = format!("{ATTEMPTS}/{}/resolve", parked(&api).id());
        let form =
            [("outcome", "succeeded"), ("processor_reference", "pi_1"), ("note", "It is there.")];
        api.platform.yields(true);
        let run = kit::run_until_poll(polls, api.posting(&target, &form, Some("key-1")));
        api.platform.yields(false);
        // The lease of a request that died runs out.
        api.platform.advance(20);
        let resolved = api.post_once(&target, &form, "key-1").ok();
        assert_eq!(resolved.text_at("/resolution/outcome"), "succeeded", "{polls}");
        assert_eq!(latest(&api).body["status"], "succeeded", "{polls}");
        let charges = api.get("/v1/charges").ok();
        assert_eq!(charges.body["data"].as_array().map(Vec::len), Some(1), "{polls}");
        assert_eq!(only(&processor).taken, 2000);
        invariants::check(&api.platform);
        if run.is_some() {
            break;
        }
    }
}

#[test]
fn attempts_at_a_processor_that_no_routing_chose_were_shown_to_nobody() {
    let (api, _) = connected();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    api.platform.advance(1);
    api.post(&(path(&held) + "/capture"), &[]).ok();
    api.platform.advance(1);
    api.post("/v1/refunds", &[("payment_intent", held.id())]).ok();
    let listed = |intent: &str| {
        let path = format!("/v1/florin/payment_attempts?routed=true&payment_intent={intent}");
        let list = api.get(&path).ok();
        let kinds = list.body["data"].as_array().expect("a list").iter();
        kinds.map(|attempt| attempt["type"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(held.id()), ["refund", "capture", "authorize"]);
    assert!(listed("pi_another").is_empty());
}

#[test]
fn a_person_who_named_the_payment_of_another_attempt_had_it_booked_twice() {
    let (api, processor) = connected();
    api.post(PAY, &card(VISA, &[])).ok();
    api.platform.advance(1);
    lose(&api, Fault::BeforeEffect);
    api.post(PAY, &card(VISA, &[("payment_method_data[card][cvc]", "737")]));
    processor.fail(Some(503));
    pass(&api, 3 * DAY + HOUR, 80);
    processor.fail(None);
    assert_ne!(attempt(&api, "attention"), Value::Null);
    let id = attempt(&api, "id").as_str().expect("an id").to_owned();
    let form = [("outcome", "succeeded"), ("note", "looked"), ("processor_reference", "pi_1")];
    let answer = api.post(&format!("/v1/florin/payment_attempts/{id}/resolve"), &form);
    let sum = "SELECT COALESCE(SUM(captured), 0) AS sum FROM charges";
    let booked = api.platform.database().query(sum, vec![])[0].integer("sum").expect("a sum");
    let taken: i64 = processor.payments().iter().map(|paid| paid.taken).sum();
    assert_eq!(booked, taken, "what its processor took");
    assert_eq!(answer.status, 400, "{:#}", answer.body);
}

#[test]
fn who_resolved_an_attempt_was_forgotten_when_what_turned_up_was_taken_back() {
    let (api, processor) = connected();
    lose(&api, Fault::AfterEffect);
    api.post(PAY, &card(VISA, &[])).ok();
    processor.fail(Some(500));
    pass(&api, 3 * DAY + HOUR, 73);
    let id = attempt(&api, "id").as_str().expect("an id").to_owned();
    let form = [("outcome", "not_received"), ("note", "I looked there.")];
    api.post(&format!("/v1/florin/payment_attempts/{id}/resolve"), &form).ok();
    pass(&api, 6 * DAY, 400);
    assert_ne!(attempt(&api, "attention"), Value::Null, "it could not be taken back");
    processor.fail(None);
    pass(&api, 2 * DAY, 50);
    assert_eq!(only(&processor).refunded, 2000);
    assert_eq!(attempt(&api, "attention"), Value::Null);
    let shown = api.get(&format!("/v1/florin/payment_attempts/{id}")).ok();
    assert_eq!(shown.body["resolution"]["note"], "I looked there.");
}

#[test]
fn two_people_who_named_the_same_payment_at_the_same_time_were_both_believed() {
    for polls in 0..40 {
        let (api, processor) = connected();
        for cvc in ["123", "737"] {
            lose(&api, Fault::BeforeEffect);
            api.post(PAY, &card(VISA, &[("payment_method_data[card][cvc]", cvc)]));
            api.platform.advance(1);
        }
        processor.fail(Some(503));
        pass(&api, 3 * DAY + HOUR, 80);
        processor.fail(None);
        let listed = api.get(ATTEMPTS).ok();
        let resolving = |place: usize| {
            let id = listed.text_at(&format!("/data/{place}/id")).to_owned();
            let api = &api;
            async move {
                let form =
                    [("outcome", "succeeded"), ("note", "looked"), ("processor_reference", "pi_7")];
                api.posting(&format!("{ATTEMPTS}/{id}/resolve"), &form, None).await
            }
        };
        api.platform.yields(true);
        let two: Vec<Pin<Box<dyn Future<Output = Answer>>>> =
            vec![Box::pin(resolving(0)), Box::pin(resolving(1))];
        let answers = kit::take_turns(&[(0, polls), (1, 1_000)], two);
        api.platform.yields(false);
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(
            statuses,
            [200, 400],
            "after {polls}: {:#} {:#}",
            answers[0].body,
            answers[1].body
        );
        invariants::check(&api.platform);
    }
}
