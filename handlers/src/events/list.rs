//! `GET /v1/events`

use domain::ApiError;
use domain::event::EventType;
use domain::resource::{Json, List as ListOf, json};
use domain::timestamp::DAY;
use flows::{Failure, Platform, webhooks};
use store::events::Shown;
use store::list::{Filter, Page, Table};

use super::show;
use crate::endpoint::{Call, Endpoint, Method};
use crate::list::{self, list_parameters};

/// The most types that one list can be narrowed to.
const MAX_TYPES: usize = 20;

/// For how many seconds an event is listed.
const SHOWN_FOR: i64 = 30 * DAY;

/// Lists events.
pub struct List;

list_parameters! {
    /// The query.
    pub struct Parameters {
        /// Whether every endpoint took them, or some have yet to.
        delivery_success: Option<bool>,
        /// A type, or several by a `*`, as `charge.*`.
        r#type: Option<String>,
        /// Types by their full names.
        types: Option<Vec<String>>,
    }
}

/// The page that is asked for.
pub struct Input {
    /// The types by their names, unless all are wanted.
    types: Option<Vec<String>>,
    delivery_success: Option<bool>,
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
        let delivery_success = parameters.delivery_success;
        let types = match (parameters.r#type, parameters.types) {
            (Some(_), Some(_)) => {
                return Err(ApiError::ParametersExclusive {
                    param: "types".to_owned(),
                    message: "You may only specify one of these parameters: type, types."
                        .to_owned(),
                });
            }
            (Some(pattern), None) => of_pattern(&pattern),
            (None, Some(types)) => of_types(types)?,
            (None, None) => None,
        };
        Ok(Input { types, delivery_success, page })
    }

    async fn run<P: Platform>(call: &Call<'_, P>, input: Input) -> Result<Json, Failure> {
        let Input { types, delivery_success, mut page } = input;
        let oldest = call.context.now.plus(-SHOWN_FOR).seconds();
        page.created_from = page.created_from.max(oldest);
        if delivery_success == Some(false) {
            let (events, has_more) = webhooks::undelivered(&call.context, types, &page).await?;
            let data = events.iter().map(show).collect::<Result<_, _>>()?;
            return Ok(json(&ListOf { object: "list", data, has_more, url: call.url.clone() }));
        }
        let filters = filters(types.as_deref(), delivery_success.is_some());
        list::show(call, Table::Events, &filters, &page, |row| show(&Shown::try_from(row)?)).await
    }
}

/// One filter for each type, and what is left of them where every endpoint must have taken the event.
fn filters(types: Option<&[String]>, must_be_delivered: bool) -> Vec<Filter> {
    let of_types = match types {
        Some(types) => types.iter().map(|name| Filter::event_type(name)).collect(),
        None => vec![Filter::Nothing],
    };
    match must_be_delivered {
        true => of_types.into_iter().map(|of| Filter::all([of, Filter::Delivered])).collect(),
        false => of_types,
    }
}

fn of_types(mut types: Vec<String>) -> Result<Option<Vec<String>>, ApiError> {
    if types.len() > MAX_TYPES {
        return Err(ApiError::ParameterInvalid {
            param: "types".to_owned(),
            message: format!("You may list at most {MAX_TYPES} types."),
        });
    }
    if types.is_empty() {
        return Ok(None);
    }
    // A type that is named twice would be found twice.
    types.sort_unstable();
    types.dedup();
    Ok(Some(types))
}

/// Every type that a pattern means, unless it means all of them. A pattern that means none, or a name that is none,
/// finds nothing by itself.
fn of_pattern(pattern: &str) -> Option<Vec<String>> {
    if pattern == "*" {
        return None;
    }
    let own = EventType::ALL.iter().map(|event| event.name());
    let types: Vec<_> = own.filter(|name| matches(pattern, name)).map(str::to_owned).collect();
    Some(if types.is_empty() { vec![pattern.to_owned()] } else { types })
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
        assert_eq!(of_pattern("*"), None);
        assert_eq!(of_pattern("unheard.of"), Some(vec!["unheard.of".to_owned()]));
        assert_eq!(of_pattern("unheard.*"), Some(vec!["unheard.*".to_owned()]));
        assert_eq!(of_pattern("refund.*").map(|types| types.len()), Some(3));
    }
}
