//! Every balance of the model, as plain integers.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Whose a balance is, its currency, what it is for, and its day where there is one for each.
type Name = (String, &'static str, &'static str, i64);

/// Every balance that is not zero. Each counts what it is about upwards: what a merchant is owed, as what a
/// bank holds.
#[derive(Debug, Default)]
pub struct Balances(BTreeMap<Name, i64>);

impl Balances {
    /// Changes a balance that has no days.
    pub fn add(&mut self, owner: &str, currency: &'static str, kind: &'static str, amount: i64) {
        self.add_on(owner, currency, kind, 0, amount);
    }

    /// Changes the balance of a day.
    pub fn add_on(
        &mut self,
        owner: &str,
        currency: &'static str,
        kind: &'static str,
        day: i64,
        amount: i64,
    ) {
        let name = (owner.to_owned(), currency, kind, day);
        let balance = self.0.entry(name.clone()).or_default();
        *balance += amount;
        if *balance == 0 {
            self.0.remove(&name);
        }
    }

    /// The days of a kind of balance with what each holds, by owner and currency.
    pub fn days(&self, kind: &str) -> Vec<(String, &'static str, i64, i64)> {
        let of_kind = self.0.iter().filter(|((_, _, other, _), _)| *other == kind);
        of_kind
            .map(|((owner, currency, _, day), amount)| (owner.clone(), *currency, *day, *amount))
            .collect()
    }

    /// The days of one owner's balance in one currency.
    pub fn days_of(&self, owner: &str, currency: &str, kind: &str) -> Vec<(i64, i64)> {
        let own = self.0.iter().filter(|((other, code, known, _), _)| {
            other == owner && *code == currency && *known == kind
        });
        own.map(|((.., day), amount)| (*day, *amount)).collect()
    }

    /// One line for each balance, with the sign that the ledger has: it owes what is negative.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for ((owner, currency, kind, day), amount) in &self.0 {
            let is_owned =
                matches!(*kind, "clearing" | "disputed_funds" | "authorizations" | "cash");
            let balance = if is_owned { *amount } else { -amount };
            writeln!(text, "{owner} {currency} {kind} {day} {balance}").expect("a text grows");
        }
        text
    }
}
