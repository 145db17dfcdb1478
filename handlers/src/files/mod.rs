//! `/v1/files`.

pub mod contents;
pub mod list;
pub mod retrieve;

use domain::file::File;
use domain::resource::{self, Json, json};

/// The file as merchants see it.
fn show(file: &File) -> Json {
    json(&resource::file::Resource::from(file))
}
