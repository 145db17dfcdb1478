// Payouts and bank accounts, with stripe-node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let stripe: Stripe;
let account: string;

const DAY = 86_400;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
  account = (await stripe.accounts.retrieveCurrent()).id;
  await stripe.paymentIntents.create({
    amount: 10_000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  await server.advance(3 * DAY);
});
after(() => server.stop());

async function becomes(id: string, status: string): Promise<Stripe.Payout> {
  return until(`${id} is ${status}`, async () => {
    const payout = await stripe.payouts.retrieve(id, { expand: ["destination", "balance_transaction"] });
    return payout.status === status ? payout : undefined;
  });
}

test("a payout leaves at the end of its day and arrives a day later", async () => {
  const payout = await stripe.payouts.create({ amount: 1000, currency: "usd", metadata: { order: "1" } });
  assert.deepEqual([payout.status, payout.automatic, payout.method], ["pending", false, "standard"]);
  await server.advance(DAY);
  await becomes(payout.id, "in_transit");
  await server.advance(DAY);
  const paid = await becomes(payout.id, "paid");
  assert.equal((paid.destination as Stripe.BankAccount).last4, "6789");
  assert.equal((paid.balance_transaction as Stripe.BalanceTransaction).net, -1000);
  const listed = await stripe.payouts.list({ status: "paid" });
  assert.deepEqual(listed.data.map(({ id }) => id), [payout.id]);
});

test("more than there is cannot be paid out", async () => {
  await assert.rejects(stripe.payouts.create({ amount: 99_999_999, currency: "usd" }), { code: "balance_insufficient" });
});

test("a pending payout is updated and canceled", async () => {
  const { id } = await stripe.payouts.create({ amount: 1000, currency: "usd" });
  assert.deepEqual((await stripe.payouts.update(id, { metadata: { order: "2" } })).metadata, { order: "2" });
  assert.equal((await stripe.payouts.cancel(id)).status, "canceled");
});

test("a payout that arrived is reversed", async () => {
  const [paid] = (await stripe.payouts.list({ status: "paid" })).data;
  assert.ok(paid);
  const reversal = await stripe.payouts.reverse(paid.id, { metadata: { why: "wrong bank" }, expand: ["original_payout"] });
  assert.deepEqual([reversal.amount, reversal.status], [-paid.amount, "pending"]);
  assert.equal((reversal.original_payout as Stripe.Payout).reversed_by, reversal.id);
  await assert.rejects(stripe.payouts.reverse(paid.id), { type: "StripeInvalidRequestError" });
});

test("a bank account is named by a token, and shown with the account", async () => {
  const token = await stripe.tokens.create({
    bank_account: { country: "US", currency: "usd", routing_number: "110000000", account_number: "000123456789" },
  });
  assert.deepEqual([token.type, token.bank_account?.last4, token.used], ["bank_account", "6789", false]);
  const bank = await stripe.accounts.createExternalAccount(account, { external_account: token.id });
  assert.equal((await stripe.tokens.retrieve(token.id)).used, true);
  await assert.rejects(stripe.accounts.createExternalAccount(account, { external_account: token.id }), { code: "token_already_used" });
  const shown = await stripe.accounts.retrieveCurrent();
  assert.equal(shown.external_accounts?.data[0]?.id, bank.id);
  assert.deepEqual(shown.settings?.payouts?.schedule, { delay_days: 2, interval: "manual" });
});

test("a bank account that takes nothing sends a payout back", async () => {
  const bank = await stripe.accounts.createExternalAccount(account, {
    external_account: {
      object: "bank_account", country: "US", currency: "usd", routing_number: "110000000", account_number: "000111111116",
    },
  });
  const payout = await stripe.payouts.create({ amount: 1000, currency: "usd", method: "instant", destination: bank.id });
  const failed = await becomes(payout.id, "failed");
  assert.equal(failed.failure_code, "no_account");
  assert.equal((await stripe.accounts.retrieveExternalAccount(account, bank.id) as Stripe.BankAccount).status, "errored");
  assert.equal((await stripe.accounts.deleteExternalAccount(account, bank.id)).deleted, true);
});
