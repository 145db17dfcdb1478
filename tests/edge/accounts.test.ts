// What an operator sets of an account with `cargo xtask account`, while it is being served.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { type Account, Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let account: Account;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  account = await server.account();
  stripe = server.stripe(account.secret_key);
});
after(() => server.stop());

function update(...parameters: string[]): { code: number | null; answer: Record<string, unknown> } {
  const command = ["xtask", "account", "update", "--account", account.account, "--state", server.state, ...parameters];
  const { status, stdout } = spawnSync("cargo", command, { encoding: "utf8" });
  return { code: status, answer: status === 0 ? (JSON.parse(stdout) as Record<string, unknown>) : {} };
}

async function pay(): Promise<Stripe.BalanceTransaction> {
  const intent = await stripe.paymentIntents.create({
    amount: 10_000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    expand: ["latest_charge.balance_transaction"],
  });
  return (intent.latest_charge as Stripe.Charge).balance_transaction as Stripe.BalanceTransaction;
}

test("a new price plan counts for what is paid from then on, and the old payment keeps its fee", async () => {
  const old = await pay();
  assert.equal(old.fee, 320);
  const { code, answer } = update("--price-plan", JSON.stringify({ basis_points: 100, fixed: { usd: 5 } }));
  assert.deepEqual([code, (answer["price_plan"] as { version: number }).version], [0, 2]);
  // An isolate remembers a key and its account for seconds.
  await until("the new plan counts", async () => ((await pay()).fee === 105 ? true : undefined));
  assert.equal((await stripe.balanceTransactions.retrieve(old.id)).fee, 320);
});

test("a payout schedule and a delay are set, one without the other", async () => {
  assert.equal(update("--payout-schedule", "weekly:friday", "--delay-days", "5").code, 0);
  const schedule = async () => (await stripe.accounts.retrieveCurrent()).settings?.payouts?.schedule;
  const weekly = await until("the schedule is there", async () => {
    const shown = await schedule();
    return shown?.interval === "weekly" ? shown : undefined;
  });
  assert.deepEqual(weekly, { delay_days: 5, interval: "weekly", weekly_anchor: "friday" });
  assert.equal(update("--payout-schedule", "daily").code, 0);
  const daily = await until("the schedule changed", async () => {
    const shown = await schedule();
    return shown?.interval === "daily" ? shown : undefined;
  });
  assert.deepEqual(daily, { delay_days: 5, interval: "daily" });
  const [row] = await server.query("SELECT payouts_due FROM accounts WHERE id = ?1", account.account);
  assert.notEqual(row?.["payouts_due"], null);
});

test("what the Worker could not read is refused", () => {
  for (const wrong of [["--price-plan", "{}"], ["--payout-schedule", "weekly:someday"], ["--delay-days", "91"]]) {
    assert.equal(update(...wrong).code, 1, wrong.join(" "));
  }
});
