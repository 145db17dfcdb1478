//! Reading the keys that outlive master keys. They are kept when they are needed first, made of the master key that the
//! deployment has then, and read from then on.

use domain::seal::{Lasting, MasterKey};
use store::{Database, Row, Rows, lasting_keys};

use super::nonce;
use crate::Failure;

/// The master key with the lasting ones that are kept.
///
/// # Errors
/// When the database does not answer, or the master key that sealed them is not among those that are set.
pub async fn load<D: Database>(
    database: &D,
    mut key: MasterKey,
    random: impl Fn() -> [u8; 32],
) -> Result<MasterKey, Failure> {
    let mut results = database.batch(vec![lasting_keys::find()]).await?;
    if results.first().is_none_or(|Rows(rows)| rows.len() < Lasting::ALL.len()) {
        let made = key.seal_lasting(|| nonce(random()))?;
        // Somebody else may do so, too: what was kept first counts for everybody.
        let keep = made.iter().map(|(name, sealed)| lasting_keys::insert(name, sealed));
        results = database.batch(keep.chain([lasting_keys::find()]).collect()).await?;
    }
    for row in results.last().map(|Rows(rows)| rows.as_slice()).unwrap_or_default() {
        take(&mut key, row)?;
    }
    Ok(key)
}

/// To go on without one would name other records for retries, and so might charge twice.
fn take(key: &mut MasterKey, row: &Row) -> Result<(), Failure> {
    let (name, sealed) = (row.text("name")?, row.text("sealed")?);
    key.keep(name, sealed).map_err(|_| {
        let sealer = sealed.split('.').next().unwrap_or_default();
        Failure::Bug(format!(
            "the lasting key {name} is sealed under the master key {sealer}, which is neither MASTER_KEY \
             ({}) nor MASTER_KEY_PREVIOUS nor MASTER_KEY_NEXT: docs/master-key.md",
            key.name()
        ))
    })
}
