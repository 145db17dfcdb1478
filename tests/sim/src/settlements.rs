//! The processor's reports: merchants hand in what it settled, now and then while all goes on and in full at the end, in
//! whichever parts and order, some of it twice, and some of it wrong at first.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::rc::Rc;

use store::values;

use crate::client::Client;
use crate::notices::Hook;
use crate::processor::Line;
use crate::workers;
use crate::world::World;

const HEAD: &str = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,\
    payment_intent_id,automatic_payout_id,customer_facing_amount,customer_facing_currency,exchange_rate,\
    payment_metadata[florin_key]\n";

/// How often it is looked whether all is judged.
const TURNS: u32 = 60;

/// Hands in what moved in an account so far, or some of it, while everything else goes on.
pub async fn so_far(client: &Client, account: &str) {
    let pays_out = client.world.draw(|random| random.chance(3_000));
    if pays_out {
        client.world.processor.borrow_mut().pay_out(account);
    }
    let mut lines = client.world.processor.borrow().lines(account);
    shuffle(&client.world, &mut lines);
    let share = client.world.draw(|random| random.below(lines.len() as u64 + 1));
    lines.truncate(usize::try_from(share).unwrap_or_default());
    hand_in(client, account, &lines).await;
}

/// Hands in all that moved in an account, in parts that overlap.
pub async fn in_full(client: &Client, account: &str) {
    let world = &client.world;
    let (pays_out, drafts, parts) = world
        .draw(|random| (random.chance(6_000), random.chance(3_000), random.between(1, 4) as usize));
    if pays_out {
        world.processor.borrow_mut().pay_out(account);
    }
    let mut lines = world.processor.borrow().lines(account);
    shuffle(world, &mut lines);
    let draft = if drafts { misstated(world, account, &lines) } else { Vec::new() };
    if !draft.is_empty() {
        hand_in(client, account, &draft).await;
        judged_now_and_then(client).await;
    }
    let each = lines.len().div_ceil(parts).max(1);
    let most = lines.len();
    for place in 0..parts {
        let from = (place * each).min(most);
        // Some of it is told twice.
        let again = world.draw(|random| random.below(3)) as usize;
        let to = (from + each + again).min(most);
        hand_in(client, account, &lines[from..to]).await;
        judged_now_and_then(client).await;
    }
    // What was corrected comes once more, and is not believed.
    if !draft.is_empty() && world.draw(|random| random.chance(5_000)) {
        hand_in(client, account, &draft).await;
    }
}

/// Some lines that were never told before, otherwise than they are.
fn misstated(world: &World, account: &str, lines: &[Line]) -> Vec<Line> {
    let told = world.told.borrow();
    let is_new = |line: &&Line| {
        line.category != "payout" && !told.lines.contains(&(account.to_owned(), line.name.clone()))
    };
    let mut wrong = Vec::new();
    for line in lines.iter().filter(is_new) {
        let (is_wrong, gross, fee) = world.draw(|random| {
            (random.chance(2_500), random.pick(&[0, 100, -7]), random.pick(&[1, 19]))
        });
        if is_wrong {
            let mut line = line.clone();
            line.gross += gross;
            line.fee += fee;
            wrong.push(line);
        }
    }
    wrong
}

async fn judged_now_and_then(client: &Client) {
    let waits = client.world.draw(|random| random.chance(5_000));
    if waits {
        client.pause(20_000).await;
    }
}

/// Waits until every line is judged; what differs is judged again tomorrow.
pub fn judged(world: &Rc<World>) {
    let due = "SELECT 1 FROM scheduled_tasks WHERE kind = 'reconcile_settlement' AND due_at < ?1";
    for _ in 0..TURNS {
        let soon = world.clock(0).plus(60).seconds();
        if world.database.query(due, values![soon]).is_empty() {
            break;
        }
        workers::look(world);
        world.scheduler.run_until(world.now() + 5_000, || false);
    }
}

async fn hand_in(client: &Client, account: &str, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let world = &client.world;
    let Some(Hook { connector_account, .. }) = world.notices.borrow().hooks.get(account).cloned()
    else {
        return;
    };
    let mut file = HEAD.to_owned();
    for line in lines {
        write(&mut file, world, line);
    }
    let names = lines.iter().map(|line| (account.to_owned(), line.name.clone()));
    world.told.borrow_mut().lines.extend(names.collect::<BTreeSet<_>>());
    let form = [("connector_account", connector_account.as_str()), ("file", file.as_str())];
    let ask = client.ask("/v1/florin/settlement_reports", &form);
    let answer = client.insist(&ask).await;
    if let Some(answer) = answer.filter(|answer| answer.status < 500 && !answer.is_ok()) {
        let told = format!("I8: a report of {account} was refused: {}", answer.text);
        world.told.borrow_mut().problems.push(told);
    }
}

fn write(file: &mut String, world: &World, line: &Line) {
    let moment = domain::report::date_time(world.clock(0));
    let units = |amount| units(amount, &line.currency);
    let (gross, fee, net) = (units(line.gross), units(line.fee), units(line.net()));
    let Line { name, category, source, currency, .. } = line;
    let [payment, payout] =
        [&line.payment, &line.payout].map(|of| of.as_deref().unwrap_or_default());
    let (amount, paid_in, rate) = match &line.presented {
        Some((amount, currency, rate)) => {
            (self::units(*amount, currency), currency.as_str(), *rate)
        }
        None => (String::new(), "", ""),
    };
    let processor = world.processor.borrow();
    let key = processor.payment(payment).map(|paid| paid.key.as_str()).unwrap_or_default();
    let _ = writeln!(
        file,
        "{name},{moment},{currency},{gross},{fee},{net},{category},{source},{payment},{payout},{amount},{paid_in},\
         {rate},{key}"
    );
}

/// Major units, as `-12.50`.
fn units(amount: i64, currency: &str) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let size = amount.abs();
    match currency {
        "jpy" => format!("{sign}{size}"),
        _ => format!("{sign}{}.{:02}", size / 100, size % 100),
    }
}

fn shuffle(world: &World, lines: &mut [Line]) {
    for place in (1..lines.len()).rev() {
        let other = world.draw(|random| random.below(place as u64 + 1));
        lines.swap(place, usize::try_from(other).unwrap_or_default());
    }
}
