//! Parameters that change little, but that Stripe's clients send: accepted, shown, or refused by name.

use api::Api;

#[test]
fn every_currency_in_which_stripe_charges_cards_is_taken() {
    let api = Api::new();
    for currency in ["btn", "ghs", "svc", "std", "xcg"] {
        let form = [("amount", "2000"), ("currency", currency)];
        let intent = api.post("/v1/payment_intents", &form).ok();
        assert_eq!(intent.body["currency"], currency);
    }
    for ended in ["hrk", "eek", "mro", "usdc"] {
        let form = [("amount", "2000"), ("currency", ended)];
        assert_eq!(api.post("/v1/payment_intents", &form).error(400)["param"], "currency");
    }
}
