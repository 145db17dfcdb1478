//! `/v1/charges/{charge}/dispute`: the dispute of a charge, at the paths of the legacy API.

pub mod close;
pub mod retrieve;
pub mod update;

use domain::ApiError;
use domain::dispute::Dispute;
use domain::id::{ChargeId, Id};
use flows::{Failure, Platform};

use crate::endpoint::Call;

/// The dispute of the charge in the path.
async fn find<P: Platform>(call: &Call<'_, P>) -> Result<Dispute, Failure> {
    let no_such = || ApiError::NoSuchObject {
        kind: "dispute",
        id: call.id().to_owned(),
        param: "charge".to_owned(),
        in_path: true,
    };
    let charge = ChargeId::parse(call.id()).map_err(|_| no_such())?;
    let id = Dispute::id_of(&charge);
    let found = store::disputes::find(&call.context.scope, id.as_str());
    call.context.find(found).await?.ok_or_else(|| no_such().into())
}
