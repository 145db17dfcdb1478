//! Sealing again, under the present master key, what another one sealed.
//!
//! A pass reads everything that is sealed, slice by slice; what a slice finds is written in the batch that moves the
//! sweep on, so that a run which dies goes on where it stood. Passes follow one another until a whole one finds
//! nothing: then no text is left that the present key does not open.

use domain::connector_account::ConnectorAccount;
use domain::seal::{Kind, SealBroken};
use domain::webhook::WebhookEndpoint;
use store::resealing::{self, Progress, Resealed, Stage};
use store::{
    Database, DatabaseError, Inconsistent, Row, Rows, Scope, Statement, connector_accounts,
    webhook_endpoints,
};

use super::nonce;
use crate::{Failure, Platform, cards, connector_accounts as accounts};

/// How long a pass waits first, in seconds: until no isolate is left that knows only the key before, and what one of
/// them was about to write is written.
pub const SETTLES: i64 = 600;

/// How many rows one slice reads.
const ROWS: i64 = 200;

/// How many slices are read at a time; the rest follows in the next look.
const SLICES: usize = 4;

/// Reads the next slices, where they are due. Says whether some are left.
///
/// # Errors
/// When the database does not answer; the sweep goes on from there.
pub async fn go_on<P: Platform>(platform: &P) -> Result<bool, Failure> {
    let key = platform.master_key().name();
    for _ in 0..SLICES {
        let due = resealing::due(key, platform.now());
        let results = platform.database().batch(vec![due]).await?;
        let Some(row) = results.first().and_then(Rows::first) else { return Ok(false) };
        let seen = Progress::try_from(row)?;
        match Stage::ALL.into_iter().find(|stage| stage.name() == seen.stage) {
            Some(stage) if seen.master_key == key => slice(platform, &seen, stage).await?,
            _ => begin(platform, &seen).await?,
        }
    }
    Ok(true)
}

/// Another key seals than before: a pass begins when everybody knows of it.
async fn begin<P: Platform>(platform: &P, seen: &Progress) -> Result<(), Failure> {
    let first = pass(platform.master_key().name());
    let batch = resealing::move_on(seen, &first, platform.now().plus(SETTLES), None);
    overtaken(platform.database().batch(batch.to_vec()).await)
}

/// The beginning of a pass.
fn pass(key: &str) -> Progress {
    Progress {
        master_key: key.to_owned(),
        stage: Stage::LastingKeys.name().to_owned(),
        place: String::new(),
        resealed: 0,
        broken: 0,
    }
}

async fn slice<P: Platform>(platform: &P, seen: &Progress, stage: Stage) -> Result<(), Failure> {
    let results = platform.database().batch(vec![stage.read(&seen.place, ROWS)]).await?;
    let rows = results.first().map(|Rows(rows)| rows.as_slice()).unwrap_or_default();
    let found = Found::of(platform, stage, rows);
    let mut next = seen.clone();
    next.resealed = next.resealed.saturating_add(found.texts);
    next.broken = next.broken.saturating_add(found.broken);
    let mut due_at = platform.now();
    let mut completed_at = None;
    match (rows.last(), following(stage)) {
        (Some(last), _) => last.text("place")?.clone_into(&mut next.place),
        (None, Some(following)) => {
            following.name().clone_into(&mut next.stage);
            next.place.clear();
        }
        (None, None) if next.resealed == 0 => completed_at = Some(platform.now()),
        (None, None) => {
            next = pass(&seen.master_key);
            due_at = due_at.plus(SETTLES);
        }
    }
    let mut batch = resealing::move_on(seen, &next, due_at, completed_at).to_vec();
    batch.extend(stage.write(&found.resealed).filter(|_| !found.resealed.is_empty()));
    batch.extend(found.rows);
    overtaken(platform.database().batch(batch).await)
}

/// What is read after a stage.
fn following(stage: Stage) -> Option<Stage> {
    let mut rest = Stage::ALL.into_iter().skip_while(|known| *known != stage);
    rest.nth(1)
}

/// A row, as its log names it: its place tells nothing of what is in it.
fn row_name(row: &Row) -> String {
    let named =
        row.optional_text("key").ok().flatten().or_else(|| row.optional_text("id").ok().flatten());
    named.unwrap_or("a row").to_owned()
}

/// Why a row is left as it is.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Broken(#[from] SealBroken),
    #[error(transparent)]
    Inconsistent(#[from] Inconsistent),
}

/// What a slice found.
struct Found<'p, P> {
    platform: &'p P,
    /// Texts that are written by themselves.
    resealed: Vec<Resealed>,
    /// Rows that are written as a whole, over the version that was seen.
    rows: Vec<Statement>,
    /// How many texts are sealed again.
    texts: i64,
    /// How many rows have one that no key opens.
    broken: i64,
}

impl<'p, P: Platform> Found<'p, P> {
    /// Looks at the rows of a slice. What no key opens is told of once.
    fn of(platform: &'p P, stage: Stage, rows: &[Row]) -> Self {
        let mut found =
            Self { platform, resealed: Vec::new(), rows: Vec::new(), texts: 0, broken: 0 };
        let mut first = None;
        for row in rows {
            if let Err(problem) = found.look(stage, row) {
                found.broken = found.broken.saturating_add(1);
                first.get_or_insert_with(|| format!("{}: {problem}", row_name(row)));
            }
        }
        if let Some(first) = first {
            let (count, table) = (found.broken, stage.name());
            let told =
                format!("{count} rows of {table} cannot be sealed anew, the first is {first}");
            platform.log_error("resealing", &told);
        }
        found
    }

    fn look(&mut self, stage: Stage, row: &Row) -> Result<(), Problem> {
        match stage {
            Stage::LastingKeys => self.text(Kind::LastingKey, row, row.text("key")?),
            Stage::Tokens | Stage::PaymentMethods => {
                self.text(Kind::Card, row, &cards::seal_context(&connector_accounts::scope(row)?))
            }
            Stage::ConnectorAccounts => self.connector_account(row),
            Stage::WebhookEndpoints => self.webhook_endpoint(row),
        }
    }

    fn reseal(&self, kind: Kind, sealed: &str, within: &str) -> Result<Option<String>, SealBroken> {
        let draw = || nonce(self.platform.random());
        self.platform.master_key().reseal(kind, sealed, within, draw)
    }

    fn text(&mut self, kind: Kind, row: &Row, within: &str) -> Result<(), Problem> {
        let sealed = row.text("sealed")?;
        if let Some(anew) = self.reseal(kind, sealed, within)? {
            self.texts = self.texts.saturating_add(1);
            self.resealed.push((row.text("key")?.to_owned(), sealed.to_owned(), anew));
        }
        Ok(())
    }

    /// Seals again what lies in a row that is written as a whole. What cannot be opened keeps nothing beside it from
    /// it: says how many texts were sealed again, and whether one could not be opened.
    fn all<'t>(
        &self,
        texts: impl Iterator<Item = (Kind, &'t mut String)>,
        within: &str,
    ) -> (i64, Result<(), SealBroken>) {
        let (mut count, mut result) = (0_i64, Ok(()));
        for (kind, text) in texts {
            match self.reseal(kind, text, within) {
                Ok(None) => {}
                Ok(Some(anew)) => {
                    *text = anew;
                    count = count.saturating_add(1);
                }
                Err(broken) => result = Err(broken),
            }
        }
        (count, result)
    }

    fn connector_account(&mut self, row: &Row) -> Result<(), Problem> {
        let scope: Scope = connector_accounts::scope(row)?;
        let mut account = ConnectorAccount::try_from(row)?;
        let within = accounts::seal_context(&scope, &account.id);
        let ConnectorAccount { sealed_credentials, details, .. } = &mut account;
        let credentials =
            sealed_credentials.iter_mut().map(|text| (Kind::ConnectorCredentials, text));
        let secrets = details.webhook_secrets.iter_mut();
        let secrets = secrets.map(|secret| (Kind::ConnectorWebhookSecret, &mut secret.sealed));
        let (count, result) = self.all(credentials.chain(secrets), &within);
        if count > 0 {
            self.texts = self.texts.saturating_add(count);
            let [update, _] = connector_accounts::update(&mut account);
            self.rows.push(update);
        }
        Ok(result?)
    }

    fn webhook_endpoint(&mut self, row: &Row) -> Result<(), Problem> {
        let account = row.text("account")?;
        let mut endpoint = WebhookEndpoint::try_from(row)?;
        let secrets = endpoint.details.secrets.iter_mut();
        let secrets = secrets.map(|secret| (Kind::WebhookSecret, &mut secret.sealed));
        let (count, result) = self.all(secrets, account);
        if count > 0 {
            self.texts = self.texts.saturating_add(count);
            let [update, _] = webhook_endpoints::update(&mut endpoint);
            self.rows.push(update);
        }
        Ok(result?)
    }
}

/// Somebody else moved the sweep on: their slice is as good as this one.
fn overtaken(result: Result<Vec<Rows>, DatabaseError>) -> Result<(), Failure> {
    match result {
        Ok(_) | Err(DatabaseError::Guard(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
