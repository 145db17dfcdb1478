// The balance and its transactions, with stripe-node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let stripe: Stripe;

const DAY = 86_400;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

const paid = {
  amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
  automatic_payment_methods: { enabled: true, allow_redirects: "never" },
} as const;

async function dollars(): Promise<{ available: number | undefined; pending: number | undefined }> {
  const { available, pending } = await stripe.balance.retrieve();
  const of = (funds: { amount: number; currency: string }[]) => funds.find(({ currency }) => currency === "usd")?.amount;
  return { available: of(available), pending: of(pending) };
}

test("a payment's money is pending, then available, less its fee", async () => {
  assert.deepEqual(await dollars(), { available: 0, pending: 0 });
  const intent = await stripe.paymentIntents.create({ ...paid, expand: ["latest_charge.balance_transaction"] });
  const transaction = (intent.latest_charge as Stripe.Charge).balance_transaction as Stripe.BalanceTransaction;
  assert.deepEqual([transaction.amount, transaction.fee, transaction.net], [2000, 88, 1912]);
  assert.equal(transaction.status, "pending");
  assert.deepEqual(await dollars(), { available: 0, pending: 1912 });
  await stripe.refunds.create({ payment_intent: intent.id, amount: 500 });
  assert.deepEqual(await dollars(), { available: 0, pending: 1412 });
  await server.advance(3 * DAY);
  assert.deepEqual(await dollars(), { available: 1412, pending: 0 });
  // The books follow, and the simulator settles.
  await until("the books are moved", async () => {
    const [row] = await server.query("SELECT count(*) AS n FROM ledger_accounts WHERE kind IN ('pending', 'clearing')");
    return row?.["n"] === 0 || undefined;
  });
  assert.deepEqual(await dollars(), { available: 1412, pending: 0 });
  const unbalanced = await server.query("SELECT cause FROM ledger_entries GROUP BY cause, currency HAVING sum(amount) <> 0");
  assert.deepEqual(unbalanced, []);
});

test("transactions are retrieved and listed by type and source", async () => {
  const refund = await stripe.refunds.create({ charge: (await stripe.paymentIntents.create(paid)).latest_charge as string });
  const [transaction] = (await stripe.balanceTransactions.list({ source: refund.id, expand: ["data.source"] })).data;
  assert.equal(transaction?.type, "refund");
  assert.equal((transaction?.source as Stripe.Refund).id, refund.id);
  const retrieved = await stripe.balanceTransactions.retrieve(refund.balance_transaction as string);
  assert.deepEqual([retrieved.amount, retrieved.reporting_category], [-2000, "refund"]);
  const charges = await stripe.balanceTransactions.list({ type: "charge", currency: "usd", limit: 1 });
  assert.equal(charges.data[0]?.type, "charge");
  assert.equal(charges.has_more, true);
});
