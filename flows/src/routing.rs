//! Routing documents: published as versions that stay as they are, shown, and tried without a payment.

use domain::ApiError;
use domain::connector_account::{ConnectorAccount, Status};
use domain::id::RoutingId;
use domain::resource::routing::DryRun;
use domain::resource::{Json, json};
use domain::routing::{Document, Facts, Routing};
use store::{DatabaseError, Rows, connector_accounts, routings};

use crate::context::first;
use crate::operations::choose;
use crate::{Context, Failure, Platform};

/// How often a version is written anew because somebody else published one meanwhile.
const MAX_TRIES: usize = 5;

/// The version that counts.
///
/// # Errors
/// When none was published.
pub async fn current<P: Platform>(context: &Context<'_, P>) -> Result<Routing, Failure> {
    let found = context.find(routings::find_current(&context.scope)).await?;
    found.ok_or_else(|| no_such("current"))
}

/// A version that a request names.
///
/// # Errors
/// When there is none.
pub async fn find<P: Platform>(context: &Context<'_, P>, id: &str) -> Result<Routing, Failure> {
    context.find(routings::find(&context.scope, id)).await?.ok_or_else(|| no_such(id))
}

fn no_such(id: &str) -> Failure {
    ApiError::NoSuchObject {
        kind: "routing",
        id: id.to_owned(),
        param: "routing".to_owned(),
        in_path: true,
    }
    .into()
}

/// Publishes a document as the next version, in the stead of `replaces`, where that is said.
///
/// # Errors
/// When it names accounts that there are not in this mode, or another version counts than is said.
pub async fn publish<P: Platform>(
    context: &Context<'_, P>,
    document: &Document,
    replaces: Option<i64>,
) -> Result<Routing, Failure> {
    let id: RoutingId = context.ids.derive("routing");
    for _ in 0..MAX_TRIES {
        let results = context.batch(vec![
            routings::find(&context.scope, id.as_str()),
            routings::version(&context.scope),
        ]);
        let results = results.await?;
        // An earlier run of this request has published it.
        if let Some(published) = first(&results, 0)? {
            return Ok(published);
        }
        // One that cannot be read is replaced as any other.
        let current = match results.get(1).and_then(|Rows(rows)| rows.first()) {
            Some(row) => row.integer("version")?,
            None => 0,
        };
        if replaces.is_some_and(|replaces| replaces != current) {
            return Err(ApiError::StateConflict {
                message: format!(
                    "Version {current} of the routing counts by now. Look at it, and publish again."
                ),
            }
            .into());
        }
        check_accounts(context, document).await?;
        let routing = Routing {
            id: id.clone(),
            livemode: context.scope.livemode,
            created: context.now,
            version: current.saturating_add(1),
            document: document.clone(),
        };
        match context.batch(vec![routings::insert(&context.scope, &routing)]).await {
            Ok(_) => return Ok(routing),
            // Somebody else was faster, or an earlier run of this request was.
            Err(DatabaseError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::LockTimeout.into())
}

/// Each account has to be the merchant's own, in this mode.
async fn check_accounts<P: Platform>(
    context: &Context<'_, P>,
    document: &Document,
) -> Result<(), Failure> {
    let named: Vec<_> = document
        .uses()
        .flat_map(|(param, used)| used.accounts().map(move |id| (param.clone(), id.as_str())))
        .filter(|(_, id)| !context.routes.accounts.iter().any(|known| known.id.as_str() == *id))
        .collect();
    // Those that are active are known already.
    if named.is_empty() {
        return Ok(());
    }
    let find = named.iter().map(|(_, id)| connector_accounts::find(&context.scope, id));
    let results = context.batch(find.collect()).await?;
    for (place, (param, id)) in named.into_iter().enumerate() {
        let found: Option<ConnectorAccount> = first(&results, place)?;
        if found.is_none_or(|found| found.status == Status::Deleted) {
            return Err(ApiError::NoSuchObject {
                kind: "connector account",
                id: id.to_owned(),
                param,
                in_path: false,
            }
            .into());
        }
    }
    Ok(())
}

/// Explains where a payment would go.
///
/// # Errors
/// When there is no such version.
pub async fn dry_run<P: Platform>(
    context: &Context<'_, P>,
    named: Option<&str>,
    facts: &Facts<'_>,
) -> Result<Json, Failure> {
    let routing = match named {
        Some(id) => find(context, id).await?,
        None => current(context).await?,
    };
    let mut facts = *facts;
    if context.scope.livemode && !facts.saved {
        // Neither is known of a live card before it was paid with.
        (facts.country, facts.funding) = (None, "unknown");
    }
    let choice = choose(context, &routing.document, &facts);
    Ok(json(&DryRun::new(&routing, &choice, |id| context.platform.health(id))))
}
