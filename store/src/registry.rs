//! Every statement that units of work run, by name, for the test that shows the plan of each.

use crate::list::{Cursor, Filter, Table};
use crate::{
    accounts, alerts, archive, attempts, audit, balance_transactions, bank_accounts, charges,
    connector_accounts, connector_webhooks, customers, dead_letters, deliveries, delivery_list,
    development_clock, development_outbox, disputes, event_replays, events, fan_out, files, guard,
    lasting_keys, ledger, list, mail, metadata_entries, payment_intents, payment_methods, payouts,
    receipts, refunds, report_runs, resealing, routings, scheduled_tasks, search, settlements,
    setup_intents, tokens, topups, transfers, webhook_endpoints,
};

/// Every statement with a name for people.
pub fn statements() -> Vec<(String, String)> {
    let fixed = [
        ("accounts.find", accounts::FIND),
        ("accounts.insert_connected", accounts::INSERT_CONNECTED),
        ("accounts.find_by_key", accounts::FIND_BY_KEY),
        ("accounts.payouts_due", accounts::PAYOUTS_DUE),
        ("accounts.plan_payouts", accounts::PLAN_PAYOUTS),
        ("accounts.postpone_payouts", accounts::POSTPONE_PAYOUTS),
        ("alerts.end_others", alerts::END_OTHERS),
        ("alerts.raise", alerts::RAISE),
        ("alerts.told", alerts::TOLD),
        ("alerts.untold", alerts::UNTOLD),
        ("archive.attempts", archive::ATTEMPTS),
        ("archive.delete_attempts", archive::DELETE_ATTEMPTS),
        ("archive.delete_deliveries", archive::DELETE_DELIVERIES),
        ("archive.delete_events", archive::DELETE_EVENTS),
        ("archive.deliveries", archive::DELIVERIES),
        ("archive.events", archive::EVENTS),
        ("archive.forget_endpoints", archive::FORGET_ENDPOINTS),
        ("archive.forget_replays", archive::FORGET_REPLAYS),
        ("archive.give_up", archive::GIVE_UP),
        ("archive.must_be_unchanged", archive::MUST_BE_UNCHANGED),
        ("archive.next", archive::NEXT),
        ("attempts.cancel_action", attempts::CANCEL_ACTION),
        ("attempts.find", attempts::FIND),
        ("attempts.find_by_id", attempts::FIND_BY_ID),
        ("attempts.find_by_reference", attempts::FIND_BY_REFERENCE),
        ("attempts.goes_on", attempts::GOES_ON),
        ("attempts.insert", attempts::INSERT),
        ("attempts.move", attempts::MOVE),
        ("attempts.must_be_its_own", attempts::MUST_BE_ITS_OWN),
        ("attempts.must_be_sent_once", attempts::MUST_BE_SENT_ONCE),
        ("attempts.note_reference", attempts::NOTE_REFERENCE),
        ("attempts.park", attempts::PARK),
        ("attempts.resolve", attempts::RESOLVE),
        ("attempts.send_again", attempts::SEND_AGAIN),
        ("attempts.token_is_gone", attempts::TOKEN_IS_GONE),
        ("balance_transactions.find", balance_transactions::FIND),
        ("balance_transactions.insert", balance_transactions::INSERT),
        ("bank_accounts.find", bank_accounts::FIND),
        ("bank_accounts.find_default", bank_accounts::FIND_DEFAULT),
        ("bank_accounts.find_of_payout", bank_accounts::FIND_OF_PAYOUT),
        ("bank_accounts.insert", bank_accounts::INSERT),
        ("bank_accounts.must_be_unchanged", bank_accounts::MUST_BE_UNCHANGED),
        ("bank_accounts.update", bank_accounts::UPDATE),
        ("charges.find", charges::FIND),
        ("charges.find_latest_at_processor", charges::FIND_LATEST_AT_PROCESSOR),
        ("charges.find_latest_of_intent", charges::FIND_LATEST_OF_INTENT),
        ("charges.find_of_dispute", charges::FIND_OF_DISPUTE),
        ("charges.find_of_refund", charges::FIND_OF_REFUND),
        ("charges.insert", charges::INSERT),
        ("charges.must_be_at_version", charges::MUST_BE_AT_VERSION),
        ("charges.update", charges::UPDATE),
        ("connector_accounts.find", connector_accounts::FIND),
        ("connector_accounts.find_by_id", connector_accounts::FIND_BY_ID),
        ("connector_accounts.insert", connector_accounts::INSERT),
        ("connector_accounts.must_have_nothing_open", connector_accounts::MUST_HAVE_NOTHING_OPEN),
        ("connector_accounts.must_have_room", connector_accounts::MUST_HAVE_ROOM),
        ("connector_accounts.update", connector_accounts::UPDATE),
        ("connector_webhooks.find", connector_webhooks::FIND),
        ("connector_webhooks.forget", connector_webhooks::FORGET),
        ("connector_webhooks.insert", connector_webhooks::INSERT),
        ("connector_webhooks.update", connector_webhooks::UPDATE),
        ("customers.find", customers::FIND),
        ("customers.find_keeper", customers::FIND_KEEPER),
        ("customers.insert", customers::INSERT),
        ("customers.must_be_unchanged", customers::MUST_BE_UNCHANGED),
        ("customers.must_exist", customers::MUST_EXIST),
        ("customers.update", customers::UPDATE),
        ("dead_letters.delete", dead_letters::DELETE),
        ("dead_letters.explain", dead_letters::EXPLAIN),
        ("dead_letters.find", dead_letters::FIND),
        ("dead_letters.park", dead_letters::PARK),
        ("dead_letters.put_back", dead_letters::PUT_BACK),
        ("dead_letters.remove", dead_letters::REMOVE),
        ("dead_letters.to_redrive", dead_letters::TO_REDRIVE),
        ("dead_letters.wait", dead_letters::WAIT),
        ("deliveries.find_due", deliveries::FIND_DUE),
        ("deliveries.find_first", deliveries::FIND_FIRST),
        ("deliveries.find_lost", deliveries::FIND_LOST),
        ("deliveries.give_up", deliveries::GIVE_UP),
        ("deliveries.insert", deliveries::INSERT),
        ("deliveries.keep_attempt", deliveries::KEEP_ATTEMPT),
        ("deliveries.let_follow", deliveries::LET_FOLLOW),
        ("deliveries.next_due", deliveries::NEXT_DUE),
        ("deliveries.plan", deliveries::PLAN),
        ("deliveries.plan_lost", deliveries::PLAN_LOST),
        ("deliveries.record", deliveries::RECORD),
        ("deliveries.settle", deliveries::SETTLE),
        ("deliveries.step_aside", deliveries::STEP_ASIDE),
        ("deliveries.succeed", deliveries::SUCCEED),
        ("delivery_list.attempts", delivery_list::ATTEMPTS),
        ("delivery_list.find", delivery_list::FIND),
        ("development_clock.advance", development_clock::ADVANCE),
        ("development_clock.find", development_clock::FIND),
        ("development_outbox.insert", development_outbox::INSERT),
        ("development_outbox.latest", development_outbox::LATEST),
        ("disputes.find", disputes::FIND),
        ("disputes.insert", disputes::INSERT),
        ("disputes.update", disputes::UPDATE),
        ("event_replays.candidates", event_replays::CANDIDATES),
        ("event_replays.find", event_replays::FIND),
        ("event_replays.insert", event_replays::INSERT),
        ("event_replays.keep_attempts", event_replays::KEEP_ATTEMPTS),
        ("event_replays.plan", event_replays::PLAN),
        ("event_replays.update", event_replays::UPDATE),
        ("events.find", events::FIND),
        ("events.first_since", events::FIRST_SINCE),
        ("events.insert", events::INSERT),
        ("events.last_until", events::LAST_UNTIL),
        ("events.sequence", events::SEQUENCE),
        ("events.show", events::SHOW),
        ("events.show_all", events::SHOW_ALL),
        ("fan_out.advance", fan_out::ADVANCE),
        ("fan_out.cursor", fan_out::CURSOR),
        ("fan_out.endpoints", fan_out::ENDPOINTS),
        ("fan_out.events", fan_out::EVENTS),
        ("fan_out.last", fan_out::LAST),
        ("fan_out.searched", fan_out::SEARCHED),
        ("files.find", files::FIND),
        ("files.insert", files::INSERT),
        ("guard.changed_one", guard::CHANGED_ONE),
        ("guard.changed_some", guard::CHANGED_SOME),
        ("lasting_keys.find", lasting_keys::FIND),
        ("lasting_keys.insert", lasting_keys::INSERT),
        ("ledger.balances_of_merchant", ledger::BALANCES_OF_MERCHANT),
        ("ledger.due", ledger::DUE),
        ("ledger.funds", ledger::FUNDS),
        ("ledger.funds_must_hold", ledger::FUNDS_MUST_HOLD),
        ("ledger.must_balance", ledger::MUST_BALANCE),
        ("ledger.must_hold", ledger::MUST_HOLD),
        ("ledger.put_off", ledger::PUT_OFF),
        ("mail.find", mail::FIND),
        ("mail.put_off", mail::PUT_OFF),
        ("payment_intents.find", payment_intents::FIND),
        ("payment_intents.insert", payment_intents::INSERT),
        ("payment_intents.update", payment_intents::UPDATE),
        ("payment_methods.detach_all", payment_methods::DETACH_ALL),
        ("payment_methods.find", payment_methods::FIND),
        ("payment_methods.insert", payment_methods::INSERT),
        ("payment_methods.must_be_kept", payment_methods::MUST_BE_KEPT),
        ("payment_methods.must_be_usable", payment_methods::MUST_BE_USABLE),
        ("payment_methods.must_not_be_used", payment_methods::MUST_NOT_BE_USED),
        ("payment_methods.update", payment_methods::UPDATE),
        ("payment_methods.use_up", payment_methods::USE_UP),
        ("payouts.find", payouts::FIND),
        ("payouts.find_by_hand_since", payouts::FIND_BY_HAND_SINCE),
        ("payouts.find_last_scheduled", payouts::FIND_LAST_SCHEDULED),
        ("payouts.insert", payouts::INSERT),
        ("payouts.update", payouts::UPDATE),
        ("receipts.advance", receipts::ADVANCE),
        ("receipts.cursor", receipts::CURSOR),
        ("receipts.events", receipts::EVENTS),
        ("receipts.find", receipts::FIND),
        ("receipts.refunds", receipts::REFUNDS),
        ("refunds.find", refunds::FIND),
        ("refunds.find_by_reference", refunds::FIND_BY_REFERENCE),
        ("refunds.find_failed", refunds::FIND_FAILED),
        ("refunds.insert", refunds::INSERT),
        ("refunds.must_be_its_own", refunds::MUST_BE_ITS_OWN),
        ("refunds.update", refunds::UPDATE),
        ("report_runs.find", report_runs::FIND),
        ("report_runs.first_day_carried", report_runs::FIRST_DAY_CARRIED),
        ("report_runs.insert", report_runs::INSERT),
        ("report_runs.last_line", report_runs::LAST_LINE),
        ("report_runs.update", report_runs::UPDATE),
        ("routings.find", routings::FIND),
        ("routings.find_current", routings::FIND_CURRENT),
        ("routings.insert", routings::INSERT),
        ("routings.version", routings::VERSION),
        ("scheduled_tasks.defer", scheduled_tasks::DEFER),
        ("scheduled_tasks.delete", scheduled_tasks::DELETE),
        ("scheduled_tasks.due", scheduled_tasks::DUE),
        ("scheduled_tasks.insert", scheduled_tasks::INSERT),
        ("scheduled_tasks.next", scheduled_tasks::NEXT),
        ("scheduled_tasks.processors", scheduled_tasks::PROCESSORS),
        ("scheduled_tasks.put_off", scheduled_tasks::PUT_OFF),
        ("settlements.any_open", settlements::ANY_OPEN),
        ("settlements.book", settlements::BOOK),
        ("settlements.booked_together", settlements::BOOKED_TOGETHER),
        ("settlements.close_breaks", settlements::CLOSE_BREAKS),
        ("settlements.close_reported", settlements::CLOSE_REPORTED),
        ("settlements.corrected", settlements::CORRECTED),
        ("settlements.expect_again", settlements::EXPECT_AGAIN),
        ("settlements.find_break", settlements::FIND_BREAK),
        ("settlements.find_expected", settlements::FIND_EXPECTED),
        ("settlements.find_line", settlements::FIND_LINE),
        ("settlements.find_report", settlements::FIND_REPORT),
        ("settlements.insert_lines", settlements::INSERT_LINES),
        ("settlements.insert_report", settlements::INSERT_REPORT),
        ("settlements.judge_again", settlements::JUDGE_AGAIN),
        ("settlements.leave_open", settlements::LEAVE_OPEN),
        ("settlements.missing", settlements::MISSING),
        ("settlements.name_payouts", settlements::NAME_PAYOUTS),
        ("settlements.open_break", settlements::OPEN_BREAK),
        ("settlements.others", settlements::OTHERS),
        ("settlements.ours", settlements::OURS),
        ("settlements.payouts", settlements::PAYOUTS),
        ("settlements.payout_checked", settlements::PAYOUT_CHECKED),
        ("settlements.resolve", settlements::RESOLVE),
        ("settlements.reverse", settlements::REVERSE),
        ("settlements.settle", settlements::SETTLE),
        ("settlements.take_back", settlements::TAKE_BACK),
        ("settlements.to_judge", settlements::TO_JUDGE),
        ("setup_intents.find", setup_intents::FIND),
        ("setup_intents.insert", setup_intents::INSERT),
        ("tokens.find", tokens::FIND),
        ("tokens.find_bank_account", tokens::FIND_BANK_ACCOUNT),
        ("tokens.insert_bank_account", tokens::INSERT_BANK_ACCOUNT),
        ("tokens.use_bank_account", tokens::USE_BANK_ACCOUNT),
        ("tokens.insert", tokens::INSERT),
        ("tokens.use", tokens::USE),
        ("webhook_endpoints.find", webhook_endpoints::FIND),
        ("webhook_endpoints.find_by_ids", webhook_endpoints::FIND_BY_IDS),
        ("webhook_endpoints.health", webhook_endpoints::HEALTH),
        ("webhook_endpoints.hold", webhook_endpoints::HOLD),
        ("webhook_endpoints.insert", webhook_endpoints::INSERT),
        ("webhook_endpoints.leave_alone", webhook_endpoints::LEAVE_ALONE),
        ("webhook_endpoints.mark_deleted", webhook_endpoints::MARK_DELETED),
        ("webhook_endpoints.must_have_room", webhook_endpoints::MUST_HAVE_ROOM),
        ("webhook_endpoints.of_account", webhook_endpoints::OF_ACCOUNT),
        ("webhook_endpoints.recover", webhook_endpoints::RECOVER),
        ("webhook_endpoints.release", webhook_endpoints::RELEASE),
        ("webhook_endpoints.share", webhook_endpoints::SHARE),
        ("webhook_endpoints.slow_down", webhook_endpoints::SLOW_DOWN),
        ("webhook_endpoints.speed_up", webhook_endpoints::SPEED_UP),
        ("webhook_endpoints.update", webhook_endpoints::UPDATE),
        ("webhook_endpoints.warn", webhook_endpoints::WARN),
        ("topups.find", topups::FIND),
        ("topups.insert", topups::INSERT),
        ("topups.update", topups::UPDATE),
        ("transfers.find", transfers::FIND),
        ("transfers.find_reversal", transfers::FIND_REVERSAL),
        ("transfers.insert", transfers::INSERT),
        ("transfers.insert_reversal", transfers::INSERT_REVERSAL),
        ("transfers.update", transfers::UPDATE),
        ("transfers.update_reversal", transfers::UPDATE_REVERSAL),
    ];
    let fixed = fixed.into_iter().map(|(name, sql)| (name.to_owned(), sql.to_owned()));
    fixed
        .chain(entries())
        .chain(metadata())
        .chain(lines())
        .chain(pages())
        .chain(search::statements())
        .chain(audit::statements())
        .chain(delivery_list::statements())
        .chain(resealing::statements())
        .collect()
}

/// The statements that write a transaction of the ledger, by the number of its entries.
fn entries() -> Vec<(String, String)> {
    (1..=ledger::MOST_ENTRIES)
        .map(|count| (format!("ledger.insert {count}"), ledger::insert_sql(count).into_owned()))
        .collect()
}

/// The statements that write the metadata of each kind of object that has rows of it.
fn metadata() -> Vec<(String, String)> {
    let kinds = ["charge", "customer", "payment_intent"];
    let statements = |kind: &str| {
        [
            (format!("metadata_entries.delete {kind}"), metadata_entries::delete_sql(kind)),
            (format!("metadata_entries.insert {kind}"), metadata_entries::insert_sql(kind)),
        ]
    };
    kinds.into_iter().flat_map(statements).collect()
}

/// The statements that read a slice of a report, by how much they read of each line.
fn lines() -> Vec<(String, String)> {
    let depths = report_runs::Depth::ALL.into_iter();
    depths
        .map(|depth| (format!("report_runs.lines {depth:?}"), report_runs::lines_sql(depth)))
        .collect()
}

/// Every page that a list can ask for.
fn pages() -> Vec<(String, String)> {
    let text = String::new;
    let filters = [
        (
            Table::Charges,
            every_choice(&[
                Filter::PaymentIntent(text()),
                Filter::TransferGroup(text()),
                Filter::Customer(text()),
            ]),
        ),
        (Table::Attempts, vec![Filter::PaymentIntent(text())]),
        (Table::BalanceTransactions, balance_transaction_filters()),
        (Table::ConnectorAccounts, Vec::new()),
        (Table::ConnectorWebhooks, vec![Filter::Status(text())]),
        (Table::SettlementBreaks, vec![Filter::Status(text())]),
        (Table::SettlementReports, vec![]),
        (Table::Customers, vec![Filter::Email(text())]),
        (Table::Disputes, every_choice(&[Filter::Charge(text()), Filter::PaymentIntent(text())])),
        (Table::Events, event_filters()),
        (Table::Files, vec![Filter::Purpose(text())]),
        (Table::PaymentIntents, vec![Filter::Customer(text())]),
        (
            Table::PaymentMethods,
            vec![
                Filter::Customer(text()),
                Filter::all([Filter::Customer(text()), Filter::AllowRedisplay(text())]),
            ],
        ),
        (Table::BankAccounts, Vec::new()),
        (Table::Payouts, payout_filters()),
        (Table::ReportRuns, Vec::new()),
        (Table::Routings, Vec::new()),
        (Table::WebhookEndpoints, Vec::new()),
        (Table::Refunds, every_choice(&[Filter::Charge(text()), Filter::PaymentIntent(text())])),
        (Table::Topups, topup_filters()),
        (Table::TransferReversals, vec![Filter::Transfer(text())]),
        (
            Table::Transfers,
            every_choice(&[Filter::Destination(text()), Filter::TransferGroup(text())]),
        ),
    ];
    let cursors = [Cursor::Newest, Cursor::After(text()), Cursor::Before(text())];
    let mut pages = Vec::new();
    for cursor in &cursors {
        let name = format!("list.page RoutedAttempts {cursor:?}");
        let filter = Filter::PaymentIntent(text());
        pages.push((name, list::page_sql(Table::RoutedAttempts, &filter, cursor)));
    }
    for (table, filters) in filters {
        pages.push((format!("list.cursor {table:?}"), list::cursor_sql(table)));
        for filter in [vec![Filter::Nothing], filters].concat() {
            for cursor in &cursors {
                let name = format!("list.page {table:?} {filter:?} {cursor:?}");
                pages.push((name, list::page_sql(table, &filter, cursor)));
            }
        }
    }
    pages
}

/// A type narrows first; whether every endpoint took the event only what it leaves.
fn event_filters() -> Vec<Filter> {
    let types = || [Filter::Type(String::new()), Filter::DenseType(String::new())];
    let all = [Filter::Nothing].into_iter().chain(types());
    let delivered = all.map(|first| Filter::all([first, Filter::Delivered]));
    types().into_iter().chain(delivered).collect()
}

/// A destination or a status narrows first; the days of arrival only what these leave.
fn payout_filters() -> Vec<Filter> {
    let text = String::new;
    let narrowed = [
        vec![Filter::Nothing],
        vec![Filter::Destination(text())],
        vec![Filter::Status(text())],
        vec![Filter::Destination(text()), Filter::Status(text())],
    ];
    let arriving = |filters: &Vec<Filter>| {
        Filter::all([filters.clone(), vec![Filter::ArrivesFrom(0), Filter::ArrivesBy(0)]].concat())
    };
    let mut filters: Vec<_> = narrowed.iter().map(arriving).collect();
    filters.extend(narrowed.into_iter().skip(1).map(Filter::all));
    filters
}

/// A status narrows first; the amount only what it leaves.
fn topup_filters() -> Vec<Filter> {
    let amount = || [Filter::AmountFrom(0), Filter::AmountTo(0)];
    let status = || Filter::Status(String::new());
    let of = |first| Filter::all([vec![first], amount().to_vec()].concat());
    vec![status(), of(Filter::Nothing), of(status())]
}

/// A source or a type narrows first; a currency only what these leave.
fn balance_transaction_filters() -> Vec<Filter> {
    let text = String::new;
    let narrowed = [
        vec![Filter::Source(text())],
        vec![Filter::Type(text())],
        vec![Filter::Source(text()), Filter::Type(text())],
        vec![Filter::Source(text()), Filter::DenseType(text())],
        vec![Filter::Nothing, Filter::DenseType(text())],
    ];
    let in_currency = |filters: &Vec<Filter>| {
        Filter::all([filters.clone(), vec![Filter::Currency(text())]].concat())
    };
    let mut filters = vec![in_currency(&vec![Filter::Nothing])];
    filters.extend(narrowed.iter().map(in_currency));
    filters.extend(narrowed.into_iter().map(Filter::all));
    filters.extend(carried_filters());
    filters
}

/// What a payout carries: by the days that it covers.
fn carried_filters() -> Vec<Filter> {
    let text = String::new;
    let carried = || {
        vec![
            Filter::Nothing,
            Filter::AvailableFrom(0),
            Filter::AvailableBefore(0),
            Filter::NotType(text()),
            Filter::Currency(text()),
        ]
    };
    let further = [
        vec![],
        vec![Filter::Source(text())],
        vec![Filter::DenseType(text())],
        vec![Filter::Source(text()), Filter::DenseType(text())],
    ];
    further.into_iter().map(|more| Filter::all([carried(), more].concat())).collect()
}

/// The filter for each choice of one or more of these, which stand in the order of lists.
fn every_choice(filters: &[Filter]) -> Vec<Filter> {
    let Some((first, rest)) = filters.split_first() else { return Vec::new() };
    let without = every_choice(rest);
    let with = without.iter().map(|choice| {
        let others = match choice {
            Filter::All(second, others) => [vec![(**second).clone()], others.clone()].concat(),
            other => vec![other.clone()],
        };
        Filter::all([vec![first.clone()], others].concat())
    });
    let with: Vec<_> = with.collect();
    [vec![first.clone()], with, without].concat()
}
