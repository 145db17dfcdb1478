//! `/v1/files`.

pub mod contents;
pub mod list;
pub mod retrieve;

use domain::file::File;
use domain::resource::{self, value};
use serde_json::Value;

/// The file as merchants see it.
fn show(file: &File) -> Value {
    value(&resource::file::Resource::from(file))
}
