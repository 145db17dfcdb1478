//! Charges: made without an intent by the legacy API, captured, changed, and let go of in time.
//!
//! An intent's charges are made and captured by their intent; a charge without one is held for its
//! attempt itself, so that no two operations ask a processor about the same money.

mod capture;
mod create;
mod expire;
mod source;
mod update;

use domain::ApiError;
use domain::charge::{CaptureRefusal, Charge};
use store::charges;

use crate::{Context, Failure, Platform};

pub use capture::{Capture, CaptureChanges, capture};
pub use create::{Create, create};
pub(crate) use expire::expire;
pub use update::{Changes, update};

/// How often a change is decided anew because the charge changed while it was decided.
const MAX_TRIES: usize = 5;

/// Finds a charge that a request names in its path.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Charge, Failure> {
    context.find(charges::find(&context.scope, id)).await?.ok_or_else(|| no_such(id).into())
}

fn no_such(id: &str) -> ApiError {
    ApiError::NoSuchObject {
        kind: "charge",
        id: id.to_owned(),
        param: "charge".to_owned(),
        in_path: true,
    }
}

/// What a merchant is told where a charge cannot be captured.
fn refused(charge: &Charge, refusal: CaptureRefusal) -> ApiError {
    let id = charge.id.as_str().to_owned();
    match refusal {
        CaptureRefusal::Locked => ApiError::LockTimeout,
        CaptureRefusal::NotSucceeded => ApiError::StateConflict {
            message: format!("Charge {id} could not be captured because it did not succeed."),
        },
        CaptureRefusal::AlreadyCaptured => ApiError::ChargeAlreadyCaptured { charge: id },
        CaptureRefusal::Expired => ApiError::ChargeExpiredForCapture { charge: id },
        CaptureRefusal::Released => ApiError::ChargeAlreadyRefunded { charge: id },
        CaptureRefusal::TooMuch { capturable } => ApiError::CaptureTooLarge {
            capturable: capturable.minor_units(),
            currency: charge.amount.currency,
            param: "amount",
        },
        CaptureRefusal::NotMultiple => {
            ApiError::AmountNotMultiple { currency: charge.amount.currency, param: "amount" }
        }
    }
}
