//! That the kit is as strict as D1, and that its faults do what they say.

use domain::Timestamp;
use domain::api_key::{Access, Kind, hash};
use domain::idempotency::{Answer, Begin, Complete, Decision, LEASE};
use flows::Platform as _;
use futures_util::join;
use kit::{Counts, Database, Fault, Platform, START, run, run_until_poll};
use store::accounts::KeyAndAccount;
use store::{Database as _, DatabaseError, Statement, Value, development_clock, guard, values};

fn advance_by_seconds(database: &Database) -> i64 {
    let rows = database.query("SELECT ahead_seconds FROM development_clock", values![]);
    rows.first().map_or(0, |row| row.integer("ahead_seconds").expect("an integer"))
}

#[test]
fn integers_arrive_as_floats_and_strict_columns_keep_integers() {
    let database = Database::new();
    let shown = "SELECT typeof(?1) AS kind, ?1 || '' AS text, ?1 / 2 AS half";
    let row = &database.query(shown, values![5])[0];
    assert_eq!((row.text("kind"), row.text("text")), (Ok("real"), Ok("5.0")));
    assert_eq!(row.0["half"], serde_json::json!(2.5));
    assert!(database.query("SELECT ?1 + 1 AS n", values![5])[0].integer("n").is_err());
    run(database.batch(vec![development_clock::advance(5)])).expect("an integer");
    assert_eq!(advance_by_seconds(&database), 5);
}

fn try_out(database: &Database, sql: String, values: Vec<Value>) -> Result<(), DatabaseError> {
    run(database.batch(vec![Statement::new(sql, values)])).map(|_| ())
}

#[test]
fn what_is_too_large_for_d1_is_refused() {
    let database = Database::new();
    let places = |count: usize| {
        let names: Vec<_> = (1..=count).map(|place| format!("?{place}")).collect();
        (format!("SELECT 1 WHERE 1 IN ({})", names.join(",")), vec![Value::Null; count])
    };
    let (sql, values) = places(100);
    assert_eq!(try_out(&database, sql, values), Ok(()));
    let (sql, values) = places(101);
    assert!(matches!(try_out(&database, sql, values), Err(DatabaseError::Refused(_))));
    let text = |length: usize| format!("SELECT '{}'", "a".repeat(length - 9));
    assert_eq!(try_out(&database, text(100_000), values![]), Ok(()));
    assert!(matches!(try_out(&database, text(100_001), values![]), Err(DatabaseError::Refused(_))));
}

#[test]
fn what_d1_would_round_or_cannot_bind_is_refused() {
    let database = Database::new();
    let number = || "SELECT ?1 AS n".to_owned();
    assert_eq!(try_out(&database, number(), values![(1_i64 << 53) - 1]), Ok(()));
    assert!(matches!(
        try_out(&database, number(), values![1_i64 << 53]),
        Err(DatabaseError::Refused(_))
    ));
    let large = "SELECT 9007199254740992 AS n".to_owned();
    assert!(matches!(try_out(&database, large, values![]), Err(DatabaseError::Refused(_))));
    assert!(try_out(&database, number(), values![]).is_err());
    assert!(try_out(&database, number(), values![1, 2]).is_err());
    assert!(matches!(
        try_out(&database, "SELEC".to_owned(), values![]),
        Err(DatabaseError::Refused(_))
    ));
    let orphan = "INSERT INTO api_keys (hash, id, account, livemode, kind, display, created) \
                  VALUES ('h', 'key_1', 'acct_1', 0, 'secret', '', 0)";
    assert!(matches!(
        try_out(&database, orphan.to_owned(), values![]),
        Err(DatabaseError::Refused(_))
    ));
}

#[test]
fn faults_hit_the_batch_that_they_were_planned_for() {
    let database = Database::new();
    let advance = || run(database.batch(vec![development_clock::advance(1)])).map(|_| ());
    database.hop().fail(2, Fault::BeforeEffect);
    database.hop().fail(3, Fault::AfterEffect);
    assert_eq!((advance(), advance_by_seconds(&database)), (Ok(()), 1));
    assert!(matches!(advance(), Err(DatabaseError::Unknown(_))));
    assert_eq!(advance_by_seconds(&database), 1);
    assert!(matches!(advance(), Err(DatabaseError::Unknown(_))));
    assert_eq!(advance_by_seconds(&database), 2);
    assert_eq!(database.take_counts(), Counts { batches: 2, statements: 2, rows_written: 2 });
    assert_eq!(database.hop().calls(), 3);
}

/// Two requests that read the same row before either writes: one of them is told by its guard.
#[test]
fn futures_interleave_where_hops_yield() {
    let platform = Platform::new();
    let database = platform.database();
    run(database.batch(vec![development_clock::advance(1)])).expect("a row to fight for");
    let raise = async || {
        let rows = database.batch(vec![development_clock::find()]).await?;
        let seen = rows[0].0[0].integer("ahead_seconds")?;
        let raise = "UPDATE development_clock SET ahead_seconds = ahead_seconds + 1 \
                     WHERE ahead_seconds = ?1";
        let statements = vec![Statement::new(raise, values![seen]), guard::changed_one("seen")];
        database.batch(statements).await.map(|_| ())
    };
    let one_by_one = run(async { join!(raise(), raise()) });
    assert_eq!(one_by_one, (Ok(()), Ok(())));
    platform.yields(true);
    let together = run(async { join!(raise(), raise()) });
    assert_eq!(together, (Ok(()), Err(DatabaseError::Guard("seen".to_owned()))));
    assert_eq!(advance_by_seconds(database), 4);
}

#[test]
fn a_request_can_be_crashed_at_each_of_its_hops() {
    let effects = (1..=10).map_while(|polls| {
        let platform = Platform::new();
        platform.yields(true);
        let twice = async {
            platform.database().batch(vec![development_clock::advance(1)]).await?;
            platform.database().batch(vec![development_clock::advance(1)]).await
        };
        let ended = run_until_poll(polls, twice).is_some();
        (!ended).then(|| advance_by_seconds(platform.database()))
    });
    assert_eq!(effects.collect::<Vec<_>>(), [0, 1, 1, 2]);
}

#[test]
fn a_file_is_the_same_database_after_a_restart() {
    let path = std::env::temp_dir().join(format!("florin-kit-{}.sqlite", std::process::id()));
    let _ = std::fs::remove_file(&path);
    run(Database::open(&path).batch(vec![development_clock::advance(3)])).expect("written");
    let ahead = advance_by_seconds(&Database::open(&path));
    std::fs::remove_file(&path).expect("the file was there");
    assert_eq!(ahead, 3);
}

#[test]
fn a_database_has_nothing_of_whoever_had_its_connection_before() {
    let script = "CREATE TEMP TABLE notes (text TEXT)";
    let look = |database: &Database| {
        let sql = "SELECT (SELECT count(*) FROM development_clock) AS rows, \
             (SELECT count(*) FROM notes) AS notes, \
             (SELECT count(*) FROM temp.sqlite_schema) AS temporary, \
             (SELECT group_concat(name) FROM sqlite_schema) AS schema";
        database.query(sql, values![]).remove(0).0
    };
    let changes = |database: &Database| {
        database.query("SELECT total_changes() AS made", values![])[0]
            .integer("made")
            .expect("a number")
    };
    let first = Database::with(script);
    let fresh = look(&first);
    run(first.batch(vec![development_clock::advance(1)])).expect("written");
    let stray = "INSERT INTO guard VALUES (0, 'broken')";
    run(first.batch(vec![development_clock::advance(1), Statement::new(stray, values![])]))
        .expect_err("its batch is rolled back, and no more than that");
    assert_eq!(advance_by_seconds(&first), 1);
    for sql in [
        "INSERT INTO notes VALUES ('first')",
        "CREATE TEMP TABLE more (text TEXT)",
        "DROP TABLE development_clock",
    ] {
        first.query(sql, values![]);
    }
    let made = changes(&first);
    drop(first);
    let second = Database::with(script);
    assert_eq!(look(&second), fresh);
    assert!(changes(&second) >= made, "it is another connection");
    second.query("PRAGMA ignore_check_constraints = 1", values![]);
    drop(second);
    let third = Database::with(script);
    assert_eq!(look(&third), fresh);
    let setting = &third.query("PRAGMA ignore_check_constraints", values![])[0];
    assert_eq!(setting.integer("ignore_check_constraints"), Ok(0));
}

#[test]
fn statements_without_a_known_plan_are_noticed() {
    let database = Database::new();
    let stray = "SELECT * FROM charges WHERE amount = 5";
    run(database.batch(vec![development_clock::find(), Statement::new(stray, values![])]))
        .expect("read");
    assert_eq!(database.unregistered(), [stray]);
}

#[test]
fn merchants_have_keys_that_the_store_finds() {
    let platform = Platform::new();
    let (acme, other) = (platform.merchant("acme"), platform.merchant("other"));
    let live = platform.key(&acme, Kind::Secret, true);
    let rights = [("charge".to_owned(), Access::Read)].into();
    let restricted = platform.restricted_key(&acme, false, &rights);
    let find = |text: &str| {
        let statement = store::accounts::find_by_key(&hash(text));
        let rows = run(platform.database().batch(vec![statement])).expect("read");
        KeyAndAccount::try_from(&rows[0].0[0]).expect("a key")
    };
    assert_eq!(acme.secret_key, "sk_test_acme00000000000000000001");
    assert_eq!(find(&acme.secret_key).account.id, acme.account);
    assert_eq!(find(&acme.publishable_key).key.kind, Kind::Publishable);
    assert_eq!(find(&other.secret_key).account.id, other.scope().account);
    assert!(find(&live).key.livemode && acme.live_scope().livemode);
    assert_eq!(find(&restricted).key.permissions, rights);
}

fn begin(
    platform: &Platform,
    object: &str,
    fingerprint: &str,
) -> Result<Decision, flows::PlatformError> {
    let begin = Begin {
        key: "k".to_owned(),
        fingerprint: fingerprint.to_owned(),
        seed: "seed".to_owned(),
        request_id: "req_1".to_owned(),
        now: platform.now(),
    };
    run(platform.begin(object, &begin))
}

#[test]
fn idempotency_records_live_in_their_object_and_follow_the_rules_of_production() {
    let platform = Platform::new();
    let fresh = |epoch, resumes| Decision::Run { seed: "seed".to_owned(), epoch, resumes };
    assert_eq!(begin(&platform, "shard:0", "a"), Ok(fresh(1, false)));
    assert_eq!(begin(&platform, "shard:0", "a"), Ok(Decision::InFlight));
    assert_eq!(begin(&platform, "shard:0", "b"), Ok(Decision::Mismatch));
    assert_eq!(begin(&platform, "shard:1", "b"), Ok(fresh(1, false)), "another object");
    platform.advance(LEASE);
    assert_eq!(begin(&platform, "shard:0", "a"), Ok(fresh(2, true)));

    let answer = Answer { status: 200, body: "{}".to_owned() };
    let complete = Complete { key: "k".to_owned(), epoch: 2, answer: Some(answer.clone()) };
    platform.complete_hop().fail(1, Fault::AfterEffect);
    assert!(run(platform.complete("shard:0", &complete)).is_err());
    assert_eq!(
        platform.record("shard:0", "k").and_then(|record| record.answer),
        Some(answer.clone())
    );
    platform.begin_hop().fail(1, Fault::BeforeEffect);
    assert!(begin(&platform, "shard:0", "a").is_err());
    let replay = Decision::Replay { answer, original_request: "req_1".to_owned() };
    assert_eq!(begin(&platform, "shard:0", "a"), Ok(replay));
}

#[test]
fn a_platform_is_the_same_in_every_run() {
    let draws = |seed| {
        let platform = Platform::over(Database::new(), seed);
        (platform.random(), platform.random())
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
    assert_ne!(draws(1).0, draws(1).1);
    let platform = Platform::new();
    platform.advance(5);
    assert_eq!(platform.now(), Timestamp(START.seconds() + 5));
    platform.wake(platform.now());
    platform.log_error("req_1", "broken");
    assert_eq!(platform.wakes(), [START.plus(5)]);
    assert_eq!(
        (platform.errors()[0].request.as_str(), platform.errors()[0].problem.as_str()),
        ("req_1", "broken")
    );
    assert!(
        platform.master_key().seal(domain::seal::Kind::Card, "4242", "acct_1", [0; 12]).is_ok()
    );
}
