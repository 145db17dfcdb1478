// Top-ups, connected accounts and transfers, with stripe-node.
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

test("a top-up is available when the bank has answered", async () => {
  const made = await stripe.topups.create({ amount: 5000, currency: "usd", description: "Float", statement_descriptor: "Float" });
  assert.equal(made.status, "pending");
  assert.deepEqual((await stripe.topups.update(made.id, { metadata: { order: "1" } })).metadata, { order: "1" });
  const stopped = await stripe.topups.create({ amount: 1000, currency: "usd" });
  assert.equal((await stripe.topups.cancel(stopped.id)).status, "canceled");
  const refused = await stripe.topups.create({ amount: 1000, currency: "usd", source: "btok_us_verified_noAccount" });
  await server.advance(DAY);
  const done = await until("the bank has answered", async () => {
    const topup = await stripe.topups.retrieve(made.id, { expand: ["balance_transaction"] });
    return topup.status === "succeeded" ? topup : undefined;
  });
  assert.equal((done.balance_transaction as Stripe.BalanceTransaction).net, 5000);
  assert.equal((await until("the bank has refused", async () => {
    const topup = await stripe.topups.retrieve(refused.id);
    return topup.status === "failed" ? topup : undefined;
  })).failure_code, "no_account");
  assert.deepEqual((await stripe.topups.list({ status: "succeeded" })).data.map(({ id }) => id), [made.id]);
  await until("it is told", async () => (await stripe.events.list({ type: "balance.available" })).data[0]);
});

test("a transfer reaches a connected account and comes back in parts", async () => {
  const account = await stripe.accounts.create({ type: "standard", email: "jenny@example.com" });
  assert.equal((await stripe.accounts.retrieve(account.id)).email, "jenny@example.com");
  const transfer = await stripe.transfers.create({ amount: 1000, currency: "usd", destination: account.id, transfer_group: "g" });
  assert.deepEqual([transfer.destination, transfer.amount_reversed, transfer.reversed], [account.id, 0, false]);
  const part = await stripe.transfers.createReversal(transfer.id, { amount: 100, expand: ["balance_transaction", "transfer"] });
  assert.equal((part.balance_transaction as Stripe.BalanceTransaction).type, "transfer_refund");
  assert.equal((part.transfer as Stripe.Transfer).amount_reversed, 100);
  await stripe.transfers.updateReversal(transfer.id, part.id, { metadata: { why: "1" } });
  const found = await stripe.transfers.retrieveReversal(transfer.id, part.id);
  assert.deepEqual(found.metadata, { why: "1" });
  await stripe.transfers.createReversal(transfer.id);
  const updated = await stripe.transfers.update(transfer.id, { description: "Rent" });
  assert.deepEqual([updated.reversed, updated.reversals.data.map(({ amount }) => amount)], [true, [900, 100]]);
  assert.equal((await stripe.transfers.listReversals(transfer.id)).data.length, 2);
  assert.deepEqual((await stripe.transfers.list({ transfer_group: "g" })).data.map(({ id }) => id), [transfer.id]);
  await assert.rejects(stripe.transfers.createReversal(transfer.id), { type: "StripeInvalidRequestError" });
});

test("a transfer takes no more than there is, and reaches no stranger", async () => {
  const account = await stripe.accounts.create({});
  const form = { amount: 99_999_999, currency: "usd", destination: account.id };
  await assert.rejects(stripe.transfers.create(form), { code: "balance_insufficient" });
  const stranger = (await server.account()).account;
  await assert.rejects(stripe.transfers.create({ ...form, amount: 1, destination: stranger }), { code: "resource_missing" });
});
