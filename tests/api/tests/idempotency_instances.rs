//! Idempotency objects of which there are two instances at once over one storage, or whose instance is evicted while
//! a request runs: whoever is late pays nothing a second time, and no client sees two answers under one key.

use std::future::Future;
use std::pin::Pin;

use api::processors::{PAY, VISA, card, connected, latest, only, pass};
use api::{Answer, Api, Form, cases, invariants};
use domain::idempotency::LEASE;
use flows::operations::RECOVERY_DELAY;
use kit::Fault;

type Racer<'f> = Pin<Box<dyn Future<Output = Option<Answer>> + 'f>>;

const KEY: &str = "key-1";

/// Whether an answer asks its client to come again.
fn asks_again(answer: &Answer) -> bool {
    answer.header("stripe-should-retry") == Some("true")
}

/// Sends one request three times at once under its key, while the clock jumps over the lease of whoever is first, and
/// recovery comes in between.
fn race(api: &Api, seed: u64, form: Form<'_>) -> Vec<Answer> {
    let asked = |wait: u64| -> Racer<'_> {
        Box::pin(async move {
            for _ in 0..wait {
                kit::yield_once().await;
            }
            Some(api.posting(PAY, form, Some(KEY)).await)
        })
    };
    let jumping: Racer<'_> = Box::pin(async {
        for _ in 0..seed % 9 {
            kit::yield_once().await;
        }
        api.platform.advance(RECOVERY_DELAY + 1);
        api::beat(&api.platform).await;
        None
    });
    api.platform.yields(true);
    let racers = vec![asked(0), jumping, asked(seed % 11), asked(seed % 17)];
    let answers = kit::interleave(seed, racers);
    api.platform.yields(false);
    answers.into_iter().flatten().collect()
}

/// Comes again as an SDK does until there is an answer for good.
fn come_again(api: &Api, form: Form<'_>) -> Answer {
    let mut last = api.post_once(PAY, form, KEY);
    for _ in 0..5 {
        if !asks_again(&last) {
            break;
        }
        api.platform.advance(LEASE);
        last = api.post_once(PAY, form, KEY);
    }
    last
}

#[test]
fn scenario_33_two_instances_of_an_object_or_its_eviction_pay_once_and_answer_alike() {
    let mut overtaken = 0;
    for number in [VISA, "4000000000009995"] {
        for seed in 0..cases(30, 2_000) {
            let (api, processor) = connected();
            api.platform.split_objects(seed);
            // A call breaks with the instance that was evicted, before or after that had written.
            let fault = if seed % 2 == 0 { Fault::BeforeEffect } else { Fault::AfterEffect };
            match seed % 5 {
                1 => api.platform.begin_hop().fail(1 + seed % 3, fault),
                2 => api.platform.complete_hop().fail(1 + seed % 3, fault),
                _ => {}
            }
            // Who overtakes another finds out more than that one did, where the processor's first answer is lost.
            if seed % 3 == 0 {
                api.platform.outside().processor_hop.fail(1, Fault::AfterEffect);
            }
            let form = card(number, &[]);
            let answers = race(&api, seed, &form);
            let last = come_again(&api, &form);
            assert!(!asks_again(&last), "seed {seed}: {:#}", last.body);
            for answer in answers {
                if asks_again(&answer) {
                    overtaken += 1;
                } else {
                    assert_eq!(answer.text, last.text, "I5: two answers for one key, seed {seed}");
                }
            }
            pass(&api, 3_600, 60);
            let paid = only(&processor);
            assert_eq!(paid.taken, if number == VISA { 2_000 } else { 0 }, "seed {seed}");
            let shown = latest(&api);
            assert_eq!(shown.body["amount_received"], paid.taken, "seed {seed}");
            invariants::check_settled(&api.platform);
        }
    }
    assert!(overtaken > 0, "nobody was late");
}
