//! What holds after every scenario, whatever went wrong in it: the invariants of the house plan.
//!
//! [`WATCH`] writes down how rows change, in the test's own table; [`check`] holds at every moment;
//! [`check_settled`] lets recovery do its work first, and nothing may be open then.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use domain::search::fold;
use kit::{Database, Platform};
use serde_json::Value;
use store::Row;

mod alerts;
mod ledger;

/// What a status may become. A status may always stay what it is.
const LISTED: &[(&str, &str, &[&str])] = &[
    (
        "payment_intents",
        "requires_payment_method",
        &[
            "requires_confirmation",
            "requires_action",
            "processing",
            "requires_capture",
            "succeeded",
            "canceled",
        ],
    ),
    (
        "payment_intents",
        "requires_confirmation",
        &[
            "requires_payment_method",
            "requires_action",
            "processing",
            "requires_capture",
            "succeeded",
            "canceled",
        ],
    ),
    (
        "payment_intents",
        "requires_action",
        &[
            "requires_payment_method",
            "requires_confirmation",
            "processing",
            "requires_capture",
            "succeeded",
            "canceled",
        ],
    ),
    // What nobody knew may turn out to be a challenge.
    (
        "payment_intents",
        "processing",
        &[
            "requires_payment_method",
            "requires_action",
            "requires_capture",
            "succeeded",
            "canceled",
        ],
    ),
    ("payment_intents", "requires_capture", &["succeeded", "canceled"]),
    ("attempts", "started", &["requires_action", "processing", "succeeded", "failed"]),
    ("attempts", "requires_action", &["started", "canceled"]),
    ("attempts", "processing", &["succeeded", "failed"]),
    ("charges", "pending", &["succeeded", "failed"]),
    (
        "disputes",
        "warning_needs_response",
        &["warning_under_review", "warning_closed", "needs_response"],
    ),
    ("disputes", "warning_under_review", &["warning_closed", "needs_response"]),
    ("disputes", "needs_response", &["under_review", "lost"]),
    ("disputes", "under_review", &["won", "lost"]),
    ("payouts", "pending", &["in_transit", "failed", "canceled"]),
    ("payouts", "in_transit", &["paid", "failed"]),
    ("payouts", "paid", &["failed"]),
    ("topups", "pending", &["succeeded", "failed", "canceled"]),
    ("topups", "succeeded", &["reversed"]),
    ("refunds", "pending", &["requires_action", "succeeded", "failed", "canceled"]),
    ("refunds", "requires_action", &["succeeded", "failed", "canceled"]),
    ("refunds", "succeeded", &["failed"]),
    ("report_runs", "pending", &["succeeded", "failed"]),
];

/// Writes down every change of a status or version, in a database that was made with this script.
pub static WATCH: LazyLock<String> = LazyLock::new(|| {
    // What only ever rises: what was taken of a charge, and what was let go of.
    let tables = [
        ("payment_intents", "status", "version", "received"),
        ("charges", "status", "version", "captured + {}.released"),
        ("disputes", "status", "version", "0"),
        ("payouts", "status", "version", "0"),
        ("topups", "status", "version", "0"),
        // Where a transfer goes never changes.
        ("transfers", "destination", "version", "reversed"),
        ("refunds", "status", "version", "0"),
        ("report_runs", "status", "version", "0"),
        ("attempts", "state", "0", "0"),
    ];
    let watched = "CREATE TEMP TABLE watched (place INTEGER PRIMARY KEY, name TEXT, id TEXT, old_status TEXT, \
         new_status TEXT, old_version INTEGER, new_version INTEGER, old_final INTEGER, new_final INTEGER);";
    let triggers = tables.map(|(table, status, version, rises)| {
        let column = |side: &str, name: &str| match name {
            "0" => "0".to_owned(),
            name => format!("{side}.{}", name.replace("{}", side)),
        };
        format!(
            "CREATE TEMP TRIGGER watch_{table} AFTER UPDATE ON main.{table} BEGIN \
             INSERT INTO watched (name, id, old_status, new_status, old_version, new_version, \
             old_final, new_final) VALUES ('{table}', NEW.id, OLD.{status}, NEW.{status}, {}, {}, \
             {}, {}); END;",
            column("OLD", version),
            column("NEW", version),
            column("OLD", rises),
            column("NEW", rises),
        )
    });
    watched.to_owned() + &triggers.concat()
});

fn run(database: &Database, sql: &str) -> Vec<Row> {
    database.query(sql, Vec::new())
}

/// What holds at every moment.
///
/// # Panics
/// When an invariant is broken.
pub fn check(platform: &Platform) {
    check_rows(platform.database(), &platform.files());
}

/// The same of a database, beside what the archive has of it.
///
/// # Panics
/// When an invariant is broken.
pub fn check_rows(database: &Database, files: &BTreeMap<String, Vec<u8>>) {
    let books = Books::read(database, files);
    books.charges_follow_their_attempts();
    books.intents_follow_their_charges();
    books.refunds_are_within_what_was_taken();
    books.charges_follow_their_disputes();
    books.events_tell_of_each_change_once();
    books.metadata_is_found_by_its_rows();
    books.reports_have_one_file();
    ledger::check(database, &books.events);
    books.a_card_that_nobody_keeps_pays_once();
    only_listed_transitions(database);
    alerts::check(database);
}

/// Lets recovery work with all faults off; then nothing may be open, and everything [`check`]s.
///
/// # Panics
/// When an invariant is broken.
pub fn check_settled(platform: &Platform) {
    for _ in 0..2 {
        platform.advance(flows::operations::RECOVERY_DELAY + 1);
        kit::run(crate::beat(platform));
    }
    let database = platform.database();
    check(platform);
    let open = run(database, "SELECT * FROM attempts WHERE state = 'started'");
    assert!(open.is_empty(), "I7: attempts that nobody brings to an end: {open:#?}");
    let held = run(
        database,
        "SELECT * FROM payment_intents WHERE pending_operation IS NOT NULL \
         AND status <> 'processing'",
    );
    assert!(held.is_empty(), "I7: intents that an operation holds for ever: {held:#?}");
    let held =
        run(database, "SELECT * FROM charges WHERE details ->> 'pending_operation' IS NOT NULL");
    assert!(held.is_empty(), "I7: charges that an operation holds for ever: {held:#?}");
    let held = run(database, "SELECT * FROM refunds WHERE pending_operation IS NOT NULL");
    assert!(held.is_empty(), "I7: refunds that an operation holds for ever: {held:#?}");
    let now = flows::Platform::now(platform).seconds();
    ledger::audit(database, now);
    let unplanned = run(
        database,
        "SELECT id FROM disputes WHERE status NOT IN ('won', 'lost', 'warning_closed') \
         AND id NOT IN (SELECT subject FROM scheduled_tasks WHERE kind = 'settle_dispute' \
         AND due_at = details ->> 'acts_at')",
    );
    assert!(unplanned.is_empty(), "I7: disputes that nobody decides: {unplanned:#?}");
    let late = run(database, &format!("SELECT * FROM scheduled_tasks WHERE due_at <= {now}"));
    assert!(late.is_empty(), "I7: work that stays due: {late:#?}");
    let stuck = run(
        database,
        "SELECT id FROM payouts WHERE status IN ('pending', 'in_transit') \
         AND id NOT IN (SELECT subject FROM scheduled_tasks WHERE kind = 'advance_payout')",
    );
    assert!(stuck.is_empty(), "I7: payouts that never arrive: {stuck:#?}");
    let stuck = run(database, "SELECT id FROM report_runs WHERE status = 'pending'");
    assert!(stuck.is_empty(), "I7: reports that nobody writes: {stuck:#?}");
    let stuck = run(
        database,
        "SELECT id FROM topups WHERE status = 'pending' \
         AND id NOT IN (SELECT subject FROM scheduled_tasks WHERE kind = 'settle_topup')",
    );
    assert!(stuck.is_empty(), "I7: top-ups that no bank answers: {stuck:#?}");
    let unplanned = run(
        database,
        "SELECT id FROM charges WHERE status = 'succeeded' AND captured + released < amount \
         AND id NOT IN (SELECT subject FROM scheduled_tasks WHERE kind = 'expire_authorization')",
    );
    assert!(unplanned.is_empty(), "I7: held money that never expires: {unplanned:#?}");
}

/// Nothing that operators have to know of happened, and no statement ran whose plan no test has seen.
///
/// # Panics
/// When something did.
pub fn check_quiet(platform: &Platform) {
    assert_eq!(platform.errors(), [], "operators were told of our own faults");
    check_registered(platform);
}

/// No statement ran whose plan no test has seen.
///
/// # Panics
/// When one did.
pub fn check_registered(platform: &Platform) {
    let unregistered = platform.database().unregistered();
    assert!(unregistered.is_empty(), "statements without a known plan: {unregistered:#?}");
}

fn only_listed_transitions(database: &Database) {
    let is_watched =
        !run(database, "SELECT name FROM temp.sqlite_schema WHERE name = 'watched'").is_empty();
    if !is_watched {
        return;
    }
    for row in run(database, "SELECT * FROM watched ORDER BY place") {
        let table = text(&row, "name");
        let (old, new) = (text(&row, "old_status"), text(&row, "new_status"));
        let listed = LISTED
            .iter()
            .any(|(name, from, to)| *name == table && *from == old && to.contains(&new.as_str()));
        assert!(old == new || listed, "I4: {table} {} went from {old} to {new}", text(&row, "id"));
        if table != "attempts" {
            assert_eq!(
                number(&row, "new_version"),
                number(&row, "old_version") + 1,
                "I4: the version of {table} {}",
                text(&row, "id")
            );
        }
        assert!(number(&row, "new_final") >= number(&row, "old_final"), "I4: taken back: {row:?}");
    }
}

/// The rows that belong together.
struct Books {
    intents: Vec<Row>,
    methods: Vec<Row>,
    attempts: Vec<Row>,
    charges: Vec<Row>,
    customers: Vec<Row>,
    disputes: Vec<Row>,
    payouts: Vec<Row>,
    refunds: Vec<Row>,
    runs: Vec<Row>,
    files: Vec<Row>,
    topups: Vec<Row>,
    transfers: Vec<Row>,
    reversals: Vec<Row>,
    events: Vec<Row>,
    metadata: Vec<Row>,
    ids: BTreeSet<String>,
    /// How often each type of event tells of each object.
    told: HashMap<(String, String), usize>,
    /// The places of the attempts that name an intent, a charge or a refund.
    naming: HashMap<String, Vec<usize>>,
}

/// What an attempt names: what it is of, and what it was asked to make.
fn named(attempt: &Row) -> BTreeSet<String> {
    let request = parsed(attempt, "request");
    let asked = ["charge", "refund"].map(|name| request[name].as_str().map(str::to_owned));
    let of = ["payment_intent", "charge"].map(|column| Some(text(attempt, column)));
    of.into_iter().chain(asked).flatten().filter(|id| !id.is_empty()).collect()
}

fn text(row: &Row, column: &'static str) -> String {
    row.optional_text(column).expect("a text or nothing").unwrap_or_default().to_owned()
}

fn number(row: &Row, column: &'static str) -> i64 {
    row.integer(column).expect("a number")
}

fn parsed(row: &Row, column: &'static str) -> Value {
    row.json(column).expect("JSON")
}

/// The events in the database and in the archive; one that is on its way between them counts once.
fn events(database: &Database, files: &BTreeMap<String, Vec<u8>>) -> Vec<Row> {
    let mut events: BTreeMap<String, Row> = BTreeMap::new();
    for (name, bytes) in files {
        if name.starts_with("archive/events/") {
            for line in String::from_utf8_lossy(bytes).lines() {
                let mut line: Value = serde_json::from_str(line).expect("JSON");
                let Value::Object(row) = line["event"].take() else { panic!("no event in {name}") };
                events.insert(text(&Row(row.clone()), "id"), Row(row));
            }
        }
    }
    let kept = run(database, "SELECT * FROM events");
    events.extend(kept.into_iter().map(|row| (text(&row, "id"), row)));
    events.into_values().collect()
}

impl Books {
    fn read(database: &Database, files: &BTreeMap<String, Vec<u8>>) -> Self {
        let all = |table: &str| run(database, &format!("SELECT * FROM {table}"));
        let tables = [
            "attempts",
            "bank_accounts",
            "payment_intents",
            "charges",
            "refunds",
            "customers",
            "disputes",
            "payment_methods",
            "payouts",
            "report_runs",
            "setup_intents",
            "topups",
            "transfers",
        ];
        let ids = tables.iter().flat_map(|table| all(table)).map(|row| text(&row, "id")).collect();
        let (attempts, events) = (all("attempts"), events(database, files));
        let mut told = HashMap::new();
        for event in &events {
            *told.entry((text(event, "type"), text(event, "object"))).or_default() += 1;
        }
        let mut naming: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, attempt) in attempts.iter().enumerate() {
            named(attempt).into_iter().for_each(|id| naming.entry(id).or_default().push(place));
        }
        Self {
            intents: all("payment_intents"),
            methods: all("payment_methods"),
            attempts,
            charges: all("charges"),
            customers: all("customers"),
            disputes: all("disputes"),
            payouts: all("payouts"),
            refunds: all("refunds"),
            runs: all("report_runs"),
            files: all("files"),
            topups: all("topups"),
            transfers: all("transfers"),
            reversals: all("transfer_reversals"),
            events,
            metadata: all("metadata_entries"),
            ids,
            told,
            naming,
        }
    }

    fn attempts<'b>(
        &'b self,
        kind: &'b str,
        column: &'static str,
        id: &'b str,
    ) -> impl Iterator<Item = &'b Row> {
        self.naming(id)
            .filter(move |row| text(row, "kind") == kind && text(row, column) == id)
            .filter(|row| text(row, "state") == "succeeded")
    }

    /// The attempts that name an object in any way.
    fn naming(&self, id: &str) -> impl Iterator<Item = &Row> {
        let places = self.naming.get(id).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|place| &self.attempts[*place])
    }

    fn events(&self, kind: &str, object: &str) -> usize {
        self.told.get(&(kind.to_owned(), object.to_owned())).copied().unwrap_or_default()
    }

    fn charges_follow_their_attempts(&self) {
        for attempt in &self.attempts {
            let request = parsed(attempt, "request");
            let Some(charge_id) = request["charge"].as_str() else { continue };
            let charge = self.charges.iter().find(|row| text(row, "id") == charge_id);
            let status = charge.map(|row| text(row, "status"));
            let expected = match text(attempt, "state").as_str() {
                "succeeded" => Some("succeeded"),
                "failed" => {
                    parsed(attempt, "resolution")["failed_charge"].as_str().map(|_| "failed")
                }
                _ => None,
            };
            assert_eq!(status.as_deref(), expected, "I1: {attempt:?}");
        }
        for charge in &self.charges {
            self.check_charge(charge);
        }
    }

    fn check_charge(&self, charge: &Row) {
        let id = text(charge, "id");
        let authorized: Vec<_> =
            self.naming(&id).filter(|row| parsed(row, "request")["charge"] == *id).collect();
        assert_eq!(authorized.len(), 1, "I1: {id} was authorised by one attempt: {authorized:?}");
        let amount = number(charge, "amount");
        let largest = self.attempts("increment", "charge", &id).map(|row| number(row, "amount"));
        let asked = largest.chain([number(authorized[0], "amount")]).max();
        assert_eq!(Some(amount), asked, "I1: {id} holds what was asked for");
        let at_once = match parsed(authorized[0], "request")["capture"] {
            Value::Bool(true) if text(charge, "status") == "succeeded" => amount,
            _ => 0,
        };
        let taken: i64 =
            self.attempts("capture", "charge", &id).map(|row| number(row, "amount")).sum();
        assert_eq!(number(charge, "captured"), at_once + taken, "I1: {id} took what was captured");
        assert!(number(charge, "captured") + number(charge, "released") <= amount, "I2: {id}");
        let voids = self.attempts("void", "charge", &id).count();
        assert!(voids <= 1, "I1: {id} was let go of {voids} times");
    }

    fn intents_follow_their_charges(&self) {
        for intent in &self.intents {
            let id = text(intent, "id");
            let paid: Vec<_> = self
                .charges
                .iter()
                .filter(|row| text(row, "payment_intent") == id)
                .filter(|row| text(row, "status") == "succeeded")
                .collect();
            assert!(paid.len() <= 1, "I1: {id} was charged {} times", paid.len());
            let status = text(intent, "status");
            let was_paid = matches!(status.as_str(), "succeeded" | "requires_capture");
            assert!(!was_paid || paid.len() == 1, "I1: {id} is {status} without a charge");
            let captured = paid.first().map_or(0, |row| number(row, "captured"));
            assert_eq!(number(intent, "received"), captured, "I8: {id} got what was taken");
            assert!(captured <= number(intent, "amount"), "I2: {id}");
            if let Some(charge) = paid.first() {
                assert!(was_paid || status == "canceled", "I1: {id} is {status} and was charged");
                assert_eq!(text(intent, "latest_charge"), text(charge, "id"), "I8: {id}");
                let rest = number(charge, "amount") - captured - number(charge, "released");
                assert_eq!(
                    number(intent, "capturable"),
                    rest,
                    "I8: {id} holds what its charge does"
                );
            }
        }
    }

    fn refunds_are_within_what_was_taken(&self) {
        for charge in &self.charges {
            let id = text(charge, "id");
            let given: i64 = self
                .refunds
                .iter()
                .filter(|row| text(row, "charge") == id)
                .filter(|row| !matches!(text(row, "status").as_str(), "failed" | "canceled"))
                .map(|row| number(row, "amount"))
                .sum();
            // A refund of a charge without an intent lets go of what is only held.
            if number(charge, "captured") == 0 && text(charge, "payment_intent").is_empty() {
                assert_eq!(number(charge, "refunded"), 0, "I2: {id} has nothing to give back");
                assert!(
                    [0, number(charge, "amount")].contains(&given),
                    "I2: {id} lets go of {given}"
                );
                continue;
            }
            assert_eq!(number(charge, "refunded"), given, "I2: {id} counts its refunds");
            // A bank may take back what was given back before: that is a loss, and never refused.
            assert!(given <= number(charge, "captured"), "I2: {id} gave back {given}");
            let lost: i64 = self
                .disputes
                .iter()
                .filter(|row| text(row, "charge") == id)
                .filter(|row| parsed(row, "details")["processor_reference"].is_null())
                .filter(|row| {
                    matches!(
                        text(row, "status").as_str(),
                        "needs_response" | "under_review" | "lost"
                    )
                })
                .map(|row| number(row, "amount"))
                .sum();
            assert!(
                given + lost <= number(charge, "captured"),
                "I2: {id} gave back {given} and lost {lost}"
            );
        }
        for topup in &self.topups {
            self.check_events_of_topup(topup);
        }
        for transfer in &self.transfers {
            let id = text(transfer, "id");
            assert_eq!(self.events("transfer.created", &id), 1, "I6: transfer.created of {id}");
            let reversals = self.reversals.iter().filter(|row| text(row, "transfer") == id).count();
            let told = self.events("transfer.reversed", &id);
            assert_eq!(told, reversals, "I6: transfer.reversed of {id}");
        }
        for refund in &self.refunds {
            let id = text(refund, "id");
            let carried = self
                .naming(&id)
                .filter(|row| parsed(row, "request")["refund"] == *id)
                .collect::<Vec<_>>();
            assert_eq!(carried.len(), 1, "I1: {id} is carried out by one attempt");
            assert_eq!(number(refund, "amount"), number(carried[0], "amount"), "I1: {id}");
        }
    }

    fn charges_follow_their_disputes(&self) {
        for charge in &self.charges {
            let id = text(charge, "id");
            let own: Vec<_> =
                self.disputes.iter().filter(|row| text(row, "charge") == id).collect();
            assert!(own.len() <= 1, "I1: {id} is disputed {} times", own.len());
            assert_eq!(number(charge, "disputed") == 1, own.len() == 1, "I8: {id}");
            let noted = &parsed(charge, "details")["dispute"];
            let Some(dispute) = own.first() else {
                assert!(noted.is_null(), "I8: {id} notes a dispute that is none: {noted}");
                continue;
            };
            let stands = serde_json::json!({
                "id": text(dispute, "id"),
                "status": text(dispute, "status"),
                "amount": number(dispute, "amount"),
            });
            assert_eq!(*noted, stands, "I8: {id} follows its dispute");
            assert_eq!(
                text(dispute, "payment_intent"),
                text(charge, "payment_intent"),
                "I8: {stands}"
            );
        }
    }

    fn check_events_of_dispute(&self, dispute: &Row) {
        let id = text(dispute, "id");
        let status = text(dispute, "status");
        let details = parsed(dispute, "details");
        let moved = details["balance_transactions"].as_array().map_or(0, Vec::len);
        let is_over = matches!(status.as_str(), "won" | "lost" | "warning_closed");
        let expected = [
            ("charge.dispute.created", 1),
            ("charge.dispute.funds_withdrawn", moved.min(1)),
            ("charge.dispute.funds_reinstated", usize::from(status == "won")),
            ("charge.dispute.closed", usize::from(is_over)),
            // Each change is told, and the first version was none.
            (
                "charge.dispute.updated",
                usize::try_from(number(dispute, "version") - 1).expect("a version"),
            ),
        ];
        for (kind, times) in expected {
            assert_eq!(self.events(kind, &id), times, "I6: {kind} of {id}, which is {status}");
        }
        // What is kept at a processor waits for that.
        let waits = details["processor_reference"].is_null() && !is_over;
        assert_eq!(waits, !details["acts_at"].is_null(), "I7: {id} is {status}");
    }

    fn reports_have_one_file(&self) {
        let mut made = 0;
        for run in &self.runs {
            let (id, status) = (text(run, "id"), text(run, "status"));
            let result = parsed(run, "details")["result"]["id"].as_str().map(str::to_owned);
            let files = self.files.iter().filter(|file| Some(text(file, "id")) == result).count();
            made += files;
            let times = usize::from(status == "succeeded");
            assert_eq!(files, times, "the files of {id}, which is {status}");
            for (kind, is) in [("succeeded", times), ("failed", usize::from(status == "failed"))] {
                let told = self.events(&format!("reporting.report_run.{kind}"), &id);
                assert_eq!(told, is, "I6: {kind} of {id}, which is {status}");
            }
        }
        assert_eq!(self.files.len(), made, "files of no report");
    }

    fn events_tell_of_each_change_once(&self) {
        let mut seen = BTreeMap::new();
        for event in &self.events {
            let (kind, object) = (text(event, "type"), text(event, "object"));
            // A balance has no id, and may be the same twice; the ledger's check counts these.
            if kind == "balance.available" {
                assert_eq!(object, "balance", "I6: {kind}");
                continue;
            }
            assert!(
                self.ids.contains(&object),
                "I6: {kind} tells of {object}, which does not exist"
            );
            let data = parsed(event, "data");
            assert_eq!(data["object"]["id"], *object, "I6: {kind}");
            // Two refunds of one amount may tell the same of their charge, but not by one request.
            let cause = (text(event, "request"), text(event, "idempotency_key"));
            let before =
                seen.insert((kind.clone(), object.clone(), text(event, "data"), cause), ());
            // Mail that is tried anew may be given up once more.
            // Recovery may record two refunds of one amount, and has no request; how often is counted below.
            let is_unasked = text(event, "request").is_empty();
            let may_be_repeated =
                kind == "florin.receipt.failed" || kind == "charge.refunded" && is_unasked;
            assert!(before.is_none() || may_be_repeated, "I6: {kind} of {object} was told twice");
        }
        for intent in &self.intents {
            self.check_events_of_intent(intent);
        }
        for charge in &self.charges {
            self.check_events_of_charge(charge);
        }
        for dispute in &self.disputes {
            self.check_events_of_dispute(dispute);
        }
        for payout in &self.payouts {
            self.check_events_of_payout(payout);
        }
        for refund in &self.refunds {
            let id = text(refund, "id");
            let told = usize::from(text(refund, "pending_operation").is_empty());
            assert_eq!(self.events("refund.created", &id), told, "I6: refund.created of {id}");
            let failed = usize::from(text(refund, "status") == "failed");
            assert_eq!(self.events("refund.failed", &id), failed, "I6: refund.failed of {id}");
        }
    }

    fn check_events_of_payout(&self, payout: &Row) {
        let id = text(payout, "id");
        let status = text(payout, "status");
        let was_paid = self.events("payout.paid", &id) > 0;
        let times = |is: bool| usize::from(is);
        let expected = [
            ("payout.created", 1),
            ("payout.reconciliation_completed", times(number(payout, "automatic") == 1)),
            ("payout.paid", times(status == "paid" || (status == "failed" && was_paid))),
            ("payout.failed", times(status == "failed")),
            ("payout.canceled", times(status == "canceled")),
        ];
        for (kind, times) in expected {
            assert_eq!(self.events(kind, &id), times, "I6: {kind} of {id}, which is {status}");
        }
    }

    fn check_events_of_topup(&self, topup: &Row) {
        let id = text(topup, "id");
        let status = text(topup, "status");
        let times = |statuses: &[&str]| usize::from(statuses.contains(&status.as_str()));
        let expected = [
            ("topup.created", 1),
            ("topup.succeeded", times(&["succeeded", "reversed"])),
            ("topup.failed", times(&["failed"])),
            ("topup.canceled", times(&["canceled"])),
            ("topup.reversed", times(&["reversed"])),
        ];
        for (kind, times) in expected {
            assert_eq!(self.events(kind, &id), times, "I6: {kind} of {id}, which is {status}");
        }
    }

    fn check_events_of_intent(&self, intent: &Row) {
        let id = text(intent, "id");
        let status = text(intent, "status");
        let of_intent = |row: &&Row| text(row, "payment_intent") == id;
        let count = |kind: &str, state: &str| {
            self.naming(&id)
                .filter(of_intent)
                .filter(|row| text(row, "kind") == kind && text(row, "state") == state)
                .count()
        };
        let held = self
            .attempts("authorize", "payment_intent", &id)
            .filter(|row| parsed(row, "request")["capture"] == false)
            .count();
        let captures = count("capture", "succeeded");
        let in_parts = self
            .charges
            .iter()
            .filter(of_intent)
            .any(|row| parsed(row, "details")["multicapture"] == true);
        // Several captures each tell what is left; a single one leaves nothing to be told.
        let told = if in_parts {
            let rest_released = number(intent, "received") > 0;
            captures + if rest_released { count("void", "succeeded") } else { 0 }
        } else {
            0
        };
        // What its processor refused to take tells nothing of the card: the payment stays as it was.
        let declined = self
            .naming(&id)
            .filter(of_intent)
            .filter(|row| text(row, "kind") == "authorize" && text(row, "state") == "failed")
            .filter(|row| !parsed(row, "resolution")["decline"].is_null())
            // Another try was made in its stead, which tells what came of the payment.
            .filter(|row| parsed(row, "resolution")["next"].is_null())
            .count();
        let expected = [
            ("payment_intent.created", 1),
            ("payment_intent.succeeded", usize::from(status == "succeeded")),
            ("payment_intent.canceled", usize::from(status == "canceled")),
            ("payment_intent.payment_failed", declined),
            (
                "payment_intent.amount_capturable_updated",
                held + count("increment", "succeeded") + told,
            ),
        ];
        for (kind, times) in expected {
            assert_eq!(self.events(kind, &id), times, "I6: {kind} of {id}, which is {status}");
        }
    }

    fn check_events_of_charge(&self, charge: &Row) {
        let id = text(charge, "id");
        let status = text(charge, "status");
        let taken = number(charge, "captured");
        let is_whole = taken + number(charge, "released") == number(charge, "amount");
        let voids = self.attempts("void", "charge", &id).count();
        let captures = self.attempts("capture", "charge", &id).count();
        // One that its processor refused gave nothing back.
        let left = |row: &Row| !parsed(row, "details")["balance_transaction"].is_null();
        let refunds = self
            .refunds
            .iter()
            .filter(|row| text(row, "charge") == id && text(row, "pending_operation").is_empty())
            .filter(|row| text(row, "status") != "failed" || left(row))
            .count();
        // What the processor let go of before cannot be captured.
        let found_expired = self
            .naming(&id)
            .filter(|row| text(row, "charge") == id && text(row, "kind") == "capture")
            .filter(|row| parsed(row, "resolution")["refusal"]["code"] == "canceled")
            .count();
        let expected = [
            ("charge.succeeded", usize::from(status == "succeeded")),
            ("charge.failed", usize::from(status == "failed")),
            ("charge.expired", if taken == 0 { voids + found_expired } else { 0 }),
            ("charge.captured", usize::from(captures > 0 && is_whole)),
            ("charge.refunded", refunds),
        ];
        for (kind, times) in expected {
            assert_eq!(self.events(kind, &id), times, "I6: {kind} of {id}, which is {status}");
        }
    }

    fn a_card_that_nobody_keeps_pays_once(&self) {
        for attempt in &self.attempts {
            let request = parsed(attempt, "request");
            let Some(id) = request["payment_method"].as_str() else { continue };
            let method = self.methods.iter().find(|row| text(row, "id") == id);
            let method = method.unwrap_or_else(|| panic!("I9: {id} of {attempt:?} is gone"));
            let state = text(attempt, "state");
            // What its processor refused to take leaves the card as it was, and another try may have it yet.
            let resolution = parsed(attempt, "resolution");
            let is_declined = !resolution["decline"].is_null() && resolution["next"].is_null();
            let is_over = state == "succeeded" || state == "failed" && is_declined;
            let may_be_kept = state == "succeeded" && request["saves_card"] == true;
            if is_over && !may_be_kept && !text(attempt, "payment_intent").is_empty() {
                assert!(
                    !text(method, "customer").is_empty() || number(method, "detached") == 1,
                    "I9: {id} can pay again after {attempt:?}"
                );
            }
        }
    }

    fn metadata_is_found_by_its_rows(&self) {
        let objects = [
            ("charge", &self.charges),
            ("customer", &self.customers),
            ("payment_intent", &self.intents),
        ];
        for (resource, rows) in objects {
            for object in rows {
                let sequence = number(object, "sequence");
                let found: BTreeMap<String, String> = self
                    .metadata
                    .iter()
                    .filter(|row| text(row, "resource") == resource)
                    .filter(|row| number(row, "sequence") == sequence)
                    .map(|row| (text(row, "key"), text(row, "value")))
                    .collect();
                let kept: BTreeMap<String, String> =
                    serde_json::from_value(parsed(object, "details")["metadata"].clone())
                        .expect("texts");
                let kept = kept.into_iter().map(|(key, value)| (key, fold(&value))).collect();
                let id = text(object, "id");
                assert_eq!(found, kept, "the metadata rows of {resource} {id}");
            }
        }
    }
}
