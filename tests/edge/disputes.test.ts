// Disputes, with stripe-node: opened by test cards, answered in test mode's words, accepted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

async function disputed(payment_method: string): Promise<Stripe.Dispute> {
  const intent = await stripe.paymentIntents.create({
    amount: 2000, currency: "usd", payment_method, confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  return until("a dispute is opened", async () => (await stripe.disputes.list({ payment_intent: intent.id })).data[0]);
}

async function becomes(id: string, status: string): Promise<Stripe.Dispute> {
  return until(`${id} is ${status}`, async () => {
    const dispute = await stripe.disputes.retrieve(id, { expand: ["charge"] });
    return dispute.status === status ? dispute : undefined;
  });
}

async function told(id: string): Promise<string[]> {
  const events = await stripe.events.list({ limit: 100 });
  const own = events.data.filter((event) => (event.data.object as Stripe.Dispute).id === id);
  return own.map((event) => event.type.replace("charge.dispute.", "")).reverse();
}

test("a chargeback is won, and its money is there again", async () => {
  const opened = await disputed("pm_card_createDispute");
  assert.equal(opened.status, "needs_response");
  assert.equal(opened.balance_transactions[0]?.amount, -2000);
  await assert.rejects(stripe.refunds.create({ charge: opened.charge as string }), { code: "charge_disputed" });
  const answered = await stripe.disputes.update(opened.id, { evidence: { uncategorized_text: "winning_evidence" } });
  assert.equal(answered.status, "under_review");
  const won = await becomes(opened.id, "won");
  assert.equal((won.charge as Stripe.Charge).disputed, true);
  assert.deepEqual(won.balance_transactions.map(({ amount }) => amount), [-2000, 2000]);
  assert.deepEqual(await told(opened.id), ["created", "funds_withdrawn", "updated", "updated", "funds_reinstated", "closed"]);
  const [transaction] = (await stripe.balanceTransactions.list({ source: opened.id, expand: ["data.source"] })).data;
  assert.equal((transaction?.source as Stripe.Dispute).object, "dispute");
  assert.equal((await stripe.refunds.create({ charge: (won.charge as Stripe.Charge).id })).status, "succeeded");
});

test("a chargeback is lost by its evidence, or accepted", async () => {
  const first = await disputed("pm_card_createDisputeProductNotReceived");
  assert.equal(first.reason, "product_not_received");
  await stripe.disputes.update(first.id, { evidence: { product_description: "losing_evidence" } });
  await becomes(first.id, "lost");
  const second = await disputed("pm_card_createDispute");
  assert.equal((await stripe.disputes.close(second.id)).status, "lost");
  await assert.rejects(stripe.disputes.close(second.id), { statusCode: 400 });
});

test("an inquiry escalates, or a full refund resolves it", async () => {
  const first = await disputed("pm_card_createDisputeInquiry");
  assert.deepEqual([first.status, first.balance_transactions.length], ["warning_needs_response", 0]);
  const staged = await stripe.disputes.update(first.id, { evidence: { customer_name: "Jo" }, submit: false });
  assert.deepEqual([staged.status, staged.evidence_details.has_evidence], ["warning_needs_response", true]);
  await stripe.disputes.update(first.id, { evidence: { uncategorized_text: "escalate_inquiry_evidence" } });
  assert.equal((await becomes(first.id, "needs_response")).balance_transactions.length, 1);
  const second = await disputed("pm_card_createDisputeInquiry");
  await stripe.refunds.create({ charge: second.charge as string });
  await becomes(second.id, "warning_closed");
});
