//! How SQLite would run every statement: through an index, never over a table that grows.

use std::fmt::Write;

use kit::Database;
use store::{Value, list, registry, values};

/// What no plan may say: that it reads a whole table, sorts what no index has in order, or makes an
/// index of its own for one run.
fn is_forbidden(step: &str) -> bool {
    // A subquery is read in full only after an index found its rows, up to a limit.
    let is_small = step == "SCAN CONSTANT ROW"
        || step.starts_with("SCAN (subquery")
        // What the statement brings along itself.
        || step.ends_with("-ROW VALUES CLAUSE")
        || step.starts_with("SCAN json_each VIRTUAL TABLE");
    (step.starts_with("SCAN") && !is_small)
        || step.contains("USE TEMP B-TREE")
        || step.contains("AUTOMATIC")
}

#[test]
fn no_statement_reads_a_whole_table_or_sorts() {
    let database = Database::new();
    let mut slow = String::new();
    for (name, sql) in registry::statements() {
        let plan = database.plan(&sql);
        // A slice of the audit is bounded, whatever is done with its rows.
        let is_bounded = |step: &str| name.starts_with("audit.") && step.contains("TEMP B-TREE");
        if plan.iter().any(|step| is_forbidden(step) && !is_bounded(step)) {
            writeln!(slow, "{name}: {sql}\n    {}", plan.join("\n    ")).expect("a text grows");
        }
    }
    assert!(slow.is_empty(), "\n{slow}");
}

/// The plan alone does not tell: it may name the index and still read every row that lies between
/// the end of the table and the page.
#[test]
fn a_page_costs_the_same_wherever_it_begins() {
    let [small, large] = [100, 2_000].map(filled);
    let mut growing = String::new();
    let pages = registry::statements().into_iter().filter(|(name, _)| name.starts_with("list."));
    for (name, sql) in pages {
        let few = small.cost(&sql, &page_values(&name, &sql, 50));
        let many = large.cost(&sql, &page_values(&name, &sql, 1_000));
        if many > few * 2 {
            let plan = large.plan(&sql).join("\n    ");
            writeln!(growing, "{name}: {few} steps in 100 rows, {many} in 2000: {sql}\n    {plan}")
                .expect("a text grows");
        }
    }
    assert!(growing.is_empty(), "\n{growing}");
}

/// The same of what a search reads from each of its indexes, metadata among them.
#[test]
fn a_search_costs_the_same_wherever_it_begins() {
    let [small, large] = [100, 2_000].map(|rows| {
        let database = filled(rows);
        for resource in ["charge", "customer", "payment_intent"] {
            let sql = format!(
                "INSERT INTO metadata_entries \
                 SELECT account, livemode, ?1, 'same', 'same', created, sequence FROM {resource}s"
            );
            database.query(&sql, values![resource]);
        }
        database
    });
    let mut growing = String::new();
    let mut count = 0;
    let reads =
        registry::statements().into_iter().filter(|(name, _)| name.starts_with("search.read"));
    for (name, sql) in reads {
        let values = |place: i64| {
            let value = match name.rsplit(' ').next() {
                Some(index) if index.starts_with("Amount") => Value::from(1),
                Some(index) if index.starts_with("Status") => Value::from("succeeded"),
                _ => Value::from("same"),
            };
            let all = values!["same", false, 0, place, place, 11, value, "same"];
            let count = (1..=all.len()).rev().find(|number| sql.contains(&format!("?{number}")));
            all.into_iter().take(count.unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(large.query(&sql, values(1_000)).len(), 11, "{name}");
        let few = small.cost(&sql, &values(50));
        let many = large.cost(&sql, &values(1_000));
        if many > few * 3 / 2 {
            writeln!(growing, "{name}: {few} steps in 100 rows, {many} in 2000: {sql}")
                .expect("a text grows");
        }
        count += 1;
    }
    assert!(growing.is_empty() && count > 0, "\n{growing}");
}

/// A condition that is the same for each row, but for which a row is looked up, was tried on each of them.
#[test]
fn each_look_for_old_events_passed_over_all_the_young_ones() {
    let statements = registry::statements();
    let (_, next) = statements.iter().find(|(name, _)| name == "archive.next").expect("it is");
    let costs = [100, 2_000].map(|events| {
        let database = filled(events);
        let told = "UPDATE fan_out SET event = ?1, receipt_event = ?1";
        database.query(told, values![events]);
        // The first was made in the second 1.
        assert_eq!(database.query(next, values![50, 2]).len(), 50);
        assert_eq!(database.query(next, values![50, 1]).len(), 0);
        database.cost(next, &[50.into(), 1.into()])
    });
    assert_eq!(costs[0], costs[1], "in 100 rows, and in 2000");
}

/// A limit or an equality by which SQLite would plan otherwise for another value makes it prepare the statement anew, which cost
/// each page of a list and each beat of the heart as much as running it.
#[test]
fn no_statement_is_prepared_anew_each_time_it_runs() {
    let mut anew = String::new();
    for (name, sql) in registry::statements() {
        let is_value =
            |place: usize| sql[place + 1..].starts_with(|next: char| next.is_ascii_digit());
        assert!(sql.match_indices('?').all(|(place, _)| is_value(place)), "{name}: {sql}");
        if Database::new().prepares_anew(&sql) > 0 {
            writeln!(anew, "{name}: {sql}").expect("a text grows");
        }
    }
    assert!(anew.is_empty(), "\n{anew}");
}

/// Production draws no randomness and reads no clock in SQL, so that a run can be repeated.
#[test]
fn no_statement_has_a_clock_or_randomness_of_its_own() {
    let ambient = ["random", "unixepoch", "julianday", "strftime", "datetime(", "current_"];
    for (name, sql) in registry::statements() {
        let lower = sql.to_lowercase();
        assert!(!ambient.iter().any(|word| lower.contains(word)), "{name}: {sql}");
    }
}

/// D1 takes no pattern that is longer than 50 bytes, and some types of events are.
#[test]
fn no_statement_compares_with_a_pattern_that_d1_may_refuse() {
    for (name, sql) in registry::statements() {
        let upper = sql.to_uppercase();
        assert!(!["GLOB ", "LIKE "].iter().any(|word| upper.contains(word)), "{name}: {sql}");
    }
}

/// A database in which each table that has pages has so many rows, all of one merchant and alike in
/// all that pages are narrowed to, made a second apart.
fn filled(rows: i64) -> Database {
    let database = Database::new();
    let tables = [
        "bank_accounts",
        "charges",
        "customers",
        "disputes",
        "events",
        "files",
        "payment_intents",
        "payment_methods",
        "payouts",
        "refunds",
        "report_runs",
    ];
    for table in tables {
        let columns = database.query(
            "SELECT name, CASE WHEN name IN ('id', 'created') THEN 'n' \
             WHEN name IN ('version', 'amount') THEN '1' \
             WHEN name = 'status' THEN CASE ?1 WHEN 'disputes' THEN quote('won') \
             WHEN 'payouts' THEN quote('paid') WHEN 'bank_accounts' THEN quote('new') \
             WHEN 'report_runs' THEN quote('pending') \
             ELSE quote('succeeded') END \
             WHEN name = 'details' THEN \
             quote('{\"transfer_group\": \"same\", \"allow_redisplay\": \"same\"}') \
             WHEN type = 'TEXT' THEN quote('same') ELSE '0' END AS value \
             FROM pragma_table_info(?1) \
             WHERE name NOT IN ('sequence', 'pending_operation') AND (\"notnull\" OR type = 'TEXT')",
            values![table],
        );
        let list = |column| {
            let texts = columns.iter().map(|row| row.text(column).expect("a text"));
            texts.collect::<Vec<_>>().join(", ")
        };
        let sql = format!(
            "WITH RECURSIVE numbers (n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < CAST(?1 AS INTEGER)) \
             INSERT INTO {table} ({}) SELECT {} FROM numbers",
            list("name"),
            list("value"),
        );
        database.query(&sql, values![rows]);
    }
    database
}

/// What a page of ten is asked with in such a database, at the cursor where it has one.
fn page_values(name: &str, sql: &str, cursor: i64) -> Vec<Value> {
    let cursor = cursor.to_string();
    if name.starts_with("list.cursor") {
        return values![cursor, "same", false];
    }
    let mut all = values!["same", false, 0, list::END_OF_TIME, 11, "same", cursor];
    all.extend(vec![Value::from("same"); 6]);
    // What every row has of the columns that hold no text of one's own.
    let kept = [
        ("status =", "paid".into()),
        ("arrival_date >=", 0.into()),
        ("arrival_date <=", 0.into()),
        // No endpoint waits for any event.
        ("ELSE waits.state <> 'succeeded' END) =", 0.into()),
    ];
    for (condition, value) in kept {
        let place =
            (1..=all.len()).rev().find(|place| sql.contains(&format!("{condition} ?{place}")));
        if let Some(slot) = place.and_then(|place| all.get_mut(place - 1)) {
            *slot = value;
        }
    }
    let count = (1..=all.len()).rev().find(|number| sql.contains(&format!("?{number}")));
    all.into_iter().take(count.unwrap_or_default()).collect()
}
