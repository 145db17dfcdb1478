//! Asking: what an attempt asks for goes to its processor, and comes back as an outcome.
//!
//! An attempt that was never sent is sent. One of which nobody knows what came of it is looked up by its key
//! first, and sent again only while the processor is sure to remember that key, and only where the request
//! would be the same: a security code is kept nowhere.

use std::rc::Rc;

use connectors::{
    Account, Answer, Asked, Command, Connector, Fault, KEY_LASTS, LookUp, Operation, Outcome,
    Unsupported, simulator,
};
use domain::ApiError;
use domain::attempt::{Attempt, Request};
use domain::charge::Charge;
use domain::connector_account::ConnectorAccount;
use domain::id::ConnectorAccountId;
use domain::money::Amount;
use domain::routing::health::is_failure;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use store::{DatabaseError, Statement, attempts, connector_accounts};

use super::command::{Opened, question};
use super::{Held, NOT_SENT, RECOVERY_DELAY};
use crate::connector_accounts::open;
use crate::platform::Answered;
use crate::webhooks::{peace, refuse};
use crate::{Context, Failure, Platform};

/// For how many seconds a processor is waited for while a client waits.
const TIMEOUT: u32 = 30;

/// For how many seconds it is waited for where nobody does: others are to be asked about, too.
const RECOVERY_TIMEOUT: u32 = 10;

/// What an attempt is asked with beside what is kept.
#[derive(Clone, Copy, Default)]
pub struct Asking<'a> {
    /// Whether nobody has sent it before.
    pub is_first: bool,
    /// The security code that the request brought: it is kept nowhere.
    pub cvc: Option<&'a str>,
}

impl Asking<'_> {
    /// The same, where it is not too late: whoever is so slow to send an attempt may have been overtaken by somebody
    /// who looked for it.
    pub(super) fn in_time<P: Platform>(self, context: &Context<'_, P>, attempt: &Attempt) -> Self {
        let is_late = context.platform.now() >= attempt.created.plus(RECOVERY_DELAY);
        Self { is_first: self.is_first && !is_late, ..self }
    }

    /// Nobody has sent it before, and no security code came along.
    pub fn first() -> Self {
        Self { is_first: true, cvc: None }
    }
}

/// Who asks the processor at which an attempt is made: its account there, opened.
pub(super) struct Asker {
    connector: Connector,
    account: Rc<ConnectorAccount>,
    /// None once the account was deleted.
    api_key: Option<String>,
}

/// Asks the processor under the attempt's key.
pub(super) async fn ask<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    asking: Asking<'_>,
) -> Result<Outcome, Failure> {
    let attempt = &held.attempt;
    let Some(asker) = Asker::of(context, attempt).await? else {
        if context.scope.livemode {
            return Err(ApiError::LiveModeHasNoProcessor.into());
        }
        let opened = Opened::of(context, held)?;
        return Ok(simulator::act(&opened.command(held, asking.cvc)?));
    };
    match asking.is_first {
        // On the heap: what a payment waits in is large as it is.
        true => Box::pin(asker.ask_first(context, held, asking.cvc)).await,
        false => Box::pin(asker.ask_again(context, held, asking.cvc)).await,
    }
}

/// What became of an attempt that was sent before.
pub(crate) async fn ask_again<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
) -> Result<Outcome, Failure> {
    ask(context, held, Asking::default()).await
}

/// Whether there is anything to send for an attempt: a processor may take no such card, or not in this currency, and an
/// account may not open.
pub(super) async fn can_send<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
    cvc: Option<&str>,
) -> Result<bool, Failure> {
    let asker = match Asker::of(context, &held.attempt).await {
        Ok(Some(asker)) => asker,
        Ok(None) => return Ok(true),
        // What does not open stands in nobody's way.
        Err(failure) => {
            context.platform.log_error(held.attempt.id.as_str(), &failure.to_string());
            return Ok(false);
        }
    };
    let opened = Opened::of(context, held)?;
    let command = opened.command(held, cvc)?;
    let account = asker.opened(context);
    Ok(account.is_some_and(|account| asker.connector.ask(&command, &account).is_ok()))
}

/// Whether a new secret opens the account at the processor in which a payment was made; nothing where nobody can
/// tell.
pub(crate) async fn opens<P: Platform>(
    context: &Context<'_, P>,
    account: ConnectorAccount,
    secret_key: &str,
    paid: &Charge,
) -> Option<bool> {
    let connector = Connector::from_name(&account.connector)?;
    let reference = paid.details.processor_reference.as_deref();
    let question = LookUp {
        key: paid.id.as_str(),
        operation: Operation::Authorize { capture: true },
        amount: paid.amount,
        captured: Amount::ZERO,
        is_instead: false,
        payment: reference,
        reference,
    };
    let asker =
        Asker { connector, account: Rc::new(account), api_key: Some(secret_key.to_owned()) };
    match asker.exchange(context, &Command::LookUp(question)).await {
        Outcome::Refused { .. } => Some(false),
        Outcome::Unknown { .. } | Outcome::Throttled { .. } | Outcome::NotFound => None,
        _ => Some(true),
    }
}

impl Asker {
    /// Who asks for an attempt; nobody where it is the simulator that acts.
    pub(super) async fn of<P: Platform>(
        context: &Context<'_, P>,
        attempt: &Attempt,
    ) -> Result<Option<Self>, Failure> {
        let Some(id) = &attempt.connector_account else { return Ok(None) };
        Self::at(context, id).await.map(Some)
    }

    /// Who asks the processor in an account.
    pub(super) async fn at<P: Platform>(
        context: &Context<'_, P>,
        id: &ConnectorAccountId,
    ) -> Result<Self, Failure> {
        let account = match context.routes.account(id) {
            Some(known) => Rc::clone(known),
            None => {
                let find = connector_accounts::find(&context.scope, id.as_str());
                let found = context.find(find).await?;
                Rc::new(found.ok_or_else(|| Failure::Bug(format!("{id} was there and is gone")))?)
            }
        };
        let Some(connector) = Connector::from_name(&account.connector) else {
            return Err(Failure::Bug(format!("{} is no connector", account.connector)));
        };
        Ok(Self { connector, api_key: open(context, &account)?, account })
    }

    /// What a request that nobody sent before comes to.
    async fn ask_first<P: Platform>(
        &self,
        context: &Context<'_, P>,
        held: &Held,
        cvc: Option<&str>,
    ) -> Result<Outcome, Failure> {
        // A database that was taken back to an earlier moment does not know what another run of the request has sent.
        if context.resumes && matches!(held.attempt.request, Request::Refund { .. }) {
            match self.look_up(context, held).await {
                Outcome::NotFound => {}
                found => return Ok(found),
            }
        }
        let outcome = self.send(context, held, cvc).await?;
        let Outcome::Refused { fault, code, message } = outcome else { return Ok(outcome) };
        if fault != Fault::State {
            return Ok(Outcome::Refused { fault, code, message });
        }
        // The payment is in another state than we believe: where it stands tells what became of it.
        Ok(match self.look_up(context, held).await {
            Outcome::NotFound => Outcome::Refused { fault: Fault::Request, code, message },
            found => found,
        })
    }

    /// What became of a request that was sent before.
    async fn ask_again<P: Platform>(
        &self,
        context: &Context<'_, P>,
        held: &Held,
        cvc: Option<&str>,
    ) -> Result<Outcome, Failure> {
        let found = self.exchange(context, &Command::LookUp(question(held))).await;
        // Whoever may not search, or has nothing to search with, as in some of Stripe's countries, learns what became of
        // it by its key, which acts once wherever something is made.
        let is_blind =
            matches!(&found, Outcome::Refused { fault: Fault::Credentials | Fault::Request, .. })
                && matches!(held.attempt.request, Request::Authorize(_) | Request::Refund { .. });
        Ok(match told(found) {
            found
                if (found == Outcome::NotFound || is_blind)
                    && self.may_send_again(context, &held.attempt, cvc) =>
            {
                // What its first sender was refused is not taken for its end from now on.
                let mark = attempts::send_again(&held.attempt);
                if !Box::pin(is_open_for(context, mark)).await? {
                    return Ok(Outcome::unknown("somebody else brought it to its end"));
                }
                match self.send(context, held, cvc).await? {
                    // It speaks of this request alone: the one before may still be on its way.
                    Outcome::Refused { message, .. } => Outcome::unknown(message),
                    outcome => outcome,
                }
            }
            Outcome::NotFound if !self.knows_by_now(context, &held.attempt) => {
                Outcome::unknown("the processor knows nothing of it yet")
            }
            found => found,
        })
    }

    /// Where what an attempt asks for stands by now.
    pub(super) async fn look_up<P: Platform>(
        &self,
        context: &Context<'_, P>,
        held: &Held,
    ) -> Outcome {
        told(self.exchange(context, &Command::LookUp(question(held))).await)
    }

    /// Whether a lookup that finds nothing proves by now that there is nothing: what was sent was sent while
    /// the key lasted, and the processor's horizon has passed since.
    pub(super) fn knows_by_now<P: Platform>(
        &self,
        context: &Context<'_, P>,
        attempt: &Attempt,
    ) -> bool {
        let known_at = attempt.created.plus(KEY_LASTS).plus(self.connector.horizon());
        context.now >= known_at && !self.account.may_lack(attempt.created)
    }

    /// Whether the identical request acts once.
    fn may_send_again<P: Platform>(
        &self,
        context: &Context<'_, P>,
        attempt: &Attempt,
        cvc: Option<&str>,
    ) -> bool {
        let lacks_cvc = match &attempt.request {
            Request::Authorize(kept) => kept.with_cvc != cvc.is_some(),
            _ => false,
        };
        !lacks_cvc
            && attempt.processor_reference.is_none()
            && context.platform.now() < attempt.created.plus(KEY_LASTS)
            && !self.account.may_lack(attempt.created)
    }

    /// Sends what an attempt asks for.
    async fn send<P: Platform>(
        &self,
        context: &Context<'_, P>,
        held: &Held,
        cvc: Option<&str>,
    ) -> Result<Outcome, Failure> {
        let opened = Opened::of(context, held)?;
        let outcome = self.exchange(context, &opened.command(held, cvc)?).await;
        let Outcome::Refused { fault: Fault::Token { key_is_free }, code, message } = outcome
        else {
            return Ok(outcome);
        };
        Ok(match Box::pin(self.send_card(context, held, cvc, key_is_free)).await? {
            // It was asked, and what it said of that is all that was said.
            Outcome::Refused { fault: Fault::NotSent, .. } => {
                Outcome::Refused { fault: Fault::Request, code, message }
            }
            outcome => outcome,
        })
    }

    /// Sends the card itself where the processor refused what it was to remember it by, under a key of its own unless
    /// the first is free. Nobody sends that again from then on: were it there once more, the card would be charged twice.
    async fn send_card<P: Platform>(
        &self,
        context: &Context<'_, P>,
        held: &Held,
        cvc: Option<&str>,
        key_is_free: bool,
    ) -> Result<Outcome, Failure> {
        let gone = attempts::token_is_gone(&held.attempt.id, key_is_free);
        if !is_open_for(context, gone).await? {
            return Ok(Outcome::unknown("somebody else brought it to its end"));
        }
        let mut held = held.clone();
        if let Some(token) = &mut held.attempt.token {
            (token.is_gone, token.key_is_free) = (true, key_is_free);
        }
        let opened = Opened::of(context, &held)?;
        Ok(self.exchange(context, &opened.command(&held, cvc)?).await)
    }

    /// Has a card kept that the processor was asked to remember.
    pub(super) async fn keep<P: Platform>(&self, context: &Context<'_, P>, card: &str) -> Outcome {
        let ask = |account: &Account<'_>| match self.connector.keep(card, account)? {
            Some(request) => Ok(Asked::Request(request)),
            None => Err(Unsupported::Operation),
        };
        self.transfer(context, &ask, &|answer| self.connector.kept(answer)).await
    }

    /// Sends a command and reads the answer.
    pub(super) async fn exchange<P: Platform>(
        &self,
        context: &Context<'_, P>,
        command: &Command<'_>,
    ) -> Outcome {
        let ask = |account: &Account<'_>| self.connector.ask(command, account);
        let read = |answer: Answer<'_>| self.connector.outcome(command, answer);
        self.transfer(context, &ask, &read).await
    }

    /// How the account at the processor is opened; nothing once it was deleted.
    fn opened<P: Platform>(&self, context: &Context<'_, P>) -> Option<Account<'_>> {
        let details = &self.account.details;
        Some(Account {
            base_url: details.base_url.as_deref(),
            api_key: self.api_key.as_deref()?,
            within: details.processor_account.as_deref(),
            livemode: context.scope.livemode,
        })
    }

    /// Sends a request and reads the answer.
    async fn transfer<P: Platform>(
        &self,
        context: &Context<'_, P>,
        ask: Ask<'_>,
        read: Read<'_>,
    ) -> Outcome {
        let refused = |message: String| Outcome::Refused {
            fault: Fault::NotSent,
            code: NOT_SENT.to_owned(),
            message,
        };
        let Some(account) = self.opened(context) else {
            return refused("the connector account was deleted".to_owned());
        };
        let api_key = account.api_key;
        let request = match ask(&account) {
            Ok(Asked::Request(request)) => request,
            Ok(Asked::Answered(outcome)) => return outcome,
            Err(unsupported) => return refused(unsupported.to_string()),
        };
        // Nobody asks after the health of accounts without a document.
        let account = context.routes.document.as_ref().map(|_| self.account.id.as_str());
        // It is tried again: the name may lead to the processor once more.
        if let Some(url) = &self.account.details.base_url
            && let Some(refused) = refuse(context.platform, url, context.scope.livemode).await
        {
            context.unanswered.replace(Some(self.account.id.clone()));
            if let Some(account) = account
                && !refused.is_ours
            {
                context.platform.note_failure(account);
            }
            // Nothing was sent: another account may be asked.
            context.platform.log_error(self.account.id.as_str(), &refused.problem);
            return Outcome::Throttled { retry_after: None };
        }
        let timeout = if context.request.is_some() { TIMEOUT } else { RECOVERY_TIMEOUT };
        let answered = context.platform.ask_processor(account, request, timeout).await;
        if answered.as_ref().map_or(true, |answered| is_failure(answered.status)) {
            context.unanswered.replace(Some(self.account.id.clone()));
            let wish = answered.as_ref().ok().and_then(|answered| answered.retry_after.as_deref());
            let wish = wish.and_then(|wish| peace(wish.trim(), context.platform.now()));
            context.peace.set(wish.unwrap_or(0));
        }
        match answered {
            Err(problem) => Outcome::unknown(problem),
            Ok(Answered { status, retry_after, body }) => {
                let mut headers = HeaderMap::new();
                if let Some(Ok(after)) = retry_after.as_deref().map(HeaderValue::from_str) {
                    headers.insert(RETRY_AFTER, after);
                }
                // What is said is kept, logged and shown: the secret is not, whoever repeats it.
                let body = match body.contains(api_key) {
                    true => body.replace(api_key, "***"),
                    false => body,
                };
                let (body, livemode) = (body.as_bytes(), context.scope.livemode);
                let answer = Answer { status, headers: &headers, body, livemode };
                read(answer)
            }
        }
    }
}

/// What an answer tells of what is asked about: a question that is refused tells nothing.
fn told(found: Outcome) -> Outcome {
    match found {
        Outcome::Refused {
            fault: Fault::Credentials | Fault::Request | Fault::NotSent,
            message,
            ..
        } => Outcome::unknown(message),
        found => found,
    }
}

/// Makes the request for an account.
type Ask<'a> = &'a dyn Fn(&Account<'_>) -> Result<Asked, Unsupported>;

/// Reads an answer.
type Read<'a> = &'a dyn Fn(Answer<'_>) -> Outcome;

/// Marks an attempt. Says no where it has come to an end already.
async fn is_open_for<P: Platform>(
    context: &Context<'_, P>,
    mark: [Statement; 2],
) -> Result<bool, Failure> {
    match context.batch(mark.to_vec()).await {
        Ok(_) => Ok(true),
        Err(DatabaseError::Guard(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
