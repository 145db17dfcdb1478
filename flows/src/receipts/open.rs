//! Reading a receipt by its link.

use domain::receipt::{Format, link};

use super::find;
use crate::{Failure, Platform};

/// A receipt that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its number.
    pub number: String,
    /// What it says, written as it was asked for.
    pub bytes: Vec<u8>,
}

/// The newest receipt of the charge that a token leads to. One that the bucket does not have yet is made on
/// the spot, and shown even when the bucket is away.
///
/// # Errors
/// When the database does not answer.
pub async fn open<P: Platform>(
    platform: &P,
    token: &str,
    format: Format,
) -> Result<Option<Opened>, Failure> {
    let Some(charge) = link::charge(platform.master_key(), token) else { return Ok(None) };
    let Some(made) = find(platform, charge.as_str()).await? else { return Ok(None) };
    let name = made.name(format);
    let kept = platform.receipt(&name).await;
    let bytes = match kept {
        Ok(Some(bytes)) => bytes,
        missing => {
            let document = made.receipt.document(name, format);
            let put = match missing {
                Err(error) => Err(error),
                Ok(_) => platform.put_receipt(&document).await,
            };
            if let Err(error) = put {
                platform.log_error(charge.as_str(), &error.to_string());
            }
            document.bytes
        }
    };
    Ok(Some(Opened { number: made.receipt.number, bytes }))
}
