//! Receipts: made from the events of charges, kept in the bucket of receipts, read by a link, and sent to
//! customers whose address is known.
//!
//! A payment knows nothing of its receipt. [`make()`] reads the events that were committed and moves a cursor on
//! once the bucket has the receipts, so that none is lost, however long the bucket is away; a receipt that
//! is read sooner is made on the spot ([`open()`]).
//!
//! Mail does not wait for that: its task is planned in the batch of the change after which it is wanted
//! ([`mail_after()`]), and done by [`send()`]. So is that of a charge that could not be read, which is given its receipt
//! once it can be.

mod make;
mod open;
mod send;

use domain::Timestamp;
use domain::charge::Charge;
use domain::event::{EventType, Transition};
use domain::receipt::{self, Format, Receipt};
use domain::refund::Refund;
use store::receipts::Paid;
use store::scheduled_tasks::{self, Kind, Task};
use store::{Rows, Scope, Statement};

use crate::context::first;
use crate::{Context, Failure, Platform, PlatformError};

pub use make::make;
pub use open::{Opened, open};
pub use send::{send, send_again};

/// A receipt, and the charge that it is of.
struct Made {
    scope: Scope,
    charge: Charge,
    receipt: Receipt,
}

impl Made {
    /// The receipt of what [`store::receipts::find`] found at this place of a batch; nothing where nothing
    /// was paid.
    fn read<P: Platform>(
        platform: &P,
        results: &[Rows],
        place: usize,
    ) -> Result<Option<Self>, Failure> {
        let paid = first::<Paid>(results, place)?.filter(|paid| paid.charge.is_captured());
        let Some(Paid { scope, charge, sequence, merchant }) = paid else { return Ok(None) };
        let refunds = results.get(place.saturating_add(1)).map(|rows| rows.0.as_slice());
        let refunds: Vec<_> =
            refunds.unwrap_or_default().iter().map(Refund::try_from).collect::<Result<_, _>>()?;
        let number = receipt::number(platform.master_key(), &scope.account, sequence);
        let receipt = Receipt::new(&merchant, number, &charge, &refunds);
        Ok(Some(Self { scope, charge, receipt }))
    }

    /// The name of its object in the bucket.
    fn name(&self, format: Format) -> String {
        let mode = if self.scope.livemode { "live" } else { "test" };
        format!(
            "{}/{mode}/{}/{}.{}",
            self.scope.account,
            self.charge.id,
            self.receipt.version(),
            format.extension()
        )
    }

    /// Keeps it in the bucket, where it may be already.
    async fn keep<P: Platform>(&self, platform: &P) -> Result<(), PlatformError> {
        for format in Format::ALL {
            let document = self.receipt.document(self.name(format), format);
            platform.put_receipt(&document).await?;
        }
        Ok(())
    }
}

/// Whether a receipt of this charge waits to be sent.
fn is_to_be_sent<P: Platform>(platform: &P, charge: &Charge) -> bool {
    charge.receipt_wanted_by().is_some() && platform.sends_email(charge.livemode)
}

/// Plans the mail of a charge of which a transition takes some, so that it leaves at once.
pub fn mail_after<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    charge: &Charge,
) -> Option<Statement> {
    let takes = |event: &EventType| {
        matches!(
            event,
            EventType::ChargeSucceeded | EventType::ChargeCaptured | EventType::ChargeUpdated
        )
    };
    // Whoever updates a charge sees whether it has another address.
    let is_update = transition == Transition::ChargeUpdated;
    (!is_update && transition.events().iter().any(takes)).then(|| mail(context, charge)).flatten()
}

/// Plans the mail of a charge, where it is to have some.
pub fn mail<P: Platform>(context: &Context<'_, P>, charge: &Charge) -> Option<Statement> {
    is_to_be_sent(context.platform, charge).then(|| {
        context.platform.wake(context.now);
        let subject = charge.id.as_str().to_owned();
        scheduled_tasks::insert(&task(subject, context.scope.clone(), context.now))
    })
}

fn task(charge: String, scope: Scope, now: Timestamp) -> Task {
    Task { due_at: now, kind: Kind::SendReceipt, subject: charge, scope, tries: 0 }
}

/// Reads one charge and its receipt.
async fn find<P: Platform>(platform: &P, charge: &str) -> Result<Option<Made>, Failure> {
    use store::Database as _;
    let results = platform.database().batch(store::receipts::find(charge).to_vec()).await?;
    Made::read(platform, &results, 0)
}
