// Events and the account with stripe-node. Every event's object is held against the SDK's type for it, too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stripe from "stripe";
import { refusal } from "./kit/refusal.ts";
import { type Account, Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let account: Account;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  account = await server.account("Ada's Books");
  stripe = server.stripe(account.secret_key);
});
after(() => server.stop());

const automatic_payment_methods = { enabled: true, allow_redirects: "never" } as const;

/** The types of the events about these objects, oldest first. */
async function told(...objects: unknown[]): Promise<string[]> {
  const events = await stripe.events.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
  return events.filter(({ data }) => objects.includes((data.object as { id?: string }).id)).map(({ type }) => type).reverse();
}

test("a payment's life is told event by event", async () => {
  const intent = await stripe.paymentIntents.create({
    amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true, capture_method: "manual", automatic_payment_methods,
  });
  await stripe.paymentIntents.capture(intent.id);
  const refund = await stripe.refunds.create({ payment_intent: intent.id });
  assert.deepEqual(await told(intent.id, intent.latest_charge, refund.id), [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
    "charge.captured",
    "payment_intent.succeeded",
    "charge.refunded",
    "refund.created",
  ]);
});

test("a decline is told, and an event names the request that caused it", async () => {
  const call = stripe.paymentIntents.create(
    { amount: 2000, currency: "usd", payment_method: "pm_card_visa_chargeDeclined", confirm: true, automatic_payment_methods },
    { idempotencyKey: "told" },
  );
  const error = await refusal(call, Stripe.errors.StripeCardError);
  assert.deepEqual(await told(error.payment_intent?.id, error.charge), [
    "payment_intent.created",
    "charge.failed",
    "payment_intent.payment_failed",
  ]);
  const [event] = (await stripe.events.list({ type: "payment_intent.payment_failed", limit: 1 })).data;
  assert.deepEqual({ ...event?.request }, { id: error.requestId, idempotency_key: "told" });
  const retrieved = await stripe.events.retrieve(event!.id);
  assert.equal(retrieved.type, "payment_intent.payment_failed");
});

test("customers and their cards are told of, with what was there before", async () => {
  const customer = await stripe.customers.create({ name: "Ada", metadata: { a: "1" } });
  await stripe.customers.update(customer.id, { name: "Grace", metadata: { b: "2" } });
  const [updated] = (await stripe.events.list({ type: "customer.updated", limit: 1 })).data;
  assert.deepEqual(updated?.data.previous_attributes, { metadata: { b: null }, name: "Ada" });
  const method = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  await stripe.paymentMethods.update(method.id, { metadata: { c: "3" } });
  await stripe.paymentMethods.detach(method.id);
  await stripe.customers.del(customer.id);
  assert.deepEqual(await told(customer.id, method.id), [
    "customer.created",
    "customer.updated",
    "payment_method.attached",
    "payment_method.updated",
    "payment_method.detached",
    "customer.deleted",
  ]);
});

test("events are listed by type, by several types and by a kind of types", async () => {
  const types = async (parameters: Stripe.EventListParams) =>
    new Set((await stripe.events.list({ limit: 100, ...parameters })).data.map(({ type }) => String(type)));
  assert.deepEqual(await types({ type: "charge.failed" }), new Set(["charge.failed"]));
  assert.deepEqual(await types({ types: ["charge.failed", "customer.created"] }), new Set(["charge.failed", "customer.created"]));
  for (const type of await types({ type: "payment_intent.*" })) assert.ok(type.startsWith("payment_intent."));
});

test("an event of another account is missing", async () => {
  const [event] = (await stripe.events.list({ limit: 1 })).data;
  const other = server.stripe((await server.account("Other")).secret_key);
  const error = await refusal(other.events.retrieve(event!.id), Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.statusCode, 404);
  assert.deepEqual((await other.events.list()).data, []);
});

test("an account knows itself", async () => {
  const own = await stripe.accounts.retrieveCurrent();
  assert.equal(own.id, account.account);
  assert.equal((await stripe.accounts.retrieve(account.account)).id, own.id);
  assert.equal(own.charges_enabled, true);
});

// The last one here: it moves the clock by a month.
test("events leave the database once the bucket has them, thirty days later, but for the newest", async () => {
  await stripe.customers.create({ name: "Jo" });
  const [{ last }] = (await server.query("SELECT max(sequence) AS last FROM events")) as [{ last: number }];
  await server.advance(31 * 86_400);
  const left = await until("old events are gone", async () => {
    const rows = await server.query("SELECT sequence FROM events WHERE sequence <= ?1", last);
    return rows.length <= 1 ? rows : undefined;
  });
  assert.deepEqual(left.filter(({ sequence }) => sequence !== last), []);
  await stripe.customers.create({ name: "Jan" });
  const [newest] = (await stripe.events.list({ limit: 100 })).data;
  assert.equal((newest?.data.object as { name?: string }).name, "Jan");
});
