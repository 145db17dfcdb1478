use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::health::{Answers, Breaker, Health, View};
use super::*;
use crate::id::Id;
use crate::money::{Amount, Money};
use crate::{ApiError, Metadata, kept};

fn document(value: Value) -> Document {
    kept::from_value(value).expect("a document")
}

fn with_rules(rules: Value) -> Document {
    let default = json!({ "priority": ["cna_1", "cna_2"] });
    let limits = json!({ "max_attempts": 2, "retry_declines": false, "step_up": true });
    let mut whole = json!({ "rules": rules, "default": default });
    whole.as_object_mut().expect("fields").extend(limits.as_object().expect("fields").clone());
    document(whole)
}

fn money(amount: i64, currency: &str) -> Money {
    let currency = kept::from_value(json!(currency)).expect("a currency");
    Money { amount: Amount::new(amount).expect("an amount"), currency }
}

fn facts<'a>(payment: &'a str, metadata: &'a Metadata) -> Facts<'a> {
    Facts {
        payment,
        amount: money(2000, "eur"),
        brand: "visa",
        country: Some("DE"),
        funding: "credit",
        metadata,
        off_session: false,
        saved: false,
    }
}

fn names(choice: &Choice<'_>) -> Vec<String> {
    choice.accounts.iter().map(|account| account.as_str().to_owned()).collect()
}

fn all_well(document: &Document, facts: &Facts<'_>) -> Vec<String> {
    names(&document.choose(facts, |_| true, |_, _| Breaker::Closed))
}

#[test]
fn each_condition_keeps_out_what_it_does_not_name() {
    let metadata: Metadata = kept::from_value(json!({ "plan": "gold" })).expect("metadata");
    let facts = facts("pi_1", &metadata);
    for (when, matches) in [
        (json!({}), true),
        (json!({ "currency": ["usd", "eur"] }), true),
        (json!({ "currency": ["usd"] }), false),
        (json!({ "currency": ["eur"], "amount": { "min": 2000, "max": 2000 } }), true),
        (json!({ "currency": ["eur"], "amount": { "min": 2001 } }), false),
        (json!({ "currency": ["eur"], "amount": { "max": 1999 } }), false),
        (
            json!({ "card": { "country": ["FR", "DE"], "brand": ["visa"], "funding": ["credit"] } }),
            true,
        ),
        (json!({ "card": { "country": ["FR"] } }), false),
        (json!({ "card": { "brand": ["amex"] } }), false),
        (json!({ "card": { "funding": ["debit"] } }), false),
        (json!({ "off_session": false, "saved": false }), true),
        (json!({ "off_session": true }), false),
        (json!({ "saved": true }), false),
        (json!({ "metadata": { "plan": "gold" } }), true),
        (json!({ "metadata": { "plan": "silver" } }), false),
        (json!({ "metadata": { "plan": "gold", "other": "x" } }), false),
    ] {
        let document =
            with_rules(json!([{ "name": "one", "when": when, "use": { "priority": ["cna_3"] } }]));
        assert!(document.check().is_ok(), "{when}");
        let expected: &[&str] = if matches { &["cna_3"] } else { &["cna_1", "cna_2"] };
        assert_eq!(all_well(&document, &facts), expected, "{when}");
        let choice = document.choose(&facts, |_| true, |_, _| Breaker::Closed);
        assert_eq!(choice.steps[0].mismatch.is_none(), matches, "{when}");
    }
}

#[test]
fn a_document_that_cannot_be_right_is_refused_where_it_is_wrong() {
    let rule =
        |when: Value| json!([{ "name": "one", "when": when, "use": { "priority": ["cna_3"] } }]);
    let uses = |used: Value| json!([{ "name": "one", "use": used }]);
    let share = |weight: i64| json!({ "connector_account": "cna_3", "weight": weight });
    for (rules, param) in [
        (rule(json!({ "currency": ["xxx"] })), "rules[0][when][currency][0]"),
        (rule(json!({ "amount": { "min": 1 } })), "rules[0][when][currency]"),
        (
            rule(json!({ "currency": ["eur", "usd"], "amount": { "min": 1 } })),
            "rules[0][when][currency]",
        ),
        (rule(json!({ "currency": ["eur"], "amount": {} })), "rules[0][when][amount]"),
        (
            rule(json!({ "currency": ["eur"], "amount": { "min": 2, "max": 1 } })),
            "rules[0][when][amount]",
        ),
        (rule(json!({ "currency": ["eur"], "amount": { "min": -1 } })), "rules[0][when][amount]"),
        (rule(json!({ "card": { "brand": ["vizza"] } })), "rules[0][when][card][brand][0]"),
        (rule(json!({ "card": { "country": ["DE", "de"] } })), "rules[0][when][card][country][1]"),
        (rule(json!({ "card": { "funding": ["cash"] } })), "rules[0][when][card][funding][0]"),
        (uses(json!({})), "rules[0][use]"),
        (uses(json!({ "priority": ["cna_3"], "split": [share(1)] })), "rules[0][use]"),
        (uses(json!({ "priority": ["cna_3", "cna_3"] })), "rules[0][use]"),
        (uses(json!({ "split": [share(1), share(2)] })), "rules[0][use]"),
        (uses(json!({ "split": [share(0)] })), "rules[0][use][split][0][weight]"),
        (uses(json!({ "split": [share(10_001)] })), "rules[0][use][split][0][weight]"),
        (json!([{ "name": " ", "use": { "priority": ["cna_3"] } }]), "rules[0][name]"),
        (
            json!([
                { "name": "one", "use": { "priority": ["cna_3"] } },
                { "name": "one", "use": { "priority": ["cna_3"] } },
            ]),
            "rules[1][name]",
        ),
    ] {
        match with_rules(rules.clone()).check() {
            Err(ApiError::ParameterInvalid { param: found, .. }) => {
                assert_eq!(found, param, "{rules}")
            }
            other => panic!("{rules}: {other:?}"),
        }
    }
    for attempts in [0, 4] {
        let document = Document { max_attempts: attempts, ..with_rules(json!([])) };
        assert!(document.check().is_err(), "{attempts}");
    }
    let unknown = json!([{ "name": "one", "wen": {}, "use": { "priority": ["cna_3"] } }]);
    assert!(kept::from_value::<Vec<Rule>>(unknown).is_err());
}

#[test]
fn an_account_behind_the_one_that_a_payment_goes_to_took_a_turn_to_probe() {
    let document = with_rules(json!([]));
    let metadata = Metadata::default();
    let asked = |out: &[&str]| {
        let asked = RefCell::new(Vec::new());
        let health = |id: &ConnectorAccountId, is_asked| {
            if is_asked {
                asked.borrow_mut().push(id.as_str().to_owned());
            }
            if out.contains(&id.as_str()) { Breaker::Open } else { Breaker::Closed }
        };
        document.choose(&facts("pi_1", &metadata), |_| true, health);
        asked.into_inner()
    };
    assert_eq!(asked(&[]), ["cna_1"]);
    assert_eq!(asked(&["cna_1"]), ["cna_1", "cna_2"]);
    assert_eq!(asked(&["cna_2"]), ["cna_1"]);
}

#[test]
fn an_account_that_is_not_active_is_passed_over_and_one_that_is_out_comes_last() {
    let document = with_rules(json!([]));
    let metadata = Metadata::default();
    let facts = facts("pi_1", &metadata);
    let choose = |active: &[&str], out: &[&str]| {
        let state = |id: &ConnectorAccountId, _| {
            if out.contains(&id.as_str()) { Breaker::Open } else { Breaker::Closed }
        };
        names(&document.choose(&facts, |id| active.contains(&id.as_str()), state))
    };
    assert_eq!(choose(&["cna_1", "cna_2"], &[]), ["cna_1", "cna_2"]);
    assert_eq!(choose(&["cna_2"], &[]), ["cna_2"]);
    assert_eq!(choose(&["cna_1", "cna_2"], &["cna_1"]), ["cna_2", "cna_1"]);
    assert_eq!(choose(&["cna_1", "cna_2"], &["cna_1", "cna_2"]), ["cna_1", "cna_2"]);
    assert!(choose(&["cna_3"], &[]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_split_converges_to_its_weights(weights in prop::collection::vec(1_i64..100, 2..5), seed: u32) {
        let shares: Vec<_> = weights.iter().enumerate()
            .map(|(place, weight)| json!({ "connector_account": format!("cna_{place}"), "weight": weight }))
            .collect();
        let document = with_rules(json!([{ "name": "all", "use": { "split": shares } }]));
        document.check().expect("a document");
        let metadata = Metadata::default();
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for number in 0..4_000 {
            let payment = format!("pi_{seed}_{number}");
            let order = all_well(&document, &facts(&payment, &metadata));
            prop_assert_eq!(order.len(), weights.len(), "the others follow");
            prop_assert_eq!(&order, &all_well(&document, &facts(&payment, &metadata)));
            *counts.entry(order[0].clone()).or_default() += 1;
        }
        let total: i64 = weights.iter().sum();
        for (place, weight) in weights.iter().enumerate() {
            let found = counts.get(&format!("cna_{place}")).copied().unwrap_or_default();
            let expected = 4_000 * weight / total;
            // Five standard deviations of 4,000 fair draws are at most 160.
            prop_assert!((found - expected).abs() <= 170, "{} of {} for {}", found, expected, weight);
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides_and_there_is_always_an_answer(
        matching in prop::collection::vec(any::<bool>(), 0..8),
        active in prop::collection::vec(any::<bool>(), 8),
    ) {
        let rules: Vec<_> = matching.iter().enumerate().map(|(place, matches)| {
            let currency = if *matches { "eur" } else { "usd" };
            let accounts = BTreeSet::from([format!("cna_{place}"), "cna_1".to_owned()]);
            json!({
                "name": format!("rule {place}"),
                "when": { "currency": [currency] },
                "use": { "priority": accounts },
            })
        }).collect();
        let document = with_rules(json!(rules));
        let metadata = Metadata::default();
        let is_active = |id: &ConnectorAccountId| {
            let place: usize = id.as_str().trim_start_matches("cna_").parse().expect("a number");
            active[place]
        };
        let facts = facts("pi_1", &metadata);
        let choice = document.choose(&facts, is_active, |_, _| Breaker::Closed);
        let first = matching.iter().position(|matches| *matches);
        prop_assert_eq!(choice.rule.map(str::to_owned), first.map(|place| format!("rule {place}")));
        prop_assert_eq!(choice.steps.len(), first.map_or(matching.len(), |place| place + 1));
        prop_assert!(choice.accounts.iter().all(is_active));
        let named = match first {
            Some(place) => document.rules[place].r#use.accounts().filter(|id| is_active(id)).count(),
            None => document.default.accounts().filter(|id| is_active(id)).count(),
        };
        prop_assert_eq!(choice.accounts.len(), named, "all that are active, each once");
    }

    #[test]
    fn a_document_is_read_as_it_was_written(max in 1_i64..=3, retry: bool, step_up: bool, saved: Option<bool>) {
        let mut written = with_rules(json!([{ "name": "one", "use": { "split": [{ "connector_account": "cna_1", "weight": 7 }] } }]));
        written.rules[0].when.saved = saved;
        let written = Document { max_attempts: max, retry_declines: retry, step_up, ..written };
        let text = serde_json::to_string(&written).expect("JSON");
        prop_assert_eq!(kept::from_text::<Document>(&text).expect("a document"), written);
    }
}

const GOOD: Answers = Answers { good: 1, bad: 0 };
const BAD: Answers = Answers { good: 0, bad: 1 };

#[test]
fn three_failures_open_a_breaker_and_three_good_answers_close_it() {
    let mut health = Health::default();
    for second in 0..2 {
        health.note(second, BAD);
        assert_eq!(health.breaker(second), Breaker::Closed);
    }
    health.note(2, BAD);
    assert_eq!((health.breaker(2), health.breaker(11)), (Breaker::Open, Breaker::Open));
    health.note(5, GOOD);
    assert_eq!(health.breaker(5), Breaker::Open, "it is of what was asked before");
    assert_eq!(health.breaker(12), Breaker::HalfOpen);
    health.note(12, GOOD);
    health.note(13, BAD);
    assert_eq!(health.breaker(13), Breaker::Open, "a probe that fails opens it again");
    for second in 23..26 {
        assert_eq!(health.breaker(second), Breaker::HalfOpen);
        health.note(second, GOOD);
    }
    assert_eq!(health.breaker(26), Breaker::Closed);
    health.note(27, BAD);
    assert_eq!(health.breaker(27), Breaker::Closed, "it begins anew");
}

#[test]
fn few_failures_among_many_answers_and_old_ones_open_nothing() {
    let mut health = Health::default();
    health.note(0, Answers { good: 100, bad: 40 });
    assert_eq!(health.breaker(0), Breaker::Closed);
    health.note(1, Answers { good: 0, bad: 60 });
    assert_eq!(health.breaker(1), Breaker::Open, "half of all");
    let mut health = Health::default();
    for minute in 0..10 {
        health.note(minute * 40, BAD);
        assert_eq!(health.breaker(minute * 40), Breaker::Closed, "two in a minute");
    }
}

#[test]
fn a_clock_that_goes_backwards_keeps_no_breaker_open() {
    let mut health = Health::default();
    health.note(1_000, Answers { good: 0, bad: 3 });
    assert_eq!(health.breaker(1_000), Breaker::Open);
    assert_eq!(health.breaker(400), Breaker::HalfOpen);
}

/// How the payments of a merchant fare in four isolates while the account that they go to first is out.
#[derive(Clone, Copy, Debug)]
enum Outage {
    /// Each is refused at once.
    Refuses,
    /// None is answered, as is known after ten seconds.
    IsSilent,
}

/// The milliseconds at which payments were sent to an account that is well for a minute, then out for five, and then
/// well for one more, as isolates and the object behind them decide.
fn sent(per_second: i64, outage: Outage) -> Vec<i64> {
    const MINUTE: i64 = 60_000;
    const CLOCK: i64 = 1_000_000_000;
    let mut views = [(); 4].map(|()| View::default());
    let mut health = Health::default();
    let mut answers: BTreeMap<i64, Vec<(usize, bool)>> = BTreeMap::new();
    let mut sent = Vec::new();
    for now in 0..7 * MINUTE {
        let clock = now + CLOCK;
        if now % (1_000 / per_second) == 0 {
            let isolate = usize::try_from(now * per_second / 1_000 % 4).expect("a place");
            let is_good = !(MINUTE..6 * MINUTE).contains(&now);
            match views[isolate].breaker(clock) {
                // It goes to another account, and looks after its answer whether this one is well.
                Breaker::Open => answers.entry(now + 100).or_default().push((isolate, true)),
                Breaker::Closed | Breaker::HalfOpen => {
                    sent.push(now);
                    views[isolate].sends();
                    let is_slow = !is_good && matches!(outage, Outage::IsSilent);
                    let known = now + if is_slow { 10_000 } else { 100 };
                    answers.entry(known).or_default().push((isolate, is_good));
                    if is_good {
                        // What is answered is noted by whoever sent it there.
                        answers.entry(known).or_default().last_mut().expect("it").0 += 4;
                    }
                }
            }
        }
        for (who, is_good) in answers.remove(&now).unwrap_or_default() {
            let view = &mut views[who % 4];
            if who >= 4 || !is_good {
                view.note(is_good);
            }
            if view.is_due(clock) {
                let told = view.asks(clock);
                if told != Answers::default() {
                    health.note(clock / 1_000, told);
                }
                view.learns(clock, told, Some(health.tell(clock / 1_000)));
            }
        }
    }
    sent
}

#[test]
fn an_outage_in_steady_traffic_is_steered_away_from_in_seconds_and_meets_few_probes() {
    for (outage, most) in [(Outage::Refuses, 9_000), (Outage::IsSilent, 16_000)] {
        for per_second in [1, 10, 100] {
            let sent = sent(per_second, outage);
            let within = |from: i64, to: i64| {
                let (from, to) = (60_000 + from, 60_000 + to);
                let sent = sent.iter().filter(|moment| (from..to).contains(*moment)).count();
                i64::try_from(sent).expect("a count")
            };
            let what = (outage, per_second);
            assert_eq!(within(-60_000, 0), 60 * per_second, "{what:?}");
            let probes = within(most, 300_000);
            assert!(probes <= 90, "{what:?}: {probes} in five minutes");
            for ten in (most..290_000).step_by(10_000) {
                assert!(within(ten, ten + 10_000) <= 6, "{what:?}: a few in ten seconds");
            }
            // It is well again, and known to be within half a minute.
            assert_eq!(within(330_000, 360_000), 30 * per_second, "{what:?}");
        }
    }
}

#[test]
fn single_failures_in_steady_traffic_open_nothing() {
    for per_second in [1, 10, 100] {
        let mut health = Health::default();
        for second in 0..600 {
            // A minute of good answers, and then two in five that are not.
            let is_bad = second >= 60 && second % 5 < 2;
            let bad = if is_bad { per_second } else { 0 };
            health.note(second, Answers { good: per_second - bad, bad });
            assert_eq!(health.breaker(second), Breaker::Closed, "{per_second}, {second}");
        }
    }
}

#[test]
fn what_an_isolate_knows_of_health_counts_for_a_minute() {
    let mut view = View::default();
    view.learns(100_000, Answers::default(), Some(Breaker::Open));
    assert!(view.is_due(103_000) && !view.is_due(102_999));
    assert_eq!(view.breaker(159_999), Breaker::Open);
    assert_eq!(view.breaker(160_000), Breaker::Closed, "nobody has asked for a minute");
}

#[test]
fn an_isolate_that_may_probe_does_so_once() {
    let mut view = View::default();
    view.learns(100_000, Answers::default(), Some(Breaker::HalfOpen));
    assert!(!view.is_due(105_000), "it takes no other's turn");
    view.sends();
    assert_eq!(view.breaker(105_000), Breaker::Open);
    assert!(view.is_due(105_000));
}

#[test]
fn a_report_that_is_lost_is_told_again() {
    let mut view = View::default();
    view.note(false);
    let told = view.asks(20_000);
    assert!(!view.is_due(29_999) && view.is_due(30_000), "it is given up");
    view.learns(30_000, told, None);
    assert_eq!(view.asks(31_000), BAD);
}

#[test]
fn the_names_of_breakers_are_read_as_they_are_written() {
    for breaker in [Breaker::Closed, Breaker::Open, Breaker::HalfOpen] {
        assert_eq!(Breaker::from_name(breaker.name()), breaker);
    }
    assert_eq!(RoutingId::PREFIX, "rtg_");
}
