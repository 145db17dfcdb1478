//! Files that merchants download.

use domain::file::File;
use store::files::{self, Contents};

use crate::reports::no_such;
use crate::{Context, Failure, Platform};

/// Finds a file that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<File, Failure> {
    Ok(contents(context, id).await?.file)
}

/// Finds the objects that a file is made of.
///
/// # Errors
/// When there is no such file.
pub async fn contents<P: Platform>(
    context: &Context<'_, P>,
    id: &str,
) -> Result<Contents, Failure> {
    let found = context.find(files::find(&context.scope, id)).await?;
    found.ok_or_else(|| no_such("file", id, "file", true).into())
}
