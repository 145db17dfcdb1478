//! Looking at deliveries: which of them there are, and what came of each attempt.

use domain::ApiError;
use domain::webhook::delivery::{Attempt, Delivery, Status, parts_of};
use store::delivery_list::{self, Part, Range};
use store::events::{self, Shown};
use store::list::{Cursor, END_OF_TIME, Page};
use store::{Row, Rows, Statement, webhook_endpoints};

use crate::context::first;
use crate::{Context, Failure, Platform};

/// By how many seconds clocks may differ, so that an event with a later sequence has an earlier second.
const SKEW: i64 = 60;

/// How many attempts of a delivery are shown.
const MOST_ATTEMPTS: i64 = 100;

/// Which deliveries are wanted.
#[derive(Clone, Debug)]
pub struct Query {
    /// To this endpoint, unless to any that was not deleted.
    pub endpoint: Option<String>,
    /// Of this event.
    pub event: Option<String>,
    /// That stand so.
    pub status: Option<Status>,
    /// The page of them.
    pub page: Page,
}

/// Finds a page of deliveries, the newest first, and whether there are more.
///
/// # Errors
/// When the cursor names no delivery.
pub async fn list<P: Platform>(
    context: &Context<'_, P>,
    query: &Query,
) -> Result<(Vec<Delivery>, bool), Failure> {
    let cursor = match &query.page.cursor {
        Cursor::Newest => None,
        Cursor::After(id) | Cursor::Before(id) => {
            let parts =
                parts_of(id).ok_or_else(|| no_such_cursor("webhook delivery", &query.page))?;
            Some((parts.1.as_str().to_owned(), parts.0.as_str().to_owned()))
        }
    };
    let parts: &[Part] = match query.status {
        None => &[Part::All],
        Some(Status::Succeeded) => &[Part::Succeeded],
        Some(Status::Failed) => &[Part::Failed],
        Some(Status::Pending) => &[Part::Waiting, Part::First],
    };
    let walk = Walk {
        kind: "webhook delivery",
        endpoint: query.endpoint.as_deref(),
        event: query.event.as_deref(),
        parts,
        types: None,
        page: &query.page,
        cursor,
    };
    let (rows, has_more) = walk.go(context).await?;
    Ok((rows.iter().map(Delivery::try_from).collect::<Result<_, _>>()?, has_more))
}

/// Finds a page of the events that some endpoint has yet to take, the newest first, and whether there are more.
///
/// # Errors
/// When the cursor names no event.
pub async fn undelivered<P: Platform>(
    context: &Context<'_, P>,
    types: Option<Vec<String>>,
    page: &Page,
) -> Result<(Vec<Shown>, bool), Failure> {
    let cursor = match &page.cursor {
        Cursor::Newest => None,
        // The event itself is left out, whichever endpoint it waits for.
        Cursor::After(id) => Some((id.clone(), String::new())),
        Cursor::Before(id) => Some((id.clone(), "~".to_owned())),
    };
    let parts = Part::UNDELIVERED;
    let walk = Walk { kind: "event", endpoint: None, event: None, parts, types, page, cursor };
    let (rows, has_more) = walk.go(context).await?;
    let sequences: Vec<i64> =
        rows.iter().map(|row| row.integer("event")).collect::<Result<_, _>>()?;
    if sequences.is_empty() {
        return Ok((Vec::new(), has_more));
    }
    let results = context.batch(vec![events::find_all_shown(&sequences)]).await?;
    Ok((rows_of(&results, 0).iter().map(Shown::try_from).collect::<Result<_, _>>()?, has_more))
}

/// Finds a delivery and what came of each attempt, the newest first.
///
/// # Errors
/// When there is none.
pub async fn find_delivery<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<(Delivery, Vec<Attempt>), Failure> {
    let missing = || ApiError::NoSuchObject {
        kind: "webhook delivery",
        id: id.to_owned(),
        param: "id".to_owned(),
        in_path: true,
    };
    let (endpoint, event) = parts_of(id).ok_or_else(missing)?;
    let (scope, endpoint, event) = (&context.scope, endpoint.as_str(), event.as_str());
    let results = context
        .batch(vec![
            delivery_list::find(scope, endpoint, event),
            delivery_list::attempts(scope, endpoint, event, MOST_ATTEMPTS),
        ])
        .await?;
    let delivery: Delivery = first(&results, 0)?.ok_or_else(missing)?;
    let mut attempts = Vec::new();
    // One that arrived is in its own row alone.
    if delivery.status == Status::Succeeded {
        attempts.extend(delivery.last.clone());
    }
    for row in rows_of(&results, 1) {
        attempts.extend(delivery_list::attempt(row)?);
    }
    Ok((delivery, attempts))
}

fn rows_of(results: &[Rows], place: usize) -> &[Row] {
    results.get(place).map(|rows| rows.0.as_slice()).unwrap_or_default()
}

fn no_such_cursor(kind: &'static str, page: &Page) -> ApiError {
    let (id, param) = match &page.cursor {
        Cursor::Newest => ("", ""),
        Cursor::After(id) => (id.as_str(), "starting_after"),
        Cursor::Before(id) => (id.as_str(), "ending_before"),
    };
    ApiError::NoSuchObject { kind, id: id.to_owned(), param: param.to_owned(), in_path: false }
}

/// A page of deliveries on its way: each part of each endpoint is read on its own, and put in order here.
struct Walk<'w> {
    kind: &'static str,
    endpoint: Option<&'w str>,
    event: Option<&'w str>,
    parts: &'w [Part],
    types: Option<Vec<String>>,
    page: &'w Page,
    /// The event and the endpoint that the page begins right after, or ends right before.
    cursor: Option<(String, String)>,
}

impl Walk<'_> {
    async fn go<P: Platform>(&self, context: &Context<'_, P>) -> Result<(Vec<Row>, bool), Failure> {
        let Some((endpoints, range, place)) = self.bounds(context).await? else {
            return Ok((Vec::new(), false));
        };
        let mut statements: Vec<Statement> = Vec::new();
        for endpoint in &endpoints {
            let range = self.behind_cursor(&range, place, endpoint);
            let parts = self.parts.iter();
            statements.extend(parts.map(|part| delivery_list::page(endpoint, *part, &range)));
        }
        if self.parts == Part::UNDELIVERED {
            let range = self.behind_cursor(&range, place, "");
            statements.push(delivery_list::not_handed_out(&context.scope, &range));
        }
        if statements.is_empty() {
            return Ok((Vec::new(), false));
        }
        let results = context.batch(statements).await?;
        self.assemble(results)
    }

    /// The endpoints, which of their deliveries may be on the page, and the sequence of the cursor's event.
    async fn bounds<P: Platform>(
        &self,
        context: &Context<'_, P>,
    ) -> Result<Option<(Vec<String>, Range, Option<i64>)>, Failure> {
        let (scope, page) = (&context.scope, self.page);
        let cursor = self.cursor.as_ref().map_or("", |(event, _)| event);
        let results = context
            .batch(vec![
                match self.endpoint {
                    Some(id) => webhook_endpoints::find(scope, id),
                    None => webhook_endpoints::of_account(scope),
                },
                events::first_since(scope, page.created_from.saturating_sub(SKEW)),
                events::last_until(scope, page.created_to.saturating_add(SKEW).min(END_OF_TIME)),
                events::sequence(scope, self.event.unwrap_or_default()),
                events::sequence(scope, cursor),
            ])
            .await?;
        let sequence = |place: usize| match results.get(place).and_then(Rows::first) {
            Some(row) => row.integer("sequence").map(Some),
            None => Ok(None),
        };
        let place = sequence(4)?;
        if self.cursor.is_some() && place.is_none() {
            return Err(no_such_cursor(self.kind, page).into());
        }
        let (Some(mut from), Some(mut to)) = (sequence(1)?, sequence(2)?) else { return Ok(None) };
        if self.event.is_some() {
            let Some(event) = sequence(3)? else { return Ok(None) };
            (from, to) = (event, event);
        }
        let ids = rows_of(&results, 0).iter().map(|row| row.text("id").map(str::to_owned));
        let range = Range {
            from,
            to,
            created_from: page.created_from,
            created_to: page.created_to,
            types: self.types.clone(),
            most: page.limit.saturating_add(1),
            is_ascending: matches!(page.cursor, Cursor::Before(_)),
        };
        Ok(Some((ids.collect::<Result<_, _>>()?, range, place)))
    }

    /// What of an endpoint's deliveries is beyond the cursor: those of one event are in the order of their endpoints.
    fn behind_cursor(&self, range: &Range, place: Option<i64>, endpoint: &str) -> Range {
        let mut range = range.clone();
        let Some((place, (_, known))) = place.zip(self.cursor.as_ref()) else { return range };
        if range.is_ascending {
            let is_beyond = endpoint > known.as_str();
            range.from = range.from.max(place.saturating_add(i64::from(!is_beyond)));
        } else {
            let is_beyond = endpoint < known.as_str();
            range.to = range.to.min(place.saturating_sub(i64::from(!is_beyond)));
        }
        range
    }

    /// The rows of the page, newest first, and whether there are more.
    fn assemble(&self, results: Vec<Rows>) -> Result<(Vec<Row>, bool), Failure> {
        let mut placed = Vec::new();
        for row in results.into_iter().flat_map(|Rows(rows)| rows) {
            let endpoint = row.optional_text("endpoint")?.unwrap_or_default().to_owned();
            placed.push(((row.integer("event")?, endpoint), row));
        }
        placed.sort_unstable_by(|(left, _), (right, _)| right.cmp(left));
        if self.parts == Part::UNDELIVERED {
            // An event is one, however many endpoints it waits for.
            placed.dedup_by_key(|((event, _), _)| *event);
        }
        let limit = usize::try_from(self.page.limit).unwrap_or_default();
        let has_more = placed.len() > limit;
        if matches!(self.page.cursor, Cursor::Before(_)) {
            placed.drain(..placed.len().saturating_sub(limit));
        } else {
            placed.truncate(limit);
        }
        Ok((placed.into_iter().map(|(_, row)| row).collect(), has_more))
    }
}
