//! Money for tests: a card pays, days pass, and what there is can be read.

use crate::{Answer, Api, Form};

/// The seconds of a day.
pub const DAY: i64 = 86_400;

/// Takes dollars from a card.
///
/// # Panics
/// When it is refused.
pub fn pay_with(api: &Api, card: &str, amount: &str) -> Answer {
    let form = [
        ("amount", amount),
        ("currency", "usd"),
        ("payment_method", card),
        ("payment_method_types[]", "card"),
        ("confirm", "true"),
    ];
    api.post("/v1/payment_intents", &form).ok()
}

/// Takes dollars from a card, which are available two days later unless the merchant's settings say
/// otherwise.
///
/// # Panics
/// When it is refused.
pub fn pay(api: &Api, amount: &str) -> Answer {
    pay_with(api, "pm_card_visa", amount)
}

/// A merchant with 19.12 dollars available, whose rows are watched.
pub fn funded() -> Api {
    let api = Api::watched();
    pay(&api, "2000");
    days_pass(&api, 2);
    api
}

/// Lets the heartbeat do what each new day brings.
pub fn days_pass(api: &Api, days: i64) {
    for _ in 0..days {
        api.platform.advance(DAY);
        // What one beat makes due is done by the next.
        api.beat();
        api.beat();
    }
}

/// What the merchant has in dollars: available, and pending.
///
/// # Panics
/// When the balance does not say.
pub fn dollars(api: &Api) -> (i64, i64) {
    dollars_of(api, &api.merchant.secret_key)
}

/// The same of the merchant whose key this is.
///
/// # Panics
/// When the balance does not say.
pub fn dollars_of(api: &Api, key: &str) -> (i64, i64) {
    let sent = api.send(http::Method::GET, "/v1/balance", Vec::new(), key, None);
    let balance = kit::run(sent).ok();
    let of = |kind: &str| {
        let funds = balance.body[kind].as_array().expect("a list");
        let dollars = funds.iter().find(|funds| funds["currency"] == "usd").expect("dollars");
        dollars["amount"].as_i64().expect("an amount")
    };
    (of("available"), of("pending"))
}

/// Asks for a payout in dollars.
pub fn payout(api: &Api, amount: &str, more: Form<'_>) -> Answer {
    api.post("/v1/payouts", &[&[("amount", amount), ("currency", "usd")], more].concat())
}

/// The types of the events since there were so many.
pub fn told_since(api: &Api, before: usize) -> Vec<String> {
    api.event_types().split_off(before)
}
