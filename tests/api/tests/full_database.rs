//! A database without room, and buckets that are down: nothing is paid that cannot be recorded, and what was paid
//! before is recorded once there is room.

use api::processors::{MANUAL, PAY, VISA, card, latest, only, pass, path};
use api::{Api, cases, invariants};
use domain::idempotency::LEASE;
use kit::{Database, Fault, Platform, Processor};

/// More pages than any test needs.
const ROOM: i64 = 10_000;

/// A deployment over a database in a file, which can be full, whose merchant has an account at a processor.
fn connected(name: &str) -> (Api, Processor) {
    let file = std::env::temp_dir().join(format!("florin-{name}-{}.sqlite", std::process::id()));
    std::fs::remove_file(&file).ok();
    let api = Api::over(Platform::over(Database::open(&file), 0));
    // What is open stays open, and is gone when that ends.
    std::fs::remove_file(&file).expect("it was made");
    api.platform.database().query("PRAGMA journal_mode = MEMORY", vec![]);
    let processor = Processor::listening(&api.platform);
    let form = [("connector", "stripe"), ("secret_key", "sk_test_51example")];
    api.post("/v1/florin/connector_accounts", &form).ok();
    api.platform.advance(5);
    (api, processor)
}

#[test]
fn scenario_31_a_full_database_pays_nothing_that_it_cannot_record() {
    let (mut refused, mut unrecorded) = (0, 0);
    for pages in (0..cases(12, 40)).step_by(cases(3, 1)) {
        let (api, processor) = connected(&format!("full-{pages}"));
        let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
        let capture = path(&held) + "/capture";
        api.platform.database().leave_pages(pages);
        let form = card(VISA, &[]);
        for number in 0..20 {
            let asked = processor.payments().len();
            let answer = api.post_once(PAY, &form, &format!("key-{number}"));
            if answer.status != 200 {
                assert_eq!(answer.error(503)["type"], "api_error");
                assert_eq!(answer.header("stripe-should-retry"), Some("true"));
                refused += 1;
            }
            // Whatever the processor was asked for has its row.
            let rows = api.platform.database().query("SELECT * FROM attempts", vec![]);
            let paid = processor.payments().len();
            assert!(rows.len() >= paid, "{} rows, {paid} payments", rows.len());
            unrecorded += usize::from(paid > asked && answer.status != 200);
        }
        let captured = api.post_once(&capture, &[], "capture");
        api.beat();
        // Whether it is known by then or not, nothing was paid twice once there is room.
        api.platform.database().leave_pages(ROOM);
        pass(&api, 3_600, 60);
        let answer = api.post_once(&capture, &[], "capture").ok();
        assert_eq!(answer.body["status"], "succeeded", "{:#}", captured.body);
        for number in 0..20 {
            let again = api.post_once(PAY, &form, &format!("key-{number}")).ok();
            let shown = api.get(&path(&again)).ok();
            assert_eq!(shown.body["status"], "succeeded", "{pages} {number}");
        }
        let payments = processor.payments();
        assert_eq!(payments.len(), 21, "one for each key");
        assert!(payments.iter().all(|paid| paid.taken == 2_000), "{payments:?}");
        invariants::check_settled(&api.platform);
    }
    assert!(refused > 0 && unrecorded > 0, "{refused} {unrecorded}");
}

#[test]
fn scenario_31_room_is_kept_for_the_payments_that_have_begun() {
    let (api, processor) = api::processors::connected();
    let held = api.post(PAY, &card(VISA, &[MANUAL])).ok();
    api.platform.outside().processor_hop.fail(1, Fault::AfterEffect);
    let open = api.post(PAY, &card(VISA, &[])).ok();
    assert_eq!(open.body["status"], "processing");
    processor.take_requests();
    api.platform.database().keep_room(true);
    let refused = api.post_once(PAY, &card(VISA, &[]), "key-1");
    assert_eq!(refused.header("stripe-should-retry"), Some("true"), "{:#}", refused.body);
    assert_eq!(refused.error(503)["type"], "api_error");
    let charge = [("amount", "100"), ("currency", "usd"), ("source", "tok_visa")];
    api.post("/v1/charges", &charge).error(503);
    assert_eq!(processor.take_requests(), Vec::<String>::new());
    // What has begun goes on to its end.
    let taken = api.post(&(path(&held) + "/capture"), &[]).ok();
    let refund = [("payment_intent", taken.id())];
    api.post("/v1/refunds", &refund).ok();
    pass(&api, 61, 1);
    assert_eq!(api.get(&path(&open)).ok().body["status"], "succeeded");
    let errors = api.platform.errors();
    assert!(errors.iter().any(|told| told.problem.contains("nearly full")), "{errors:?}");
    api.platform.database().keep_room(false);
    api.platform.advance(LEASE);
    let paid = api.post_once(PAY, &card(VISA, &[]), "key-1").ok();
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(processor.payments().len(), 3);
    invariants::check_settled(&api.platform);
}

#[test]
fn scenario_31_buckets_that_are_down_or_throttle_hold_up_no_payment() {
    let (api, processor) = api::processors::connected();
    let form = card(VISA, &[("receipt_email", "jo@example.com")]);
    for call in 1..=50 {
        api.platform.receipts_hop().fail(call, Fault::BeforeEffect);
        api.platform.files_hop().fail(call, Fault::BeforeEffect);
    }
    assert_eq!(api.post(PAY, &form).ok().body["status"], "succeeded");
    pass(&api, 600, 10);
    assert_eq!(only(&processor).taken, 2_000);
    assert!(api.platform.receipts().is_empty(), "they wait");
    api.platform.receipts_hop().heal();
    api.platform.files_hop().heal();
    pass(&api, 600, 10);
    assert!(!api.platform.receipts().is_empty(), "and are made once there is a bucket");
    assert_eq!(latest(&api).body["status"], "succeeded");
    invariants::check_settled(&api.platform);
}
