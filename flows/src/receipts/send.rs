//! Sending a receipt to the address that a charge names, at least once. The bucket is not asked for it.

use domain::ApiError;
use domain::charge::{Charge, ReceiptSent};
use domain::event::Transition;
use domain::id::{base62, keyed_digest};
use domain::receipt::Format;
use store::{DatabaseError, charges};

use super::{Made, find, is_to_be_sent};
use crate::announce::{Subjects, events};
use crate::platform::Email;
use crate::{Context, Failure, Platform};

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
    match context.platform.send_email(&email).await {
        Ok(()) => note(context, made.charge, email.to, Some(made.receipt.number)).await,
        Err(error) if tries < MAX_TRIES => Err(error.into()),
        Err(error) => {
            let problem = format!("its receipt was not sent after {tries} tries: {error}");
            context.platform.log_error(subject, &problem);
            note(context, made.charge, email.to, None).await
        }
    }
}

/// The mail. Its key is the same however often it is sent to one address.
fn email(made: &Made) -> Option<Email> {
    let to = made.charge.receipt_wanted_by()?.to_owned();
    let receipt = &made.receipt;
    let parts = [made.charge.id.as_str().as_bytes(), to.as_bytes()];
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

/// Notes on the charge that its receipt was sent under a number, or could not be: then its merchant is told.
async fn note<P: Platform>(
    context: &Context<'_, P>,
    mut charge: Charge,
    to: String,
    number: Option<String>,
) -> Result<(), Failure> {
    for _ in 0..MAX_CHANGES {
        match &number {
            Some(number) => {
                let sent = ReceiptSent { number: number.clone(), to: to.clone() };
                charge.details.receipt_sent = Some(sent);
            }
            None => charge.details.receipt_failed = Some(to.clone()),
        }
        let mut batch = charges::update(&mut charge).to_vec();
        if number.is_none() {
            let subjects = Subjects { charge: Some(&charge), ..Subjects::default() };
            batch.extend(events(context, Transition::ReceiptFailed, subjects, None));
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
