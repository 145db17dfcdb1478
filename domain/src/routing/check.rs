//! Whether a routing document can be right.

use std::collections::BTreeSet;

use super::document::{Document, Use, When};
use super::{MOST_ATTEMPTS, Rule};
use crate::card::{Brand, Funding};
use crate::connector_account::MOST_CONNECTOR_ACCOUNTS;
use crate::{ApiError, Currency, kept};

/// The most rules of a document.
const MOST_RULES: usize = 50;

/// The longest name of a rule, in bytes.
const LONGEST_NAME: usize = 100;

/// The largest weight of a share.
const LARGEST_WEIGHT: i64 = 10_000;

/// The most values that one condition names.
const MOST_VALUES: usize = 100;

fn refuse(param: String, message: &str) -> Result<(), ApiError> {
    let message = message.to_owned();
    Err(ApiError::ParameterInvalid { param, message })
}

impl Document {
    /// Checks what it says on its own; whether its accounts exist only the database knows.
    ///
    /// # Errors
    /// Says which of its parameters cannot be right, and why.
    pub fn check(&self) -> Result<(), ApiError> {
        if !(1..=MOST_ATTEMPTS).contains(&self.max_attempts) {
            let message = "Invalid max_attempts: must be between 1 and 3.";
            return refuse("max_attempts".to_owned(), message);
        }
        if self.rules.len() > MOST_RULES {
            return refuse("rules".to_owned(), "A routing has at most 50 rules.");
        }
        let mut names = BTreeSet::new();
        for (place, rule) in self.rules.iter().enumerate() {
            let param = format!("rules[{place}]");
            if !names.insert(rule.name.as_str()) {
                return refuse(param + "[name]", "Another rule before this one has the same name.");
            }
            rule.check(&param)?;
        }
        self.uses().try_for_each(|(param, used)| used.check(&param))
    }
}

impl Rule {
    fn check(&self, param: &str) -> Result<(), ApiError> {
        if self.name.trim().is_empty() || self.name.len() > LONGEST_NAME {
            let message = "Invalid name: must have between 1 and 100 bytes.";
            return refuse(format!("{param}[name]"), message);
        }
        self.when.check(&format!("{param}[when]"))
    }
}

impl When {
    fn check(&self, param: &str) -> Result<(), ApiError> {
        let is_currency = |code: &str| kept::from_value::<Currency>(code.into()).is_ok();
        check_values(param, "currency", &self.currency, is_currency)?;
        if let Some(bounds) = &self.amount {
            let (min, max) = (bounds.min.unwrap_or(0), bounds.max.unwrap_or(i64::MAX));
            if bounds.min.or(bounds.max).is_none() || min < 0 || max < min {
                let message = "Invalid amount: name a min, a max, or both, the smaller first.";
                return refuse(format!("{param}[amount]"), message);
            }
            if self.currency.len() != 1 {
                let message = "A rule on amounts names the one currency that they are in.";
                return refuse(format!("{param}[currency]"), message);
            }
        }
        if let Some(card) = &self.card {
            let param = format!("{param}[card]");
            let is_brand = |name: &str| kept::from_value::<Brand>(name.into()).is_ok();
            check_values(&param, "brand", &card.brand, is_brand)?;
            let is_funding = |name: &str| kept::from_value::<Funding>(name.into()).is_ok();
            check_values(&param, "funding", &card.funding, is_funding)?;
            let is_country =
                |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
            check_values(&param, "country", &card.country, is_country)?;
        }
        if self.metadata.len() > MOST_VALUES {
            return refuse(format!("{param}[metadata]"), "A rule names at most 100 pairs.");
        }
        Ok(())
    }
}

/// Checks the values of a condition.
fn check_values(
    param: &str,
    name: &str,
    values: &[String],
    is_one: impl Fn(&str) -> bool,
) -> Result<(), ApiError> {
    if values.len() > MOST_VALUES {
        return refuse(format!("{param}[{name}]"), "A condition names at most 100 values.");
    }
    match values.iter().position(|value| !is_one(value)) {
        Some(place) => refuse(format!("{param}[{name}][{place}]"), &format!("Invalid {name}.")),
        None => Ok(()),
    }
}

impl Use {
    fn check(&self, param: &str) -> Result<(), ApiError> {
        if self.priority.is_empty() == self.split.is_empty() {
            return refuse(param.to_owned(), "Name either a priority or a split.");
        }
        let mut seen = BTreeSet::new();
        let is_twice = !self.accounts().all(|account| seen.insert(account));
        if is_twice || seen.len() > MOST_CONNECTOR_ACCOUNTS {
            return refuse(param.to_owned(), "Name each connector account once.");
        }
        let is_weight = |weight: i64| (1..=LARGEST_WEIGHT).contains(&weight);
        match self.split.iter().position(|share| !is_weight(share.weight)) {
            Some(place) => {
                let message = "Invalid weight: must be between 1 and 10000.";
                refuse(format!("{param}[split][{place}][weight]"), message)
            }
            None => Ok(()),
        }
    }
}
