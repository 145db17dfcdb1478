//! The `file` object.

use serde::Serialize;

use super::{Constant, List};
use crate::file::File;
use crate::timestamp::Timestamp;

/// The `file` object (<https://docs.stripe.com/api/files/object>).
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "file"))]
#[expect(missing_docs, reason = "each is Stripe's field of the same name")]
pub struct Resource<'a> {
    pub id: &'a str,
    pub object: Constant,
    pub created: Timestamp,
    pub expires_at: Timestamp,
    pub filename: &'a str,
    /// There are no links to files that need no key.
    #[cfg_attr(feature = "openapi", schemars(with = "serde_json::Value"))]
    pub links: List,
    pub purpose: Constant,
    pub size: i64,
    pub title: &'a str,
    pub r#type: Constant,
    pub url: String,
}

impl<'a> From<&'a File> for Resource<'a> {
    fn from(file: &'a File) -> Self {
        let (id, origin) = (file.id.as_str(), &file.origin);
        Self {
            id,
            object: "file",
            created: file.created,
            expires_at: file.expires_at(),
            filename: &file.filename,
            links: List {
                object: "list",
                data: Vec::new(),
                has_more: false,
                url: format!("/v1/file_links?file={id}"),
            },
            purpose: File::PURPOSE,
            size: file.size,
            title: &file.title,
            r#type: "csv",
            url: format!("{origin}/v1/files/{id}/contents"),
        }
    }
}
