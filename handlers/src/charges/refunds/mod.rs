//! `/v1/charges/{charge}/refunds`: the refunds of one charge.

pub mod create;
pub mod embed;
pub mod list;
pub mod retrieve;
pub mod update;

use domain::refund::Refund;
use flows::{Failure, Platform, refunds};

use crate::endpoint::Call;

/// The refund in the path, if it belongs to the charge in the path.
async fn find<P: Platform>(call: &Call<'_, P>) -> Result<Refund, Failure> {
    let id = call.path.get(1).map_or("", String::as_str);
    let refund = refunds::find(&call.context, id).await?;
    if refund.charge.as_str() == call.id() { Ok(refund) } else { Err(refunds::no_such(id).into()) }
}
