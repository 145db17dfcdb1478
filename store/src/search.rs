//! Searches: which index finds the rows of a query, and its statements.
//!
//! A query is read from sources: one for a query whose clauses all have to hold, one for each clause
//! where any is enough. A source goes through an index from the newest row to the oldest and may be
//! left and taken up again at any place, so what one request did not read the next one does. A source
//! finds every row that the query wants, and others: what matches is decided on the row itself.

use std::collections::BTreeMap;
use std::fmt;

use domain::Amount;
use domain::search::{Clause, Comparison, Condition, Field, Join, Query, Searched};

use crate::list::END_OF_TIME;
use crate::{Inconsistent, Row, Rows, Scope, Statement, Value, values};

/// The most objects that are counted by an index.
pub const MAX_COUNT: i64 = 10_000;

/// The place of a row in its table, from the oldest to the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When its object was made.
    pub created: i64,
    /// Its number among those made in the same second.
    pub sequence: i64,
}

impl Place {
    /// Right after the newest row that there can be.
    pub const NEWEST: Self = Self { created: END_OF_TIME + 1, sequence: 0 };

    /// Reads a place as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        let (created, sequence) = text.split_once(':')?;
        Some(Self { created: created.parse().ok()?, sequence: sequence.parse().ok()? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.created, self.sequence)
    }
}

/// How the rows of a query are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every row that is wanted is in at least one of them.
    pub sources: Vec<Source>,
    /// Whether every row of the only source is wanted.
    pub is_exact: bool,
}

/// Rows of one table in the order of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    index: Index,
    /// No object made before this second.
    from: i64,
    /// No object made after this second.
    to: i64,
}

/// What an index finds rows by, beside the account and when they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Index {
    Account,
    Amount(i64),
    Customer(String),
    Email(String),
    Metadata { key: String, value: String },
    Status(String),
}

/// How a query is read.
pub fn plan(searched: Searched, query: &Query) -> Plan {
    match query.join {
        Join::All => plan_all(searched, &query.clauses),
        Join::Any => {
            let sources: Vec<_> = query
                .clauses
                .iter()
                .flat_map(|clause| plan_all(searched, [clause]).sources)
                .collect();
            // A source that is read in full finds what all the others do.
            match sources.iter().find(|source| **source == Source::everything()) {
                Some(everything) => Plan { sources: vec![everything.clone()], is_exact: false },
                None => Plan { sources, is_exact: false },
            }
        }
    }
}

/// All clauses have to hold: the rows come from the index that is likely to hold the fewest of them.
fn plan_all<'q>(searched: Searched, clauses: impl IntoIterator<Item = &'q Clause>) -> Plan {
    let mut source = Source::everything();
    let mut unchecked = 0_usize;
    for clause in clauses {
        if source.narrow(clause) {
            continue;
        }
        let Some(index) = Index::of(searched, clause) else {
            unchecked = unchecked.saturating_add(1);
            continue;
        };
        if source.index != Index::Account {
            unchecked = unchecked.saturating_add(1);
        }
        if index.rank() < source.index.rank() {
            source.index = index;
        }
    }
    Plan { sources: vec![source], is_exact: unchecked == 0 }
}

impl Source {
    fn everything() -> Self {
        Self { index: Index::Account, from: 0, to: END_OF_TIME }
    }

    /// Leaves out what was made at another time than a clause wants; says whether that is all that
    /// the clause wants.
    fn narrow(&mut self, clause: &Clause) -> bool {
        let (Field::Created, false, Condition::Compares(comparison, second)) =
            (&clause.field, clause.negated, &clause.condition)
        else {
            return false;
        };
        let (from, to) = match comparison {
            Comparison::Equal => (*second, *second),
            Comparison::Greater => (second.saturating_add(1), END_OF_TIME),
            Comparison::GreaterOrEqual => (*second, END_OF_TIME),
            Comparison::Less => (0, second.saturating_sub(1)),
            Comparison::LessOrEqual => (0, *second),
        };
        self.from = self.from.max(from).min(END_OF_TIME);
        self.to = self.to.min(to).max(-1);
        true
    }
}

impl Index {
    /// The index that finds every row for which a clause holds, and no other.
    fn of(searched: Searched, clause: &Clause) -> Option<Self> {
        if clause.negated {
            return None;
        }
        match (searched, &clause.field, &clause.condition) {
            (_, Field::Metadata(key), Condition::Is(value)) => {
                Some(Self::Metadata { key: key.clone(), value: value.clone() })
            }
            (
                Searched::PaymentIntents,
                Field::Amount,
                Condition::Compares(Comparison::Equal, amount),
            ) => {
                // No row has what is no amount, and the database would round it to one.
                Some(Self::Amount(Amount::new(*amount).map_or(-1, Amount::minor_units)))
            }
            (Searched::PaymentIntents, Field::Status, Condition::Is(status)) => {
                Some(Self::Status(status.clone()))
            }
            (
                Searched::PaymentIntents | Searched::Charges,
                Field::Customer,
                Condition::Is(customer),
            ) => Some(Self::Customer(customer.clone())),
            (Searched::Customers, Field::Email, Condition::Is(email)) => {
                Some(Self::Email(email.clone()))
            }
            _ => None,
        }
    }

    /// The lower, the fewer rows it is likely to hold. One customer makes only so many payments, while
    /// one pair of metadata can be on all of them.
    fn rank(&self) -> u8 {
        match self {
            Self::Email(_) => 0,
            Self::Customer(_) => 1,
            Self::Metadata { .. } => 2,
            Self::Amount(_) => 3,
            Self::Status(_) => 4,
            Self::Account => 5,
        }
    }

    /// The name of the index after that of its table, and what its column has to be.
    fn name_and_condition(&self, searched: Searched) -> (&'static str, &'static str) {
        match (self, searched) {
            (Self::Account | Self::Metadata { .. }, Searched::Customers) => {
                ("by_account", " AND deleted = 0")
            }
            (Self::Account | Self::Metadata { .. }, _) => ("by_account", ""),
            (Self::Amount(_), _) => ("by_amount", " AND amount = ?7"),
            (Self::Customer(_), _) => ("by_customer", " AND customer = ?7"),
            (Self::Email(_), _) => ("by_folded_email", " AND deleted = 0 AND folded_email = ?7"),
            // An operation that is under way is over in a moment; the index is written once it is.
            (Self::Status(_), _) => (
                "by_status_at_rest",
                " AND (pending_operation IS NULL OR status = 'processing') AND status = ?7",
            ),
        }
    }

    fn values(&self) -> Vec<Value> {
        match self {
            Self::Account => Vec::new(),
            Self::Amount(amount) => values![*amount],
            Self::Customer(text) | Self::Email(text) | Self::Status(text) => values![text.as_str()],
            Self::Metadata { key, value } => values![key.as_str(), value.as_str()],
        }
    }
}

/// The kind of object as [`crate::metadata_entries`] names it.
fn resource(searched: Searched) -> &'static str {
    searched.name().trim_end_matches('s')
}

/// Rows of an index between two places, newest first.
fn rows_sql(searched: Searched, index: &Index, columns: &str) -> String {
    let table = searched.name();
    if matches!(index, Index::Metadata { .. }) {
        return format!(
            "SELECT {columns} FROM metadata_entries AS m \
             CROSS JOIN {table} AS o ON o.sequence = m.sequence \
             WHERE m.account = ?1 AND m.livemode = ?2 AND m.resource = '{}' \
             AND m.key = ?7 AND m.value = ?8 \
             AND m.created >= ?3 AND (m.created, m.sequence) < (?4, ?5) \
             AND o.account = ?1 AND o.livemode = ?2 \
             ORDER BY m.created DESC, m.sequence DESC LIMIT ?6",
            resource(searched)
        );
    }
    let (name, condition) = index.name_and_condition(searched);
    format!(
        "SELECT {columns} FROM {table} AS o INDEXED BY {table}_{name} \
         WHERE account = ?1 AND livemode = ?2{condition} \
         AND created >= ?3 AND (created, sequence) < (?4, ?5) \
         ORDER BY created DESC, sequence DESC LIMIT ?6"
    )
}

fn read_sql(searched: Searched, index: &Index) -> String {
    rows_sql(searched, index, "o.*")
}

fn count_sql(searched: Searched, index: &Index) -> String {
    format!("SELECT count(*) AS count FROM ({})", rows_sql(searched, index, "1"))
}

impl Source {
    fn statement(&self, sql: String, scope: &Scope, after: Place, limit: i64) -> Statement {
        // Nothing lies between a second and the first place in the next one.
        let end = Place { created: self.to.saturating_add(1), sequence: 0 };
        let after = after.min(end);
        let mut values = values![
            scope.account.as_str(),
            scope.livemode,
            self.from,
            after.created,
            after.sequence,
            limit,
        ];
        values.extend(self.index.values());
        Statement::new(sql, values)
    }

    /// Reads rows that are older than a place.
    pub fn read(&self, scope: &Scope, searched: Searched, after: Place, limit: i64) -> Statement {
        self.statement(read_sql(searched, &self.index), scope, after, limit)
    }

    /// Counts all rows, up to [`MAX_COUNT`].
    pub fn count(&self, scope: &Scope, searched: Searched) -> Statement {
        self.statement(count_sql(searched, &self.index), scope, Place::NEWEST, MAX_COUNT)
    }
}

/// What was read from several sources at once.
#[derive(Debug, Default)]
pub struct Merged {
    /// The rows, newest first, each of them once.
    pub rows: Vec<(Place, Row)>,
    /// Where to read on; nothing where the sources have no more.
    pub rest: Option<Place>,
}

/// Brings together what several sources gave for one `limit`.
///
/// # Errors
/// When a row has no place.
pub fn merge(results: Vec<Rows>, limit: i64) -> Result<Merged, Inconsistent> {
    let mut rows = BTreeMap::new();
    let mut rest = None;
    for Rows(found) in results {
        let is_cut = i64::try_from(found.len()).unwrap_or(i64::MAX) >= limit;
        let mut last = None;
        for row in found {
            let place =
                Place { created: row.integer("created")?, sequence: row.integer("sequence")? };
            last = Some(place);
            rows.insert(place, row);
        }
        if is_cut {
            // Beyond the last row of the source that stopped first, rows of it may be missing.
            rest = rest.max(last);
        }
    }
    if let Some(rest) = rest {
        rows.retain(|place, _| *place >= rest);
    }
    Ok(Merged { rows: rows.into_iter().rev().collect(), rest })
}

/// Every statement that a search can run, with a name for people.
pub(crate) fn statements() -> Vec<(String, String)> {
    let text = String::new;
    let metadata = || Index::Metadata { key: text(), value: text() };
    let shapes = [
        (Searched::Charges, vec![Index::Account, Index::Customer(text()), metadata()]),
        (Searched::Customers, vec![Index::Account, Index::Email(text()), metadata()]),
        (
            Searched::PaymentIntents,
            vec![
                Index::Account,
                Index::Amount(0),
                Index::Customer(text()),
                metadata(),
                Index::Status(text()),
            ],
        ),
    ];
    let mut statements = Vec::new();
    for (searched, indexes) in shapes {
        for index in indexes {
            let name = format!("{searched:?} {index:?}");
            statements.push((format!("search.read {name}"), read_sql(searched, &index)));
            statements.push((format!("search.count {name}"), count_sql(searched, &index)));
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(searched: Searched, text: &str) -> Plan {
        plan(searched, &Query::parse(text, searched).expect("a query"))
    }

    /// The indexes of a plan, an exclamation mark where they hold nothing else.
    fn indexes(searched: Searched, text: &str) -> String {
        let plan = planned(searched, text);
        let names: Vec<_> = plan
            .sources
            .iter()
            .map(|source| match &source.index {
                Index::Metadata { key, value } => format!("metadata {key}={value}"),
                index => index.name_and_condition(searched).0.to_owned(),
            })
            .collect();
        format!("{}{}", names.join(", "), if plan.is_exact { "!" } else { "" })
    }

    #[test]
    fn the_index_that_holds_the_fewest_rows_is_read() {
        let intents = [
            ("status:'Succeeded'", "by_status_at_rest!"),
            ("customer:'cus_1'", "by_customer!"),
            ("amount:5", "by_amount!"),
            ("metadata['A']:'B'", "metadata A=b!"),
            ("created>5", "by_account!"),
            ("status:'succeeded' created>5 created<=9", "by_status_at_rest!"),
            ("status:'succeeded' amount:5", "by_amount"),
            ("amount:5 status:'succeeded' metadata['a']:'b'", "metadata a=b"),
            ("metadata['a']:'b' customer:'cus_1'", "by_customer"),
            ("status:'succeeded' currency:'usd'", "by_status_at_rest"),
            // Only what is there can be read from an index.
            ("currency:'usd'", "by_account"),
            ("amount>5", "by_account"),
            ("-status:'succeeded'", "by_account"),
            ("-created>5", "by_account"),
            ("-metadata['a']:null", "by_account"),
            ("customer:null", "by_account"),
            // Each clause has a source of its own where any is enough.
            ("status:'a' OR amount:5", "by_status_at_rest, by_amount"),
            ("status:'a' OR created:5", "by_status_at_rest, by_account"),
            ("status:'a' OR currency:'usd'", "by_account"),
        ];
        for (text, wanted) in intents {
            assert_eq!(indexes(Searched::PaymentIntents, text), wanted, "{text}");
        }
        let customers = [
            ("email:'Amy@x.io'", "by_folded_email!"),
            ("email:'amy@x.io' name:'amy'", "by_folded_email"),
            ("email~'amy'", "by_account"),
            ("metadata['a']:'b'", "metadata a=b!"),
        ];
        for (text, wanted) in customers {
            assert_eq!(indexes(Searched::Customers, text), wanted, "{text}");
        }
        let charges = [
            ("customer:'cus_1'", "by_customer!"),
            ("metadata['a']:'b'", "metadata a=b!"),
            ("status:'succeeded'", "by_account"),
        ];
        for (text, wanted) in charges {
            assert_eq!(indexes(Searched::Charges, text), wanted, "{text}");
        }
    }

    #[test]
    fn only_the_time_that_is_wanted_is_read() {
        let whole = (0, END_OF_TIME);
        let cases = [
            ("created:5", (5, 5)),
            ("created>5", (6, END_OF_TIME)),
            ("created>=5 created<9", (5, 8)),
            ("created<=9 created>20", (21, 9)),
            ("created<-5", (0, -1)),
            ("created>9223372036854775807", (END_OF_TIME, END_OF_TIME)),
            ("-created>5", whole),
            ("status:'a'", whole),
        ];
        for (text, wanted) in cases {
            let plan = planned(Searched::PaymentIntents, text);
            let times: Vec<_> =
                plan.sources.iter().map(|source| (source.from, source.to)).collect();
            assert_eq!(times, [wanted], "{text}");
        }
    }

    type Pair = (i64, i64);

    fn rows(places: &[Pair]) -> Rows {
        let row = |(created, sequence): &Pair| {
            let row = json!({"created": created, "sequence": sequence});
            Row(row.as_object().cloned().unwrap_or_default())
        };
        Rows(places.iter().map(row).collect())
    }

    fn merged(results: &[&[Pair]], limit: i64) -> (Vec<Pair>, Option<Pair>) {
        let results = results.iter().map(|places| rows(places)).collect();
        let merged = merge(results, limit).expect("rows with places");
        let places = merged.rows.iter().map(|(place, _)| (place.created, place.sequence));
        (places.collect(), merged.rest.map(|place| (place.created, place.sequence)))
    }

    #[test]
    fn sources_are_merged_up_to_where_all_of_them_were_read() {
        assert_eq!(merged(&[&[]], 2), (vec![], None));
        assert_eq!(merged(&[&[(2, 2)], &[(3, 1), (2, 2)]], 3), (vec![(3, 1), (2, 2)], None));
        assert_eq!(
            merged(&[&[(9, 9), (5, 5)], &[(8, 8), (7, 7)]], 2),
            (vec![(9, 9), (8, 8), (7, 7)], Some((7, 7)))
        );
        assert_eq!(
            merged(&[&[(9, 9), (5, 5)], &[(4, 4)]], 2),
            (vec![(9, 9), (5, 5)], Some((5, 5)))
        );
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        let place = Place { created: 5, sequence: 7 };
        assert_eq!(Place::parse(&place.to_string()), Some(place));
        assert!(Place { created: 5, sequence: 8 } > place && Place::NEWEST > place);
        for text in ["", "5", "5:", ":7", "5:7:9", "5:x", "99999999999999999999:1"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
