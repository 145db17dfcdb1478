//! Reports: what a finance team closes its books with, against the balance transactions and the ledger.

use std::collections::BTreeMap;

use api::{Answer, Api, Form, invariants};
use kit::{Fault, START};
use serde_json::{Value, json};
use store::values;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const FIRST: i64 = START.0;

fn pay(api: &Api, amount: &str, currency: &str, more: Form<'_>) -> Answer {
    let form = [
        ("amount", amount),
        ("currency", currency),
        ("payment_method", "pm_card_visa"),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &[&form, more].concat()).ok()
}

fn days_pass(api: &Api, days: i64) {
    for _ in 0..days {
        api.platform.advance(DAY);
        api.beat();
        api.beat();
    }
}

fn now(api: &Api) -> i64 {
    flows::Platform::now(&api.platform).seconds()
}

/// Asks for a report.
fn ask(api: &Api, report_type: &str, parameters: Form<'_>) -> Answer {
    let names: Vec<String> = parameters
        .iter()
        .map(|(name, _)| match name.strip_suffix("[]") {
            Some(name) => format!("parameters[{name}][]"),
            None => format!("parameters[{name}]"),
        })
        .collect();
    let mut form = vec![("report_type", report_type)];
    form.extend(names.iter().map(String::as_str).zip(parameters.iter().map(|(_, value)| *value)));
    api.post("/v1/reporting/report_runs", &form)
}

/// Lets a run come to its end.
fn ended(api: &Api, run: &Answer) -> Answer {
    let path = format!("/v1/reporting/report_runs/{}", run.id());
    for _ in 0..100 {
        api.beat();
        let run = api.get(&path).ok();
        if run.body["status"] != "pending" {
            return run;
        }
        api.platform.advance(1);
    }
    panic!("the run goes on for ever");
}

/// The file of a run, as it is downloaded.
fn download(api: &Api, run: &Answer) -> String {
    let url = run.text_at("/result/url").replace("https://florin.test", "");
    let file = api.get(&url).ok();
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(run.body["result"]["size"], file.text.len());
    file.text
}

/// The file of a report, as text.
fn text(api: &Api, report_type: &str, parameters: Form<'_>) -> String {
    let run = ask(api, report_type, parameters).ok();
    assert_eq!(run.body["status"], "pending");
    let run = ended(api, &run);
    assert_eq!(run.body["status"], "succeeded", "{:#}", run.body);
    download(api, &run)
}

type Record = BTreeMap<String, String>;

/// The lines of a report, by the names of the columns.
fn records(api: &Api, report_type: &str, parameters: Form<'_>) -> Vec<Record> {
    let text = text(api, report_type, parameters);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|record| record.expect("CSV")).collect()
}

/// An interval as parameters.
fn interval(from: i64, to: i64) -> [(&'static str, String); 2] {
    [("interval_start", from.to_string()), ("interval_end", to.to_string())]
}

fn form<'f>(interval: &'f [(&'static str, String)], more: Form<'f>) -> Vec<(&'f str, &'f str)> {
    let mut form: Vec<_> = interval.iter().map(|(name, value)| (*name, value.as_str())).collect();
    form.extend(more);
    form
}

/// A plain decimal as minor units; it must have exactly so many places.
fn minor(text: &str, places: usize) -> i64 {
    let found = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    assert_eq!(found, places, "{text}");
    text.replace('.', "").parse().expect("a number")
}

fn places(currency: &str) -> usize {
    match currency {
        "jpy" => 0,
        "kwd" => 3,
        _ => 2,
    }
}

/// A month in which money came, went back, and was paid out.
fn january() -> Api {
    let api = Api::watched();
    api.platform.advance(10 * HOUR);
    let customer = api
        .post(
            "/v1/customers",
            &[
                ("name", "Jo \"JJ\" Doe, junior"),
                ("email", "jo@example.com"),
                ("address[line1]", "1 Main St"),
                ("shipping[name]", "Jo"),
                ("shipping[address][city]", "Oslo"),
            ],
        )
        .ok();
    let paid = pay(
        &api,
        "2000",
        "usd",
        &[
            ("customer", customer.id()),
            ("description", "Tea, \"green\""),
            ("metadata[order]", "7"),
            ("shipping[name]", "Jo"),
            ("shipping[address][line1]", "2 Side St"),
        ],
    );
    days_pass(&api, 1);
    pay(&api, "5000", "usd", &[]);
    pay(&api, "500", "jpy", &[]);
    pay(&api, "1500", "kwd", &[]);
    let refund = [("payment_intent", paid.id()), ("amount", "700"), ("metadata[reason]", "cold")];
    api.post("/v1/refunds", &refund).ok();
    days_pass(&api, 3);
    api.post("/v1/payouts", &[("amount", "1000"), ("currency", "usd")]).ok();
    days_pass(&api, 1);
    api
}

const ACTIVITY: &str = "balance_change_from_activity.itemized.3";

#[test]
fn every_report_is_listed_with_its_columns() {
    let api = Api::new();
    api.platform.advance(3 * DAY + 90);
    let listed = api.get("/v1/reporting/report_types").ok();
    let types = listed.body["data"].as_array().expect("a list");
    assert_eq!((types.len(), &listed.body["has_more"]), (11, &json!(false)));
    let ids: Vec<_> = types.iter().map(|report| report["id"].as_str().expect("an id")).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let summary = api.get("/v1/reporting/report_types/balance.summary.1").ok();
    assert_eq!(
        summary.body,
        json!({
            "id": "balance.summary.1",
            "object": "reporting.report_type",
            "data_available_end": FIRST + 3 * DAY - HOUR,
            "data_available_start": FIRST,
            "default_columns": ["category", "description", "net_amount", "currency"],
            "livemode": false,
            "name": "Balance summary",
            "updated": FIRST + 3 * DAY - HOUR,
            "version": 1,
        })
    );
    let missing = api.get("/v1/reporting/report_types/balance.summary.9");
    assert_eq!(missing.error(404)["code"], "resource_missing");
}

#[test]
fn a_run_is_pending_until_the_heartbeat_wrote_its_file() {
    let api = january();
    let span = interval(FIRST, FIRST + 5 * DAY);
    let columns = [("columns[]", "net_amount"), ("columns[]", "currency")];
    let run = ask(&api, "balance.summary.1", &form(&span, &columns)).ok();
    assert_eq!(
        run.body,
        json!({
            "id": run.id(),
            "object": "reporting.report_run",
            "created": now(&api),
            "error": null,
            "livemode": false,
            "parameters": {
                "columns": ["net_amount", "currency"],
                "interval_end": FIRST + 5 * DAY,
                "interval_start": FIRST,
            },
            "report_type": "balance.summary.1",
            "result": null,
            "status": "pending",
            "succeeded_at": null,
        })
    );
    assert_eq!(api.platform.wakes().last().map(|at| at.seconds()), Some(now(&api)));
    api.platform.advance(1);
    let done = ended(&api, &run);
    let file = &done.body["result"];
    let id = file["id"].as_str().expect("an id");
    assert_eq!(
        file,
        &json!({
            "id": id,
            "object": "file",
            "created": now(&api),
            "expires_at": now(&api) + 365 * DAY,
            "filename": format!("{}.csv", run.id()),
            "links": {
                "object": "list",
                "data": [],
                "has_more": false,
                "url": format!("/v1/file_links?file={id}"),
            },
            "purpose": "finance_report_run",
            "size": download(&api, &done).len(),
            "title": format!("FinanceReportRun {}", run.id()),
            "type": "csv",
            "url": format!("https://florin.test/v1/files/{id}/contents"),
        })
    );
    assert_eq!(
        (&done.body["status"], &done.body["succeeded_at"]),
        (&json!("succeeded"), &json!(now(&api)))
    );
    assert_eq!(&api.get(&format!("/v1/files/{id}")).ok().body, file);
    assert_eq!(&api.get("/v1/files").ok().body["data"], &json!([file]));
    assert_eq!(&api.get("/v1/files?purpose=finance_report_run").ok().body["data"], &json!([file]));
    assert_eq!(api.get("/v1/files?purpose=dispute_evidence").ok().body["data"], json!([]));
    let runs = api.get("/v1/reporting/report_runs").ok();
    assert_eq!(runs.body["data"], json!([done.body]));
    let told = api.get("/v1/events?type=reporting.report_run.succeeded").ok();
    assert_eq!(told.body["data"][0]["data"]["object"], done.body);
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_balance_summary_leads_from_the_first_balance_to_the_last() {
    let api = january();
    let span = interval(FIRST + DAY, FIRST + 5 * DAY);
    let summary = text(&api, "balance.summary.1", &form(&span, &[("currency", "usd")]));
    assert_eq!(
        summary,
        "\"category\",\"description\",\"net_amount\",\"currency\"\n\
         \"starting_balance\",\"Starting balance (2026-01-02)\",\"19.12\",\"usd\"\n\
         \"activity_gross\",\"Account activity before fees\",\"43.00\",\"usd\"\n\
         \"activity_fee\",\"Less fees\",\"-1.75\",\"usd\"\n\
         \"activity\",\"Activity\",\"41.25\",\"usd\"\n\
         \"payouts_gross\",\"Payouts to bank\",\"-10.00\",\"usd\"\n\
         \"payouts_fee\",\"Payout fees\",\"0.00\",\"usd\"\n\
         \"payouts\",\"Total payouts\",\"-10.00\",\"usd\"\n\
         \"ending_balance\",\"Ending balance (2026-01-05)\",\"50.37\",\"usd\"\n"
    );
    let all = records(&api, "balance.summary.1", &form(&span, &[]));
    let currencies: Vec<_> = all.iter().step_by(8).map(|row| row["currency"].as_str()).collect();
    assert_eq!(currencies, ["jpy", "kwd", "usd"]);
    let of = |currency: &str, category: &str| {
        let row = all.iter().find(|row| row["currency"] == currency && row["category"] == category);
        row.expect("a row")["net_amount"].clone()
    };
    assert_eq!(
        (of("jpy", "ending_balance"), of("jpy", "activity_fee")),
        ("485".into(), "-15".into())
    );
    assert_eq!(
        (of("kwd", "ending_balance"), of("kwd", "starting_balance")),
        ("1.460".into(), "0.000".into())
    );
}

#[test]
fn activity_is_itemized_in_the_columns_and_the_order_that_are_asked_for() {
    let api = january();
    let span = interval(FIRST, FIRST + 5 * DAY);
    let usual = text(&api, ACTIVITY, &form(&span, &[("currency", "usd")]));
    let lines: Vec<_> = usual.lines().collect();
    assert_eq!(
        lines[0],
        "\"balance_transaction_id\",\"created\",\"available_on\",\"currency\",\"gross\",\"fee\",\"net\",\
         \"reporting_category\",\"description\""
    );
    assert!(
        lines[1].ends_with(
            "\",\"2026-01-01 10:00:00\",\"2026-01-03 00:00:00\",\"usd\",\"20.00\",\"0.88\",\"19.12\",\
             \"charge\",\"Tea, \"\"green\"\"\""
        ),
        "{}",
        lines[1]
    );
    assert_eq!(lines.len(), 4);
    let columns = [
        "description",
        "source_id",
        "charge_id",
        "payment_intent_id",
        "customer_id",
        "customer_name",
        "customer_email",
        "customer_address_line1",
        "customer_shipping_address_city",
        "shipping_address_line1",
        "card_brand",
        "card_country",
        "payment_method_type",
        "payment_metadata[order]",
        "refund_metadata[reason]",
        "refund_metadata[other]",
        "customer_facing_amount",
        "customer_facing_currency",
        "charge_created_utc",
        "created_utc",
        "invoice_id",
        "is_link",
        "statement_descriptor",
        "automatic_payout_id",
    ];
    let chosen: Vec<_> = columns.iter().map(|column| ("columns[]", *column)).collect();
    let wide = text(&api, ACTIVITY, &form(&span, &[&chosen[..], &[("currency", "usd")]].concat()));
    let head: Vec<_> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    assert_eq!(wide.lines().next(), Some(head.join(",").as_str()));
    let mut reader = csv::Reader::from_reader(wide.as_bytes());
    let rows: Vec<Record> = reader.deserialize().map(|record| record.expect("CSV")).collect();
    let refund = rows.iter().find(|row| row["source_id"].starts_with("re_")).expect("the refund");
    let charge = api.get(&format!("/v1/charges/{}", refund["charge_id"])).ok();
    let expected = [
        ("payment_intent_id", charge.text_at("/payment_intent")),
        ("customer_id", charge.text_at("/customer")),
        ("customer_name", "Jo \"JJ\" Doe, junior"),
        ("customer_email", "jo@example.com"),
        ("customer_address_line1", "1 Main St"),
        ("customer_shipping_address_city", "Oslo"),
        ("shipping_address_line1", "2 Side St"),
        ("card_brand", "visa"),
        ("card_country", "US"),
        ("payment_method_type", "card"),
        ("payment_metadata[order]", "7"),
        ("refund_metadata[reason]", "cold"),
        ("refund_metadata[other]", ""),
        ("customer_facing_amount", "-7.00"),
        ("customer_facing_currency", "usd"),
        ("charge_created_utc", "2026-01-01 10:00:00"),
        ("created_utc", "2026-01-02 10:00:00"),
        ("invoice_id", ""),
        ("is_link", "false"),
        ("statement_descriptor", charge.text_at("/calculated_statement_descriptor")),
        ("automatic_payout_id", ""),
    ];
    for (column, text) in expected {
        assert_eq!(refund[column], text, "{column}");
    }
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_category_and_a_currency_narrow_what_is_itemized() {
    let api = january();
    let span = interval(FIRST, FIRST + 5 * DAY);
    let count = |more: Form<'_>| records(&api, ACTIVITY, &form(&span, more)).len();
    assert_eq!(count(&[]), 5);
    assert_eq!(count(&[("currency", "kwd")]), 1);
    assert_eq!(count(&[("reporting_category", "charge")]), 4);
    assert_eq!(count(&[("reporting_category", "charge"), ("currency", "usd")]), 2);
    // Payouts are no activity.
    assert_eq!(count(&[("reporting_category", "payout")]), 0);
}

#[test]
fn an_interval_has_its_start_and_not_its_end() {
    let api = Api::new();
    for _ in 0..3 {
        api.platform.advance(HOUR);
        pay(&api, "2000", "usd", &[]);
    }
    api.platform.advance(DAY);
    let made = |from: i64, to: i64| -> Vec<String> {
        let span = interval(FIRST + from, FIRST + to);
        let rows = records(&api, ACTIVITY, &form(&span, &[]));
        rows.into_iter().map(|row| row["created"].clone()).collect()
    };
    let (one, two, three) = ("2026-01-01 01:00:00", "2026-01-01 02:00:00", "2026-01-01 03:00:00");
    assert_eq!(made(0, HOUR), Vec::<String>::new());
    assert_eq!(made(0, HOUR + 1), [one]);
    assert_eq!(made(HOUR, 3 * HOUR), [one, two]);
    assert_eq!(made(HOUR + 1, 3 * HOUR + 1), [two, three]);
    assert_eq!(made(3 * HOUR, 4 * HOUR), [three]);
    let ending = |to: i64| {
        let span = interval(FIRST, FIRST + to);
        let rows = records(&api, "balance.summary.1", &form(&span, &[("currency", "usd")]));
        rows[7]["net_amount"].clone()
    };
    assert_eq!([ending(HOUR), ending(HOUR + 1), ending(3 * HOUR)], ["0.00", "19.12", "38.24"]);
}

#[test]
fn moments_are_written_in_the_time_zone_that_is_asked_for_summer_time_included() {
    let api = Api::new();
    pay(&api, "2000", "usd", &[]);
    // 29 March, 01:30 UTC: half an hour into Berlin's summer.
    api.platform.advance(87 * DAY + HOUR / 2 * 3);
    pay(&api, "2000", "usd", &[]);
    api.platform.advance(DAY);
    let span = interval(FIRST, FIRST + 88 * DAY);
    let created = |zone: &str| -> Vec<String> {
        let columns = [("columns[]", "created"), ("columns[]", "created_utc"), ("timezone", zone)];
        let text = text(&api, ACTIVITY, &form(&span, &columns));
        text.lines().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(
        created("Europe/Berlin"),
        [
            "\"2026-01-01 01:00:00\",\"2026-01-01 00:00:00\"",
            "\"2026-03-29 03:30:00\",\"2026-03-29 01:30:00\"",
        ]
    );
    assert_eq!(
        created("America/Los_Angeles")[0],
        "\"2025-12-31 16:00:00\",\"2026-01-01 00:00:00\""
    );
    let zone = [("timezone", "America/Los_Angeles"), ("currency", "usd")];
    let summary = records(&api, "balance.summary.1", &form(&span, &zone));
    assert_eq!(summary[0]["description"], "Starting balance (2025-12-31)");
    assert_eq!(summary[7]["description"], "Ending balance (2026-03-29)");
    assert_eq!(summary[7]["net_amount"], "38.24");
}

/// A report, what it is asked, the parameter that is wrong, and what is said of it.
type Refused<'r> = (&'r str, Vec<(&'r str, &'r str)>, &'r str, &'r str);

#[test]
fn what_a_report_does_not_take_is_refused_in_stripes_words() {
    let api = january();
    let (from, to) = (FIRST.to_string(), (FIRST + DAY).to_string());
    let [start, end] = [("interval_start", from.as_str()), ("interval_end", to.as_str())];
    let far = (FIRST + 60 * DAY).to_string();
    let early = (FIRST - 1).to_string();
    let by_hand = api.get("/v1/payouts").ok().text_at("/data/0/id").to_owned();
    let by_id = "payout_reconciliation.by_id.itemized.4";
    let cases: Vec<Refused<'_>> = vec![
        ("nonsense.1", vec![start, end], "report_type", "No such report type: 'nonsense.1'"),
        (
            ACTIVITY,
            vec![end],
            "parameters[interval_start]",
            "Missing required param: parameters[interval_start].",
        ),
        (
            ACTIVITY,
            vec![start],
            "parameters[interval_end]",
            "Missing required param: parameters[interval_end].",
        ),
        (by_id, vec![], "parameters[payout]", "Missing required param: parameters[payout]."),
        (
            by_id,
            vec![("payout", "po_1"), end],
            "parameters[interval_end]",
            "Received unknown parameter: parameters[interval_end]",
        ),
        (
            ACTIVITY,
            vec![start, end, ("payout", "po_1")],
            "parameters[payout]",
            "Received unknown parameter: parameters[payout]",
        ),
        (
            ACTIVITY,
            vec![start, end, ("colour", "red")],
            "parameters[colour]",
            "Received unknown parameter: parameters[colour]",
        ),
        (
            "balance.summary.1",
            vec![start, end, ("reporting_category", "charge")],
            "parameters[reporting_category]",
            "Received unknown parameter: parameters[reporting_category]",
        ),
        (
            "ending_balance_reconciliation.itemized.4",
            vec![start, end],
            "parameters[interval_start]",
            "Received unknown parameter: parameters[interval_start]",
        ),
        (
            ACTIVITY,
            vec![start, end, ("columns[]", "net"), ("columns[]", "colour")],
            "parameters[columns]",
            "Invalid column for the report type balance_change_from_activity.itemized.3: colour",
        ),
        (
            "balance.summary.1",
            vec![start, end, ("columns[]", "net")],
            "parameters[columns]",
            "Invalid column for the report type balance.summary.1: net",
        ),
        (
            ACTIVITY,
            vec![start, end, ("columns[]", "payment_metadata")],
            "parameters[columns]",
            "Invalid column for the report type balance_change_from_activity.itemized.3: payment_metadata",
        ),
        (
            ACTIVITY,
            vec![start, ("interval_end", &far)],
            "parameters.interval_end",
            "Data for the report type balance_change_from_activity.itemized.3 is only available through 2026-01-06 09:00:00 UTC; you requested `interval_end` = 2026-03-02 00:00:00 UTC.",
        ),
        (
            ACTIVITY,
            vec![("interval_start", &early), end],
            "parameters.interval_start",
            "Data for the report type balance_change_from_activity.itemized.3 is only available starting at 2026-01-01 00:00:00 UTC; you requested `interval_start` = 2025-12-31 23:59:59 UTC.",
        ),
        (
            ACTIVITY,
            vec![("interval_start", &to), ("interval_end", &to)],
            "parameters.interval_end",
            "`interval_end` must be later than `interval_start`.",
        ),
        (
            ACTIVITY,
            vec![start, ("interval_end", "soon")],
            "parameters[interval_end]",
            "Invalid integer: soon",
        ),
        (by_id, vec![("payout", "po_none")], "payout", "No such payout: 'po_none'"),
    ];
    for (report, parameters, param, message) in cases {
        let refused = ask(&api, report, &parameters);
        let error = refused.error(400);
        assert_eq!(
            (&error["param"], &error["message"]),
            (&json!(param), &json!(message)),
            "{report}"
        );
    }
    for zone in ["Mars/Olympus", "+01:00", "europe/berlin"] {
        let refused = ask(&api, ACTIVITY, &[start, end, ("timezone", zone)]);
        assert_eq!(refused.error(400)["param"], "parameters[timezone]", "{zone}");
    }
    let refused = ask(&api, ACTIVITY, &[start, end, ("currency", "zzz")]);
    assert_eq!(refused.error(400)["param"], "currency");
    let refused = ask(&api, by_id, &[("payout", &by_hand)]);
    let message = refused.error(400)["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("automatic"), "{message}");
    assert_eq!(api.get("/v1/reporting/report_runs").ok().body["data"], json!([]));
    api.get("/v1/reporting/report_runs/frr_none").error(404);
    api.get("/v1/files/file_none").error(404);
    invariants::check_quiet(&api.platform);
}

#[test]
fn only_the_merchants_server_downloads_its_files_and_not_for_ever() {
    let api = january();
    let span = interval(FIRST, FIRST + 5 * DAY);
    let run = ask(&api, ACTIVITY, &form(&span, &[])).ok();
    let run = ended(&api, &run);
    let path = run.text_at("/result/url").replace("https://florin.test", "");
    let as_key = |key: &str| kit::run(api.send(http::Method::GET, &path, Vec::new(), key, None));
    as_key(&api.merchant.publishable_key).error(403);
    as_key("sk_test_nonsense").error(401);
    as_key(&api.platform.merchant("stranger").secret_key).error(404);
    let live = api.platform.key(&api.merchant, domain::api_key::Kind::Secret, true);
    as_key(&live).error(404);
    let rights = |access| {
        let rights = [("file".to_owned(), access)].into();
        api.platform.restricted_key(&api.merchant, false, &rights)
    };
    as_key(&rights(domain::api_key::Access::Read)).ok();
    let none = api.platform.restricted_key(&api.merchant, false, &[].into());
    as_key(&none).error(403);
    api.post(&path, &[]).error(404);
    api.platform.advance(365 * DAY);
    as_key(&api.merchant.secret_key).error(404);
}

/// A merchant that is paid out every day, after a week in two currencies.
fn scheduled() -> Api {
    let api = Api::watched();
    api.platform.set_settings(&api.merchant, r#"{"payout_schedule": {"interval": "daily"}}"#);
    api.platform.advance(2 * HOUR);
    for day in 0..7 {
        let paid = pay(&api, "2000", "usd", &[]);
        pay(&api, "700", "jpy", &[]);
        if day % 3 == 1 {
            api.post("/v1/refunds", &[("payment_intent", paid.id()), ("amount", "300")]).ok();
        }
        days_pass(&api, 1);
    }
    api
}

#[test]
fn what_a_payout_carries_adds_up_to_it() {
    let api = scheduled();
    let span = interval(FIRST, FIRST + 6 * DAY);
    let text = text(&api, "payout_reconciliation.itemized.5", &form(&span, &[]));
    assert_eq!(
        text.lines().next(),
        Some(
            "\"automatic_payout_id\",\"automatic_payout_effective_at\",\"balance_transaction_id\",\"created\",\
             \"available_on\",\"currency\",\"gross\",\"fee\",\"net\",\"reporting_category\",\"description\""
        )
    );
    let rows = records(&api, "payout_reconciliation.itemized.5", &form(&span, &[]));
    let mut carried: BTreeMap<String, i64> = BTreeMap::new();
    for row in &rows {
        *carried.entry(row["automatic_payout_id"].clone()).or_default() +=
            minor(&row["net"], places(&row["currency"]));
    }
    assert!(carried.len() >= 6, "{carried:?}");
    for (id, sum) in &carried {
        let payout = api.get(&format!("/v1/payouts/{id}")).ok();
        assert_eq!(payout.body["amount"], *sum, "{id}");
        let row = rows.iter().find(|row| row["automatic_payout_id"] == *id).expect("a row");
        let made = payout.body["created"].as_i64().expect("a moment");
        let written = domain::report::date_time(domain::Timestamp(made));
        assert_eq!(row["automatic_payout_effective_at"], written);
        // The same by the payout alone.
        let of_one = records(&api, "payout_reconciliation.by_id.itemized.4", &[("payout", id)]);
        let same: Vec<_> = rows.iter().filter(|row| row["automatic_payout_id"] == *id).collect();
        assert_eq!(of_one.iter().collect::<Vec<_>>(), same);
        let listed = api.get(&format!("/v1/balance_transactions?payout={id}&limit=100")).ok();
        assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(same.len()));
        let summed = records(&api, "payout_reconciliation.by_id.summary.1", &[("payout", id)]);
        let total = summed.last().expect("a total");
        assert_eq!(total["reporting_category"], "total");
        assert_eq!(minor(&total["net"], places(&total["currency"])), *sum);
    }
    // Each is a line of the payouts' own report, as what left.
    let payouts = records(&api, "payouts.itemized.3", &form(&span, &[]));
    let left: BTreeMap<String, i64> = payouts
        .iter()
        .map(|row| (row["payout_id"].clone(), -minor(&row["net"], places(&row["currency"]))))
        .collect();
    assert_eq!(left, carried);
    let first = &payouts[0];
    let payout = api.get(&format!("/v1/payouts/{}", first["payout_id"])).ok();
    assert_eq!(first["payout_status"], payout.text_at("/status"));
    assert_eq!(first["payout_destination_id"], payout.text_at("/destination"));
    assert_eq!(first["payout_type"], "bank_account");
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

#[test]
fn a_payout_that_came_back_is_told_as_such() {
    let api = january();
    let form_of = [
        ("external_account[object]", "bank_account"),
        ("external_account[country]", "US"),
        ("external_account[currency]", "usd"),
        ("external_account[routing_number]", "110000000"),
        ("external_account[account_number]", "000111111116"),
    ];
    let banks = format!("/v1/accounts/{}/external_accounts", api.merchant.account);
    let bank = api.post(&banks, &form_of).ok();
    let made = now(&api);
    let failing = [("amount", "1000"), ("currency", "usd"), ("destination", bank.id())];
    let payout = api.post("/v1/payouts", &failing).ok();
    days_pass(&api, 4);
    let span = interval(made, now(&api) - 2 * HOUR - now(&api).rem_euclid(HOUR));
    let rows = records(&api, "payouts.itemized.3", &form(&span, &[]));
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let told = ["payout_id", "gross", "reporting_category", "payout_status"];
            told.map(|column| row[column].clone())
        })
        .collect();
    let id = payout.id();
    assert_eq!(
        told,
        [[id, "-10.00", "payout", "failed"], [id, "10.00", "payout_reversal", "failed"]]
    );
    assert_eq!(rows[0]["payout_reversed_at"], rows[1]["effective_at"]);
}

/// What a report sums up is what it itemizes, by currency and category.
fn assert_sums(itemized: &[Record], summary: &[Record]) {
    let mut sums: BTreeMap<(String, String), [i64; 4]> = BTreeMap::new();
    for row in itemized {
        let currency = &row["currency"];
        let units = |column: &str| minor(&row[column], places(currency));
        for category in [row["reporting_category"].as_str(), "total"] {
            let sum = sums.entry((currency.clone(), category.to_owned())).or_default();
            for (place, value) in
                [1, units("gross"), units("fee"), units("net")].into_iter().enumerate()
            {
                sum[place] += value;
            }
        }
    }
    let told: BTreeMap<_, _> = summary
        .iter()
        .map(|row| {
            let units = |column: &str| minor(&row[column], places(&row["currency"]));
            let count = row["count"].parse::<i64>().expect("a number");
            let key = (row["currency"].clone(), row["reporting_category"].clone());
            (key, [count, units("gross"), units("fee"), units("net")])
        })
        .collect();
    assert_eq!(told, sums);
}

/// Net sums by currency.
fn nets(rows: &[Record]) -> BTreeMap<String, i64> {
    let mut nets = BTreeMap::new();
    for row in rows {
        *nets.entry(row["currency"].clone()).or_default() +=
            minor(&row["net"], places(&row["currency"]));
    }
    nets
}

/// What the ledger owed the merchant at a moment, by currency.
fn owed(api: &Api, at: i64) -> BTreeMap<String, i64> {
    let rows = api.platform.database().query(
        "SELECT currency, -sum(amount) AS owed FROM ledger_entries WHERE owner = ?1 \
         AND kind IN ('pending', 'available') AND created < ?2 GROUP BY currency",
        values![api.merchant.account.as_str(), at],
    );
    rows.iter()
        .map(|row| {
            let currency = row.text("currency").expect("a text").to_owned();
            (currency, row.integer("owed").expect("a number"))
        })
        .collect()
}

/// Every identity of an interval's reports.
fn assert_identities(api: &Api, from: i64, to: i64) {
    let span = interval(from, to);
    let at = interval(from, to)[1..].to_vec();
    let of = |report: &str| records(api, report, &form(&span, &[]));
    let (activity, payouts) = (of(ACTIVITY), of("payouts.itemized.3"));
    assert_sums(&activity, &of("balance_change_from_activity.summary.1"));
    assert_sums(&payouts, &of("payouts.summary.1"));
    let paid_out = of("payout_reconciliation.itemized.5");
    assert_sums(&paid_out, &of("payout_reconciliation.summary.1"));
    let kept = records(api, "ending_balance_reconciliation.itemized.4", &form(&at, &[]));
    let summary = records(api, "ending_balance_reconciliation.summary.1", &form(&at, &[]));
    assert_sums(&kept, &summary);
    // Nothing is told twice or left out.
    let seen = api.platform.database().query(
        "SELECT id FROM balance_transactions WHERE account = ?1 AND created >= ?2 AND created < ?3",
        values![api.merchant.account.as_str(), from, to],
    );
    let seen: std::collections::BTreeSet<_> =
        seen.iter().map(|row| row.text("id").expect("an id").to_owned()).collect();
    let told = activity.iter().chain(&payouts).map(|row| row["balance_transaction_id"].clone());
    let told: Vec<_> = told.collect();
    assert_eq!((told.len(), &told.into_iter().collect()), (seen.len(), &seen));
    let (starting, ending) = (owed(api, from), owed(api, to));
    let (activity, left, kept) = (nets(&activity), nets(&payouts), nets(&kept));
    let value =
        |sums: &BTreeMap<String, i64>, currency: &str| sums.get(currency).copied().unwrap_or(0);
    for row in of("balance.summary.1") {
        let currency = row["currency"].as_str();
        let expected = match row["category"].as_str() {
            "starting_balance" => value(&starting, currency),
            "activity" => value(&activity, currency),
            "payouts" => value(&left, currency),
            "ending_balance" => value(&ending, currency),
            _ => continue,
        };
        assert_eq!(minor(&row["net_amount"], places(currency)), expected, "{row:?}");
    }
    for (currency, ending) in &ending {
        let came_to =
            value(&starting, currency) + value(&activity, currency) + value(&left, currency);
        assert_eq!(came_to, *ending, "opening + activity - payouts = closing, in {currency}");
        assert_eq!(value(&kept, currency), *ending, "what was not paid out, in {currency}");
    }
}

mod histories {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Pay(usize, i64),
        Refund(usize, i64),
        Dispute,
        PayOut(usize, i64),
        Hours(i64),
        Days(i64),
    }

    /// Of the last, banks take no hundredths.
    const CURRENCIES: [&str; 4] = ["usd", "jpy", "kwd", "twd"];

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..4_usize, 100..5_000_i64).prop_map(|(c, a)| Step::Pay(c, a)),
            2 => (any::<usize>(), 1..3_000_i64).prop_map(|(i, a)| Step::Refund(i, a)),
            1 => Just(Step::Dispute),
            1 => (0..4_usize, 1..4_000_i64).prop_map(|(c, a)| Step::PayOut(c, a)),
            2 => (1..20_i64).prop_map(Step::Hours),
            2 => (1..4_i64).prop_map(Step::Days),
        ]
    }

    fn take(api: &Api, step: &Step, paid: &mut Vec<String>) {
        match step {
            Step::Pay(currency, amount) => {
                let amount = (amount * 10).to_string();
                paid.push(pay(api, &amount, CURRENCIES[*currency], &[]).id().to_owned());
            }
            Step::Refund(which, amount) if !paid.is_empty() => {
                let intent = &paid[which % paid.len()];
                let amount = (amount * 10).to_string();
                // More than is left is refused, which moves nothing.
                api.post("/v1/refunds", &[("payment_intent", intent), ("amount", &amount)]);
            }
            Step::Refund(..) => {}
            Step::Dispute => {
                let form =
                    [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa_createDispute")];
                api.post("/v1/charges", &form).ok();
            }
            Step::PayOut(currency, amount) => {
                let amount = (amount * 10).to_string();
                let form = [("amount", amount.as_str()), ("currency", CURRENCIES[*currency])];
                api.post("/v1/payouts", &form);
            }
            Step::Hours(hours) => {
                api.platform.advance(hours * HOUR);
                api.beat();
            }
            Step::Days(days) => days_pass(api, *days),
        }
    }

    #[test]
    fn every_identity_holds_over_any_history() {
        let settings = prop::sample::select(vec![
            "{}",
            r#"{"payout_schedule": {"interval": "daily"}}"#,
            r#"{"payout_schedule": {"interval": "weekly", "weekly_anchor": "monday"}, "available_after_days": 1}"#,
            r#"{"payout_schedule": {"interval": "daily", "delay_days": 5}}"#,
        ]);
        let history = prop::collection::vec(step(), 5..40);
        let input = (settings, history, any::<(prop::sample::Index, prop::sample::Index)>());
        let cases = api::cases(24, 400);
        let mut runner = TestRunner::new(Config { cases, ..Config::default() });
        let outcome = runner.run(&input, |(settings, history, (one, other))| {
            let api = Api::new();
            api.platform.set_settings(&api.merchant, settings);
            api.platform.advance(HOUR / 2 * 3);
            let mut paid = Vec::new();
            for step in &history {
                take(&api, step, &mut paid);
            }
            days_pass(&api, 1);
            // Bounds at the very seconds in which money moved, and right beside them.
            let moved = api.platform.database().query(
                "SELECT DISTINCT created FROM balance_transactions WHERE created < ?1 - 7200 ORDER BY created",
                values![now(&api)],
            );
            let mut bounds: Vec<i64> = moved
                .iter()
                .map(|row| row.integer("created").expect("a number"))
                .flat_map(|at| [at, at + 1])
                .chain([FIRST, FIRST + HOUR])
                .collect();
            bounds.sort_unstable();
            bounds.dedup();
            let (one, other) = (bounds[one.index(bounds.len())], bounds[other.index(bounds.len())]);
            if one != other {
                assert_identities(&api, one.min(other), one.max(other));
            }
            assert_identities(&api, FIRST, bounds[bounds.len() - 1]);
            invariants::check(&api.platform);
            invariants::check_quiet(&api.platform);
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn a_closed_interval_reads_the_same_whatever_comes_later() {
    let api = scheduled();
    let span = interval(FIRST, FIRST + 4 * DAY);
    let at = span[1..].to_vec();
    let reports =
        ["balance.summary.1", ACTIVITY, "payout_reconciliation.itemized.5", "payouts.summary.1"];
    let read = || -> Vec<String> {
        let ending = text(&api, "ending_balance_reconciliation.itemized.4", &form(&at, &[]));
        let others = reports.iter().map(|report| text(&api, report, &form(&span, &[])));
        others.chain([ending]).collect()
    };
    let before = read();
    pay(&api, "2000", "usd", &[]);
    days_pass(&api, 3);
    assert_eq!(read(), before);
}

/// So many transactions of one second each, as a year of a large merchant has them.
fn fill(api: &Api, count: i64) {
    api.platform.database().query(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < CAST(?1 AS INTEGER)) \
         INSERT INTO balance_transactions (id, account, livemode, created, type, currency, amount, fee, net, \
         available_on, source, details) SELECT 'txn_' || n, ?2, 0, CAST(?3 AS INTEGER) + n / 3, 'charge', 'usd', n, 1, \
         n - 1, 0, 'ch_' || n, '{\"description\": \"Tea\", \"cause\": \"' || n || '\"}' FROM numbers",
        values![count, api.merchant.account.as_str(), FIRST],
    );
}

#[test]
fn a_large_interval_is_written_in_bounded_parts() {
    let api = Api::new();
    fill(&api, 12_000);
    api.platform.advance(DAY);
    let span = interval(FIRST, FIRST + 5_000);
    let columns = [("columns[]", "balance_transaction_id"), ("columns[]", "card_brand")];
    let batches_of_a_beat = || {
        api.platform.database().take_counts();
        api.beat();
        api.platform.database().take_counts().batches
    };
    api.beat();
    let idle = batches_of_a_beat();
    let run = ask(&api, ACTIVITY, &form(&span, &columns)).ok();
    let of_the_report = batches_of_a_beat() - idle;
    assert!(of_the_report < 30, "one step asks the database {of_the_report} times beside {idle}");
    assert_eq!(
        api.get(&format!("/v1/reporting/report_runs/{}", run.id())).ok().body["status"],
        "pending"
    );
    let run = ended(&api, &run);
    let text = download(&api, &run);
    assert_eq!(api.platform.files().len(), 3);
    let ids: Vec<_> = text.lines().skip(1).map(str::to_owned).collect();
    let expected: Vec<_> = (1..=12_000).map(|n| format!("\"txn_{n}\",\"\"")).collect();
    assert!(ids == expected, "{} lines", ids.len());
    let summary = records(&api, "balance_change_from_activity.summary.1", &form(&span, &[]));
    assert_eq!(
        (summary[0]["count"].as_str(), summary[0]["gross"].as_str()),
        ("12000", "720060.00")
    );
    invariants::check_registered(&api.platform);
}

/// The books are read first, and what is not in them yet must not be taken from them.
#[test]
fn what_comes_while_a_balance_is_summed_up_changes_nothing() {
    let api = Api::new();
    fill(&api, 26_000);
    api.platform.advance(DAY);
    pay(&api, "2000", "usd", &[]);
    let span = interval(FIRST, FIRST + 10_000);
    let run = ask(&api, "balance.summary.1", &form(&span, &[("columns[]", "net_amount")])).ok();
    api.beat();
    assert_eq!(api.get("/v1/reporting/report_runs").ok().body["data"][0]["status"], "pending");
    pay(&api, "2000", "usd", &[]);
    let text = download(&api, &ended(&api, &run));
    assert_eq!(text.lines().last(), Some("\"0.00\""), "{text}");
    invariants::check_registered(&api.platform);
}

#[test]
fn a_bucket_that_fails_is_asked_again_and_the_file_is_there_once() {
    for fault in [Fault::BeforeEffect, Fault::AfterEffect] {
        let api = january();
        let span = interval(FIRST, FIRST + 5 * DAY);
        let run = ask(&api, ACTIVITY, &form(&span, &[])).ok();
        api.platform.files_hop().fail(1, fault);
        api.beat();
        let path = format!("/v1/reporting/report_runs/{}", run.id());
        assert_eq!(api.get(&path).ok().body["status"], "pending");
        assert_eq!(api.platform.errors().len(), 1);
        api.platform.advance(5);
        let run = ended(&api, &run);
        assert_eq!(download(&api, &run).lines().count(), 6);
        assert_eq!(api.platform.files().len(), 1, "{fault:?}");
        invariants::check_settled(&api.platform);
    }
}

#[test]
fn a_report_that_cannot_be_written_fails_after_a_while_and_says_so() {
    let api = january();
    let span = interval(FIRST, FIRST + 5 * DAY);
    let run = ask(&api, ACTIVITY, &form(&span, &[])).ok();
    for nth in 1..=50 {
        api.platform.files_hop().fail(nth, Fault::BeforeEffect);
    }
    let path = format!("/v1/reporting/report_runs/{}", run.id());
    let begun = now(&api);
    while api.get(&path).ok().body["status"] == "pending" {
        api.beat();
        api.platform.advance(10);
        assert!(now(&api) - begun < HOUR, "it is tried for ever");
    }
    assert!(now(&api) - begun > 10 * 60, "it gave up soon");
    let failed = api.get(&path).ok();
    assert_eq!((&failed.body["status"], &failed.body["result"]), (&json!("failed"), &Value::Null));
    assert!(failed.text_at("/error").starts_with("The report could not be written."));
    let told = api.get("/v1/events?type=reporting.report_run.failed").ok();
    assert_eq!(told.body["data"][0]["data"]["object"], failed.body);
    assert_eq!(api.get("/v1/files").ok().body["data"], json!([]));
    invariants::check_settled(&api.platform);
}
