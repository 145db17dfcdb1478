//! Reconciliation: what processors report is held against the books. However a report comes (twice, corrected, cut, in another
//! order, in parts), what both sides know is booked once, and what they do not agree on is an open break.

use api::hearing::{self, deliver_all, disputed, hearing};
use api::processors::{MANUAL, PAY, VISA, attempt, card, latest, pass};
use api::{Answer, Api, cases, invariants};
use domain::timestamp::{DAY, HOUR};
use http::Method;
use kit::{Fault, Processor};
use proptest::prelude::*;
use queues::heartbeat::{Heart, Lane};
use serde_json::Value;
use store::Row;

const REPORTS: &str = "/v1/florin/settlement_reports";
const BREAKS: &str = "/v1/florin/settlement_breaks";

const HEAD: &str = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,\
    payment_intent_id,automatic_payout_id,customer_facing_amount,customer_facing_currency,exchange_rate,\
    payment_metadata[florin_key]\n";

/// A line of a report, in dollars, as (name, category, source, payment, gross, fee, payout).
fn line(
    name: &str,
    category: &str,
    source: &str,
    payment: &str,
    (gross, fee): (i64, i64),
    payout: &str,
) -> String {
    let dollars = |cents: i64| {
        let sign = if cents < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
    };
    let [gross, fee, net] = [gross, fee, gross - fee].map(dollars);
    format!(
        "{name},2025-02-01 10:00:00,usd,{gross},{fee},{net},{category},{source},{payment},{payout},,,,\n"
    )
}

/// The account at the processor.
fn account(api: &Api) -> String {
    hearing::account(api).rsplit('/').next().expect("an id").to_owned()
}

fn charge(name: &str, payment: &str, gross: i64) -> String {
    line(name, "charge", "ch_1", payment, (gross, 88), "")
}

fn hand_in(api: &Api, lines: &[String]) -> Answer {
    let file = format!("{HEAD}{}", lines.concat());
    let answer =
        api.post(REPORTS, &[("connector_account", account(api).as_str()), ("file", &file)]);
    assert_eq!(answer.status, 200, "{:?} {:?}", answer.body, api.platform.errors().last());
    pass(api, 5, 2);
    answer
}

fn paid(api: &Api) -> Answer {
    api.post(PAY, &card(VISA, &[])).ok()
}

fn rows(api: &Api, sql: &str) -> Vec<Row> {
    api.platform.database().query(sql, Vec::new())
}

/// The open breaks, as `kind subject expected found`.
fn breaks(api: &Api) -> Vec<String> {
    let shown = api.get(&format!("{BREAKS}?status=open&limit=100")).ok();
    let list = shown.body["data"].as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut told: Vec<_> = list
        .iter()
        .map(|found| {
            ["kind", "subject", "expected", "found"].map(|name| text(&found[name])).join(" ")
        })
        .collect();
    told.sort();
    told
}

/// What a kind of account holds at the processor, or of the platform.
fn holds(api: &Api, kind: &str) -> i64 {
    let sql = format!(
        "SELECT coalesce(sum(balance), 0) AS sum FROM ledger_accounts WHERE kind = '{kind}' AND owner <> 'simulator'"
    );
    rows(api, &sql)[0].integer("sum").expect("a sum")
}

/// What clearing, the processor's balance, its fees, cash and suspense hold.
fn books(api: &Api) -> [i64; 5] {
    ["clearing", "processor_balance", "processor_fees", "cash", "suspense"]
        .map(|kind| holds(api, kind))
}

fn right(api: &Api) {
    invariants::check_settled(&api.platform);
}

#[test]
fn what_a_processor_owes_is_on_its_own_account_until_it_reports_it() {
    let (api, _, _) = hearing();
    paid(&api);
    pass(&api, 5 * DAY, 5);
    assert_eq!(books(&api), [2000, 0, 0, 0, 0], "nobody but the processor says that it settled");
    let report = hand_in(&api, &[charge("txn_1", "pi_1", 2000)]);
    assert_eq!(report.body["status"], "pending");
    assert_eq!(api.get(&format!("{REPORTS}/{}", report.id())).ok().body["status"], "reconciled");
    assert_eq!(books(&api), [0, 1912, 88, 0, 0]);
    assert_eq!(breaks(&api), [""; 0]);
    right(&api);
}

#[test]
fn scenario_44_a_report_that_comes_twice_corrected_or_in_another_order_books_once() {
    let (api, _, _) = hearing();
    paid(&api);
    paid(&api);
    let lines = [charge("txn_1", "pi_1", 2000), charge("txn_2", "pi_2", 2000)];
    let first = hand_in(&api, &lines);
    let booked = books(&api);
    assert_eq!(booked, [0, 3824, 176, 0, 0]);
    assert_eq!(hand_in(&api, &lines).id(), first.id(), "the same file is the same report");
    // Another order, another time zone, and a column that says nothing: other bytes, and the same lines.
    let moved = lines[1].replace("10:00:00", "19:00:00");
    assert_ne!(hand_in(&api, &[moved, lines[0].clone()]).id(), first.id());
    assert_eq!(books(&api), booked);
    // The fee was another one.
    let corrected = line("txn_1", "charge", "ch_1", "pi_1", (2000, 90), "");
    hand_in(&api, &[corrected]);
    assert_eq!(books(&api), [0, 3822, 178, 0, 0]);
    // What was corrected is not believed again when an old file comes once more, as part of another.
    hand_in(&api, &[lines[0].clone()]);
    assert_eq!(books(&api), [0, 3822, 178, 0, 0]);
    assert_eq!(breaks(&api), [""; 0]);
    right(&api);
}

/// Judges one report while another is handed in: after so many polls, and to its end.
fn judged_while_handed_in(api: &Api, reports: [&[String]; 2], polls: u32) {
    let account = account(api);
    let report = |lines: &[String]| {
        let form =
            [("connector_account", account.clone()), ("file", format!("{HEAD}{}", lines.concat()))];
        async move {
            let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(api.posting(REPORTS, &form, None).await.status, 200);
        }
    };
    kit::run(report(reports[0]));
    api.platform.advance(5);
    let judging = async {
        Heart::of(Lane::Paperwork).beat(&api.platform).await;
    };
    api.platform.yields(true);
    let turns = [(0, polls), (1, u32::MAX)];
    kit::take_turns(&turns, vec![Box::pin(judging), Box::pin(report(reports[1]))]);
    api.platform.yields(false);
    pass(api, 5, 2);
}

#[test]
fn a_correction_that_came_while_its_line_was_judged_was_booked_as_it_was_before() {
    for polls in 1..cases(60, 120) {
        let (api, _, _) = hearing();
        paid(&api);
        let report = |fee| [line("txn_1", "charge", "ch_1", "pi_1", (2000, fee), "")];
        judged_while_handed_in(&api, [&report(90), &report(88)], polls);
        assert_eq!(books(&api), [0, 1912, 88, 0, 0], "after {polls} polls");
        right(&api);
    }
}

#[test]
fn a_payout_that_was_added_up_while_more_of_its_lines_came_was_never_added_up_again() {
    for polls in 1..cases(80, 160) {
        let (api, _, _) = hearing();
        paid(&api);
        paid(&api);
        let carried =
            |name: &str, payment: &str| line(name, "charge", "ch_1", payment, (2000, 88), "po_1");
        let payout = line("txn_3", "payout", "po_1", "", (-3824, 0), "po_1");
        let reports = [[carried("txn_1", "pi_1"), payout].to_vec(), vec![carried("txn_2", "pi_2")]];
        judged_while_handed_in(&api, reports.each_ref().map(Vec::as_slice), polls);
        assert_eq!(breaks(&api), [""; 0], "after {polls} polls");
        right(&api);
    }
}

#[test]
fn scenario_44_of_a_report_that_was_cut_off_nothing_is_taken() {
    let (api, _, _) = hearing();
    paid(&api);
    let whole = format!("{HEAD}{}", charge("txn_1", "pi_1", 2000));
    let account = account(&api);
    for end in (1..whole.len()).filter(|end| *end != HEAD.len()) {
        let cut = &whole[..end];
        let answer = api.post(REPORTS, &[("connector_account", account.as_str()), ("file", cut)]);
        assert!(
            answer.error(400)["message"].as_str().expect("words").contains("Invalid file: line"),
            "{cut}"
        );
    }
    pass(&api, 5, 2);
    assert_eq!(books(&api), [2000, 0, 0, 0, 0]);
    for wrong in [
        whole.replace("19.12", "19.13"),
        whole.replace("20.00", "20.001"),
        whole.replace("usd", "xyz"),
        whole.replace("2025-02-01", "2025-02-31"),
        whole.replace("gross", "amount"),
        whole.replace("20.00", "99999999999999999999.00"),
    ] {
        api.post(REPORTS, &[("connector_account", account.as_str()), ("file", &wrong)]).error(400);
    }
}

#[test]
fn a_report_longer_than_other_texts_was_refused() {
    let (api, _, _) = hearing();
    paid(&api);
    let strange = |number| charge(&format!("txn_{number}"), "pi_strange", 700);
    let lines: Vec<_> = (2..80).map(strange).chain([charge("txn_1", "pi_1", 2000)]).collect();
    assert!(lines.concat().len() > 5_000);
    hand_in(&api, &lines);
    assert_eq!((breaks(&api).len(), books(&api)), (78, [0, 1912, 88, 0, 0]));
    // As many as one request carries, where each of its signs may take three.
    let most: Vec<_> = (0..7_000).map(strange).collect();
    let file = format!("{HEAD}{}", most.concat());
    let form = [("connector_account", account(&api)), ("file", file)];
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(api.post(REPORTS, &form).ok().body["status"], "pending");
}

#[test]
fn a_report_of_which_a_line_differed_was_never_reconciled() {
    let (api, _, _) = hearing();
    paid(&api);
    let report = hand_in(&api, &[charge("txn_1", "pi_1", 2000), charge("txn_9", "pi_2", 700)]);
    let shown = || api.get(&format!("{REPORTS}/{}", report.id())).ok().body["status"].clone();
    assert_eq!((shown(), breaks(&api).len()), ("reconciled".into(), 1));
    // What differs is judged again the next day, when the payment is known.
    let key = "UPDATE settlement_lines SET gross = 2000, fee = 88, net = 1912, presented = 2000 WHERE reference = 'txn_9'";
    rows(&api, key);
    paid(&api);
    pass(&api, DAY + HOUR, 3);
    assert_eq!((shown(), breaks(&api)), ("reconciled".into(), vec![]));
    assert_eq!(books(&api), [0, 3824, 176, 0, 0]);
    right(&api);
}

/// When the lines are held against the books next.
fn planned(api: &Api) -> Vec<i64> {
    let planned = rows(api, "SELECT * FROM scheduled_tasks WHERE kind = 'reconcile_settlement'");
    planned.iter().map(|task| task.integer("due_at").expect("a time")).collect()
}

#[test]
fn what_differed_was_judged_again_for_ever_where_its_last_batch_was_the_last_of_a_task() {
    let (api, _, _) = hearing();
    let strange = |number| charge(&format!("txn_{number}"), &format!("pi_strange_{number}"), 700);
    hand_in(&api, &(0..460).map(strange).collect::<Vec<_>>());
    pass(&api, DAY, 1);
    // One task has judged them by now, and the next one comes to its end.
    pass(&api, 10, 5);
    let tomorrow = (hearing::now(&api) / DAY + 1) * DAY;
    assert_eq!(planned(&api), [tomorrow]);
}

#[test]
fn what_differs_is_judged_again_though_the_database_did_not_answer_the_first_time_that_day() {
    for hop in 1..15 {
        let (api, _, _) = hearing();
        hand_in(&api, &[charge("txn_1", "pi_1", 2000)]);
        assert_eq!(breaks(&api), ["missing_internal txn_1 null 2000"]);
        paid(&api);
        api.platform.advance(DAY);
        api.platform.database().hop().fail(hop, Fault::BeforeEffect);
        kit::run(Heart::of(Lane::Paperwork).beat(&api.platform));
        pass(&api, 60, 6);
        assert_eq!((breaks(&api), books(&api)), (vec![], [0, 1912, 88, 0, 0]), "hop {hop}");
        right(&api);
    }
}

#[test]
fn two_payments_under_one_key_stopped_the_settlement_of_their_account_for_ever() {
    let (api, _, _) = hearing();
    paid(&api);
    let key = attempt(&api, "id").as_str().expect("an id").to_owned();
    let keyed = |name: &str, payment: &str| {
        charge(name, payment, 2000).replace(",,,,\n", &format!(",,,,{key}\n"))
    };
    hand_in(&api, &[keyed("txn_1", "pi_1"), keyed("txn_2", "pi_2")]);
    assert_eq!(breaks(&api), ["duplicate_external txn_2 2000 2000"]);
    assert_eq!(books(&api), [0, 1912, 88, 0, 0]);
    right(&api);
}

#[test]
fn scenario_45_a_fee_that_differs_by_a_cent_is_booked_as_it_is_and_told() {
    let (api, _, _) = hearing();
    let fees = [("fees", r#"{"basis_points": 290, "fixed": {"usd": 30}}"#)];
    let shown = api.post(&hearing::account(&api), &fees).ok();
    assert_eq!(shown.body["fees"]["basis_points"], 290);
    paid(&api);
    hand_in(&api, &[line("txn_1", "charge", "ch_1", "pi_1", (2000, 89), "")]);
    assert_eq!(breaks(&api), ["fee_mismatch txn_1 88 89"]);
    assert_eq!(books(&api), [0, 1911, 89, 0, 0]);
    hand_in(&api, &[charge("txn_1", "pi_1", 2000)]);
    assert_eq!((breaks(&api), books(&api)), (vec![], [0, 1912, 88, 0, 0]), "corrected");
    right(&api);
}

#[test]
fn scenario_45_what_is_converted_may_differ_by_one_unit_and_says_so() {
    let (api, _, _) = hearing();
    paid(&api);
    let converted = |gross: &str, net: &str| {
        format!(
            "txn_1,2025-02-01 10:00:00,eur,{gross},0.50,{net},charge,ch_1,pi_1,,20.00,usd,0.91843,\n"
        )
    };
    hand_in(&api, &[converted("18.40", "17.90")]);
    assert_eq!(
        breaks(&api),
        ["amount_mismatch txn_1 2000 2000"],
        "three cents are more than rounding"
    );
    assert_eq!(books(&api), [2000, 0, 0, 0, 0]);
    hand_in(&api, &[converted("18.38", "17.88")]);
    assert_eq!(breaks(&api), ["fx_rounding txn_1 1837 1838"]);
    assert_eq!(books(&api), [0, 1788, 50, 0, 0]);
    hand_in(&api, &[converted("18.37", "17.87")]);
    assert_eq!((breaks(&api), books(&api)), (vec![], [0, 1787, 50, 0, 0]));
    right(&api);
}

#[test]
fn scenario_45_a_payout_is_the_sum_of_what_it_carries_and_a_refund_of_an_earlier_one_is_carried_on()
{
    let (api, processor, hook) = hearing();
    paid(&api);
    paid(&api);
    let carried =
        |name: &str, payment: &str| line(name, "charge", "ch_1", payment, (2000, 88), "po_1");
    let payout = |cents: i64| line("txn_3", "payout", "po_1", "", (-cents, 0), "po_1");
    hand_in(&api, &[carried("txn_1", "pi_1"), payout(3824)]);
    assert_eq!(
        breaks(&api),
        ["payout_total_mismatch po_1 1912 3824"],
        "half of the report is missing"
    );
    hand_in(&api, &[carried("txn_2", "pi_2")]);
    assert_eq!((breaks(&api), books(&api)), (vec![], [0, 0, 176, 3824, 0]));
    // What goes back of it weighs on the next one: until then the processor is owed.
    let intent = latest(&api);
    api.post("/v1/refunds", &[("payment_intent", intent.id())]).ok();
    deliver_all(&api, &processor, &hook);
    assert_eq!(books(&api), [-2000, 0, 176, 3824, 0]);
    hand_in(&api, &[line("txn_4", "refund", "re_1", "pi_2", (-2000, 0), "")]);
    assert_eq!((breaks(&api), books(&api)), (vec![], [0, -2000, 176, 3824, 0]));
    paid(&api);
    paid(&api);
    let next =
        |name: &str, payment: &str| line(name, "charge", "ch_1", payment, (2000, 88), "po_2");
    let refund = line("txn_4", "refund", "re_1", "pi_2", (-2000, 0), "po_2");
    let payout = line("txn_7", "payout", "po_2", "", (-1824, 0), "po_2");
    hand_in(&api, &[refund, next("txn_5", "pi_3"), next("txn_6", "pi_4"), payout]);
    assert_eq!((breaks(&api), books(&api)), (vec![], [0, 0, 352, 5648, 0]));
    right(&api);
}

#[test]
fn scenario_46_what_only_the_processor_knows_is_told_and_never_booked() {
    let (api, _, _) = hearing();
    paid(&api);
    let strange = charge("txn_9", "pi_strange", 700);
    let refund = line("txn_8", "refund", "re_strange", "pi_1", (-100, 0), "");
    let dispute = line("txn_7", "dispute", "dp_strange", "pi_1", (-2000, 1500), "");
    let fee = line("txn_6", "fee", "", "", (-100, 0), "");
    hand_in(&api, &[strange, refund, dispute, fee, charge("txn_1", "pi_1", 2000)]);
    let told = [
        "missing_internal txn_9 null 700",
        "orphan_fee txn_6 null -100",
        "unmatched_dispute txn_7 null -2000",
        "unmatched_refund txn_8 null -100",
    ];
    assert_eq!(breaks(&api), told);
    assert_eq!(books(&api), [0, 1912, 88, 0, 0]);
    // A second line of what is settled is no second payment.
    hand_in(&api, &[charge("txn_10", "pi_1", 2000)]);
    assert_eq!(breaks(&api)[0], "duplicate_external txn_10 2000 2000");
    assert_eq!(books(&api), [0, 1912, 88, 0, 0]);
    pass(&api, HOUR, 4);
    let planned = "SELECT * FROM scheduled_tasks WHERE kind = 'reconcile_settlement'";
    assert_eq!(
        rows(&api, planned).len(),
        1,
        "two reports differ, and are looked at again once a day"
    );
    let alerts = rows(&api, "SELECT * FROM alerts WHERE name = 'settlement_differs'");
    assert_eq!(alerts.len(), 1, "one for all");
    right(&api);
}

#[test]
fn scenario_46_what_the_processor_leaves_out_is_told_once_it_reports_what_came_later() {
    let (api, _, _) = hearing();
    paid(&api);
    pass(&api, 4 * DAY, 2);
    paid(&api);
    let moment = |seconds: i64| {
        let now = rows(&api, "SELECT max(created) AS now FROM attempts")[0]
            .integer("now")
            .expect("a time");
        let at = domain::report::date_time(domain::Timestamp(now + seconds));
        charge("txn_2", "pi_2", 2000).replace("2025-02-01 10:00:00", &at)
    };
    hand_in(&api, &[moment(0)]);
    assert_eq!(breaks(&api), [""; 0], "it may only be late");
    hand_in(
        &api,
        &[moment(2 * DAY).replace("txn_2", "txn_3").replace("charge,ch_1,pi_2", "other,,")],
    );
    let told = breaks(&api);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("missing_external att_") && told[0].ends_with(":captured 2000 null"),
        "{told:?}"
    );
    assert!(told[1].starts_with("missing_internal txn_3"), "{told:?}");
    // It comes after all.
    hand_in(&api, &[charge("txn_1", "pi_1", 2000)]);
    assert_eq!(breaks(&api), told[1..]);
    assert_eq!(books(&api), [0, 3824, 176, 0, 0]);
    right(&api);
}

#[test]
fn what_was_reported_with_another_amount_was_told_as_left_out_too() {
    for is_late in [false, true] {
        let (api, _, _) = hearing();
        paid(&api);
        pass(&api, 9 * DAY, 2);
        let at = domain::report::date_time(domain::Timestamp(hearing::now(&api)));
        let later = charge("txn_2", "", 700).replace("2025-02-01 10:00:00", &at);
        let differs = charge("txn_1", "pi_1", 1999);
        if is_late {
            hand_in(&api, std::slice::from_ref(&later));
            assert!(breaks(&api)[0].starts_with("missing_external att_"), "{:?}", breaks(&api));
        }
        hand_in(&api, &[differs, later]);
        let told = ["amount_mismatch txn_1 2000 1999", "missing_internal txn_2 null 700"];
        assert_eq!(breaks(&api), told, "late: {is_late}");
        pass(&api, DAY + HOUR, 3);
        assert_eq!(breaks(&api), told, "late: {is_late}");
        if is_late {
            // The line was another payment's: this one is left out after all.
            hand_in(&api, &[charge("txn_1", "pi_9", 1999)]);
        } else {
            // A person says that the line is right: what the books know has not come yet.
            let found = api.get(&format!("{BREAKS}?status=open")).ok();
            let mut found = found.body["data"].as_array().expect("a list").iter();
            let found = found.find(|found| found["kind"] == "amount_mismatch").expect("a break");
            let id = found["id"].as_str().expect("an id");
            let resolve = [("outcome", "handled"), ("note", "A part of it.")];
            api.post(&format!("{BREAKS}/{id}/resolve"), &resolve).ok();
            pass(&api, DAY + HOUR, 3);
        }
        assert!(breaks(&api)[0].starts_with("missing_external att_"), "{:?}", breaks(&api));
        right(&api);
    }
}

#[test]
fn what_one_of_two_lines_of_a_payment_differed_in_was_told_of_both() {
    let converted = |name: &str, usd: &str, eur: &str| {
        format!(
            "{name},2025-02-01 10:00:00,eur,{eur},0.00,{eur},charge,ch_1,pi_1,,{usd},usd,0.91843,\n"
        )
    };
    for (taken, let_go, told) in [
        ("18.38", "-4.59", vec!["fx_rounding txn_1 1837 1838"]),
        ("18.37", "-4.60", vec!["fx_rounding txn_2 459 460"]),
        (
            "18.37",
            "-4.65",
            vec!["amount_mismatch txn_1 1500 2000", "amount_mismatch txn_2 1500 -500"],
        ),
    ] {
        let (api, _, _) = hearing();
        let intent = api.post(PAY, &card(VISA, &[MANUAL])).ok();
        api.post(&format!("{PAY}/{}/capture", intent.id()), &[("amount_to_capture", "1500")]).ok();
        let [taken, let_go] =
            [converted("txn_1", "20.00", taken), converted("txn_2", "-5.00", let_go)];
        hand_in(&api, &[taken, let_go]);
        assert_eq!(breaks(&api), told);
        right(&api);
    }
}

#[test]
fn scenario_32_what_was_paid_after_the_moment_that_was_restored_is_found_by_the_next_report() {
    let (api, processor, _) = hearing();
    paid(&api);
    let database = api.platform.database();
    database.query("SAVEPOINT moment", vec![]);
    paid(&api);
    database.query("ROLLBACK TO moment", vec![]);
    assert_eq!(processor.payments().len(), 2);
    hand_in(&api, &[charge("txn_1", "pi_1", 2000), charge("txn_2", "pi_2", 2000)]);
    assert_eq!(breaks(&api), ["missing_internal txn_2 null 2000"]);
    assert_eq!(books(&api), [0, 1912, 88, 0, 0]);
    assert_eq!(processor.payments().len(), 2, "and nobody pays again");
    right(&api);
}

#[test]
fn a_person_resolves_what_only_one_side_knows() {
    let (api, _, _) = hearing();
    paid(&api);
    hand_in(&api, &[charge("txn_9", "pi_strange", 700)]);
    let found = api.get(&format!("{BREAKS}?status=open")).ok();
    assert_eq!(breaks(&api), ["missing_internal txn_9 null 700"]);
    let path = format!("{BREAKS}/{}", found.text_at("/data/0/id"));
    assert!(found.text_at("/data/0/theirs").ends_with(", line 2"), "{:#}", found.body);
    api.post(&format!("{path}/resolve"), &[("outcome", "booked"), ("note", " ")]).error(400);
    let resolve = [("outcome", "booked"), ("note", "Sold by phone, outside of Florin.")];
    for _ in 0..2 {
        assert_eq!(api.post(&format!("{path}/resolve"), &resolve).ok().body["status"], "resolved");
    }
    assert_eq!(books(&api), [2000, 612, 88, 0, -700]);
    assert_eq!(api.get(&path).ok().body["note"], "Sold by phone, outside of Florin.");
    api.post(&format!("{path}/resolve"), &[("outcome", "handled"), ("note", "Twice.")]).error(400);
    pass(&api, 2 * DAY, 2);
    assert_eq!((breaks(&api), books(&api)), (vec![], [2000, 612, 88, 0, -700]));
    right(&api);
}

#[test]
fn a_part_of_what_was_held_is_settled_by_two_lines_of_its_payment() {
    let (api, _, _) = hearing();
    let intent = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    api.post(&format!("{PAY}/{}/capture", intent.id()), &[("amount_to_capture", "1500")]).ok();
    let rest = line("txn_2", "partial_capture_reversal", "ch_1", "pi_1", (-500, 0), "");
    hand_in(&api, &[rest]);
    assert_eq!(breaks(&api), ["amount_mismatch txn_2 1500 -500"]);
    hand_in(&api, &[charge("txn_1", "pi_1", 2000)]);
    assert_eq!((breaks(&api), books(&api)), (vec![], [0, 1412, 88, 0, 0]));
    // One of them is corrected: both are taken back.
    hand_in(&api, &[line("txn_2", "partial_capture_reversal", "ch_1", "pi_1", (-400, 0), "")]);
    assert_eq!(books(&api), [1500, 0, 0, 0, 0]);
    assert_eq!(
        breaks(&api),
        ["amount_mismatch txn_1 1500 2000", "amount_mismatch txn_2 1500 -400"]
    );
    right(&api);
}

#[test]
fn a_dispute_and_its_end_are_settled_by_lines_of_their_own() {
    let (api, processor, hook) = hearing();
    paid(&api);
    hand_in(&api, &[charge("txn_1", "pi_1", 2000)]);
    let _told = (&processor, &hook);
    hearing::deliver(&api, &hook, &disputed("evt_open", "needs_response"));
    let (taken, fee) = (holds(&api, "clearing"), 1500);
    assert!(taken < 0);
    let reference =
        rows(&api, "SELECT details ->> 'processor_reference' AS reference FROM disputes");
    let reference = reference[0].text("reference").expect("a text").to_owned();
    hand_in(&api, &[line("txn_2", "dispute", &reference, "pi_1", (taken, fee), "")]);
    assert_eq!((breaks(&api), holds(&api, "clearing")), (vec![], 0));
    hearing::deliver(&api, &hook, &disputed("evt_won", "won"));
    hand_in(&api, &[line("txn_3", "dispute_reversal", &reference, "pi_1", (-taken, -fee), "")]);
    assert_eq!((breaks(&api), holds(&api, "clearing")), (vec![], 0));
    assert_eq!(holds(&api, "processor_balance"), 1912);
    right(&api);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(6, 40)))]

    /// However a processor's lines are cut into reports, shuffled and repeated, the books end alike.
    #[test]
    fn reports_in_any_order_and_in_any_parts_come_to_the_same(
        order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(),
        parts in proptest::collection::vec(1..4_usize, 1..6),
        again in proptest::collection::vec(0..8_usize, 0..4),
    ) {
        let (api, _, _) = hearing();
        let amounts = [2000, 2000, 2000];
        amounts.iter().for_each(|_| { paid(&api); });
        let intent = api.post(PAY, &card(VISA, &[MANUAL])).ok();
        api.post(&format!("{PAY}/{}/capture", intent.id()), &[("amount_to_capture", "700")]).ok();
        let all = [
            line("txn_1", "charge", "ch_1", "pi_1", (2000, 88), "po_1"),
            line("txn_2", "charge", "ch_2", "pi_2", (2000, 88), "po_1"),
            line("txn_3", "charge", "ch_3", "pi_3", (1999, 88), ""),
            line("txn_4", "charge", "ch_4", "pi_4", (2000, 88), ""),
            line("txn_5", "partial_capture_reversal", "ch_4", "pi_4", (-1300, 0), ""),
            line("txn_6", "payout", "po_1", "", (-3824, 0), "po_1"),
            line("txn_7", "charge", "ch_9", "pi_strange", (100, 0), ""),
            line("txn_8", "charge", "ch_2", "pi_2", (2000, 88), ""),
        ];
        let mut rest = order.as_slice();
        for part in parts.into_iter().chain([8]) {
            let (now, later) = rest.split_at(part.min(rest.len()));
            rest = later;
            let repeated = again.iter().filter(|place| !rest.contains(place)).copied();
            let lines: Vec<_> = now.iter().copied().chain(repeated).map(|place| all[place].clone()).collect();
            if !lines.is_empty() {
                hand_in(&api, &lines);
            }
        }
        // Two lines of one payment are alike but for their names: whichever came first is the one that settles it.
        let told: Vec<_> = breaks(&api).into_iter().map(|told| told.replace("txn_2", "txn_8")).collect();
        let wanted = [
            "amount_mismatch txn_3 2000 1999",
            "duplicate_external txn_8 2000 2000",
            "missing_internal txn_7 null 100",
        ];
        let told: Vec<_> = told.into_iter().filter(|told| !told.starts_with("payout_total_mismatch")).collect();
        prop_assert_eq!(told, wanted);
        prop_assert_eq!(books(&api), [2000, 612, 264, 3824, 0]);
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn reconciling_dies_anywhere_and_ends_alike() {
    let lines = [
        line("txn_1", "charge", "ch_1", "pi_1", (2000, 88), "po_1"),
        charge("txn_2", "pi_2", 1999),
        line("txn_3", "payout", "po_1", "", (-1912, 0), "po_1"),
    ];
    let file = format!("{HEAD}{}", lines.concat());
    for polls in (1..400).step_by(cases(3, 1)) {
        let (api, _, _) = hearing();
        paid(&api);
        paid(&api);
        let account = account(&api);
        let form = [("connector_account", account.as_str()), ("file", file.as_str())];
        api.platform.yields(true);
        kit::run_until_poll(polls, api.posting(REPORTS, &form, Some("key")));
        api.platform.yields(false);
        api.platform.advance(20);
        api.post_once(REPORTS, &form, "key").ok();
        let ended = api.beat_that_dies(polls);
        // A correction comes after it, and its booking is taken back by beats that die, too.
        pass(&api, 5, 2);
        assert_eq!(books(&api), [2000, 0, 88, 1912, 0], "after {polls} polls");
        let corrected = line("txn_1", "charge", "ch_1", "pi_1", (2000, 100), "po_1");
        let corrected = format!("{HEAD}{corrected}");
        api.post(REPORTS, &[form[0], ("file", &corrected)]).ok();
        let ended = api.beat_that_dies(polls) && ended;
        pass(&api, 5, 2);
        assert_eq!(books(&api), [2000, -12, 100, 1912, 0], "after {polls} polls");
        let told = ["amount_mismatch txn_2 2000 1999", "payout_total_mismatch po_1 1900 1912"];
        assert_eq!(breaks(&api), told, "after {polls} polls");
        right(&api);
        if ended {
            assert!(polls > 3, "no beat was cut short");
            return;
        }
    }
    panic!("no beat came to its end");
}

#[test]
fn another_merchant_sees_and_changes_nothing_of_it() {
    let (api, _, _): (Api, Processor, String) = hearing();
    paid(&api);
    let report = hand_in(&api, &[charge("txn_9", "pi_strange", 700)]);
    let found = api.get(BREAKS).ok().text_at("/data/0/id").to_owned();
    let stranger = api.platform.merchant("stranger").secret_key;
    let account = account(&api);
    let file = format!("{HEAD}{}", charge("txn_8", "pi_1", 2000));
    let handing = [("connector_account", account.as_str()), ("file", file.as_str())];
    let resolve = [("outcome", "booked"), ("note", "Mine.")];
    let post = |path: &str, form: &[(&str, &str)]| {
        kit::run(api.posting_as(&stranger, path, form, None)).error(404);
    };
    kit::run(api.posting_as(&stranger, REPORTS, &handing, None)).error(400);
    post(&format!("{BREAKS}/{found}/resolve"), &resolve);
    for path in [format!("{REPORTS}/{}", report.id()), format!("{BREAKS}/{found}")] {
        kit::run(api.send(Method::GET, &path, Vec::new(), &stranger, None)).error(404);
    }
    assert_eq!(books(&api), [2000, 0, 0, 0, 0]);
}
