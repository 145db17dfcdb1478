//! Asking: what an attempt asks for goes to its processor, and comes back as an outcome.
//!
//! An attempt that was never sent is sent. One of which nobody knows what came of it is looked up by its key
//! first, and sent again only while the processor is sure to remember that key, and only where the request
//! would be the same: a security code is kept nowhere.

use std::rc::Rc;

use connectors::{
    Account, Answer, Asked, Command, Connector, Fault, KEY_LASTS, LookUp, Operation, Outcome,
    SecurityCode, simulator,
};
use domain::ApiError;
use domain::attempt::{Attempt, Request};
use domain::card::CardNumber;
use domain::connector_account::ConnectorAccount;
use domain::money::Amount;
use domain::timestamp::Timestamp;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue};
use store::connector_accounts;

use super::{Held, authorize};
use crate::cards;
use crate::connector_accounts::open;
use crate::platform::Answered;
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
    let number = match &held.attempt.request {
        Request::Authorize(_) => Some(cards::open(context, &held.method()?.sealed_number)?),
        _ => None,
    };
    let return_url = return_url(held);
    let cvc = asking.cvc.map(SecurityCode);
    let command = command(held, number.as_ref(), return_url.as_deref(), cvc)?;
    let Some(asker) = Asker::of(context, &held.attempt).await? else {
        if context.scope.livemode {
            return Err(ApiError::LiveModeHasNoProcessor.into());
        }
        return Ok(simulator::act(&command));
    };
    Ok(match asking.is_first {
        true => asker.ask_first(context, held, &command).await,
        false => asker.ask_again(context, held, &command).await,
    })
}

/// What became of a payment that waits for its cardholder at its processor; nothing while it still does, or
/// nobody can tell.
pub(crate) async fn what_became<P: Platform>(
    context: &Context<'_, P>,
    held: &Held,
) -> Result<Option<Outcome>, Failure> {
    let outcome = ask(context, held, Asking::default()).await?;
    Ok(match outcome {
        Outcome::ChallengeRequired { .. }
        | Outcome::NotFound
        | Outcome::Unknown { .. }
        | Outcome::Throttled { .. }
        | Outcome::Refused { .. } => None,
        outcome => Some(outcome),
    })
}

impl Asker {
    /// Who asks for an attempt; nobody where it is the simulator that acts.
    pub(super) async fn of<P: Platform>(
        context: &Context<'_, P>,
        attempt: &Attempt,
    ) -> Result<Option<Self>, Failure> {
        let Some(id) = &attempt.connector_account else { return Ok(None) };
        let known = context.connector_account.as_ref().filter(|known| known.id == *id);
        let account = match known {
            Some(known) => Rc::clone(known),
            None => {
                let find = connector_accounts::find(&context.scope, id.as_str());
                let found = context.find(find).await?;
                Rc::new(found.ok_or_else(|| Failure::Bug(format!("{id} was there and is gone")))?)
            }
        };
        let Some(connector) = Connector::from_name(&attempt.connector) else {
            return Err(Failure::Bug(format!("{} is no connector", attempt.connector)));
        };
        Ok(Some(Self { connector, api_key: open(context, &account)?, account }))
    }

    /// What a request that nobody sent before comes to.
    async fn ask_first<P: Platform>(
        &self,
        context: &Context<'_, P>,
        held: &Held,
        command: &Command<'_>,
    ) -> Outcome {
        let outcome = self.exchange(context, command).await;
        let Outcome::Refused { fault: Fault::State, code, message } = outcome else {
            return outcome;
        };
        // The payment is in another state than we believe: where it stands tells what became of it.
        match self.exchange(context, &Command::LookUp(question(held, command))).await {
            Outcome::NotFound => Outcome::Refused { fault: Fault::Request, code, message },
            found => found,
        }
    }

    /// What became of a request that was sent before.
    async fn ask_again<P: Platform>(
        &self,
        context: &Context<'_, P>,
        held: &Held,
        command: &Command<'_>,
    ) -> Outcome {
        let attempt = &held.attempt;
        let found = self.exchange(context, &Command::LookUp(question(held, command))).await;
        match found {
            Outcome::NotFound if may_send_again(context, attempt, command) => {
                match self.exchange(context, command).await {
                    // It speaks of this request alone: the one before may still be on its way.
                    Outcome::Refused { message, .. } => Outcome::unknown(message),
                    outcome => outcome,
                }
            }
            Outcome::NotFound if !self.knows_by_now(context.now, attempt) => {
                Outcome::unknown("the processor knows nothing of it yet")
            }
            // The question was refused, which tells nothing of what is asked about.
            Outcome::Refused { message, .. } => Outcome::unknown(message),
            found => found,
        }
    }

    /// Where an operation of an attempt stands by now.
    pub(super) async fn look_up<P: Platform>(
        &self,
        context: &Context<'_, P>,
        attempt: &Attempt,
        operation: Operation,
        payment: Option<&str>,
    ) -> Outcome {
        let question = LookUp {
            key: attempt.id.as_str(),
            operation,
            amount: attempt.amount,
            captured: Amount::ZERO,
            payment,
            reference: attempt.processor_reference.as_deref(),
        };
        self.exchange(context, &Command::LookUp(question)).await
    }

    /// Whether a lookup that finds nothing proves by now that there is nothing: what was sent was sent while
    /// the key lasted, and the processor's horizon has passed since.
    pub(super) fn knows_by_now(&self, now: Timestamp, attempt: &Attempt) -> bool {
        now >= attempt.created.plus(KEY_LASTS).plus(self.connector.horizon())
    }

    /// Sends a command and reads the answer.
    pub(super) async fn exchange<P: Platform>(
        &self,
        context: &Context<'_, P>,
        command: &Command<'_>,
    ) -> Outcome {
        let refused = |message: String| Outcome::Refused {
            fault: Fault::Request,
            code: "not_sent".to_owned(),
            message,
        };
        let Some(api_key) = self.api_key.as_deref() else {
            return refused("the connector account was deleted".to_owned());
        };
        let details = &self.account.details;
        let account = Account {
            base_url: details.base_url.as_deref(),
            api_key,
            within: details.processor_account.as_deref(),
        };
        let request = match self.connector.ask(command, &account) {
            Ok(Asked::Request(request)) => request,
            Ok(Asked::Answered(outcome)) => return outcome,
            Err(unsupported) => return refused(unsupported.to_string()),
        };
        let timeout = if context.request.is_some() { TIMEOUT } else { RECOVERY_TIMEOUT };
        let answered = context.platform.ask_processor(request, timeout).await;
        // It is down, or wants to be left in peace.
        let is_down = |answered: &Answered| answered.status >= 500 || answered.status == 429;
        if answered.as_ref().map_or(true, is_down) {
            context.is_unanswered.set(true);
        }
        match answered {
            Err(problem) => Outcome::unknown(problem),
            Ok(Answered { status, retry_after, body }) => {
                let mut headers = HeaderMap::new();
                if let Some(Ok(after)) = retry_after.as_deref().map(HeaderValue::from_str) {
                    headers.insert(RETRY_AFTER, after);
                }
                let answer = Answer { status, headers: &headers, body: body.as_bytes() };
                self.connector.outcome(command, answer)
            }
        }
    }
}

/// Whether the identical request acts once.
fn may_send_again<P: Platform>(
    context: &Context<'_, P>,
    attempt: &Attempt,
    command: &Command<'_>,
) -> bool {
    let lacks_cvc = match (&attempt.request, command) {
        (Request::Authorize(kept), Command::Authorize(asked)) => {
            kept.with_cvc != asked.cvc.is_some()
        }
        _ => false,
    };
    !lacks_cvc
        && attempt.processor_reference.is_none()
        && context.now < attempt.created.plus(KEY_LASTS)
}

fn question<'a>(held: &'a Held, command: &Command<'a>) -> LookUp<'a> {
    let reference = held.attempt.processor_reference.as_deref();
    LookUp { reference, ..command.question() }
}

/// The page of ours that the cardholder comes back to from the processor's challenge.
fn return_url(held: &Held) -> Option<String> {
    let intent = held.payment_intent.as_ref()?;
    Some(format!("{}/challenges/{}", intent.details.origin, held.attempt.id))
}

/// What an attempt asks for.
fn command<'a>(
    held: &'a Held,
    number: Option<&'a CardNumber>,
    return_url: Option<&'a str>,
    cvc: Option<SecurityCode<'a>>,
) -> Result<Command<'a>, Failure> {
    let attempt = &held.attempt;
    let (key, amount) = (attempt.id.as_str(), attempt.amount);
    let charge = held.charge.as_ref();
    let payment = charge.and_then(|charge| charge.details.processor_reference.as_deref());
    let payment = payment.unwrap_or_default();
    let captured = charge.map_or(Amount::ZERO, |charge| charge.captured);
    Ok(match &attempt.request {
        Request::Authorize(authorize) => {
            let number =
                number.ok_or_else(|| Failure::Bug(format!("{} has no card number", attempt.id)))?;
            let asked = authorize::command(held, authorize, held.method()?, number);
            Command::Authorize(connectors::Authorize { return_url, cvc, ..asked })
        }
        Request::Capture { is_final, .. } => {
            Command::Capture { key, payment, amount, captured, is_final: *is_final }
        }
        Request::Increment => Command::Increment { key, payment, amount },
        Request::Void { .. } => Command::Void { key, payment, amount, captured },
        Request::Refund { .. } => {
            let charge = held.charge()?;
            let later = charge.details.later.as_deref().and_then(connectors::Later::from_name);
            if charge.is_released_by_refund() {
                Command::Void { key, payment, amount, captured }
            } else {
                Command::Refund { key, payment, amount, later }
            }
        }
    })
}
