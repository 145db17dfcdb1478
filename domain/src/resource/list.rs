//! Pages of objects, by cursor and by search.

use serde::Serialize;

use super::{Constant, Json};

/// A page of a list (<https://docs.stripe.com/api/pagination>).
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct List {
    pub object: Constant,
    pub data: Vec<Json>,
    pub has_more: bool,
    pub url: String,
}

/// A page of a search (<https://docs.stripe.com/api/pagination/search>).
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct SearchResult {
    pub object: Constant,
    pub data: Vec<Json>,
    pub has_more: bool,
    pub next_page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<i64>,
    pub url: String,
}
