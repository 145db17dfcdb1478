//! Reading a query.

use super::field::Kind;
use super::{Clause, Comparison, Condition, Field, Join, MAX_CLAUSES, Query, Searched, fold};
use crate::ApiError;

/// The fewest characters that a substring is searched by.
const MIN_SUBSTRING: usize = 3;

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// When it is not of the language, or asks what the resource's fields cannot be asked.
    pub fn parse(text: &str, searched: Searched) -> Result<Self, ApiError> {
        let mut reader = Reader { rest: text.trim_start(), searched };
        let mut clauses = vec![reader.clause()?];
        let mut join = None;
        while reader.skip_space()? {
            let next = reader.join();
            if *join.get_or_insert(next) != next {
                return Err(refused(
                    "You cannot combine AND and OR in one search query. Clauses that are separated \
                     by a space alone are combined with AND.",
                ));
            }
            if clauses.len() >= MAX_CLAUSES {
                return Err(refused(format!(
                    "A search query can have at most {MAX_CLAUSES} clauses."
                )));
            }
            clauses.push(reader.clause()?);
        }
        Ok(Self { join: join.unwrap_or(Join::All), clauses })
    }
}

/// What is left of a query to be read.
struct Reader<'q> {
    rest: &'q str,
    searched: Searched,
}

/// How a clause compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Match,
    Substring,
    Numeric(Comparison),
}

/// A value as the query spells it.
enum Literal {
    Null,
    Quoted(String),
    Digits(String),
}

impl Reader<'_> {
    /// One clause, with its negation.
    fn clause(&mut self) -> Result<Clause, ApiError> {
        let negated = self.take("-");
        let field = self.field()?;
        self.rest = self.rest.trim_start();
        let (spelling, operator) = self.operator()?;
        self.rest = self.rest.trim_start();
        let literal = self.literal()?;
        let condition = condition(&field, spelling, operator, literal)?;
        Ok(Clause { negated, field, condition })
    }

    fn field(&mut self) -> Result<Field, ApiError> {
        let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
        let name = self.take_while(is_name);
        if name.is_empty() {
            return Err(unreadable());
        }
        if name == "metadata" && self.take("[") {
            let Some(key) = self.quoted()? else { return Err(unreadable()) };
            return if self.take("]") { Ok(Field::Metadata(key)) } else { Err(unreadable()) };
        }
        let known = self.searched.fields().iter().find(|field| field.name() == name);
        // What follows is to be an operator: only then is it a field that is not known.
        known.cloned().ok_or_else(|| match self.rest.trim_start().chars().next() {
            Some(':' | '~' | '>' | '<' | '=' | '[') => unsupported(&name, self.searched),
            _ => unreadable(),
        })
    }

    fn operator(&mut self) -> Result<(&'static str, Operator), ApiError> {
        const OPERATORS: [(&str, Operator); 7] = [
            (":", Operator::Match),
            ("~", Operator::Substring),
            (">=", Operator::Numeric(Comparison::GreaterOrEqual)),
            (">", Operator::Numeric(Comparison::Greater)),
            ("<=", Operator::Numeric(Comparison::LessOrEqual)),
            ("<", Operator::Numeric(Comparison::Less)),
            ("=", Operator::Numeric(Comparison::Equal)),
        ];
        OPERATORS.into_iter().find(|(spelling, _)| self.take(spelling)).ok_or_else(unreadable)
    }

    fn literal(&mut self) -> Result<Literal, ApiError> {
        if let Some(text) = self.quoted()? {
            return Ok(Literal::Quoted(text));
        }
        let word = self.take_while(|letter| !letter.is_whitespace());
        let digits = word.strip_prefix('-').unwrap_or(&word);
        if word.eq_ignore_ascii_case("null") {
            Ok(Literal::Null)
        } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Literal::Digits(word))
        } else {
            Err(unreadable())
        }
    }

    /// A text in quotation marks of either kind; a backslash keeps one within it from ending it.
    fn quoted(&mut self) -> Result<Option<String>, ApiError> {
        let mut letters = self.rest.chars();
        let Some(mark @ ('"' | '\'')) = letters.next() else { return Ok(None) };
        let mut text = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some(escaped @ ('"' | '\'' | '\\')) => text.push(escaped),
                    Some(other) => text.extend(['\\', other]),
                    None => return Err(unreadable()),
                },
                letter if letter == mark => {
                    self.rest = letters.as_str();
                    return Ok(Some(text));
                }
                letter => text.push(letter),
            }
        }
        Err(unreadable())
    }

    /// Skips the space after a clause; says whether another clause has to follow.
    fn skip_space(&mut self) -> Result<bool, ApiError> {
        let after = self.rest.trim_start();
        if !after.is_empty() && after.len() == self.rest.len() {
            return Err(unreadable());
        }
        self.rest = after;
        Ok(!after.is_empty())
    }

    /// The word that joins the next clause; a space alone is an AND.
    fn join(&mut self) -> Join {
        let (word, rest) = self.rest.split_once(char::is_whitespace).unwrap_or((self.rest, ""));
        let join = match word.to_ascii_lowercase().as_str() {
            "and" => Join::All,
            "or" => Join::Any,
            _ => return Join::All,
        };
        self.rest = rest.trim_start();
        join
    }

    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let rest = self.rest.trim_start_matches(wanted);
        let taken = self.rest.strip_suffix(rest).unwrap_or_default();
        self.rest = rest;
        taken.to_owned()
    }
}

/// What a clause asks, if the field can be asked it.
fn condition(
    field: &Field,
    spelling: &str,
    operator: Operator,
    literal: Literal,
) -> Result<Condition, ApiError> {
    let text = match literal {
        Literal::Null if operator == Operator::Match => return Ok(Condition::Absent),
        Literal::Null => {
            return Err(refused(format!(
                "The operator `{spelling}` cannot be used with null. Use `{field}:null` to query \
                 for the absence of `{field}`."
            )));
        }
        Literal::Quoted(text) | Literal::Digits(text) => text,
    };
    let comparison = match (field.kind(), operator) {
        (Kind::Numeric, Operator::Match) => Comparison::Equal,
        (Kind::Numeric, Operator::Numeric(comparison)) => comparison,
        (Kind::Token | Kind::Text, Operator::Match) => {
            return Ok(Condition::Is(comparable(field, text)));
        }
        (Kind::Text, Operator::Substring) => {
            if text.chars().count() < MIN_SUBSTRING {
                return Err(refused(format!(
                    "The substring that `{field}` is searched by must have at least \
                     {MIN_SUBSTRING} characters."
                )));
            }
            return Ok(Condition::Contains(comparable(field, text)));
        }
        _ => {
            return Err(refused(format!(
                "The operator `{spelling}` is not supported for the field `{field}`."
            )));
        }
    };
    let number = text
        .parse()
        .map_err(|_| refused(format!("The field `{field}` must be compared with an integer.")))?;
    Ok(Condition::Compares(comparison, number))
}

fn comparable(field: &Field, text: String) -> String {
    if field.ignores_case() { fold(&text) } else { text }
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::InvalidSearchQuery { message: message.into() }
}

fn unreadable() -> ApiError {
    refused(
        "We were unable to parse your search query. Try using the format `metadata[\"key\"]:\"value\"` \
         to query for metadata or key:\"value\" to query for other fields.",
    )
}

/// The fields are listed at Stripe, under names with dashes.
fn unsupported(name: &str, searched: Searched) -> ApiError {
    let name: String = name.chars().take(100).collect();
    let resource = searched.name();
    refused(format!(
        "Field `{name}` is an unsupported search field for resource `{resource}`. See \
         http://stripe.com/docs/search#query-fields-for-{} for a list of supported fields.",
        resource.replace('_', "-")
    ))
}
