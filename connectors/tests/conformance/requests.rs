//! What is sent, byte for byte.

use connectors::{Account, Asked, Authorize, Command, Connector, LookUp, Unsupported};
use domain::attempt::Purpose;
use domain::money::Amount;
use domain::payment_method::ProcessorToken;

use crate::commands::{
    ACCOUNT, KEY, ask_after, ask_after_authorization, authorize, capture, increment, movers, named,
    refund, usd, void,
};

/// A request in a line, but for what opens the account.
fn sent(connector: Connector, command: &Command<'_>) -> String {
    let asked = connector.ask(command, &ACCOUNT).expect("a request");
    let Asked::Request(request) = asked else { panic!("no request") };
    let body = form_urlencoded::parse(request.body().as_bytes());
    let body = match request.headers().get("content-type").map(|value| value.as_bytes()) {
        Some(b"application/x-www-form-urlencoded") => {
            body.map(|(name, value)| format!(" {name}={value}")).collect::<String>()
        }
        Some(_) => format!(" {}", request.body()),
        None => request.body().clone(),
    };
    format!("{} {}{body}", request.method(), request.uri())
}

fn part() -> Command<'static> {
    Command::Capture {
        key: KEY,
        payment: "pi_1",
        amount: usd(500),
        captured: Amount::ZERO,
        is_final: false,
        suffix: Some("TEA 43"),
    }
}

#[test]
fn stripe_is_sent_forms() {
    let base = "https://psp.example/v1";
    let card = "payment_method_types[0]=card payment_method_data[type]=card \
                payment_method_data[card][number]=4242424242424242 \
                payment_method_data[card][exp_month]=3 payment_method_data[card][exp_year]=2034 \
                payment_method_data[card][cvc]=314 \
                payment_method_data[billing_details][name]=Jo March \
                payment_method_data[billing_details][email]=jo@example.com \
                payment_method_data[billing_details][address][line1]=1 High & Low St \
                payment_method_data[billing_details][address][postal_code]=01742 \
                payment_method_data[billing_details][address][country]=US";
    let end = format!("metadata[florin_key]={KEY} expand[0]=latest_charge");
    let mut held = authorize(false);
    (held.wants_challenge, held.wants_multicapture, held.wants_increments) = (true, true, true);
    let mut absent = authorize(true);
    (absent.off_session, absent.wants_challenge) = (true, true);
    let option = "payment_method_options[card]";
    let cases = [
        (
            Command::Authorize(authorize(true)),
            format!(
                "POST {base}/payment_intents amount=2000 currency=usd confirm=true \
                 capture_method=automatic {card} \
                 return_url=https://florin.example/challenges/1?a=b {end}"
            ),
        ),
        (
            Command::Authorize(held),
            format!(
                "POST {base}/payment_intents amount=2000 currency=usd confirm=true \
                 capture_method=manual {card} \
                 return_url=https://florin.example/challenges/1?a=b \
                 {option}[request_three_d_secure]=any \
                 {option}[request_multicapture]=if_available \
                 {option}[request_incremental_authorization]=if_available {end}"
            ),
        ),
        (
            Command::Authorize(absent),
            format!(
                "POST {base}/payment_intents amount=2000 currency=usd confirm=true \
                 capture_method=automatic {card} off_session=true {end}"
            ),
        ),
        (
            capture("pi_1", 1500, 0),
            format!("POST {base}/payment_intents/pi_1/capture amount_to_capture=1500"),
        ),
        (
            part(),
            format!(
                "POST {base}/payment_intents/pi_1/capture amount_to_capture=500 \
                 statement_descriptor_suffix=TEA 43 final_capture=false"
            ),
        ),
        (
            increment("pi_1"),
            format!("POST {base}/payment_intents/pi_1/increment_authorization amount=2500"),
        ),
        (void("pi_1"), format!("POST {base}/payment_intents/pi_1/cancel")),
        (
            refund("pi_1"),
            format!(
                "POST {base}/refunds payment_intent=pi_1 amount=500 metadata[florin_key]={KEY}"
            ),
        ),
        (
            Command::LookUp(ask_after_authorization(true, Some("pi_1"))),
            format!("GET {base}/payment_intents/pi_1?expand%5B0%5D=latest_charge"),
        ),
        (
            Command::LookUp(ask_after_authorization(true, None)),
            format!(
                "GET {base}/payment_intents/search?query=metadata%5B%27florin_key%27%5D%3A%27{KEY}\
                 %27&expand%5B0%5D=data.latest_charge"
            ),
        ),
        (
            Command::LookUp(ask_after(&void("pi_1"), None)),
            format!("GET {base}/payment_intents/pi_1"),
        ),
        (
            Command::LookUp(ask_after(&refund("pi_1"), None)),
            format!("GET {base}/refunds?payment_intent=pi_1&limit=100"),
        ),
        (
            Command::LookUp(ask_after(&refund("pi_1"), Some("re_1"))),
            format!("GET {base}/refunds/re_1"),
        ),
        // Somebody else's may be what was let go of uncaptured.
        (
            Command::LookUp(LookUp { key: "re_1", ..ask_after(&refund("pi_1"), Some("re_1")) }),
            format!("GET {base}/refunds/re_1?expand%5B0%5D=balance_transaction"),
        ),
    ];
    for (command, expected) in cases {
        assert_eq!(sent(named("stripe"), &command), expected);
    }
}

/// The first line of a request, its key, and its fields but for those of every payment.
fn by_token(command: &Command<'_>) -> (String, String) {
    let asked = named("stripe").ask(command, &ACCOUNT).expect("a request");
    let Asked::Request(request) = asked else { panic!("no request") };
    let key = request.headers()["idempotency-key"].to_str().expect("a text").to_owned();
    (key, sent(named("stripe"), command))
}

#[test]
fn stripe_is_asked_to_remember_a_card_and_then_with_what_it_remembers() {
    let mut asked = authorize(true);
    asked.remembers = Some(true);
    let (key, text) = by_token(&Command::Authorize(asked.clone()));
    assert_eq!(key, KEY);
    assert!(text.contains(" setup_future_usage=off_session"), "{text}");
    asked.remembers = Some(false);
    let (_, text) = by_token(&Command::Authorize(asked.clone()));
    assert!(text.contains(" setup_future_usage=on_session"), "{text}");
    let token = ProcessorToken {
        card: "pm_1".to_owned(),
        customer: "cus_1".to_owned(),
        is_gone: false,
        key_is_free: false,
    };
    let mut known = authorize(true);
    (known.token, known.off_session) = (Some(&token), true);
    let (key, text) = by_token(&Command::Authorize(known));
    assert_eq!(key, KEY);
    assert!(text.contains(" customer=cus_1 payment_method=pm_1 off_session=true"), "{text}");
    assert!(!text.contains("payment_method_data"), "{text}");
    // What goes in the stead of a refused request is another one, of the same payment.
    let mut instead = authorize(true);
    instead.is_instead = true;
    let (key, text) = by_token(&Command::Authorize(instead));
    assert_eq!(key, format!("{KEY}-card"));
    assert_eq!(text, sent(named("stripe"), &Command::Authorize(authorize(true))));
    let kept = named("stripe").keep("pm_1", &ACCOUNT).expect("it is plain").expect("a request");
    assert_eq!(kept.uri().path(), "/v1/customers");
    assert_eq!(
        (kept.body().as_str(), &kept.headers()["idempotency-key"]),
        ("payment_method=pm_1", &"pm_1-kept".parse().expect("a header"))
    );
    assert!(named("stripe").keep("pm_1/../..", &ACCOUNT).is_err());
}

#[test]
fn hyperswitch_is_sent_json() {
    let base = "https://psp.example";
    let (made, back) = (format!("pay_{KEY}"), format!("ref_{KEY}"));
    let cases = [
        (
            capture("pay_1", 1500, 0),
            format!("POST {base}/payments/pay_1/capture {{\"amount_to_capture\":1500}}"),
        ),
        (
            increment("pay_1"),
            format!("POST {base}/payments/pay_1/incremental_authorization {{\"amount\":2500}}"),
        ),
        (
            void("pay_1"),
            format!(
                "POST {base}/payments/pay_1/cancel \
                 {{\"cancellation_reason\":\"requested_by_customer\"}}"
            ),
        ),
        (
            refund("pay_1"),
            format!(
                "POST {base}/refunds {{\"amount\":500,\"metadata\":{{\"florin_key\":\"{KEY}\"}},\
                 \"payment_id\":\"pay_1\",\"refund_id\":\"{back}\",\"refund_type\":\"instant\"}}"
            ),
        ),
        (
            Command::LookUp(ask_after_authorization(true, None)),
            format!("GET {base}/payments/{made}?force_sync=true"),
        ),
        (
            Command::LookUp(ask_after(&capture("pay_1", 1500, 0), None)),
            format!("GET {base}/payments/pay_1?force_sync=true"),
        ),
        (
            Command::LookUp(ask_after(&refund("pay_1"), None)),
            format!("GET {base}/refunds/{back}?force_sync=true"),
        ),
    ];
    for (command, expected) in cases {
        assert_eq!(sent(named("hyperswitch"), &command), expected);
    }
    let body = sent(named("hyperswitch"), &Command::Authorize(authorize(false)));
    for part in [
        format!("POST {base}/payments {{"),
        format!("\"payment_id\":\"{made}\""),
        format!("\"metadata\":{{\"florin_key\":\"{KEY}\"}}"),
        format!("\"merchant_order_reference_id\":\"{KEY}\""),
        "\"amount\":2000,\"authentication_type\":\"no_three_ds\"".to_owned(),
        "\"capture_method\":\"manual\",\"confirm\":true,\"currency\":\"USD\"".to_owned(),
        "\"card_cvc\":\"314\",\"card_exp_month\":\"03\",\"card_exp_year\":\"2034\"".to_owned(),
        "\"profile_id\":\"acct_within\"".to_owned(),
        "\"return_url\":\"https://florin.example/challenges/1?a=b\"".to_owned(),
    ] {
        assert!(body.contains(&part), "{part} in {body}");
    }
    let asked = Authorize { wants_challenge: true, ..authorize(true) };
    let body = sent(named("hyperswitch"), &Command::Authorize(asked));
    assert!(body.contains("\"authentication_type\":\"three_ds\""), "{body}");
    // A capture in parts that is sent again would take twice.
    let asked = named("hyperswitch").ask(&part(), &ACCOUNT).map(|_| ());
    assert_eq!(asked, Err(Unsupported::Operation));
}

#[test]
fn a_description_that_is_longer_than_hyperswitch_keeps_was_sent_whole() {
    let description = "é".repeat(256);
    let purpose = Purpose::from([("description".to_owned(), description.clone())]);
    let asked = Authorize { purpose: &purpose, ..authorize(true) };
    let body = sent(named("hyperswitch"), &Command::Authorize(asked.clone()));
    let kept = "é".repeat(255);
    assert!(body.contains(&format!("\"description\":\"{kept}\"")), "{body}");
    let body = sent(named("stripe"), &Command::Authorize(asked));
    assert!(body.contains(&format!("description={description}")), "{body}");
}

#[test]
fn the_ids_that_hyperswitch_takes_are_thirty_characters_long_whatever_the_key() {
    for key in ["att_1", KEY, "att_0123456789abcdefABCDEF0123456789abcdef"] {
        let command = Command::Refund { key, payment: "pay_1", amount: usd(1), later: None };
        let asked = Command::LookUp(ask_after(&command, None));
        let url = sent(named("hyperswitch"), &asked);
        let id = url.rsplit('/').next().and_then(|rest| rest.split('?').next());
        assert_eq!(id.map(str::len), Some(30), "{url}");
    }
}

#[test]
fn what_opens_an_account_is_sent_and_never_shown() {
    for connector in [named("stripe"), named("hyperswitch")] {
        for command in movers("pay_1") {
            let asked = connector.ask(&command, &ACCOUNT).expect("a request");
            let Asked::Request(request) = &asked else { panic!("no request") };
            let headers = request.headers();
            let (opens, within) = match connector {
                _ if connector == named("stripe") => ("Bearer secret_api_key", "stripe-account"),
                _ => ("secret_api_key", "x-profile-id"),
            };
            assert!(headers.values().any(|value| value == opens));
            assert_eq!(
                headers.get(within).map(|value| value.as_bytes()),
                Some(&b"acct_within"[..])
            );
            let shown = format!("{:?} {ACCOUNT:?} {command:?}", request.headers());
            assert!(!shown.contains("secret_api_key"), "{shown}");
            assert!(!shown.contains("314") && !shown.contains("42424242"), "{shown}");
        }
        let broken = Account { api_key: "a\nb", ..ACCOUNT };
        let asked = connector.ask(&void("pay_1"), &broken).map(|_| ());
        assert_eq!(asked, Err(Unsupported::Account));
    }
}

#[test]
fn the_simulator_is_asked_without_a_wire() {
    for command in movers("") {
        let asked = named("simulator").ask(&command, &ACCOUNT);
        assert!(matches!(asked, Ok(Asked::Answered(_))), "{command:?}");
    }
}

#[test]
fn money_of_tests_goes_to_hyperswitchs_sandbox() {
    for (livemode, host) in [(false, "sandbox.hyperswitch.io"), (true, "api.hyperswitch.io")] {
        let account = Account { base_url: None, livemode, ..ACCOUNT };
        let asked = named("hyperswitch").ask(&void("pay_1"), &account).expect("a request");
        let Asked::Request(request) = asked else { panic!("no request") };
        assert_eq!(request.uri().host(), Some(host));
    }
}

#[test]
fn a_refund_is_stopped_where_the_processor_can() {
    let question = ask_after(&refund("pay_1"), Some("re_1"));
    let cancel = Command::CancelRefund { key: KEY, refund: question };
    let Ok(Asked::Request(request)) = named("stripe").ask(&cancel, &ACCOUNT) else {
        panic!("no request")
    };
    assert_eq!(request.uri().path(), "/v1/refunds/re_1/cancel");
    let asked = named("hyperswitch").ask(&cancel, &ACCOUNT).map(|_| ());
    assert_eq!(asked, Err(Unsupported::Operation));
}

#[test]
fn a_request_that_is_printed_shows_no_card_and_no_secret() {
    for connector in Connector::ALL.iter().copied() {
        for command in [Command::Authorize(authorize(true)), part()] {
            let Ok(asked) = connector.ask(&command, &ACCOUNT) else { continue };
            let printed = format!("{asked:?}");
            let Asked::Request(request) = asked else { continue };
            let of_headers = format!("{:?}", request.headers());
            for secret in ["4242424242424242", "314", ACCOUNT.api_key] {
                assert!(!printed.contains(secret), "{connector:?}: {printed}");
                assert!(!of_headers.contains(secret), "{connector:?}: {of_headers}");
            }
            let tells = |value: &http::HeaderValue| {
                value.to_str().is_ok_and(|text| text.contains(ACCOUNT.api_key))
            };
            assert!(
                request.headers().values().any(tells),
                "{connector:?} sends its secret in a header"
            );
        }
    }
}
