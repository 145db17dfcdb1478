//! What the processor settled against what became of its reports: each line is booked, or an open break says why not.

use std::collections::{BTreeMap, BTreeSet};

use store::Row;

use super::{Books, number, parsed, text};
use crate::processor::Line;
use crate::world::World;

/// What has to become of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is booked, and differs only as the processor was told to let it.
    Booked,
    /// Only the processor knows of it, which a break says.
    Broken,
    /// Somebody looks at the payment anyway.
    Person,
}

/// What the rows say of reports.
struct Reported {
    /// The state of each line.
    states: BTreeMap<(String, String), String>,
    /// The kinds of the open breaks, by what they are about.
    breaks: BTreeMap<(String, String), BTreeSet<String>>,
    /// The processor's references of the disputes, and how they stand here.
    disputes: BTreeMap<String, String>,
}

impl Reported {
    fn read(world: &World) -> Self {
        let all = |sql: &str| world.database.query(sql, Vec::new());
        let owned = |row: &Row, column| text(row, column).to_owned();
        let lines = all("SELECT connector_account, reference, state FROM settlement_lines");
        let at = |row: &Row, name| (owned(row, "connector_account"), owned(row, name));
        let mut breaks: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for row in all("SELECT * FROM settlement_breaks WHERE status = 'open'") {
            breaks.entry(at(&row, "subject")).or_default().insert(owned(&row, "kind"));
        }
        let disputes = all("SELECT status, details FROM disputes");
        let reference = |row: &Row| {
            parsed(row, "details")["processor_reference"].as_str().unwrap_or_default().to_owned()
        };
        Self {
            states: lines.iter().map(|row| (at(row, "reference"), owned(row, "state"))).collect(),
            breaks,
            disputes: disputes.iter().map(|row| (reference(row), owned(row, "status"))).collect(),
        }
    }
}

impl Books {
    /// I8: what the processor settled is in the books, or the difference is an open break; and nobody owes anything more.
    pub(super) fn settlements_agree(&self, world: &World, problems: &mut Vec<String>) {
        let mut reported = Reported::read(world);
        let processor = world.processor.borrow();
        for (account, hook) in &world.notices.borrow().hooks {
            let id = &hook.connector_account;
            let lines = processor.lines(account);
            for line in &lines {
                let at = (id.clone(), line.name.clone());
                let state = reported.states.remove(&at).unwrap_or_default();
                let breaks = reported.breaks.remove(&at).unwrap_or_default();
                let fate = self.fate(world, &reported, line);
                let expected = line.differs.iter().map(|kind| (*kind).to_owned()).collect();
                let holds = match fate {
                    Fate::Booked => state == "booked" && breaks == expected,
                    Fate::Broken => state == "open" && !breaks.is_empty(),
                    Fate::Person => true,
                };
                if !holds {
                    problems.push(format!(
                        "I8: {line:?} is {state}, with {breaks:?}, and is to be {fate:?}"
                    ));
                }
            }
            self.balances_agree(world, id, &lines, problems);
        }
        for at in reported.states.keys() {
            problems.push(format!("I8: the processor never told of {at:?}"));
        }
        for ((_, subject), kinds) in &reported.breaks {
            if !self.is_left_to_a_person(self.intent_of(subject)) {
                problems.push(format!("I8: an open break of {subject}: {kinds:?}"));
            }
        }
        for row in world.database.query("SELECT * FROM settlement_expectations", Vec::new()) {
            if !self.is_left_to_a_person(self.intent_of(text(&row, "cause"))) {
                problems.push(format!("I8: the processor never settled {row:?}"));
            }
        }
    }

    fn fate(&self, world: &World, reported: &Reported, line: &Line) -> Fate {
        let processor = world.processor.borrow();
        let Some(payment) = line.payment.as_deref().and_then(|id| processor.payment(id)) else {
            return Fate::Booked;
        };
        let attempt = self.attempts.get(&payment.key);
        if self.is_left_to_a_person(attempt.map(|row| text(row, "payment_intent"))) {
            return Fate::Person;
        }
        // What is undone is in no book: it goes back in full.
        if attempt.is_none_or(|row| text(row, "state") != "succeeded") {
            return Fate::Broken;
        }
        // One that failed before anybody heard that it had left is in no book either.
        let refund = processor.all_refunds().iter().find(|refund| refund.id == line.source);
        if refund.is_some_and(|refund| refund.status == "failed" && !self.has_left(&refund.key)) {
            return Fate::Broken;
        }
        let known = reported.disputes.get(&line.source).map(String::as_str);
        match (line.category, known) {
            ("dispute", None) => Fate::Broken,
            ("dispute_reversal", known) if known != Some("won") => Fate::Broken,
            _ => Fate::Booked,
        }
    }

    /// Whether the books know that what an attempt gave back has left.
    fn has_left(&self, attempt: &str) -> bool {
        let request = self.attempts.get(attempt).map(|row| parsed(row, "request"));
        let refund = request.as_ref().and_then(|request| request["refund"].as_str());
        let row = refund.and_then(|refund| self.refunds.get(refund));
        row.is_some_and(|row| !parsed(row, "details")["balance_transaction"].is_null())
    }

    /// The payment of whatever a cause of the ledger names first.
    fn intent_of(&self, cause: &str) -> Option<&str> {
        let id = cause.split(':').next().unwrap_or_default();
        let row = self.attempts.get(id).or_else(|| self.refunds.get(id));
        row.map(|row| text(row, "payment_intent"))
    }

    fn is_left_to_a_person(&self, intent: Option<&str>) -> bool {
        self.attempts.values().any(|row| {
            Some(text(row, "payment_intent")) == intent && !text(row, "attention").is_empty()
        })
    }

    /// What the processor holds and kept is what the lines that are booked add up to.
    fn balances_agree(
        &self,
        world: &World,
        account: &str,
        lines: &[Line],
        problems: &mut Vec<String>,
    ) {
        let sql = "SELECT reference FROM settlement_lines WHERE connector_account = ?1 AND state = 'booked'";
        let booked = world.database.query(sql, store::values![account]);
        let booked: BTreeSet<_> = booked.iter().map(|row| text(row, "reference")).collect();
        let mut theirs: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for line in lines.iter().filter(|line| booked.contains(line.name.as_str())) {
            *theirs.entry((&line.currency, "processor_balance")).or_default() += line.net();
            *theirs.entry((&line.currency, "processor_fees")).or_default() += line.fee;
        }
        theirs.retain(|_, sum| *sum != 0);
        let sql = "SELECT currency, kind, sum(balance) AS sum FROM ledger_accounts WHERE owner = ?1 \
            AND kind IN ('processor_balance', 'processor_fees') GROUP BY currency, kind HAVING sum(balance) <> 0";
        let rows = world.database.query(sql, store::values![account]);
        let ours: BTreeMap<(&str, &str), i64> = rows
            .iter()
            .map(|row| ((text(row, "currency"), text(row, "kind")), number(row, "sum")))
            .collect();
        if ours != theirs {
            problems.push(format!("I8: {account} holds {ours:?}, and the processor {theirs:?}"));
        }
        let open = "SELECT * FROM ledger_accounts WHERE owner = ?1 AND kind = 'clearing'";
        let expects = "SELECT 1 FROM settlement_expectations WHERE owner = ?1";
        let of = |sql| world.database.query(sql, store::values![account]);
        let open = of(open);
        if !open.is_empty() && of(expects).is_empty() {
            problems.push(format!("I3: nothing is to be settled, but {open:?}"));
        }
    }
}
