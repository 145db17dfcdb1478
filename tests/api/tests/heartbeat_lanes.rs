//! The lanes of the heartbeat: none holds up another, and a processor that is down holds up only what is made there.

use std::cell::Cell;
use std::rc::Rc;

use api::processors::{Mood, PAY, Routed, VISA, card, connected, pass};
use api::{Api, invariants};
use domain::timestamp::{DAY, HOUR};
use flows::platform::Answered;
use kit::{Fault, Processor, run, run_until_poll};
use queues::heartbeat::{Heart, Lane};

/// More polls than any beat needs.
const MANY: u32 = 10_000;

/// The states of all attempts of a merchant.
fn states(api: &Api, account: &str) -> Vec<String> {
    let sql = "SELECT state FROM attempts WHERE account = ?1";
    let rows = api.platform.database().query(sql, store::values![account]);
    rows.iter().map(|row| row.text("state").expect("a state").to_owned()).collect()
}

/// Pays so often, and each time the processor's answer is lost.
fn pay_unheard(api: &Api, times: u64) {
    for _ in 0..times {
        api.platform.outside().processor_hop.fail(1, Fault::AfterEffect);
        assert_eq!(api.post(PAY, &card(VISA, &[])).body["status"], "processing");
    }
}

#[test]
fn a_processor_that_did_not_answer_held_up_everything_else() {
    let (api, _processor) = connected();
    pay_unheard(&api, 1);
    let topup = api.post("/v1/topups", &[("amount", "2000"), ("currency", "usd")]).ok();
    api.platform.advance(DAY);
    api.platform.outside().stall("api.stripe.com", true);
    let beat = |lane: Lane| {
        let heart = Heart::of(lane);
        run_until_poll(MANY, heart.beat(&api.platform)).is_some()
    };
    assert!(!beat(Lane::Recovery), "it waits");
    assert!(beat(Lane::Main) && beat(Lane::Paperwork));
    let topup = api.get(&format!("/v1/topups/{}", topup.id())).ok();
    assert_eq!(topup.body["status"], "succeeded");
    api.platform.outside().stall("api.stripe.com", false);
    assert!(beat(Lane::Recovery));
    assert_eq!(states(&api, api.merchant.account.as_str()), ["succeeded"]);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_processor_that_is_down_was_asked_after_each_open_payment() {
    let (api, processor) = connected();
    let account = api.merchant.account.as_str();
    pay_unheard(&api, 20);
    // Of another merchant's payment nobody recorded what the simulator did.
    let other = api.platform.merchant("other");
    api.platform.database().hop().fail(3, Fault::BeforeEffect);
    let paid = run(api.posting_as(&other.secret_key, PAY, &card(VISA, &[]), None));
    assert_ne!(paid.status, 200);
    processor.take_requests();
    processor.fail(Some(503));
    api.platform.advance(60);
    let heart = Heart::of(Lane::Recovery);
    let asked = |seconds: i64| {
        api.platform.advance(seconds);
        run(heart.beat(&api.platform));
        processor.take_requests().len()
    };
    assert_eq!(asked(0), 1, "one question is enough");
    assert_eq!(states(&api, other.account.as_str()), ["succeeded"]);
    let later: Vec<usize> = [30, 30, 60, 60, 120, 120].map(asked).into();
    assert_eq!(later, [0, 1, 0, 1, 0, 1], "and it is asked again each time after twice as long");
    assert!(states(&api, account).iter().all(|state| state == "started"));
    // What it did comes to light once it answers.
    processor.fail(None);
    for _ in 0..20 {
        asked(60);
    }
    assert!(states(&api, account).iter().all(|state| state == "succeeded"));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_dead_processor_starved_the_recovery_through_the_other_processors_of_its_merchant() {
    let routed = Routed::new(2);
    let api = &routed.api;
    let states_at = |place: usize| {
        let sql = "SELECT state FROM attempts WHERE connector_account = ?1";
        let id = routed.accounts[place].as_str();
        let rows = api.platform.database().query(sql, store::values![id]);
        rows.iter().map(|row| row.text("state").expect("a state").to_owned()).collect::<Vec<_>>()
    };
    // Of each account more than one beat asks after, those of the dead one first; and of what happens to
    // charges and refunds some, too.
    let pay_at = |place: usize, times: usize, mood: Mood| {
        let id = routed.accounts[place].as_str();
        api.post("/v1/florin/routing", &[("default[priority][0]", id)]).ok();
        api.platform.advance(5);
        let paid = api.post(PAY, &card(VISA, &[])).ok();
        routed.mood(place, mood);
        for _ in 0..times {
            assert_eq!(api.post(PAY, &card(VISA, &[])).body["status"], "processing");
        }
        let refund = api.post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
        assert_eq!(refund.body["status"], "pending");
    };
    pay_at(0, 20, Mood::Silent);
    pay_at(1, 10, Mood::Speechless);
    routed.mood(1, Mood::Well);
    api.platform.advance(61);
    let heart = Heart::of(Lane::Recovery);
    run(heart.beat(&api.platform));
    assert_eq!(states_at(1), ["succeeded"; 12]);
    assert_eq!(states_at(0).iter().filter(|state| *state == "started").count(), 21);
    let asked = "SELECT * FROM scheduled_tasks WHERE kind = 'recover_attempt' AND tries > 0";
    assert_eq!(api.platform.database().query(asked, vec![]).len(), 1, "of the dead one, one");
    routed.mood(0, Mood::Well);
    for _ in 0..20 {
        api.platform.advance(60);
        run(heart.beat(&api.platform));
    }
    assert_eq!(states_at(0), ["succeeded"; 22]);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_processor_whose_name_leads_nowhere_was_looked_for_after_each_open_payment() {
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    let form = [
        ("connector", "stripe"),
        ("secret_key", "sk_test_51example"),
        ("base_url", "https://psp.test"),
    ];
    api.post("/v1/florin/connector_accounts", &form).ok();
    pay_unheard(&api, 20);
    processor.take_requests();
    api.platform.outside().development(false);
    api.platform.advance(60);
    run(Heart::of(Lane::Recovery).beat(&api.platform));
    let planned = "SELECT * FROM scheduled_tasks WHERE kind = 'recover_attempt' AND tries > 0";
    assert_eq!(api.platform.database().query(planned, vec![]).len(), 1, "once is enough");
    assert!(processor.take_requests().is_empty());
}

#[test]
fn mail_that_is_always_due_starved_the_archive_and_the_audit() {
    let api = Api::new();
    api.post("/v1/customers", &[]).ok();
    api.platform.advance(31 * DAY);
    api.post("/v1/customers", &[]).ok();
    run(queues::deliveries::fan_out(&api.platform)).expect("the fan-out");
    // Each beat meets more mail than it sends.
    let paid =
        api.post(PAY, &[&card(VISA, &[])[..], &[("receipt_email", "jo@example.com")]].concat());
    let charge = paid.ok().text_at("/latest_charge").to_owned();
    let plan = "INSERT OR IGNORE INTO scheduled_tasks VALUES (CAST(?1 AS INTEGER), 'send_receipt', ?2, ?3, 0, 0)";
    let heart = Heart::of(Lane::Paperwork);
    for _ in 0..20 {
        for place in 0..20 {
            let values = store::values![place, charge.as_str(), api.merchant.account.as_str()];
            api.platform.database().query(plan, values);
        }
        run(heart.beat(&api.platform));
        let due = "SELECT * FROM scheduled_tasks WHERE kind = 'send_receipt'";
        assert!(!api.platform.database().query(due, vec![]).is_empty(), "more is always due");
        api.platform.advance(1);
    }
    assert_eq!(api.platform.files().len(), 1, "what is old leaves the database");
    let due_at = api.platform.database().query("SELECT * FROM audit_run", vec![])[0]
        .integer("due_at")
        .expect("a moment");
    assert!(due_at > flows::Platform::now(&api.platform).seconds(), "the audit is done");
}

#[test]
fn money_to_give_back_waited_behind_all_payments_to_look_up() {
    let (api, processor) = connected();
    pay_unheard(&api, 1);
    processor.fail(Some(500));
    pass(&api, 3 * DAY + HOUR, 13);
    let id = api.get("/v1/florin/payment_attempts").ok().id_of_first();
    let form = [("note", "I looked there."), ("outcome", "not_received")];
    api.post(&format!("/v1/florin/payment_attempts/{id}/resolve"), &form).ok();
    api.platform.advance(DAY - 100);
    processor.fail(None);
    pay_unheard(&api, 200);
    api.platform.advance(100);
    let heart = Heart::of(Lane::Recovery);
    for _ in 0..2 {
        run(heart.beat(&api.platform));
    }
    assert_eq!(processor.payments()[0].refunded, 2000, "it goes back");
    let states = states(&api, api.merchant.account.as_str());
    assert!(states.iter().filter(|state| *state == "started").count() > 100, "others still wait");
    for _ in 0..20 {
        run(heart.beat(&api.platform));
    }
    invariants::check_settled(&api.platform);
}

/// A heart that knows accounts which do not answer, or a new one, asks among hundreds of them after the one that does.
fn find_the_one_that_answers(is_new: bool, within: i64) {
    const SILENT: usize = 300;
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    let is_well = Rc::new(Cell::new(false));
    let unanswered = Rc::new(Cell::new(0));
    let (listener, recovers, counts) =
        (processor.clone(), Rc::clone(&is_well), Rc::clone(&unanswered));
    api.platform.outside().process(move |request| {
        let opens = request.headers()["authorization"].to_str().unwrap_or_default();
        if recovers.get() || opens.contains("well") {
            return Ok(listener.answer(request));
        }
        counts.set(counts.get() + 1);
        Err("the connection was lost".to_owned())
    });
    let lose_at = |name: &str| {
        let merchant = api.platform.merchant(name);
        let secret = format!("sk_test_51{name}");
        let form = [("connector", "stripe"), ("secret_key", secret.as_str())];
        let post = |path, form: &[(&str, &str)]| {
            run(api.posting_as(&merchant.secret_key, path, form, None))
        };
        post("/v1/florin/connector_accounts", &form).ok();
        api.platform.outside().processor_hop.fail(1, Fault::AfterEffect);
        assert_eq!(post(PAY, &card(VISA, &[])).body["status"], "processing");
    };
    let open = || {
        let sql = "SELECT id FROM attempts WHERE state = 'started'";
        api.platform.database().query(sql, vec![]).len()
    };
    for place in 0..SILENT {
        lose_at(&format!("silent{place}"));
    }
    let heart = Heart::of(Lane::Recovery);
    if is_new {
        lose_at("well");
    } else {
        // All were found to be silent, and are asked after once more.
        api.platform.advance(60);
        for _ in 0..15 {
            run(heart.beat(&api.platform));
        }
        lose_at("well");
    }
    assert_eq!(open(), SILENT + 1);
    api.platform.advance(60);
    let began = flows::Platform::now(&api.platform);
    let mut beats = 0;
    unanswered.take();
    while open() > SILENT {
        run(heart.beat(&api.platform));
        // So many are asked at a time, and none is known to be silent before ten seconds have passed.
        let waits: i64 = unanswered.take();
        api.platform.advance((waits + 23) / 24 * 10);
        beats += 1;
        assert!(beats < 100);
    }
    let took = flows::Platform::now(&api.platform).seconds() - began.seconds();
    assert!(took <= within, "{took} s");
    // And the others come to their end once they answer.
    is_well.set(true);
    for _ in 0..200 {
        api.platform.advance(30);
        run(heart.beat(&api.platform));
    }
    assert_eq!(open(), 0);
}

#[test]
fn many_accounts_that_do_not_answer_starved_the_recovery_through_one_that_does() {
    find_the_one_that_answers(false, 60);
}

#[test]
fn a_new_heart_took_eight_minutes_to_find_which_accounts_answer() {
    find_the_one_that_answers(true, 150);
}

#[test]
fn a_processor_was_asked_again_before_the_moment_that_it_named() {
    let (api, processor) = connected();
    pay_unheard(&api, 2);
    for (retry_after, until) in [("900", 900), ("86400", HOUR), ("never", 120)] {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        api.platform.outside().process(move |_| {
            count.set(count.get() + 1);
            let retry_after = Some(retry_after.to_owned());
            Ok(Answered { status: 429, retry_after, ..Answered::default() })
        });
        let heart = Heart::of(Lane::Recovery);
        let beat = |seconds: i64| {
            api.platform.advance(seconds);
            run(heart.beat(&api.platform));
            asked.get()
        };
        assert_eq!(beat(HOUR), 1, "{retry_after}");
        assert_eq!(beat(until - 1), if until > 120 { 1 } else { 2 }, "{retry_after}");
        assert!(beat(1) >= 2, "{retry_after}");
    }
    let listener = processor.clone();
    api.platform.outside().process(move |request| Ok(listener.answer(request)));
    pass(&api, 3 * HOUR, 12);
    assert_eq!(states(&api, api.merchant.account.as_str()), ["succeeded"; 2]);
}

#[test]
fn what_other_invocations_do_for_the_recovery_is_done_once_and_what_they_refuse_here() {
    for refuses in [false, true] {
        let (api, processor) = connected();
        // Whoever helps lives as long as the test.
        let api: &'static Api = Box::leak(Box::new(api));
        pay_unheard(api, 60);
        processor.take_requests();
        let helped = Rc::new(Cell::new(0));
        let count = Rc::clone(&helped);
        api.platform.outside().help(move |tasks| {
            count.set(count.get() + tasks.lines().count());
            if refuses { None } else { run(queues::heartbeat::perform(&api.platform, tasks)) }
        });
        let heart = Heart::of(Lane::Recovery);
        let asked = |seconds: i64| {
            api.platform.advance(seconds);
            run(heart.beat(&api.platform));
            (processor.take_requests().len(), helped.take())
        };
        assert_eq!(asked(60), (24, 23), "one alone as a probe");
        assert_eq!(asked(0), (24, 24), "it is known to answer");
        // What others found to be silent rests here.
        processor.fail(Some(500));
        asked(0);
        assert_eq!(asked(30), (0, 0));
        processor.fail(None);
        api.platform.advance(HOUR);
        for _ in 0..5 {
            asked(60);
        }
        assert_eq!(states(api, api.merchant.account.as_str()), ["succeeded"; 60]);
        assert_eq!(processor.payments().len(), 60);
        invariants::check_settled(&api.platform);
    }
}
