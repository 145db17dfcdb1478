//! Races: requests at one object run together under a seeded scheduler that switches between them at
//! every await. One wins, the others are told so, and the books hold.

use std::future::Future;
use std::pin::Pin;

use api::{Answer, Api, Form, cases, invariants};
use domain::attempt::ChallengeResult;
use domain::id::{AttemptId, Id};
use domain::idempotency::LEASE;
use flows::Context;

/// The orders that each race is run in.
fn seeds() -> std::ops::Range<u64> {
    0..cases(12, 400)
}

type Racer<'f, T> = Pin<Box<dyn Future<Output = T> + 'f>>;

const PAY: Form<'_> = &[("amount", "100"), ("currency", "usd"), ("payment_method_types[]", "card")];

fn api() -> Api {
    let api = Api::watched();
    // The key is warm then, as in an isolate that has answered before.
    api.get("/v1/payment_intents").ok();
    api
}

fn created(api: &Api, more: Form<'_>) -> String {
    let intent = api.post("/v1/payment_intents", &[PAY, more].concat()).ok();
    format!("/v1/payment_intents/{}", intent.id())
}

const HELD: Form<'_> = &[
    ("confirm", "true"),
    ("payment_method", "pm_card_visa"),
    ("capture_method", "manual"),
    ("payment_method_options[card][request_incremental_authorization]", "if_available"),
    ("payment_method_options[card][request_multicapture]", "if_available"),
];

fn status(api: &Api, path: &str) -> String {
    api.get(path).ok().text_at("/status").to_owned()
}

/// A request of a race: its path below the intent, its form, and its idempotency key.
type Request<'r> = (String, Form<'r>, Option<&'r str>);

/// Runs requests together; the losers must be told so in Stripe's words.
fn race(api: &Api, seed: u64, requests: &[Request<'_>]) -> Vec<Answer> {
    api.platform.yields(true);
    let racers = requests
        .iter()
        .map(|(path, form, key)| -> Racer<'_, Answer> { Box::pin(api.posting(path, form, *key)) });
    let answers = kit::interleave(seed, racers.collect());
    api.platform.yields(false);
    for answer in &answers {
        assert_clear(answer, seed);
    }
    invariants::check(&api.platform);
    answers
}

/// A success, or an error that a client can act on.
fn assert_clear(answer: &Answer, seed: u64) {
    if answer.status == 200 {
        return;
    }
    assert!((400..500).contains(&answer.status), "seed {seed}: {:#}", answer.body);
    answer.text_at("/error/type");
    answer.text_at("/error/message");
    let conflicts = matches!(answer.status, 409 | 429);
    let retry = answer.header("stripe-should-retry");
    assert_eq!(retry, Some(if conflicts { "true" } else { "false" }), "seed {seed}");
    if !conflicts {
        assert_eq!(answer.status, 400, "seed {seed}: {:#}", answer.body);
    }
}

fn finish(api: &Api) {
    invariants::check_settled(&api.platform);
    invariants::check_quiet(&api.platform);
}

fn wins(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[test]
fn two_confirms_charge_once() {
    for seed in seeds() {
        let api = api();
        let path = created(&api, &[("payment_method", "pm_card_visa")]) + "/confirm";
        let answers = race(
            &api,
            seed,
            &[(path.clone(), &[], Some("key-1")), (path.clone(), &[], Some("key-2"))],
        );
        assert_eq!(wins(&answers), 1, "seed {seed}: {answers:#?}");
        let loser = answers.iter().find(|answer| answer.status != 200).expect("a loser");
        let code = loser.text_at("/error/code");
        assert!(matches!(code, "lock_timeout" | "payment_intent_unexpected_state"), "{code}");
        finish(&api);
    }
}

#[test]
fn a_card_that_pays_while_a_customer_is_given_it_is_kept_or_used_up() {
    let mut kept = 0;
    for seed in seeds() {
        let api = api();
        let customer = api.post("/v1/customers", &[]).ok().id().to_owned();
        let card = [("type", "card"), ("card[token]", "tok_visa")];
        let method = api.post("/v1/payment_methods", &card).ok().id().to_owned();
        let confirm = created(&api, &[("payment_method", &method)]) + "/confirm";
        let attach = format!("/v1/payment_methods/{method}/attach");
        let form = [("customer", customer.as_str())];
        let answers = race(&api, seed, &[(confirm, &[], None), (attach, &form, None)]);
        assert_eq!(wins(&answers), 1, "seed {seed}: {answers:#?}");
        kept += u64::from(answers[1].status == 200);
        let keeper =
            api.get(&format!("/v1/payment_methods/{method}")).ok().body["customer"].clone();
        assert_eq!(keeper == *customer, answers[1].status == 200, "seed {seed}: {answers:#?}");
        finish(&api);
    }
    assert!((1..seeds().end).contains(&kept), "no seed let the other one be first");
}

#[test]
fn two_intents_that_confirm_one_card_which_nobody_keeps_are_not_both_paid() {
    for seed in seeds() {
        let api = api();
        let card = [("type", "card"), ("card[token]", "tok_visa")];
        let method = api.post("/v1/payment_methods", &card).ok().id().to_owned();
        let with_card = [("payment_method", method.as_str())];
        let confirm = |path: String| -> Request<'_> { (path + "/confirm", &with_card, None) };
        let answers =
            race(&api, seed, &[confirm(created(&api, &with_card)), confirm(created(&api, &[]))]);
        assert_eq!(wins(&answers), 1, "seed {seed}: {answers:#?}");
        finish(&api);
    }
}

#[test]
fn two_challenges_for_one_card_which_nobody_keeps_are_not_both_paid() {
    for seed in seeds() {
        let api = api();
        let method = challenging_card(&api);
        let challenges: Vec<(String, AttemptId)> = (0..2)
            .map(|_| {
                let path = created(&api, &[]);
                let back = ("return_url", "https://shop.test/back");
                let form = [("payment_method", method.as_str()), back];
                let waiting = api.post(&format!("{path}/confirm"), &form).ok();
                (path, attempt_of(&waiting))
            })
            .collect();
        api.platform.yields(true);
        let racers = challenges.iter().map(|(_, attempt)| -> Racer<'_, ()> {
            Box::pin(submit(&api, attempt, ChallengeResult::Completed))
        });
        kit::interleave(seed, racers.collect());
        api.platform.yields(false);
        let mut states: Vec<_> = challenges.iter().map(|(path, _)| status(&api, path)).collect();
        states.sort();
        assert_eq!(states, ["requires_payment_method", "succeeded"], "seed {seed}");
        finish(&api);
    }
}

#[test]
fn confirms_with_different_cards_charge_one_of_them() {
    for seed in seeds() {
        let api = api();
        let path = created(&api, &[]) + "/confirm";
        let cards = ["pm_card_visa", "pm_card_mastercard", "pm_card_chargeDeclined"];
        let forms = cards.map(|card| [("payment_method", card)]);
        let requests: Vec<Request<'_>> =
            forms.iter().map(|form| (path.clone(), &form[..], None)).collect();
        api.platform.yields(true);
        let racers = requests.iter().map(|(path, form, key)| -> Racer<'_, Answer> {
            Box::pin(api.posting(path, form, *key))
        });
        let answers = kit::interleave(seed, racers.collect());
        api.platform.yields(false);
        assert!(wins(&answers) <= 1, "seed {seed}");
        for answer in &answers {
            assert!(matches!(answer.status, 200 | 400 | 402 | 429), "{:#}", answer.body);
        }
        finish(&api);
    }
}

#[test]
fn requests_with_one_key_make_one_payment() {
    let form = [PAY, &[("confirm", "true"), ("payment_method", "pm_card_visa")]].concat();
    for (seed, count) in [(1, 200), (2, 200)].into_iter().chain(seeds().map(|seed| (seed, 5))) {
        let api = api();
        let request: Request<'_> = ("/v1/payment_intents".to_owned(), &form, Some("key-1"));
        let answers = race(&api, seed, &vec![request; count]);
        let first = answers.iter().find(|answer| answer.status == 200).expect("a payment");
        for answer in &answers {
            assert!(answer.status == 409 || answer.text == first.text, "{:#}", answer.body);
        }
        let list = api.get("/v1/payment_intents").ok();
        assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1), "seed {seed}");
        finish(&api);
    }
}

/// What an operation that is slower than its lease looks like: the clock jumps while it runs.
async fn clock_jumps(api: &Api, after: u64) {
    for _ in 0..after {
        kit::yield_once().await;
    }
    api.platform.advance(LEASE);
}

/// Runs one request twice with one key while the clock jumps over the first one's lease. Whoever
/// wins, nobody may be told that it failed, and whatever was told must be told again.
fn race_beyond_the_lease(api: &Api, seed: u64, path: &str, form: Form<'_>) -> Answer {
    api.platform.yields(true);
    let asked = |wait: u64| -> Racer<'_, Option<Answer>> {
        Box::pin(async move {
            for _ in 0..wait {
                kit::yield_once().await;
            }
            Some(api.posting(path, form, Some("key-1")).await)
        })
    };
    let jumping: Racer<'_, Option<Answer>> = Box::pin(async {
        clock_jumps(api, seed % 7).await;
        None
    });
    let answers = kit::interleave(seed, vec![asked(0), jumping, asked(seed % 11)]);
    api.platform.yields(false);
    invariants::check(&api.platform);
    let mut last = api.post_once(path, form, "key-1");
    for _ in 0..3 {
        if last.header("stripe-should-retry") != Some("true") {
            break;
        }
        api.platform.advance(LEASE);
        last = api.post_once(path, form, "key-1");
    }
    for answer in answers.into_iter().flatten() {
        assert_clear(&answer, seed);
        if answer.header("stripe-should-retry") != Some("true") {
            assert_eq!(answer.text, last.text, "I5: two answers for one key, seed {seed}");
        }
    }
    last
}

#[test]
fn a_request_that_outlives_its_lease_is_answered_as_the_one_that_overtook_it() {
    let confirmed = [PAY, &[("confirm", "true"), ("payment_method", "pm_card_visa")]].concat();
    let with_card = [PAY, &[("payment_method", "pm_card_visa")]].concat();
    type Prepare = fn(&Api) -> String;
    let root: Prepare = |_| "/v1/payment_intents".to_owned();
    let cases: &[(Prepare, Form<'_>)] = &[
        (root, &confirmed),
        (root, &with_card),
        (|api| created(api, &[("payment_method", "pm_card_visa")]) + "/confirm", &[]),
        (|api| created(api, &[]) + "/confirm", &[("payment_method", "pm_card_visa")]),
        (|api| created(api, &[]), &[("payment_method", "pm_card_visa")]),
        (|api| created(api, HELD) + "/capture", &[("amount_to_capture", "60")]),
        (
            |api| created(api, HELD) + "/capture",
            &[("amount_to_capture", "60"), ("final_capture", "false")],
        ),
        (|api| created(api, HELD) + "/increment_authorization", &[("amount", "150")]),
        (|api| created(api, HELD) + "/cancel", &[]),
        (|api| created(api, &[]) + "/cancel", &[]),
    ];
    for (place, (prepare, form)) in cases.iter().enumerate() {
        for seed in seeds() {
            let api = api();
            let path = prepare(&api);
            let answer = race_beyond_the_lease(&api, seed, &path, form);
            assert_eq!(answer.status, 200, "case {place}, seed {seed}: {:#}", answer.body);
            finish(&api);
        }
    }
}

#[test]
fn capture_against_cancel_ends_as_one_of_them() {
    for seed in seeds() {
        let api = api();
        let path = created(&api, HELD);
        let requests =
            [(format!("{path}/capture"), &[][..], None), (format!("{path}/cancel"), &[], None)];
        let answers = race(&api, seed, &requests);
        assert_eq!(wins(&answers), 1, "seed {seed}: {answers:#?}");
        let expected = if answers[0].status == 200 { "succeeded" } else { "canceled" };
        assert_eq!(status(&api, &path), expected);
        finish(&api);
    }
}

#[test]
fn captures_together_take_no_more_than_is_held() {
    for seed in seeds() {
        let api = api();
        let path = created(&api, HELD) + "/capture";
        let part: Form<'_> = &[("amount_to_capture", "60"), ("final_capture", "false")];
        let requests = [
            (path.clone(), part, Some("key-1")),
            (path.clone(), part, Some("key-2")),
            (path.clone(), &[("amount_to_capture", "50")], Some("key-3")),
        ];
        let answers = race(&api, seed, &requests);
        assert!(wins(&answers) >= 1, "seed {seed}: {answers:#?}");
        // Those who were locked out come back, as the SDKs do.
        for ((path, form, key), answer) in requests.iter().zip(&answers) {
            let again = api.post_once(path, form, key.expect("a key"));
            assert_clear(&again, seed);
            if answer.status != 429 {
                assert_eq!(again.text, answer.text);
            }
        }
        finish(&api);
    }
}

#[test]
fn increment_against_capture_and_cancel_keeps_what_is_held_and_taken_apart() {
    for seed in seeds() {
        let api = api();
        let path = created(&api, HELD);
        let requests: [Request<'_>; 4] = [
            (format!("{path}/increment_authorization"), &[("amount", "150")], None),
            (format!("{path}/increment_authorization"), &[("amount", "120")], None),
            (format!("{path}/capture"), &[], None),
            (format!("{path}/cancel"), &[], None),
        ];
        let answers = race(&api, seed, &requests);
        assert!(wins(&answers) >= 1, "seed {seed}: {answers:#?}");
        finish(&api);
    }
}

#[test]
fn an_update_during_a_confirm_is_kept_or_refused_and_never_lost() {
    for seed in seeds() {
        let api = api();
        let path = created(&api, &[("payment_method", "pm_card_visa"), ("metadata[a]", "1")]);
        let update: Form<'_> = &[("amount", "500"), ("metadata[a]", "2"), ("metadata[b]", "3")];
        let requests: [Request<'_>; 3] = [
            (format!("{path}/confirm"), &[], None),
            (path.clone(), update, None),
            (path.clone(), &[("metadata[c]", "4")], None),
        ];
        let answers = race(&api, seed, &requests);
        let intent = api.get(&path).ok();
        if answers[1].status == 200 {
            assert_eq!(intent.body["amount"], 500, "seed {seed}");
            assert_eq!(intent.body["metadata"]["b"], "3", "seed {seed}");
        } else {
            assert_eq!(intent.body["amount"], 100, "seed {seed}");
        }
        if answers[2].status == 200 {
            assert_eq!(intent.body["metadata"]["c"], "4", "seed {seed}");
        }
        if answers[0].status == 200 {
            assert_eq!(intent.body["amount_received"], intent.body["amount"], "seed {seed}");
        }
        finish(&api);
    }
}

#[test]
fn sixty_and_sixty_of_a_hundred_cannot_both_go_back() {
    for card in ["pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail"] {
        for seed in seeds() {
            let api = api();
            let path = created(&api, &[("confirm", "true"), ("payment_method", card)]);
            let charge = api.get(&path).ok().text_at("/latest_charge").to_owned();
            let refund = |key| {
                let root = "/v1/refunds".to_owned();
                (root, [("charge", charge.as_str()), ("amount", "60")], Some(key))
            };
            let refunds = [refund("key-1"), refund("key-2"), refund("key-2"), refund("key-3")];
            let requests: Vec<Request<'_>> =
                refunds.iter().map(|(path, form, key)| (path.clone(), &form[..], *key)).collect();
            let answers = race(&api, seed, &requests);
            let given: std::collections::BTreeSet<_> = answers
                .iter()
                .filter(|answer| answer.status == 200)
                .map(|answer| answer.text.as_str())
                .collect();
            assert_eq!(given.len(), 1, "seed {seed}: {given:#?}");
            finish(&api);
        }
    }
}

#[test]
fn a_refund_of_one_part_and_the_capture_of_the_next_both_count() {
    let part: Form<'_> = &[("amount_to_capture", "40"), ("final_capture", "false")];
    for seed in seeds() {
        let api = api();
        let path = created(&api, HELD);
        let capture = format!("{path}/capture");
        let charge = api.post(&capture, part).ok().text_at("/latest_charge").to_owned();
        let refund: Form<'_> = &[("charge", &charge), ("amount", "30")];
        let requests: [Request<'_>; 3] = [
            ("/v1/refunds".to_owned(), refund, None),
            (capture, part, None),
            ("/v1/refunds".to_owned(), refund, None),
        ];
        let answers = race(&api, seed, &requests);
        let won: Vec<_> = answers.iter().map(|answer| answer.status == 200).collect();
        assert!(won[1] && (won[0] || won[2]), "seed {seed}: {answers:#?}");
        finish(&api);
    }
}

/// An intent that waits for its cardholder: its path, and the attempt.
fn challenged(api: &Api) -> (String, AttemptId) {
    let path = created(
        api,
        &[
            ("confirm", "true"),
            ("payment_method", "pm_card_threeDSecureRequired"),
            ("return_url", "https://shop.test/back"),
        ],
    );
    let attempt = attempt_of(&api.get(&path).ok());
    (path, attempt)
}

/// The attempt that waits for its cardholder.
fn attempt_of(waiting: &Answer) -> AttemptId {
    let url = waiting.text_at("/next_action/redirect_to_url/url");
    let attempt = url.rsplit('/').next().expect("the attempt ends the link");
    AttemptId::parse(attempt).expect("an attempt")
}

/// A cardholder who submits the challenge's page.
async fn submit(api: &Api, attempt: &AttemptId, result: ChallengeResult) {
    let context = Context::unattended(&api.platform, api.merchant.scope());
    let ended = flows::payment_intents::finish_challenge(&context, attempt, result).await;
    ended.expect("a challenge ends");
}

#[test]
fn a_challenge_that_is_completed_twice_charges_once() {
    for seed in seeds() {
        let api = api();
        let (path, attempt) = challenged(&api);
        api.platform.yields(true);
        let racer =
            || -> Racer<'_, ()> { Box::pin(submit(&api, &attempt, ChallengeResult::Completed)) };
        kit::interleave(seed, vec![racer(), racer(), racer()]);
        api.platform.yields(false);
        assert_eq!(status(&api, &path), "succeeded", "seed {seed}");
        finish(&api);
    }
}

#[test]
fn a_challenge_that_is_completed_and_failed_at_once_ends_as_one_of_them() {
    for seed in seeds() {
        let api = api();
        let (path, attempt) = challenged(&api);
        api.platform.yields(true);
        let racers: Vec<Racer<'_, ()>> = vec![
            Box::pin(submit(&api, &attempt, ChallengeResult::Completed)),
            Box::pin(submit(&api, &attempt, ChallengeResult::Failed)),
        ];
        kit::interleave(seed, racers);
        api.platform.yields(false);
        let status = status(&api, &path);
        assert!(matches!(status.as_str(), "succeeded" | "requires_payment_method"), "{status}");
        finish(&api);
    }
}

#[test]
fn a_challenge_against_what_the_merchant_does_meanwhile() {
    let card: Form<'_> = &[("payment_method", "pm_card_visa")];
    let others: [(&str, Form<'_>, &[&str]); 6] = [
        // What has nothing to do with the payment must not lose what the cardholder did.
        ("", &[("metadata[order]", "7")], &["succeeded"]),
        ("", &[("capture_method", "manual")], &["succeeded", "requires_confirmation"]),
        ("/cancel", &[], &["succeeded", "canceled"]),
        ("/confirm", card, &["succeeded"]),
        ("", &[("amount", "700")], &["succeeded", "requires_confirmation"]),
        ("", card, &["succeeded", "requires_confirmation"]),
    ];
    for (path_end, form, expected) in others {
        for seed in seeds() {
            let api = api();
            let (path, attempt) = challenged(&api);
            let other = format!("{path}{path_end}");
            api.platform.yields(true);
            let racers: Vec<Racer<'_, Option<Answer>>> = vec![
                Box::pin(async {
                    submit(&api, &attempt, ChallengeResult::Completed).await;
                    None
                }),
                Box::pin(async { Some(api.posting(&other, form, None).await) }),
            ];
            let answers = kit::interleave(seed, racers);
            api.platform.yields(false);
            assert_clear(answers[1].as_ref().expect("an answer"), seed);
            let status = status(&api, &path);
            assert!(expected.contains(&status.as_str()), "{path_end} seed {seed}: {status}");
            finish(&api);
        }
    }
}

/// Every order in which the second of two futures comes in between once and is interrupted once; in
/// the edit loop, some of them.
fn turns() -> impl Iterator<Item = [(usize, u32); 2]> {
    (0..16_u32)
        .flat_map(|first| (0..16).map(move |second| (first, second)))
        .filter(|(first, second)| (2 * first + second) % cases(7, 1) == 0)
        .map(|(first, second)| [(0, first), (1, second)])
}

#[test]
fn recovery_and_a_slow_request_record_one_outcome() {
    let form = [PAY, HELD].concat();
    for turns in turns() {
        let api = api();
        api.platform.yields(true);
        let racers: Vec<Racer<'_, Option<Answer>>> = vec![
            Box::pin(async {
                Some(api.posting("/v1/payment_intents", &form, Some("key-1")).await)
            }),
            Box::pin(async {
                api.platform.advance(flows::operations::RECOVERY_DELAY + 1);
                api::beat(&api.platform).await;
                None
            }),
        ];
        let answers = kit::take_turns(&turns, racers);
        api.platform.yields(false);
        let answer = answers.into_iter().flatten().next().expect("an answer").ok();
        assert_eq!(answer.body["status"], "requires_capture", "{turns:?}");
        finish(&api);
    }
}

#[test]
fn two_requests_that_change_one_object_keep_the_books_in_every_order() {
    let card: Form<'_> = &[("payment_method", "pm_card_visa")];
    let part: Form<'_> = &[("amount_to_capture", "60"), ("final_capture", "false")];
    let more: Form<'_> = &[("amount", "150")];
    let pairs: [(Form<'_>, [(&str, Form<'_>); 2]); 9] = [
        (card, [("/confirm", &[]), ("/confirm", &[])]),
        (&[], [("/confirm", card), ("/confirm", &[("payment_method", "pm_card_amex")])]),
        (card, [("/confirm", &[]), ("", more)]),
        (card, [("/confirm", &[]), ("/cancel", &[])]),
        (HELD, [("/capture", &[]), ("/cancel", &[])]),
        (HELD, [("/capture", part), ("/capture", part)]),
        (HELD, [("/increment_authorization", more), ("/capture", &[])]),
        (HELD, [("/cancel", &[]), ("/cancel", &[])]),
        (HELD, [("/capture", &[]), ("", &[("metadata[a]", "1")])]),
    ];
    for (form, requests) in pairs {
        for turns in turns() {
            let api = api();
            let path = created(&api, form);
            let paths = requests.map(|(end, _)| format!("{path}{end}"));
            api.platform.yields(true);
            let racers = paths.iter().zip(requests).map(|(path, (_, form))| -> Racer<'_, Answer> {
                Box::pin(api.posting(path, form, None))
            });
            let answers = kit::take_turns(&turns, racers.collect());
            api.platform.yields(false);
            for answer in &answers {
                assert_clear(answer, 0);
            }
            assert!(wins(&answers) >= 1, "{requests:?} {turns:?}: {answers:#?}");
            finish(&api);
        }
    }
}

#[test]
fn an_expiry_against_a_capture_ends_as_one_of_them() {
    for seed in seeds() {
        let api = api();
        let path = created(&api, HELD);
        api.platform.advance(7 * 86_400 - 1);
        api.get(&path).ok();
        let capture = format!("{path}/capture");
        api.platform.yields(true);
        let racers: Vec<Racer<'_, Option<Answer>>> = vec![
            Box::pin(async { Some(api.posting(&capture, &[], None).await) }),
            Box::pin(async {
                for _ in 0..seed % 5 {
                    kit::yield_once().await;
                }
                api.platform.advance(1);
                api::beat(&api.platform).await;
                None
            }),
        ];
        let answers = kit::interleave(seed, racers);
        api.platform.yields(false);
        let answer = answers.into_iter().flatten().next().expect("an answer");
        assert_clear(&answer, seed);
        invariants::check_settled(&api.platform);
        invariants::check_registered(&api.platform);
        let expected = if answer.status == 200 { "succeeded" } else { "canceled" };
        assert_eq!(status(&api, &path), expected, "seed {seed}");
    }
}

#[test]
fn a_token_pays_once_and_the_other_payment_is_told_why_it_cannot() {
    let card: Form<'_> = &[
        ("card[number]", "4242424242424242"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2034"),
    ];
    for seed in seeds() {
        let api = api();
        let token = api.post("/v1/tokens", card).ok().id().to_owned();
        let with_token = [
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][token]", token.as_str()),
        ];
        let confirmed = [PAY, &[("confirm", "true")], &with_token].concat();
        let unconfirmed = [PAY, &with_token].concat();
        let path = created(&api, &[]);
        let requests: [Request<'_>; 4] = [
            ("/v1/payment_intents".to_owned(), &confirmed, Some("key-1")),
            ("/v1/payment_intents".to_owned(), &unconfirmed, Some("key-2")),
            (format!("{path}/confirm"), &with_token, Some("key-3")),
            (path, &with_token, Some("key-4")),
        ];
        race(&api, seed, &requests);
        let ended: Vec<_> = requests
            .iter()
            .map(|(path, form, key)| api.post_once(path, form, key.expect("a key")))
            .collect();
        assert_eq!(wins(&ended), 1, "seed {seed}: {ended:#?}");
        for loser in ended.iter().filter(|answer| answer.status != 200) {
            let code = loser.text_at("/error/code");
            // An intent that was confirmed meanwhile refuses an update for its own reason.
            assert!(
                matches!(code, "token_already_used" | "payment_intent_unexpected_state"),
                "seed {seed}: {:#}",
                loser.body
            );
        }
        finish(&api);
    }
}

/// A card that a customer's payment is to keep, its challenge open.
fn challenged_to_keep(api: &Api, customer: &str, method: &str) -> AttemptId {
    let form = [
        PAY,
        &[
            ("confirm", "true"),
            ("payment_method", method),
            ("customer", customer),
            ("setup_future_usage", "off_session"),
            ("return_url", "https://shop.test/back"),
        ],
    ]
    .concat();
    attempt_of(&api.post("/v1/payment_intents", &form).ok())
}

fn challenging_card(api: &Api) -> String {
    let form = [
        ("type", "card"),
        ("card[number]", "4000002760003184"),
        ("card[exp_month]", "12"),
        ("card[exp_year]", "2034"),
    ];
    api.post("/v1/payment_methods", &form).ok().id().to_owned()
}

#[test]
fn a_card_that_another_customer_was_given_meanwhile_stays_theirs() {
    let api = api();
    let payer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let keeper = api.post("/v1/customers", &[]).ok().id().to_owned();
    let method = challenging_card(&api);
    let attempt = challenged_to_keep(&api, &payer, &method);
    let path = format!("/v1/payment_methods/{method}");
    api.post(&format!("{path}/attach"), &[("customer", &keeper)]).ok();
    kit::run(submit(&api, &attempt, ChallengeResult::Completed));
    assert_eq!(api.get(&path).ok().body["customer"], *keeper);
    finish(&api);
}

#[test]
fn a_card_that_its_customer_let_go_meanwhile_is_not_kept_again() {
    let api = api();
    let payer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let method = challenging_card(&api);
    let path = format!("/v1/payment_methods/{method}");
    api.post(&format!("{path}/attach"), &[("customer", &payer)]).ok();
    let attempt = challenged_to_keep(&api, &payer, &method);
    api.post(&format!("{path}/detach"), &[]).ok();
    kit::run(submit(&api, &attempt, ChallengeResult::Completed));
    assert_eq!(api.get(&path).ok().body["customer"], serde_json::Value::Null);
    finish(&api);
}

#[test]
fn a_card_is_not_kept_for_a_customer_who_was_deleted_meanwhile() {
    let api = api();
    let payer = api.post("/v1/customers", &[]).ok().id().to_owned();
    let method = challenging_card(&api);
    let attempt = challenged_to_keep(&api, &payer, &method);
    api.delete(&format!("/v1/customers/{payer}")).ok();
    kit::run(submit(&api, &attempt, ChallengeResult::Completed));
    let path = format!("/v1/payment_methods/{method}");
    assert_eq!(api.get(&path).ok().body["customer"], serde_json::Value::Null);
    // The payment itself stands: the cardholder made it.
    let paid = api.get("/v1/payment_intents?limit=1").ok();
    assert_eq!(paid.text_at("/data/0/status"), "succeeded");
    finish(&api);
}

/// A refund, and the heartbeat that opens a dispute of the same charge.
#[test]
fn a_refund_and_a_dispute_never_take_the_same_cent() {
    let (mut refunded_first, mut disputed_first) = (0, 0);
    for seed in seeds() {
        for amount in ["60", "100"] {
            let api = api();
            let form =
                [("amount", "100"), ("currency", "usd"), ("source", "tok_visa_createDispute")];
            let charge = api.post("/v1/charges", &form).ok().id().to_owned();
            api.platform.advance(2);
            let path = format!("/v1/charges/{charge}/refunds");
            let form = [("amount", amount)];
            api.platform.yields(true);
            let refund: Racer<'_, Option<Answer>> =
                Box::pin(async { Some(api.posting(&path, &form, None).await) });
            let dispute: Racer<'_, Option<Answer>> = Box::pin(async {
                api::beat(&api.platform).await;
                None
            });
            let answers = kit::interleave(seed, vec![refund, dispute]);
            api.platform.yields(false);
            invariants::check(&api.platform);
            let answer = answers.into_iter().flatten().next().expect("an answer");
            assert_clear(&answer, seed);
            let disputes = api.get(&format!("/v1/disputes?charge={charge}")).ok();
            let disputed = disputes.body["data"][0]["amount"].as_i64().unwrap_or(0);
            if answer.status == 200 {
                refunded_first += 1;
                assert_eq!(disputed + answer.body["amount"].as_i64().expect("an amount"), 100);
            } else {
                disputed_first += 1;
                assert_eq!((disputed, answer.text_at("/error/code")), (100, "charge_disputed"));
            }
            finish(&api);
        }
    }
    assert!(refunded_first > 0 && disputed_first > 0, "{refunded_first} {disputed_first}");
}

/// A refund of an inquiry's charge, and the heartbeat that escalates the inquiry.
#[test]
fn an_inquiry_escalates_with_what_a_refund_leaves() {
    for seed in seeds() {
        let api = api();
        let form =
            [("amount", "100"), ("currency", "usd"), ("source", "tok_visa_createDisputeInquiry")];
        let charge = api.post("/v1/charges", &form).ok().id().to_owned();
        api.platform.advance(2);
        api.beat();
        let disputes = api.get(&format!("/v1/disputes?charge={charge}")).ok();
        let dispute = format!("/v1/disputes/{}", disputes.text_at("/data/0/id"));
        let evidence = [("evidence[uncategorized_text]", "escalate_inquiry_evidence")];
        api.post(&dispute, &evidence).ok();
        api.platform.advance(2);
        let path = format!("/v1/charges/{charge}/refunds");
        let form: Form<'_> = if seed % 2 == 0 { &[("amount", "60")] } else { &[] };
        api.platform.yields(true);
        let refund: Racer<'_, Option<Answer>> =
            Box::pin(async { Some(api.posting(&path, form, None).await) });
        let escalation: Racer<'_, Option<Answer>> = Box::pin(async {
            api::beat(&api.platform).await;
            None
        });
        let answers = kit::interleave(seed, vec![refund, escalation]);
        api.platform.yields(false);
        let answer = answers.into_iter().flatten().next().expect("an answer");
        assert_clear(&answer, seed);
        finish(&api);
        let dispute = api.get(&dispute).ok();
        let refunded = answer.body["amount"].as_i64().unwrap_or(0);
        match refunded {
            100 => assert_eq!(dispute.body["status"], "warning_closed", "seed {seed}"),
            _ => assert_eq!(dispute.body["amount"], 100 - refunded, "seed {seed}"),
        }
    }
}

#[test]
fn a_dispute_is_answered_or_accepted_never_both() {
    for seed in seeds() {
        let api = api();
        let form = [("amount", "100"), ("currency", "usd"), ("source", "tok_visa_createDispute")];
        let charge = api.post("/v1/charges", &form).ok().id().to_owned();
        api.platform.advance(2);
        api.beat();
        let disputes = api.get(&format!("/v1/disputes?charge={charge}")).ok();
        let path = format!("/v1/disputes/{}", disputes.text_at("/data/0/id"));
        let evidence = [("evidence[uncategorized_text]", "winning_evidence")];
        let requests: [Request<'_>; 3] = [
            (path.clone(), &evidence, Some("key-1")),
            (path.clone(), &evidence, Some("key-2")),
            (format!("{path}/close"), &[], Some("key-3")),
        ];
        let answers = race(&api, seed, &requests);
        assert_eq!(wins(&answers), 1, "seed {seed}: {answers:#?}");
        finish(&api);
    }
}
