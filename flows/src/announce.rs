//! Events: one row for each, in the batch of the change that it tells of.

use domain::attempt::Attempt;
use domain::bank_account::BankAccount;
use domain::charge::Charge;
use domain::customer::Customer;
use domain::dispute::Dispute;
use domain::event::{API_VERSION, EventType, Transition};
use domain::id::EventId;
use domain::payment_intent::PaymentIntent;
use domain::payment_method::PaymentMethod;
use domain::payout::Payout;
use domain::refund::Refund;
use domain::report::ReportRun;
use domain::resource::{self, Json};
use domain::setup_intent::SetupIntent;
use domain::timestamp::Timestamp;
use domain::topup::Topup;
use domain::transfer::Transfer;
use domain::webhook::WebhookEndpoint;
use serde::Serialize;
use serde_json::Value;
use store::Statement;
use store::events::Event;

use crate::{Context, Platform, receipts};

/// The objects that a change is about, as they are after it.
#[derive(Clone, Copy, Default)]
#[expect(missing_docs, reason = "each is the object of the same name")]
pub struct Subjects<'a> {
    pub attempt: Option<&'a Attempt>,
    pub payment_intent: Option<&'a PaymentIntent>,
    pub charge: Option<&'a Charge>,
    pub dispute: Option<&'a Dispute>,
    pub refund: Option<&'a Refund>,
    pub customer: Option<&'a Customer>,
    pub payment_method: Option<&'a PaymentMethod>,
    pub balance: Option<&'a resource::balance::Resource>,
    pub bank_account: Option<&'a BankAccount>,
    pub payout: Option<&'a Payout>,
    pub report_run: Option<&'a ReportRun>,
    pub setup_intent: Option<&'a SetupIntent>,
    pub webhook_endpoint: Option<&'a WebhookEndpoint>,
    pub topup: Option<&'a Topup>,
    pub transfer: Option<&'a Transfer>,
}

/// An object as an event carries it.
struct Shown {
    id: String,
    json: Json,
}

impl Subjects<'_> {
    /// The object that an event of this type carries, as seen now, by the type's first words. A receipt is shown
    /// by its charge.
    fn of(&self, event: EventType, now: Timestamp) -> Option<Shown> {
        let name = event.name();
        if name.starts_with("charge.refund.") || name.starts_with("refund.") {
            return self
                .refund
                .map(|refund| show(refund.id.as_str(), &resource::refund::Resource::from(refund)));
        }
        if name.starts_with("charge.dispute.") {
            return self.dispute.map(|dispute| {
                show(dispute.id.as_str(), &resource::dispute::Resource::new(dispute, now))
            });
        }
        if name.starts_with("florin.payment_attempt.") {
            return self.attempt.map(|attempt| {
                let shown = resource::florin::PaymentAttemptResource::from(attempt);
                show(attempt.id.as_str(), &shown)
            });
        }
        let kind = name.strip_prefix("florin.receipt.").map(|_| "charge");
        match kind.or_else(|| name.split('.').next()) {
            Some("account") => self
                .bank_account
                .map(|bank| show(bank.id.as_str(), &resource::bank_account::Resource::from(bank))),
            // A balance has no id.
            Some("balance") => self.balance.map(|balance| show("balance", balance)),
            Some("charge") => self
                .charge
                .map(|charge| show(charge.id.as_str(), &resource::charge::Resource::from(charge))),
            Some("customer") => self.customer.map(|customer| {
                show(customer.id.as_str(), &resource::customer::Resource::from(customer))
            }),
            Some("payment_intent") => self.payment_intent.map(|intent| {
                show(intent.id.as_str(), &resource::payment_intent::Resource::from(intent))
            }),
            Some("payment_method") => self.payment_method.map(|method| {
                show(method.id.as_str(), &resource::payment_method::Resource::from(method))
            }),
            Some("payout") => self
                .payout
                .map(|payout| show(payout.id.as_str(), &resource::payout::Resource::from(payout))),
            Some("reporting") => self
                .report_run
                .map(|run| show(run.id.as_str(), &resource::report_run::Resource::from(run))),
            Some("setup_intent") => self.setup_intent.map(|intent| {
                show(intent.id.as_str(), &resource::setup_intent::Resource::from(intent))
            }),
            Some("florin") => self.webhook_endpoint.map(|endpoint| {
                show(endpoint.id.as_str(), &resource::webhook_endpoint::Resource::from(endpoint))
            }),
            Some("topup") => self
                .topup
                .map(|topup| show(topup.id.as_str(), &resource::topup::Resource::from(topup))),
            Some("transfer") => self.transfer.map(|transfer| {
                show(transfer.id.as_str(), &resource::transfer::Resource::from(transfer))
            }),
            _ => None,
        }
    }
}

fn show<T: Serialize>(id: &str, resource: &T) -> Shown {
    Shown { id: id.to_owned(), json: resource::json(resource) }
}

/// The statements that write the events of a transition, and plan the mail that it brings.
///
/// `previous` holds the old values of what changed, where the API shows them.
pub fn events<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    subjects: Subjects<'_>,
    previous: Option<Value>,
) -> Vec<Statement> {
    if context.has_endpoints {
        context.platform.announce();
    }
    let mail = subjects.charge.and_then(|charge| receipts::mail_after(context, transition, charge));
    let events = transition.events().iter().filter_map(|event| {
        let object = subjects.of(*event, context.now)?;
        Some(event_row(context, transition, *event, object, previous.as_ref()))
    });
    events.chain(mail).collect()
}

fn event_row<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    event: EventType,
    object: Shown,
    previous: Option<&Value>,
) -> Statement {
    let Shown { id: object_id, json } = object;
    let data = match previous {
        Some(previous) => format!("{{\"object\":{json},\"previous_attributes\":{previous}}}"),
        None => format!("{{\"object\":{json}}}"),
    };
    let row = Event {
        id: id_of(context, transition, event, &object_id),
        created: context.now,
        livemode: context.scope.livemode,
        event_type: event.name().to_owned(),
        object: object_id,
        data,
        api_version: API_VERSION.to_owned(),
        request: context.request.as_ref().map(|request| request.id.clone()),
        idempotency_key: context
            .request
            .as_ref()
            .and_then(|request| request.idempotency_key.clone()),
    };
    store::events::insert(&context.scope, &row)
}

/// Finds the event by which an earlier run of this very request told of a change: it is there exactly
/// if that run made the change.
pub fn find_earlier<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    event: EventType,
    object: &str,
) -> Statement {
    store::events::find(&context.scope, id_of(context, transition, event, object).as_str())
}

/// One request makes each transition of an object at most once, so this names the event.
fn id_of<P: Platform>(
    context: &Context<'_, P>,
    transition: Transition,
    event: EventType,
    object: &str,
) -> EventId {
    context.ids.derive(&format!("event:{transition:?}:{}:{object}", event.name()))
}

/// The old values of the fields in which two renderings of one object differ; of a nested object
/// only the fields that differ, and null for what was not there
/// (<https://docs.stripe.com/api/events/object#event_object-data-previous_attributes>).
pub fn previous_attributes(old: &Value, new: &Value) -> Option<Value> {
    let (old, new) = (old.as_object()?, new.as_object()?);
    let mut changed = serde_json::Map::new();
    for (name, value) in old {
        match new.get(name) {
            Some(now) if now == value => {}
            Some(now @ Value::Object(_)) if value.is_object() => {
                changed.extend(previous_attributes(value, now).map(|old| (name.clone(), old)));
            }
            _ => {
                changed.insert(name.clone(), value.clone());
            }
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        changed.insert(name.clone(), Value::Null);
    }
    (!changed.is_empty()).then_some(Value::Object(changed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn previous_attributes_are_the_old_values_of_what_changed() {
        let old = json!({
            "id": "ch_1", "description": null, "gone": 1,
            "metadata": {"kept": "1", "changed": "2", "removed": "3"},
        });
        let new = json!({
            "id": "ch_1", "description": "Tea", "new": 2,
            "metadata": {"kept": "1", "changed": "4", "added": "5"},
        });
        assert_eq!(
            previous_attributes(&old, &new),
            Some(json!({
                "description": null, "gone": 1, "new": null,
                "metadata": {"changed": "2", "removed": "3", "added": null},
            }))
        );
        assert_eq!(previous_attributes(&old, &old), None);
    }
}
