//! Searches: pages of the objects that a query finds, newest first
//! (<https://docs.stripe.com/api/pagination/search>).
//!
//! A page is read from the query's index until it is full. Where an index holds much that the query
//! does not want, one request reads only so many rows; the next page then goes on from there, so that
//! nothing is lost. `docs/search.md` says which queries that concerns.

use domain::ApiError;
use domain::resource::{Json, SearchResult, json};
use domain::seal::{Kind, SealBroken};
use domain::search::{Query, Searchable, Searched};
use flows::{Failure, Platform};
use serde::Deserialize;
use store::search::{MAX_COUNT, Merged, Place, Plan, merge, plan};
use store::{Inconsistent, Row, Rows, Scope};

use crate::endpoint::Call;

/// How many rows a request reads before it answers with what it has found.
const ENOUGH_ROWS: i64 = 2_000;
/// How many rows a request reads while it has found nothing: some clients take an empty page for the
/// end.
const MOST_ROWS: i64 = 10_000;
/// How many rows of one source are read at a time.
const MOST_ROWS_AT_ONCE: i64 = 1_000;

/// The query.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How many objects, 1 to 100.
    limit: Option<i64>,
    /// The `next_page` of the page before.
    page: Option<String>,
    /// What is searched for, in Stripe's search query language.
    query: String,
}

/// The search that is asked for.
pub struct Input {
    searched: Searched,
    query: Query,
    limit: i64,
    page: Option<String>,
}

impl Parameters {
    /// The search that is asked for.
    ///
    /// # Errors
    /// When the query cannot be read.
    pub fn check(self, searched: Searched) -> Result<Input, ApiError> {
        Ok(Input {
            searched,
            query: Query::parse(&self.query, searched)?,
            limit: self.limit.unwrap_or(10).clamp(1, 100),
            page: self.page,
        })
    }
}

/// Reads a page and shows it.
///
/// # Errors
/// When the page is not one of this search, or the database does not answer.
pub async fn show<T, P: Platform>(
    call: &Call<'_, P>,
    input: &Input,
    show: impl Fn(&T) -> Json,
) -> Result<Json, Failure>
where
    T: Searchable + for<'r> TryFrom<&'r Row, Error = Inconsistent>,
{
    let context = page_context(&call.context.scope, input);
    let after = match &input.page {
        Some(page) => open(call, page, &context)?,
        None => Place::NEWEST,
    };
    let plan = plan(input.searched, &input.query);
    let (found, rest) = find::<T, P>(call, input, &plan, after).await?;
    let total_count = match call.expand.iter().any(|path| path == "total_count") {
        true => Some(count::<T, P>(call, input, &plan).await?),
        false => None,
    };
    Ok(json(&SearchResult {
        object: "search_result",
        data: found.iter().map(show).collect(),
        has_more: rest.is_some(),
        next_page: rest.map(|place| seal(call, place, &context)).transpose()?,
        total_count,
        url: call.url.clone(),
    }))
}

/// The objects of a page, and where the next one begins.
async fn find<T, P: Platform>(
    call: &Call<'_, P>,
    input: &Input,
    plan: &Plan,
    after: Place,
) -> Result<(Vec<T>, Option<Place>), Failure>
where
    T: Searchable + for<'r> TryFrom<&'r Row, Error = Inconsistent>,
{
    let limit = usize::try_from(input.limit).unwrap_or_default();
    let mut reader = Reader::new(input, plan, after);
    let mut found = Vec::new();
    let mut last = None;
    while let Some(rows) = reader.next(call).await? {
        for (place, row) in &rows {
            let object = T::try_from(row)?;
            if !input.query.matches(&object) {
                continue;
            }
            if found.len() >= limit {
                return Ok((found, last));
            }
            found.push(object);
            last = Some(*place);
        }
        if reader.read >= MOST_ROWS || (reader.read >= ENOUGH_ROWS && !found.is_empty()) {
            break;
        }
    }
    Ok((found, reader.rest))
}

/// How many objects a query finds: exact up to [`MAX_COUNT`] where an index knows, or else among the
/// newest rows.
async fn count<T, P: Platform>(
    call: &Call<'_, P>,
    input: &Input,
    plan: &Plan,
) -> Result<i64, Failure>
where
    T: Searchable + for<'r> TryFrom<&'r Row, Error = Inconsistent>,
{
    if let (true, [source]) = (plan.is_exact, plan.sources.as_slice()) {
        let statement = source.count(&call.context.scope, input.searched);
        let results = call.context.batch(vec![statement]).await?;
        let count = results.first().and_then(Rows::first).map(|row| row.integer("count"));
        return Ok(count.transpose()?.unwrap_or_default());
    }
    let mut reader = Reader::new(input, plan, Place::NEWEST);
    let mut count = 0_i64;
    while let Some(rows) = reader.next(call).await? {
        for (_, row) in &rows {
            let matches = input.query.matches(&T::try_from(row)?);
            count = count.saturating_add(i64::from(matches));
        }
        if reader.read >= ENOUGH_ROWS {
            break;
        }
    }
    Ok(count.min(MAX_COUNT))
}

/// Reads the rows of a plan, newest first, in portions that grow.
struct Reader<'a> {
    searched: Searched,
    plan: &'a Plan,
    /// Where the rows begin that were not read yet; nothing once all were read.
    rest: Option<Place>,
    /// How many rows of each source the next portion has at most.
    portion: i64,
    /// How many rows were read.
    read: i64,
}

impl<'a> Reader<'a> {
    fn new(input: &Input, plan: &'a Plan, after: Place) -> Self {
        // One more than the page holds shows whether there is another.
        let portion = input.limit.saturating_add(1);
        Self { searched: input.searched, plan, rest: Some(after), portion, read: 0 }
    }

    async fn next<P: Platform>(
        &mut self,
        call: &Call<'_, P>,
    ) -> Result<Option<Vec<(Place, Row)>>, Failure> {
        let Some(after) = self.rest else { return Ok(None) };
        let scope = &call.context.scope;
        let sources = &self.plan.sources;
        let statements = sources
            .iter()
            .map(|source| source.read(scope, self.searched, after, self.portion))
            .collect();
        let results = call.context.batch(statements).await?;
        let read: usize = results.iter().map(|Rows(rows)| rows.len()).sum();
        self.read = self.read.saturating_add(i64::try_from(read).unwrap_or(i64::MAX));
        let Merged { rows, rest } = merge(results, self.portion)?;
        self.rest = rest;
        let count = i64::try_from(sources.len()).unwrap_or(i64::MAX);
        let most = MOST_ROWS.saturating_sub(self.read).checked_div(count).unwrap_or_default();
        self.portion = self.portion.saturating_mul(4).min(MOST_ROWS_AT_ONCE).min(most.max(1));
        Ok(Some(rows))
    }
}

/// What a page belongs to: it is none of another search, nor of another merchant's.
fn page_context(scope: &Scope, input: &Input) -> String {
    let mode = if scope.livemode { "live" } else { "test" };
    let resource = input.searched.name();
    format!("{}:{mode}:{resource}:{}", scope.account, input.query)
}

/// Seals a place: its numbers would tell how many objects all merchants have.
fn seal<P: Platform>(call: &Call<'_, P>, place: Place, context: &str) -> Result<String, Failure> {
    let platform = call.context.platform;
    let random = platform.random();
    let nonce = *random.first_chunk().ok_or(SealBroken)?;
    let key = platform.master_key().search_pages();
    Ok(key.seal(Kind::SearchPage, &place.to_string(), context, nonce)?)
}

fn open<P: Platform>(call: &Call<'_, P>, page: &str, context: &str) -> Result<Place, ApiError> {
    let key = call.context.platform.master_key().search_pages();
    let plain = key.open(Kind::SearchPage, page, context).map_err(|_| ApiError::InvalidPage)?;
    Place::parse(&plain).ok_or(ApiError::InvalidPage)
}
