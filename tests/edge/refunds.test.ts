// Charges and refunds with stripe-node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stripe from "stripe";
import { refusal } from "./kit/refusal.ts";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

const { StripeCardError, StripeInvalidRequestError } = Stripe.errors;

let server: Server;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

/** A payment of 100.00 with a card, and its charge. */
async function paid(payment_method = "pm_card_visa"): Promise<{ intent: string; charge: string }> {
  const intent = await stripe.paymentIntents.create({
    amount: 10_000,
    currency: "usd",
    payment_method,
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  return { intent: intent.id, charge: intent.latest_charge as string };
}

test("a charge is taken from a token, retrieved, updated and listed", async () => {
  const charge = await stripe.charges.create({ amount: 1500, currency: "eur", source: "tok_visa", description: "Old way" });
  assert.equal(charge.status, "succeeded");
  assert.equal(charge.paid, true);
  assert.equal(charge.payment_intent, null);
  const updated = await stripe.charges.update(charge.id, { description: "New", metadata: { a: "1" }, receipt_email: "a@example.com" });
  assert.equal(updated.description, "New");
  assert.deepEqual({ ...(await stripe.charges.retrieve(charge.id)).metadata }, { a: "1" });
  const { intent, charge: second } = await paid();
  assert.deepEqual((await stripe.charges.list({ limit: 2 })).data.map(({ id }) => id), [second, charge.id]);
  assert.deepEqual((await stripe.charges.list({ payment_intent: intent })).data.map(({ id }) => id), [second]);
});

test("a charge is held and captured later", async () => {
  const held = await stripe.charges.create({ amount: 1500, currency: "usd", source: "tok_visa", capture: false });
  assert.equal(held.captured, false);
  const captured = await stripe.charges.capture(held.id, { amount: 1000 });
  assert.equal(captured.captured, true);
  assert.equal(captured.amount_captured, 1000);
  assert.equal(captured.amount_refunded, 0);
  const again = await refusal(stripe.charges.capture(held.id), StripeInvalidRequestError);
  assert.equal(again.code, "charge_already_captured");
});

test("a declined charge is kept", async () => {
  const call = stripe.charges.create({ amount: 1500, currency: "usd", source: "tok_visa_chargeDeclined" });
  const error = await refusal(call, StripeCardError);
  assert.equal(error.code, "card_declined");
  const charge = await stripe.charges.retrieve(String(error.charge));
  assert.equal(charge.status, "failed");
  assert.equal(charge.paid, false);
});

test("a payment is refunded in whole, once", async () => {
  const { intent, charge } = await paid();
  const refund = await stripe.refunds.create({ payment_intent: intent, reason: "requested_by_customer", metadata: { a: "1" } });
  assert.equal(refund.amount, 10_000);
  assert.equal(refund.status, "succeeded");
  assert.equal(refund.charge, charge);
  const refunded = await stripe.charges.retrieve(charge, { expand: ["refunds"] });
  assert.equal(refunded.refunded, true);
  assert.equal(refunded.amount_refunded, 10_000);
  assert.deepEqual(refunded.refunds?.data.map(({ id }) => id), [refund.id]);
  const again = await refusal(stripe.refunds.create({ charge }), StripeInvalidRequestError);
  assert.equal(again.code, "charge_already_refunded");
});

test("parts are refunded until nothing is left", async () => {
  const { charge } = await paid();
  const first = await stripe.refunds.create({ charge, amount: 6_000, expand: ["charge", "payment_intent"] });
  assert.equal((first.charge as Stripe.Charge).amount_refunded, 6_000);
  const tooMuch = await refusal(stripe.refunds.create({ charge, amount: 6_000 }), StripeInvalidRequestError);
  assert.equal(tooMuch.message, "Refund amount ($60.00) is greater than unrefunded amount on charge ($40.00)");
  const second = await stripe.refunds.create({ charge });
  assert.equal(second.amount, 4_000);
  const listed = await stripe.refunds.list({ charge });
  assert.deepEqual(listed.data.map(({ id }) => id), [second.id, first.id]);
  const updated = await stripe.refunds.update(first.id, { metadata: { order: "1" } });
  assert.deepEqual({ ...updated.metadata }, { order: "1" });
  assert.deepEqual({ ...(await stripe.refunds.retrieve(first.id)).metadata }, { order: "1" });
});

test("two refunds of 60 on 100 at once end with one winner", async () => {
  for (let round = 0; round < 5; round++) {
    const { charge } = await paid();
    const outcomes = await Promise.allSettled([
      stripe.refunds.create({ charge, amount: 6_000 }),
      stripe.refunds.create({ charge, amount: 6_000 }),
    ]);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await stripe.charges.retrieve(charge)).amount_refunded, 6_000);
  }
});

test("thirty refunds of 10 on 100 at once never give back more than was taken", async () => {
  const { charge } = await paid();
  const patient = { maxNetworkRetries: 10 };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, () => stripe.refunds.create({ charge, amount: 1_000 }, patient)),
  );
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 10);
  assert.equal((await stripe.charges.retrieve(charge)).amount_refunded, 10_000);
});

test("money that is only held is not refunded but let go of", async () => {
  const { id, latest_charge } = await stripe.paymentIntents.create({
    amount: 10_000, currency: "usd", payment_method: "pm_card_visa", confirm: true, capture_method: "manual",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  await refusal(stripe.refunds.create({ charge: latest_charge as string }), StripeInvalidRequestError);
  assert.equal((await stripe.paymentIntents.retrieve(id)).status, "requires_capture");
});

test("a refund that is on its way arrives", async () => {
  const { charge } = await paid("pm_card_pendingRefund");
  const refund = await stripe.refunds.create({ charge });
  assert.equal(refund.status, "pending");
  await server.advance(10);
  await until("the refund arrives", async () =>
    (await stripe.refunds.retrieve(refund.id)).status === "succeeded" || undefined);
});

test("a refund that fails gives the charge its money back", async () => {
  const { charge } = await paid("pm_card_refundFail");
  const refund = await stripe.refunds.create({ charge });
  assert.equal(refund.status, "succeeded");
  await server.advance(10);
  const failed = await until("the refund fails", async () => {
    const now = await stripe.refunds.retrieve(refund.id);
    return now.status === "failed" ? now : undefined;
  });
  assert.ok(failed.failure_reason);
  assert.equal((await stripe.charges.retrieve(charge)).amount_refunded, 0);
});

test("a refund on its way can be called back no more than Stripe allows", async () => {
  const { charge } = await paid();
  const refund = await stripe.refunds.create({ charge });
  await refusal(stripe.refunds.cancel(refund.id), StripeInvalidRequestError);
});
