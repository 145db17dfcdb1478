//! What an operation knows of its surroundings: for whom it acts, when, and how it names things.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::Timestamp;
use domain::card::CardNumber;
use domain::id::{ConnectorAccountId, IdSource};
use domain::pricing::Terms;
use domain::routing::Routes;
use store::{Database, Row, Rows, Scope, Statement};

use crate::{Failure, Platform};

/// The request that causes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestReference {
    /// Its id, as in the `Request-Id` header.
    pub id: String,
    /// Its idempotency key, where it has one.
    pub idempotency_key: Option<String>,
}

/// What an operation knows of its surroundings.
pub struct Context<'a, P> {
    /// Everything outside.
    pub platform: &'a P,
    /// For whom it acts.
    pub scope: Scope,
    /// How the merchant is called on a cardholder's statement.
    pub merchant_name: String,
    /// When it acts.
    pub now: Timestamp,
    /// The request that caused it; none for what Florin does by itself.
    pub request: Option<RequestReference>,
    /// Names everything that it makes.
    pub ids: IdSource,
    /// Whether an earlier run of the same request may have left rows behind.
    pub resumes: bool,
    /// How what it takes is priced.
    pub terms: Terms,
    /// Whether somebody may listen to what happens; where nobody does, nobody is told at once.
    pub has_endpoints: bool,
    /// Where new payments can go.
    pub routes: Rc<Routes>,
    /// Where this deployment is reached, as `https://pay.example.com`, for links.
    pub origin: String,
    /// The card number that it sealed last, beside its sealed text: a processor is asked without opening it again.
    pub sealed: RefCell<Option<(String, CardNumber)>>,
    /// The account at a processor that was asked last and did not answer.
    pub unanswered: RefCell<Option<ConnectorAccountId>>,
    /// For how many seconds that account asked to be left in peace.
    pub peace: Cell<i64>,
    /// What is written beside the next change: that a processor told of it.
    pub beside: RefCell<Vec<Statement>>,
}

impl<'a, P: Platform> Context<'a, P> {
    /// The surroundings of what Florin does by itself for an account.
    pub fn unattended(platform: &'a P, scope: Scope) -> Self {
        Self {
            platform,
            scope,
            merchant_name: String::new(),
            now: platform.now(),
            request: None,
            ids: IdSource::new(&platform.random()),
            resumes: false,
            terms: Terms::default(),
            has_endpoints: true,
            routes: Rc::default(),
            origin: String::new(),
            sealed: RefCell::default(),
            unanswered: RefCell::default(),
            peace: Cell::default(),
            beside: RefCell::default(),
        }
    }

    /// Random bytes for a sealed text.
    pub fn nonce(&self) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = self.platform.random();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// Runs statements as one transaction.
    ///
    /// # Errors
    /// As [`Database::batch`].
    pub async fn batch(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Vec<Rows>, store::DatabaseError> {
        self.platform.database().batch(statements).await
    }

    /// Runs the statements of a change that a processor may have told of, with what is to be written beside it.
    ///
    /// # Errors
    /// As [`Database::batch`].
    pub async fn change(
        &self,
        mut statements: Vec<Statement>,
    ) -> Result<Vec<Rows>, store::DatabaseError> {
        statements.extend(self.beside.borrow().iter().cloned());
        let results = self.batch(statements).await?;
        self.beside.borrow_mut().clear();
        Ok(results)
    }

    /// The object that one statement finds, if there is one.
    ///
    /// # Errors
    /// When the database does not answer, or the row cannot be read.
    pub async fn find<T>(&self, statement: Statement) -> Result<Option<T>, Failure>
    where
        T: for<'r> TryFrom<&'r Row, Error = store::Inconsistent>,
    {
        let results = self.batch(vec![statement]).await?;
        first(&results, 0)
    }
}

/// The object that the statement at this place of a batch found, if it found one.
///
/// # Errors
/// When the row cannot be read.
pub fn first<T>(results: &[Rows], place: usize) -> Result<Option<T>, Failure>
where
    T: for<'r> TryFrom<&'r Row, Error = store::Inconsistent>,
{
    match results.get(place).and_then(Rows::first) {
        Some(row) => Ok(Some(T::try_from(row)?)),
        None => Ok(None),
    }
}
