//! `GET /v1/files/{file}/contents`: what a file says. It is no JSON, and never in memory as a whole, so
//! that it is no endpoint like the others.

use domain::ApiError;
use flows::{Context, Failure, Platform, files, reports};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use store::Scope;
use store::files::Contents;

use crate::authenticate::authorize;
use crate::dispatch::Incoming;
use crate::endpoint::Method;
use crate::render::{Reply, Stored, add_header};

/// The file whose contents a request asks for.
pub fn named<'p>(method: &str, path: &'p str) -> Option<&'p str> {
    let id = path.strip_prefix("/v1/files/")?.strip_suffix("/contents")?;
    (method == Method::Get.name() && !id.contains('/')).then_some(id)
}

/// Answers with what the file says.
///
/// # Errors
/// When the key may not read it, or there is no such file any more.
pub async fn answer<P: Platform>(incoming: &Incoming<'_, P>, id: &str) -> Result<Reply, Failure> {
    let caller = &incoming.caller;
    authorize(&caller.key, Method::Get, "file", false)?;
    let scope = Scope { account: caller.account.id.clone(), livemode: caller.key.livemode };
    let context = Context::unattended(incoming.platform, scope);
    let Contents { file, parts } = files::contents(&context, id).await?;
    if file.expires_at() <= context.now {
        let gone: ApiError = reports::no_such("file", id, "file", true);
        return Err(gone.into());
    }
    let mut reply = Reply::new(Vec::new());
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let disposition = format!("attachment; filename=\"{}\"", file.filename);
    add_header(&mut reply, "content-disposition", &disposition);
    reply.extensions_mut().insert(Stored { parts, size: file.size });
    Ok(reply)
}
