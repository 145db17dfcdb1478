//! Payments through an account at a payment processor, for the tests of both what goes well and what does not.

use kit::{Fault, Paid, Processor};
use serde_json::Value;

use crate::{Answer, Api};

/// Where payments are made.
pub const PAY: &str = "/v1/payment_intents";
/// A card that pays.
pub const VISA: &str = "4242424242424242";
/// What asks for money to be held only.
pub const MANUAL: (&str, &str) = ("capture_method", "manual");

/// Parameters.
pub type Pairs = Vec<(&'static str, &'static str)>;

/// The form of a payment of 20 dollars by a card's number.
pub fn card(number: &'static str, more: &[(&'static str, &'static str)]) -> Pairs {
    let fixed = [
        ("amount", "2000"),
        ("currency", "usd"),
        ("confirm", "true"),
        ("payment_method_types[]", "card"),
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][number]", number),
        ("payment_method_data[card][exp_month]", "12"),
        ("payment_method_data[card][exp_year]", "2034"),
    ];
    [fixed.as_slice(), more].concat()
}

/// A deployment whose merchant has an account at a processor.
pub fn connected() -> (Api, Processor) {
    let api = Api::watched();
    let processor = Processor::listening(&api.platform);
    let form = [("connector", "stripe"), ("secret_key", "sk_test_51example")];
    api.post("/v1/florin/connector_accounts", &form).ok();
    // An isolate remembers for so long that there was none.
    api.platform.advance(5);
    (api, processor)
}

/// The one payment that the processor has.
///
/// # Panics
/// When it has none, or more.
pub fn only(processor: &Processor) -> Paid {
    let payments = processor.payments();
    assert_eq!(payments.len(), 1, "{payments:?}");
    payments[0].clone()
}

/// The path of an intent.
pub fn path(intent: &Answer) -> String {
    format!("{PAY}/{}", intent.id())
}

/// The newest intent.
pub fn latest(api: &Api) -> Answer {
    let id = api.get(PAY).ok().text_at("/data/0/id").to_owned();
    api.get(&format!("{PAY}/{id}")).ok()
}

/// What the newest attempt's row holds.
///
/// # Panics
/// When there is no attempt.
pub fn attempt(api: &Api, column: &'static str) -> Value {
    let rows = api.platform.database().query("SELECT * FROM attempts ORDER BY created, id", vec![]);
    rows.last().expect("an attempt").0[column].clone()
}

/// Lets time pass, with a beat in each of so many equal parts.
pub fn pass(api: &Api, seconds: i64, beats: i64) {
    for _ in 0..beats {
        api.platform.advance(seconds / beats);
        api.beat();
    }
}

/// Loses the next request to the processor, or its answer.
pub fn lose(api: &Api, fault: Fault) {
    api.platform.outside().processor_hop.fail(1, fault);
}
