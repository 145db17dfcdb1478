//! Payments through an account at a payment processor, which keeps its own truth.

use api::processors::{MANUAL, PAY, VISA, attempt, card, connected, lose, only, pass, path};
use api::{Api, invariants};
use domain::api_key::Kind;
use domain::timestamp::DAY;
use kit::{Fault, Processor};
use serde_json::Value;

const KEY: &str = "key-1";

fn attempts(api: &Api) -> Vec<(String, Value)> {
    let rows = api.platform.database().query("SELECT * FROM attempts ORDER BY created, id", vec![]);
    rows.iter()
        .map(|row| {
            (row.text("state").expect("a state").to_owned(), row.0["connector_account"].clone())
        })
        .collect()
}

#[test]
fn a_payment_goes_through_the_account_under_our_key() {
    let (api, processor) = connected();
    let paid = api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(paid.body["status"], "succeeded");
    let there = only(&processor);
    assert_eq!(
        (there.taken, there.currency.as_str(), there.status.as_str()),
        (2000, "usd", "succeeded")
    );
    assert!(there.key.starts_with("att_"), "{there:?}");
    assert_eq!(processor.take_requests(), ["POST /v1/payment_intents"]);
    let [(state, account)] = attempts(&api).try_into().expect("one attempt");
    assert_eq!(state, "succeeded");
    assert!(account.as_str().is_some_and(|id| id.starts_with("cna_")), "{account}");
    invariants::check_settled(&api.platform);
}

#[test]
fn scenario_11_a_key_that_expired_pays_anew_under_another_key_at_the_processor() {
    let (api, processor) = connected();
    let first = api.post_once(PAY, &card(VISA, &[]), KEY).ok();
    api.platform.advance(DAY - 1);
    assert_eq!(api.post_once(PAY, &card(VISA, &[]), KEY).ok().id(), first.id());
    assert_eq!(processor.payments().len(), 1);
    // The processor still knows the key of the first, which is not what it hears.
    api.platform.advance(1);
    let second = api.post_once(PAY, &card(VISA, &[]), KEY).ok();
    assert_eq!((second.id() == first.id(), &second.body["status"]), (false, &"succeeded".into()));
    let [before, after] = processor.payments().try_into().expect("two payments");
    assert_ne!(before.key, after.key);
    invariants::check_settled(&api.platform);
}

#[test]
fn a_processor_costs_a_payment_no_hop_and_the_simulator_nothing_at_all() {
    let simulated = Api::watched();
    let processor = Processor::listening(&simulated.platform);
    let (connected, _) = connected();
    let cost = |api: &Api| {
        // Once its key is known to the isolate.
        api.get("/v1/balance").ok();
        let hops = api.platform.database().hop().calls();
        api.platform.database().take_counts();
        api.post(PAY, &card(VISA, &[])).ok();
        (api.platform.database().hop().calls() - hops, api.platform.database().take_counts())
    };
    let (hops, counts) = cost(&simulated);
    assert_eq!(hops, 2, "one batch before the processor is asked, and one after");
    assert!(processor.take_requests().is_empty(), "the simulator asks nobody");
    assert_eq!(attempts(&simulated), [("succeeded".to_owned(), Value::Null)]);
    // The second batch keeps what the processor owes until it reports it.
    let counts = kit::Counts { rows_written: counts.rows_written + 1, ..counts };
    assert_eq!(cost(&connected), (hops, counts), "and an account at a processor costs no more");
}

#[test]
fn held_money_is_captured_in_parts_incremented_voided_and_refunded_there() {
    let (api, processor) = connected();
    let options = [
        MANUAL,
        ("payment_method_options[card][request_multicapture]", "if_available"),
        ("payment_method_options[card][request_incremental_authorization]", "if_available"),
    ];
    let held = api.post(PAY, &card(VISA, &options)).ok();
    assert_eq!(held.body["status"], "requires_capture");
    assert_eq!(only(&processor).status, "requires_capture");
    api.post(&(path(&held) + "/increment_authorization"), &[("amount", "3000")]).ok();
    assert_eq!(only(&processor).amount, 3000);
    let part = [("amount_to_capture", "700"), ("final_capture", "false")];
    api.post(&(path(&held) + "/capture"), &part).ok();
    assert_eq!(only(&processor).taken, 700);
    let last = api.post(&(path(&held) + "/capture"), &[("amount_to_capture", "1000")]).ok();
    assert_eq!(last.body["status"], "succeeded");
    assert_eq!((only(&processor).taken, only(&processor).status.as_str()), (1700, "succeeded"));
    let form = [("payment_intent", held.id()), ("amount", "500")];
    assert_eq!(api.post("/v1/refunds", &form).ok().body["status"], "succeeded");
    assert_eq!(only(&processor).refunded, 500);
    let other = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    assert_eq!(api.post(&(path(&other) + "/cancel"), &[]).ok().body["status"], "canceled");
    assert_eq!(processor.payments()[1].status, "canceled");
    invariants::check_settled(&api.platform);
}

#[test]
fn a_decline_keeps_what_the_network_said() {
    let (api, processor) = connected();
    let declined = api.post(PAY, &card("4000000000009995", &[]));
    let error = declined.error(402);
    assert_eq!(
        (&error["code"], &error["decline_code"]),
        (&"card_declined".into(), &"insufficient_funds".into())
    );
    assert_eq!(only(&processor).taken, 0);
    let id = attempt(&api, "id").as_str().expect("an id").to_owned();
    let shown = api.get(&format!("/v1/florin/payment_attempts/{id}")).ok();
    for (field, said) in [
        ("decline_code", "insufficient_funds"),
        ("network_advice_code", "02"),
        ("network_decline_code", "51"),
        ("processor_code", "insufficient_funds"),
    ] {
        assert_eq!(shown.body[field], said, "{field}");
    }
    invariants::check_settled(&api.platform);
}

#[test]
fn live_mode_pays_where_an_account_is_active_and_refuses_otherwise() {
    let (api, processor) = connected();
    let live = api.platform.key(&api.merchant, Kind::Secret, true);
    let post =
        |path: &str, form: &[(&str, &str)]| kit::run(api.posting_as(&live, path, form, None));
    let refused = post(PAY, &card(VISA, &[]));
    assert_eq!(refused.status, 400, "{:#}", refused.body);
    assert!(processor.payments().is_empty());
    let form = [("connector", "stripe"), ("secret_key", "sk_live_51example")];
    let account = post("/v1/florin/connector_accounts", &form).ok();
    api.platform.advance(5);
    let paid = post(PAY, &card(VISA, &[])).ok();
    assert_eq!((&paid.body["status"], &paid.body["livemode"]), (&"succeeded".into(), &true.into()));
    post(&format!("/v1/florin/connector_accounts/{}", account.id()), &[("disabled", "true")]).ok();
    api.platform.advance(5);
    assert_eq!(post(PAY, &card(VISA, &[])).status, 400);
    let refund = post("/v1/refunds", &[("payment_intent", paid.id())]).ok();
    assert_eq!(refund.body["status"], "succeeded", "what was paid there is refunded there");
    assert_eq!(only(&processor).refunded, 2000);
}

#[test]
fn a_security_code_goes_along_once_and_is_kept_nowhere() {
    let (api, processor) = connected();
    let form = card(VISA, &[("payment_method_data[card][cvc]", "737")]);
    api.post_once(PAY, &form, KEY).ok();
    assert_eq!(only(&processor).cvc.as_deref(), Some("737"));
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let mut filled = Vec::new();
    for table in api.platform.database().query(tables, vec![]) {
        let table = table.text("name").expect("a name").to_owned();
        let rows = api.platform.database().query(&format!("SELECT * FROM {table}"), vec![]);
        let kept = format!("{rows:?}").replace('\\', "");
        assert!(!["\"737\"", ":737", "=737"].iter().any(|code| kept.contains(code)), "{table}");
        filled.extend((!rows.is_empty()).then_some(table));
    }
    for table in ["attempts", "charges", "events", "payment_intents", "payment_methods"] {
        assert!(filled.iter().any(|filled| filled == table), "{table} is empty");
    }
}

#[test]
fn a_charge_without_an_intent_was_said_to_be_made_in_its_holders_absence() {
    let (api, processor) = connected();
    let charge = [("amount", "2000"), ("currency", "usd")];
    api.post("/v1/charges", &[&charge[..], &[("source", "tok_visa")]].concat()).ok();
    let customer = api.post("/v1/customers", &[("source", "tok_visa")]).ok();
    // Nobody said a word of who takes part: what is kept is charged without its holder.
    api.post("/v1/charges", &[&charge[..], &[("customer", customer.id())]].concat()).ok();
    let payments = processor.payments();
    let absent = |place: usize| payments[place].asked.contains_key("off_session");
    assert_eq!((payments.len(), absent(0), absent(1)), (2, false, true));
    invariants::check_settled(&api.platform);
}

#[test]
fn a_charge_without_an_intent_that_wants_to_see_its_holder_is_declined_and_let_go_of() {
    let (api, processor) = connected();
    let form =
        [("amount", "2000"), ("currency", "usd"), ("source", "pm_card_authenticationRequired")];
    let declined = api.post("/v1/charges", &form);
    assert_eq!(declined.error(402)["decline_code"], "authentication_required");
    api.platform.advance(61);
    api.beat();
    let there = only(&processor);
    assert_eq!((there.status.as_str(), there.taken), ("canceled", 0));
    invariants::check_settled(&api.platform);
}

/// What a payment is for.
const SHIPPED: [(&str, &str); 9] = [
    ("description", "Order 42"),
    ("statement_descriptor_suffix", "TEA 42"),
    ("shipping[name]", "Jo March"),
    ("shipping[phone]", "+1 555 0100"),
    ("shipping[carrier]", "Post"),
    ("shipping[tracking_number]", "RR 1"),
    ("shipping[address][line1]", "1 Main Street"),
    ("shipping[address][postal_code]", "01742"),
    ("shipping[address][country]", "US"),
];

#[test]
fn what_a_payment_is_for_was_not_told_to_its_processor() {
    let (api, processor) = connected();
    api.post(PAY, &card(VISA, &SHIPPED)).ok();
    let charge = [("amount", "2000"), ("currency", "usd"), ("source", "tok_visa")];
    api.post("/v1/charges", &[&charge[..], &SHIPPED].concat()).ok();
    let whole = ("statement_descriptor", "TEA HOUSE");
    api.post("/v1/charges", &[&charge[..], &[whole]].concat()).ok();
    let payments = processor.payments();
    for paid in &payments[..2] {
        for (name, value) in SHIPPED {
            assert_eq!(paid.asked.get(name).map(String::as_str), Some(value), "{name}");
        }
    }
    // Stripe takes no whole descriptor of a card payment.
    assert_eq!(payments[2].asked["statement_descriptor_suffix"], "TEA HOUSE");
    assert!(!payments[2].asked.contains_key("statement_descriptor"));
}

#[test]
fn a_payment_that_is_sent_again_says_what_it_said_before() {
    for by in ["this version", "the version before"] {
        let (api, processor) = connected();
        lose(&api, Fault::BeforeEffect);
        api.post(PAY, &card(VISA, &SHIPPED)).ok();
        let database = api.platform.database();
        // Whoever began it in an earlier version has said nothing of this.
        if by == "the version before" {
            let sql = "UPDATE attempts SET request = json_remove(request, '$.purpose')";
            database.query(sql, vec![]);
        }
        let sql = "UPDATE payment_intents SET version = version + 1, \
                   details = json_set(details, '$.description', 'Other')";
        database.query(sql, vec![]);
        pass(&api, 61, 1);
        let there = only(&processor);
        let said = there.asked.get("description").map(String::as_str);
        assert_eq!(said, (by == "this version").then_some("Order 42"), "{by}");
        let shipped = there.asked.contains_key("shipping[name]");
        assert_eq!((shipped, there.taken), (by == "this version", 2000), "{by}");
        invariants::check_settled(&api.platform);
    }
}
