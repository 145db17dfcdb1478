//! Why an operation did not succeed: the merchant's doing, or ours.

use domain::ApiError;
use domain::ledger::Unbalanced;
use domain::money::AmountOutOfRange;
use domain::payment_intent::TransitionError;
use domain::seal::SealBroken;
use store::{DatabaseError, Inconsistent};

use crate::platform::PlatformError;

/// Why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The merchant is told.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The database refused, or did not answer.
    #[error(transparent)]
    Database(DatabaseError),
    /// Another part of the platform did not answer.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// Our own code met what it rules out.
    #[error("{0}")]
    Bug(String),
}

impl Failure {
    /// What the merchant is told; faults of ours show the request by which operators find them.
    pub fn into_api_error(self, request: &str) -> ApiError {
        match self {
            Self::Api(error) => *error,
            Self::Database(DatabaseError::Unknown(_)) | Self::Platform(_) => {
                ApiError::Unavailable { request_log: request.to_owned() }
            }
            Self::Database(_) | Self::Bug(_) => {
                ApiError::Internal { request_log: request.to_owned() }
            }
        }
    }

    /// Whether something did not answer, so that the same may well succeed a moment later.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::Unknown(_)) | Self::Platform(_))
    }

    /// Whether operators have to know of it.
    pub fn is_ours(&self) -> bool {
        !matches!(self, Self::Api(_))
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<Inconsistent> for Failure {
    fn from(error: Inconsistent) -> Self {
        Self::Database(DatabaseError::Inconsistent(error))
    }
}

impl From<AmountOutOfRange> for Failure {
    fn from(error: AmountOutOfRange) -> Self {
        Self::Bug(error.to_string())
    }
}

impl From<Unbalanced> for Failure {
    fn from(error: Unbalanced) -> Self {
        Self::Bug(error.to_string())
    }
}

impl From<SealBroken> for Failure {
    fn from(error: SealBroken) -> Self {
        Self::Bug(error.to_string())
    }
}

/// A transition that was checked before and is refused now is our own fault; one that another
/// operation locks out is told as such.
impl From<TransitionError> for Failure {
    fn from(error: TransitionError) -> Self {
        match error {
            TransitionError::Locked => ApiError::LockTimeout.into(),
            other => Self::Bug(other.to_string()),
        }
    }
}
