//! Sending a receipt to the address that a charge names, at least once. The bucket is not asked for it.

use domain::ApiError;
use domain::charge::{Charge, ReceiptSent};
use domain::event::Transition;
use domain::id::{base62, keyed_digest};
use domain::receipt::Format;
use store::{Database, DatabaseError, charges, dead_letters};

use super::{Made, find, is_to_be_sent, mail};
use crate::announce::{Subjects, events};
use crate::platform::{Email, NotSent};
use crate::{Context, Failure, Platform, PlatformError};

/// How often a receipt is tried to be sent: for a day, by the heartbeat's pauses.
const MAX_TRIES: i64 = 32;

/// How often a change is decided anew because the charge changed meanwhile.
const MAX_CHANGES: usize = 10;

/// Sends the receipt of a charge where that is wanted and was not done yet. Otherwise the charge could not be read when
/// its receipt was to be made, which is then kept now.
///
/// # Errors
/// When the bucket, the database or whoever sends mail does not answer; it is tried again later.
pub async fn send<P: Platform>(
    context: &Context<'_, P>,
    subject: &str,
    tries: i64,
) -> Result<(), Failure> {
    let Some(made) = find(context.platform, subject).await? else { return Ok(()) };
    let wanted = is_to_be_sent(context.platform, &made.charge);
    let Some(email) = email(&made).filter(|_| wanted) else {
        return Ok(made.keep(context.platform).await?);
    };
    let problem = match context.platform.send_email(&email).await {
        Ok(()) => return note(context, made.charge, email.to, Ok(made.receipt.number)).await,
        Err(NotSent { problem, is_final: true }) => format!("its receipt was refused: {problem}"),
        Err(error) if tries < MAX_TRIES => return Err(PlatformError::from(error).into()),
        Err(NotSent { problem, .. }) => {
            format!("its receipt was not sent after {tries} tries: {problem}")
        }
    };
    context.platform.log_error(subject, &problem);
    note(context, made.charge, email.to, Err(problem)).await
}

/// The mail. Its key is the same however often one state of the receipt is sent to one address: providers refuse another
/// body under a key that they know.
fn email(made: &Made) -> Option<Email> {
    let to = made.charge.receipt_wanted_by()?.to_owned();
    let receipt = &made.receipt;
    let version = receipt.version();
    let parts = [made.charge.id.as_str(), &to, &version].map(str::as_bytes);
    let html = receipt.document(String::new(), Format::Html).bytes;
    let url = made.charge.details.receipt_url.as_deref().unwrap_or_default();
    let title: String = receipt
        .title()
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    Some(Email {
        idempotency_key: base62(&keyed_digest(b"receipt-email", &parts)),
        text: format!(
            "{title}\n\n{} paid. Receipt number {}.\n\n{url}\n",
            receipt.paid, receipt.number
        ),
        subject: format!("{title} [{}]", receipt.number),
        html: String::from_utf8_lossy(&html).into_owned(),
        to,
    })
}

/// Has the mail of a charge that was given up tried again, since an operator wants it.
///
/// # Errors
/// When the database does not answer, the charge cannot be read, or it changed meanwhile: then nothing was done.
pub async fn send_again<P: Platform>(platform: &P, subject: &str) -> Result<(), Failure> {
    let mut batch = vec![dead_letters::remove_mail(subject)];
    if let Some(Made { scope, mut charge, .. }) = find(platform, subject).await? {
        let context = Context::unattended(platform, scope);
        charge.details.receipt_failed = None;
        if let Some(task) = mail(&context, &charge) {
            batch = vec![dead_letters::try_mail(subject), task];
            batch.extend(charges::update(&mut charge));
        }
    }
    platform.database().batch(batch).await?;
    Ok(())
}

/// Notes on the charge that its receipt was sent under a number, or why not: then its merchant is told, and operators
/// find it among the dead letters.
async fn note<P: Platform>(
    context: &Context<'_, P>,
    mut charge: Charge,
    to: String,
    number: Result<String, String>,
) -> Result<(), Failure> {
    for _ in 0..MAX_CHANGES {
        match &number {
            Ok(number) => {
                let sent = ReceiptSent { number: number.clone(), to: to.clone() };
                charge.details.receipt_sent = Some(sent);
            }
            Err(_) => charge.details.receipt_failed = Some(to.clone()),
        }
        let mut batch = charges::update(&mut charge).to_vec();
        let id = charge.id.as_str();
        match &number {
            Ok(_) => batch.push(dead_letters::remove_mail(id)),
            Err(problem) => {
                let subjects = Subjects { charge: Some(&charge), ..Subjects::default() };
                batch.extend(events(context, Transition::ReceiptFailed, subjects, None));
                batch.push(dead_letters::park(dead_letters::MAIL, id, problem, context.now));
            }
        }
        match context.batch(batch).await {
            Ok(_) => return Ok(()),
            Err(DatabaseError::Guard(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let found = context.find(charges::find(&context.scope, charge.id.as_str())).await?;
        let Some(found) = found else { return Ok(()) };
        charge = found;
    }
    Err(ApiError::LockTimeout.into())
}
