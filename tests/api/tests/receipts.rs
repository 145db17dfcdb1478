//! Receipts: made after the payment, read by a link, sent to who is to have them, and lost never.

use api::{Answer, Api, Form, invariants};
use domain::receipt::Document;
use http::{Method, Request};
use kit::{Fault, run};
use serde_json::Value;
use store::values;

/// Pays 20 dollars, and shows the charge.
fn pay(api: &Api, more: Form<'_>) -> Answer {
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    let intent = api.post("/v1/payment_intents", &[&form, more].concat()).ok();
    charge(api, intent.text_at("/latest_charge"))
}

fn charge(api: &Api, id: &str) -> Answer {
    api.get(&format!("/v1/charges/{id}")).ok()
}

/// Follows a link, as a customer does who has no key.
fn follow(api: &Api, url: &str) -> Answer {
    let request = Request::builder().method(Method::GET).uri(url).body(Vec::new());
    run(api.answer(&request.expect("a request")))
}

fn link(charge: &Answer) -> String {
    charge.text_at("/receipt_url").to_owned()
}

/// What is in the bucket for a charge.
fn kept(api: &Api, charge: &Answer) -> Vec<Document> {
    let folder = format!("{}/test/{}/", api.merchant.account, charge.id());
    let receipts = api.platform.receipts();
    receipts.into_values().filter(|document| document.name.starts_with(&folder)).collect()
}

/// How far receipts were made, and how far they are to be made.
fn cursor(api: &Api) -> (i64, i64) {
    let sql = "SELECT receipt_event, (SELECT max(sequence) FROM events) AS last FROM fan_out";
    let rows = api.platform.database().query(sql, Vec::new());
    let [row] = rows.as_slice() else { panic!("one row") };
    (row.integer("receipt_event").expect("a number"), row.integer("last").expect("a number"))
}

#[test]
fn a_payment_has_a_receipt_in_the_bucket_and_behind_its_link() {
    let api = Api::watched();
    let charge = pay(&api, &[("description", "Tea")]);
    assert!(link(&charge).starts_with("https://florin.test/receipts/"));
    assert_eq!(charge.body["receipt_number"], Value::Null);
    assert!(api.platform.receipts().is_empty(), "the payment does not wait for it");
    api.beat();
    let kept = kept(&api, &charge);
    let kinds: Vec<_> = kept.iter().map(|document| document.content_type).collect();
    assert_eq!(kinds, ["text/html; charset=utf-8", "application/pdf"]);
    assert!(kept.iter().all(|document| document.sha256.len() == 64));
    let page = follow(&api, &link(&charge));
    assert_eq!((page.status, page.text.as_bytes()), (200, kept[0].bytes.as_slice()));
    for text in ["Receipt from <bdi>acme", "$20.00", "1 January 2026", "Tea", "Visa ending in 4242"]
    {
        assert!(page.text.contains(text), "{text} in {}", page.text);
    }
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let paper = follow(&api, &format!("{}/pdf", link(&charge)));
    assert_eq!(paper.header("content-type"), Some("application/pdf"));
    assert!(paper.text.starts_with("%PDF-"));
    assert_eq!(cursor(&api).0, cursor(&api).1);
    // Nothing is made twice, and reading makes nothing.
    api.beat();
    assert_eq!(api.platform.receipts().len(), 2);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_link_that_is_followed_sooner_makes_the_receipt() {
    let api = Api::new();
    let charge = pay(&api, &[]);
    let page = follow(&api, &link(&charge));
    let made = kept(&api, &charge);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].bytes, page.text.as_bytes());
    api.beat();
    assert_eq!(kept(&api, &charge)[0], made[0]);
    assert_eq!(kept(&api, &charge).len(), 2);
}

#[test]
fn a_refund_makes_another_version_and_the_link_shows_it() {
    let api = Api::new();
    let charge = pay(&api, &[]);
    api.beat();
    let first = kept(&api, &charge);
    let number = |page: &Answer| {
        let (_, rest) = page.text.split_once("Receipt number</dt><dd>").expect("a number");
        rest.split('<').next().expect("a text").to_owned()
    };
    let before = number(&follow(&api, &link(&charge)));
    api.post("/v1/refunds", &[("charge", charge.id()), ("amount", "500")]).ok();
    api.platform.advance(86_400);
    let page = follow(&api, &link(&charge));
    assert!(page.text.contains("-$5.00") && page.text.contains("$15.00"), "{}", page.text);
    assert_eq!(number(&page), before);
    api.beat();
    let all = kept(&api, &charge);
    assert_eq!(all.len(), 4);
    assert!(first.iter().all(|document| all.contains(document)), "what was made stays as it was");
}

#[test]
fn a_refund_that_fails_is_on_no_receipt() {
    let api = Api::new();
    let charge = pay(&api, &[("payment_method", "pm_card_refundFail")]);
    api.post("/v1/refunds", &[("charge", charge.id())]).ok();
    let page = follow(&api, &link(&charge));
    assert!(page.text.contains("-$20.00"), "{}", page.text);
    api.beat();
    api.platform.advance(30 * 86_400);
    api.beat();
    api.beat();
    let page = follow(&api, &link(&charge));
    assert!(!page.text.contains("-$20.00") && page.text.contains("Paid</th>"), "{}", page.text);
}

#[test]
fn a_bucket_that_is_away_costs_time_and_nothing_else() {
    let api = Api::watched();
    let hop = api.platform.receipts_hop();
    let first = pay(&api, &[]);
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        hop.fail(1, fault);
        hop.fail(2, fault);
        let before = cursor(&api);
        api.beat();
        assert_eq!(cursor(&api), before, "the cursor waits");
    }
    assert_eq!(api.platform.errors().len(), 2, "{:?}", api.platform.errors());
    // What is read meanwhile is shown.
    hop.fail(1, Fault::BeforeEffect);
    assert!(follow(&api, &link(&first)).text.contains("$20.00"));
    hop.fail(2, Fault::BeforeEffect);
    assert!(follow(&api, &format!("{}/pdf", link(&first))).text.starts_with("%PDF-"));
    let second = pay(&api, &[]);
    api.beat();
    assert_eq!(api.platform.receipts().len(), 4);
    assert_eq!((kept(&api, &first).len(), kept(&api, &second).len()), (2, 2));
    assert_eq!(cursor(&api).0, cursor(&api).1);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_heartbeat_that_dies_between_the_bucket_and_the_cursor_skips_no_receipt() {
    let mut cut = 0;
    for polls in 1.. {
        let api = Api::watched();
        let charges = [pay(&api, &[]), pay(&api, &[("receipt_email", "jo@example.com")])];
        let ended = api.beat_that_dies(polls);
        for _ in 0..3 {
            api.beat();
        }
        for charge in &charges {
            assert_eq!(kept(&api, charge).len(), 2, "after {polls} polls");
        }
        assert_eq!(api.platform.receipts().len(), 4);
        assert_eq!(cursor(&api).0, cursor(&api).1, "after {polls} polls");
        let sent = charge(&api, charges[1].id());
        assert!(sent.body["receipt_number"].is_string(), "after {polls} polls");
        invariants::check_settled(&api.platform);
        if ended {
            break;
        }
        cut += 1;
    }
    assert!(cut > 10, "the beat died {cut} times");
}

#[test]
fn a_rush_of_payments_does_not_wait_for_its_receipts() {
    let api = Api::new();
    for _ in 0..45 {
        pay(&api, &[]);
    }
    // Says whether it beats again at once, whether soon, and how many events are left.
    let beat = |seconds: i64| {
        api.platform.advance(seconds);
        let now = flows::Platform::now(&api.platform);
        let next = run(api::beat(&api.platform));
        (next == now, next <= now.plus(5), cursor(&api).1 - cursor(&api).0)
    };
    assert_eq!(beat(0), (false, true, 135), "they wait");
    assert_eq!(beat(4), (false, true, 135), "other work does not cut that short");
    assert_eq!(beat(1), (true, true, 75), "the rush is over");
    for _ in 0..25 {
        pay(&api, &[]);
    }
    assert_eq!(beat(0), (false, true, 150), "another");
    api.platform.advance(601);
    for _ in 0..25 {
        pay(&api, &[]);
    }
    assert_eq!(beat(0), (true, true, 165), "what has waited for ten minutes waits no longer");
    assert_eq!(beat(0), (true, true, 105));
    assert_eq!(beat(0), (true, true, 45), "the last slice of it takes newer ones along");
    assert_eq!(beat(0), (false, true, 45), "which alone wait");
    while beat(5).2 > 0 {}
    assert_eq!(api.platform.receipts().len(), 190);
}

#[test]
fn a_forged_link_leads_nowhere_and_asks_nobody() {
    let api = Api::new();
    let [one, two] = [pay(&api, &[]), pay(&api, &[])];
    let (one, two) = (link(&one), link(&two));
    let name = |url: &str| url.rsplit_once('_').expect("a signature").0.to_owned();
    let signature = |url: &str| url.rsplit_once('_').expect("a signature").1.to_owned();
    api.platform.database().take_counts();
    for forged in [
        format!("{}_{}", name(&one), signature(&two)),
        name(&one),
        format!("{one}0"),
        "https://florin.test/receipts/".to_owned(),
        "https://florin.test/receipts/pdf".to_owned(),
        "https://florin.test/receipts/../v1/charges".to_owned(),
        format!("{one}/pdf/pdf"),
        format!("{one}/html"),
    ] {
        let answer = follow(&api, &forged);
        assert_eq!(answer.status, 404, "{forged}");
        assert_eq!(answer.header("x-robots-tag"), Some("noindex, nofollow"), "{forged}");
    }
    assert_eq!(api.platform.database().take_counts().batches, 0);
    let post = Request::builder().method(Method::POST).uri(&one).body(Vec::new());
    assert_eq!(run(api.answer(&post.expect("a request"))).status, 404);
}

#[test]
fn money_that_is_only_held_has_no_receipt() {
    let api = Api::new();
    let held = pay(&api, &[("capture_method", "manual")]);
    assert_eq!(held.body["receipt_url"], Value::Null);
    api.beat();
    assert!(api.platform.receipts().is_empty());
    let path = format!("/v1/payment_intents/{}/capture", held.text_at("/payment_intent"));
    api.post(&path, &[("amount_to_capture", "1500")]).ok();
    let captured = charge(&api, held.id());
    assert!(follow(&api, &link(&captured)).text.contains("$15.00"));
    api.beat();
    assert_eq!(kept(&api, &captured).len(), 2);
    let failed = [("amount", "2000"), ("currency", "usd"), ("source", "tok_chargeDeclined")];
    api.post("/v1/charges", &failed).error(402);
    let list = api.get("/v1/charges?limit=1").ok();
    assert_eq!(list.body["data"][0]["status"], "failed");
    assert_eq!(list.body["data"][0]["receipt_url"], Value::Null);
    let made = [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];
    let made = api.post("/v1/charges", &made).ok();
    assert_eq!(follow(&api, &link(&made)).status, 200);
}

#[test]
fn what_people_named_stays_text() {
    let api = Api::new();
    api.platform
        .database()
        .query("UPDATE accounts SET name = ?1", values!["</title><script>alert(1)</script>"]);
    let charge = pay(&api, &[("description", "<img src=x onerror=alert(1)>")]);
    let page = follow(&api, &link(&charge));
    assert!(!page.text.contains("<script") && !page.text.contains("<img"), "{}", page.text);
    assert!(page.text.contains("&lt;img src=x"), "{}", page.text);
}

#[test]
fn a_charge_that_cannot_be_read_holds_up_no_other() {
    let api = Api::new();
    let [broken, well] = [pay(&api, &[]), pay(&api, &[])];
    let details = |text: &str| {
        let sql = "UPDATE charges SET details = ?2 WHERE id = ?1";
        api.platform.database().query(sql, values![broken.id(), text]);
    };
    let found = api
        .platform
        .database()
        .query("SELECT details FROM charges WHERE id = ?1", values![broken.id()]);
    details("{\"card\": 5}");
    api.beat();
    assert_eq!((kept(&api, &well).len(), kept(&api, &broken).len()), (2, 0));
    assert!(!api.platform.errors().is_empty());
    // Once it can be read again it has its receipt, too.
    details(found[0].text("details").expect("a text"));
    api.platform.advance(3_600);
    api.beat();
    assert_eq!(kept(&api, &broken).len(), 2);
}

#[test]
fn a_payment_that_recovery_finished_has_its_whole_link() {
    let api = Api::watched();
    let form = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    // The batch that records the processor's answer never arrives.
    api.platform.database().hop().fail(3, Fault::BeforeEffect);
    assert_ne!(api.post("/v1/payment_intents", &form).status, 200);
    api.platform.advance(120);
    api.beat();
    let list = api.get("/v1/charges").ok();
    let url = list.text_at("/data/0/receipt_url");
    assert!(url.starts_with("https://florin.test/receipts/"), "{url}");
    assert_eq!(follow(&api, url).status, 200);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_receipt_is_sent_once_and_at_once_and_its_number_then_shown() {
    let api = Api::watched();
    let quiet = pay(&api, &[]);
    assert_eq!(api.platform.wakes(), [], "nobody is woken for a receipt that nobody waits for");
    let charge_sent = pay(&api, &[("receipt_email", "jo@example.com")]);
    assert_eq!(api.platform.wakes().len(), 1);
    for _ in 0..3 {
        api.beat();
    }
    let emails = api.platform.outside().emails();
    let [email] = emails.as_slice() else { panic!("{emails:#?}") };
    let shown = charge(&api, charge_sent.id());
    let number = shown.text_at("/receipt_number");
    assert_eq!(email.to, "jo@example.com");
    assert_eq!(email.subject, format!("Receipt from acme [{number}]"));
    assert!(email.text.contains(&link(&shown)) && email.html.contains("$20.00"), "{email:#?}");
    assert_eq!(charge(&api, quiet.id()).body["receipt_number"], Value::Null);
    assert_eq!(kept(&api, &shown).len(), 2);
    // A refund is no reason for another; another address is.
    api.post("/v1/refunds", &[("charge", shown.id()), ("amount", "500")]).ok();
    for _ in 0..3 {
        api.beat();
    }
    assert_eq!(api.platform.outside().emails().len(), 1);
    let path = format!("/v1/charges/{}", shown.id());
    api.post(&path, &[("receipt_email", "jan@example.com")]).ok();
    for _ in 0..3 {
        api.beat();
    }
    let emails = api.platform.outside().emails();
    assert_eq!(emails.len(), 2);
    assert_eq!(emails[1].to, "jan@example.com");
    assert_ne!(emails[0].idempotency_key, emails[1].idempotency_key);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn mail_that_nobody_takes_is_tried_for_a_day_and_then_told_of() {
    let api = Api::watched();
    let paid = pay(&api, &[("receipt_email", "jo@example.com")]);
    let hop = &api.platform.outside().email_hop;
    for try_ in 1..=40 {
        hop.fail(try_, Fault::BeforeEffect);
    }
    api.beat();
    for _ in 0..50 {
        api.platform.advance(3_600);
        api.beat();
    }
    assert_eq!(hop.calls(), 33);
    let errors = api.platform.errors();
    let last = &errors.last().expect("an error").problem;
    assert!(last.starts_with("its receipt was not sent after 32 tries"), "{last}");
    assert_eq!(kept(&api, &paid).len(), 2);
    assert_eq!(charge(&api, paid.id()).body["receipt_number"], Value::Null);
    invariants::check_settled(&api.platform);
}

#[test]
fn mail_that_nobody_takes_keeps_no_refund_from_being_recovered() {
    let api = Api::new();
    let paid = pay(&api, &[]);
    let hop = &api.platform.outside().email_hop;
    // More mail than one beat takes on, all of it planned before the refund is to be recovered.
    for _ in 0..60 {
        pay(&api, &[("receipt_email", "jo@example.com")]);
    }
    let sql = "INSERT INTO scheduled_tasks SELECT 0, 'send_receipt', id, account, livemode, 0 FROM charges \
               WHERE id <> ?1";
    api.platform.database().query(sql, values![paid.id()]);
    // The third batch records what the processor said.
    api.platform.database().hop().fail(3, Fault::BeforeEffect);
    api.post("/v1/refunds", &[("charge", paid.id())]).error(503);
    api.platform.advance(60);
    for call in 1..=60 {
        hop.fail(call, Fault::BeforeEffect);
    }
    for _ in 0..2 {
        api.beat();
    }
    assert!(hop.calls() <= 6, "{} times mail was waited for", hop.calls());
    let refunds = api.get("/v1/refunds").ok();
    assert_eq!(refunds.body["data"][0]["status"], "succeeded");
    // What was put off leaves once mail is taken again.
    hop.heal();
    for _ in 0..20 {
        api.platform.advance(10);
        api.beat();
    }
    assert_eq!(api.platform.outside().emails().len(), 60);
}

#[test]
fn a_merchant_hears_of_mail_that_was_given_up_and_can_have_it_sent_again() {
    let api = Api::watched();
    let paid = pay(&api, &[("receipt_email", "jo@example.com")]);
    for try_ in 1..=33 {
        api.platform.outside().email_hop.fail(try_, Fault::BeforeEffect);
    }
    let told = || {
        let page = api.get("/v1/events?type=florin.receipt.failed").ok().body;
        page["data"].as_array().cloned().expect("a list")
    };
    for _ in 0..50 {
        assert_eq!(told().len(), 0);
        api.beat();
        api.platform.advance(3_600);
        if api.platform.outside().email_hop.calls() == 33 {
            break;
        }
    }
    assert_eq!(told().len(), 1);
    assert_eq!(told()[0]["data"]["object"]["id"], paid.id());
    assert_eq!(told()[0]["data"]["object"]["receipt_number"], Value::Null);
    // What else happens to the charge is no reason to try again.
    api.post("/v1/refunds", &[("charge", paid.id()), ("amount", "500")]).ok();
    for _ in 0..3 {
        api.beat();
    }
    assert_eq!((told().len(), api.platform.outside().email_hop.calls()), (1, 33));
    let path = format!("/v1/charges/{}", paid.id());
    api.post(&path, &[("receipt_email", "jo@example.com")]).ok();
    for _ in 0..3 {
        api.beat();
    }
    assert_eq!(api.platform.outside().emails().len(), 1);
    assert_ne!(charge(&api, paid.id()).body["receipt_number"], Value::Null);
    assert_eq!(told().len(), 1);
    invariants::check_settled(&api.platform);
    invariants::check_registered(&api.platform);
}

#[test]
fn mail_whose_answer_is_lost_is_sent_again_under_its_key() {
    let api = Api::watched();
    let paid = pay(&api, &[("receipt_email", "jo@example.com")]);
    api.platform.outside().email_hop.fail(1, Fault::AfterEffect);
    for _ in 0..3 {
        api.beat();
        api.platform.advance(60);
    }
    let emails = api.platform.outside().emails();
    assert_eq!(emails.len(), 2);
    assert_eq!(emails[0], emails[1]);
    assert!(charge(&api, paid.id()).body["receipt_number"].is_string());
}

#[test]
fn mail_that_was_tried_again_after_a_refund_had_another_body_under_the_same_key() {
    let api = Api::watched();
    let paid = pay(&api, &[("receipt_email", "jo@example.com")]);
    api.platform.outside().email_hop.fail(1, Fault::AfterEffect);
    api.beat();
    api.post("/v1/refunds", &[("charge", paid.id()), ("amount", "500")]).ok();
    for _ in 0..3 {
        api.platform.advance(60);
        api.beat();
    }
    let emails = api.platform.outside().emails();
    assert_eq!(emails.len(), 2);
    assert_ne!(emails[0].html, emails[1].html);
    assert_ne!(emails[0].idempotency_key, emails[1].idempotency_key, "a provider may refuse that");
}

#[test]
fn test_payments_send_no_mail_but_from_a_developers_machine() {
    let api = Api::new();
    api.platform.outside().development(false);
    let paid = pay(&api, &[("receipt_email", "jo@example.com")]);
    assert_eq!(api.platform.wakes(), []);
    for _ in 0..3 {
        api.beat();
    }
    assert!(api.platform.outside().emails().is_empty());
    assert_eq!(kept(&api, &paid).len(), 2);
}

/// Plans mail of all charges that are to have some for a moment before everything else that is due, in the stead of
/// what the payments planned. Their receipts are made.
fn plan_mail(api: &Api, due_at: i64) {
    let made = "UPDATE fan_out SET receipt_event = (SELECT max(sequence) FROM events)";
    let planned = "DELETE FROM scheduled_tasks WHERE kind = 'send_receipt' AND due_at > ?1";
    api.platform.database().query(made, vec![]);
    api.platform.database().query(planned, values![due_at]);
    let plan = "INSERT INTO scheduled_tasks SELECT ?1, 'send_receipt', id, account, livemode, 0 FROM charges \
                WHERE details ->> '$.receipt_email' IS NOT NULL";
    api.platform.database().query(plan, values![due_at]);
}

#[test]
fn a_backlog_of_mail_that_goes_well_held_up_the_recovery_of_a_refund() {
    let api = Api::new();
    let paid = pay(&api, &[]);
    for _ in 0..60 {
        pay(&api, &[("receipt_email", "jo@example.com")]);
    }
    plan_mail(&api, 0);
    // The third batch records what the processor said.
    api.platform.database().hop().fail(3, Fault::BeforeEffect);
    api.post("/v1/refunds", &[("charge", paid.id())]).error(503);
    api.platform.advance(60);
    api.beat();
    assert_eq!(api.get("/v1/refunds").ok().body["data"][0]["status"], "succeeded");
    assert!(api.platform.outside().emails().len() < 60, "mail goes in small lots");
    for _ in 0..20 {
        api.beat();
    }
    assert_eq!(api.platform.outside().emails().len(), 60, "and needs no rest in between");
}

#[test]
fn one_address_that_nobody_delivers_to_put_off_the_mail_of_all() {
    let api = Api::new();
    for _ in 0..12 {
        pay(&api, &[("receipt_email", "jo@example.com")]);
    }
    plan_mail(&api, 0);
    api.platform.outside().email_hop.fail(1, Fault::BeforeEffect);
    for _ in 0..4 {
        api.beat();
    }
    assert_eq!(api.platform.outside().emails().len(), 11);
}

#[test]
fn mail_that_nobody_took_was_planned_anew_row_by_row_over_and_over() {
    let api = Api::new();
    for _ in 0..40 {
        pay(&api, &[("receipt_email", "jo@example.com")]);
    }
    plan_mail(&api, 0);
    let hop = &api.platform.outside().email_hop;
    for call in 1..=40 {
        hop.fail(call, Fault::BeforeEffect);
    }
    api.beat();
    let moved =
        "SELECT * FROM scheduled_tasks WHERE kind = 'send_receipt' AND due_at > 0 AND tries > 0";
    let moved = || api.platform.database().query(moved, vec![]).len();
    assert_eq!((hop.calls(), moved()), (6, 6), "what was not tried stays as it is");
    for _ in 0..3 {
        api.platform.advance(9);
        api.beat();
    }
    assert_eq!((hop.calls(), moved()), (6, 6), "mail waits");
    hop.heal();
    api.platform.advance(5);
    for _ in 0..20 {
        api.beat();
    }
    api.platform.advance(60);
    api.beat();
    assert_eq!(api.platform.outside().emails().len(), 40);
}

#[test]
fn two_tasks_of_one_charge_sent_its_mail_twice() {
    let api = Api::new();
    pay(&api, &[("receipt_email", "jo@example.com")]);
    for due_at in 0..3 {
        plan_mail(&api, due_at);
    }
    api.platform.yields(true);
    for _ in 0..3 {
        api.beat();
    }
    assert_eq!(api.platform.outside().emails().len(), 1);
}

#[test]
fn mail_waited_behind_the_receipts_of_a_rush_of_payments() {
    let api = Api::new();
    for _ in 0..45 {
        pay(&api, &[]);
    }
    api.beat();
    pay(&api, &[("receipt_email", "jo@example.com")]);
    api.beat();
    assert!(cursor(&api).1 - cursor(&api).0 > 60, "its receipt is not made yet");
    assert_eq!(api.platform.outside().emails().len(), 1);
}

#[test]
fn events_that_cannot_be_read_stopped_all_receipts() {
    let api = Api::new();
    pay(&api, &[]);
    let copy = "INSERT INTO events (id, account, livemode, created, type, object, data, api_version) \
         SELECT 'evt_' || ?1, account, livemode, created, 'charge.refund.updated', object, ?1, api_version \
         FROM events WHERE sequence = 1";
    for data in ["no JSON", "{}", r#"{"object": {"charge": 7}}"#] {
        api.platform.database().query(copy, values![data]);
    }
    let well = pay(&api, &[]);
    api.beat();
    assert_eq!(kept(&api, &well).len(), 2);
    assert_eq!(cursor(&api).0, cursor(&api).1);
    assert_eq!(api.platform.errors().len(), 3, "each is told of: {:#?}", api.platform.errors());
}

#[test]
fn mail_that_was_refused_for_good_was_tried_for_a_day_and_no_operator_saw_why() {
    let api = Api::watched();
    let outside = api.platform.outside();
    outside.refuse_address("nobody@example.com", true);
    let paid = pay(&api, &[("receipt_email", "nobody@example.com")]);
    let letters = || api.platform.database().query("SELECT * FROM dead_letters", vec![]);
    let redrive = || {
        api.platform.database().query("UPDATE dead_letters SET redrive = 1", vec![]);
        for _ in 0..3 {
            api.beat();
        }
    };
    for _ in 0..3 {
        api.beat();
        api.platform.advance(3_600);
    }
    assert_eq!(outside.email_hop.calls(), 1, "once is enough");
    assert!(api.event_types().contains(&"florin.receipt.failed".to_owned()));
    let letter = &letters()[0];
    assert_eq!((letter.text("queue"), letter.text("body")), (Ok("mail"), Ok(paid.id())));
    let problem = letter.text("problem").expect("a text");
    assert!(problem.contains("it answered 422: there is no such address"), "{problem}");
    // An operator has it tried again: in vain, and then with success.
    redrive();
    assert_eq!((outside.email_hop.calls(), letters().len()), (2, 1));
    assert_eq!(letters()[0].integer("count"), Ok(2));
    outside.refuse_address("nobody@example.com", false);
    redrive();
    assert_eq!((outside.emails().len(), letters().len()), (1, 0));
    assert!(charge(&api, paid.id()).body["receipt_number"].is_string());
    invariants::check_settled(&api.platform);
}

#[test]
fn addresses_that_are_refused_put_off_no_other_mail() {
    let api = Api::new();
    api.platform.outside().refuse_address("nobody@example.com", true);
    for _ in 0..12 {
        pay(&api, &[("receipt_email", "nobody@example.com")]);
    }
    api.platform.advance(1);
    pay(&api, &[("receipt_email", "jo@example.com")]);
    for _ in 0..3 {
        api.beat();
    }
    assert_eq!(api.platform.outside().emails().len(), 1);
}
