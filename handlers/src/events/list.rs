//! `GET /v1/events`

use domain::ApiError;
use domain::event::EventType;
use flows::{Failure, Platform};
use serde_json::Value;
use store::events::Event;
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// The most types that one list can be narrowed to.
const MAX_TYPES: usize = 20;

/// Lists events.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Whether every webhook took them; accepted, and narrows nothing yet.
        #[expect(dead_code, reason = "accepted; narrows nothing yet")]
        delivery_success: Option<bool>,
        /// A type, or several by a `*`, as `charge.*`.
        r#type: Option<String>,
        /// Types by their full names.
        types: Option<Vec<String>>,
    }
}

/// The page that is asked for.
pub struct Input {
    filters: Vec<Filter>,
    page: Page,
}

impl Endpoint for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/events";
    const RESOURCE: &'static str = "event";
    type Parameters = Parameters;
    type Input = Input;

    fn check(parameters: Parameters) -> Result<Input, ApiError> {
        let page = parameters.page()?;
        let filters = match (parameters.r#type, parameters.types) {
            (Some(_), Some(_)) => {
                return Err(ApiError::ParametersExclusive {
                    param: "types".to_owned(),
                    message: "You may only specify one of these parameters: type, types."
                        .to_owned(),
                });
            }
            (Some(pattern), None) => of_pattern(&pattern),
            (None, Some(types)) => of_types(types)?,
            (None, None) => vec![Filter::Nothing],
        };
        Ok(Input { filters, page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Value, Failure> {
        list::show(call, Table::Events, &input.filters, &input.page, |row| {
            show(&Event::try_from(row)?)
        })
        .await
    }
}

fn of_types(mut types: Vec<String>) -> Result<Vec<Filter>, ApiError> {
    if types.len() > MAX_TYPES {
        return Err(ApiError::ParameterInvalid {
            param: "types".to_owned(),
            message: format!("You may list at most {MAX_TYPES} types."),
        });
    }
    if types.is_empty() {
        return Ok(vec![Filter::Nothing]);
    }
    // A type that is named twice would be found twice.
    types.sort_unstable();
    types.dedup();
    Ok(types.iter().map(|name| Filter::event_type(name)).collect())
}

/// One filter for each type that a pattern means. A pattern that means none, or a name that is none,
/// finds nothing by itself.
fn of_pattern(pattern: &str) -> Vec<Filter> {
    if pattern == "*" {
        return vec![Filter::Nothing];
    }
    if !pattern.contains('*') {
        return vec![Filter::event_type(pattern)];
    }
    let types: Vec<_> = EventType::ALL
        .iter()
        .map(|event| event.name())
        .filter(|name| matches(pattern, name))
        .map(Filter::event_type)
        .collect();
    if types.is_empty() { vec![Filter::event_type(pattern)] } else { types }
}

/// Whether a name fits a pattern in which each `*` stands for any text. Each part between two stars
/// is looked for once, so a pattern of many stars costs no more than its length.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = name.strip_prefix(start).and_then(|name| name.strip_suffix(end));
    inner.is_some_and(|inner| {
        let mut parts = middle.split('*');
        parts.try_fold(inner, |left, part| left.split_once(part).map(|(_, right)| right)).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let cases = [
            ("charge.*", "charge.succeeded", true),
            ("charge.*", "charge.refund.updated", true),
            ("charge.*", "customer.created", false),
            ("*.updated", "charge.refund.updated", true),
            ("charge.*.updated", "charge.refund.updated", true),
            ("charge.*.updated", "charge.updated", false),
            ("charge.succeeded", "charge.succeeded", true),
            ("charge", "charge.succeeded", false),
            ("**", "refund.created", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_pattern_asks_for_each_of_its_types() {
        assert_eq!(of_pattern("*"), [Filter::Nothing]);
        assert_eq!(of_pattern("unheard.of"), [Filter::Type("unheard.of".to_owned())]);
        assert_eq!(of_pattern("unheard.*"), [Filter::Type("unheard.*".to_owned())]);
        assert_eq!(of_pattern("refund.*").len(), 3);
    }
}
