// What time brings, seen by moving the development clock.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { until } from "./kit/until.ts";
import { Server } from "./kit/server.ts";

let server: Server;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

const DAY = 86_400;

const held = {
  amount: 2000,
  currency: "usd",
  payment_method: "pm_card_visa",
  confirm: true,
  capture_method: "manual",
  automatic_payment_methods: { enabled: true, allow_redirects: "never" },
} as const;

async function eventTypes(...objects: unknown[]): Promise<unknown[]> {
  const rows = await server.query(
    "SELECT type FROM events WHERE object IN (SELECT value FROM json_each(?1)) ORDER BY sequence",
    JSON.stringify(objects),
  );
  return rows.map(({ type }) => type);
}

test("the clock moves by what it is told, for all that comes after", async () => {
  const before = await stripe.paymentIntents.create({ amount: 500, currency: "usd" });
  const { now } = await server.advance(3 * DAY);
  const later = await stripe.paymentIntents.create({ amount: 500, currency: "usd" });
  assert.ok(later.created >= before.created + 3 * DAY);
  assert.ok(later.created >= now);
});

test("the clock takes no other words than whole seconds ahead", async () => {
  for (const advance of ["-1", "soon", "1.5", "999999999999", ""]) {
    const answer = await server.fetch("/_development/clock", { method: "POST", body: new URLSearchParams({ advance }) });
    assert.equal(answer.status, 400, advance);
  }
});

test("money that nobody captures is let go after seven days, and merchants are told", async () => {
  const { id, latest_charge } = await stripe.paymentIntents.create(held);
  const captured = await stripe.paymentIntents.create(held);
  await stripe.paymentIntents.capture(captured.id);
  await server.advance(7 * DAY - 60);
  assert.equal((await stripe.paymentIntents.retrieve(id)).status, "requires_capture");
  await server.advance(120);
  const expired = await until("the authorisation expires", async () => {
    const intent = await stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] });
    return intent.status === "canceled" ? intent : undefined;
  });
  assert.equal(expired.amount_capturable, 0);
  const charge = expired.latest_charge as Stripe.Charge;
  assert.equal(charge.captured, false);
  assert.equal(charge.refunded, false);
  assert.deepEqual((await eventTypes(id, latest_charge)).sort(), [
    "charge.expired",
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
  ]);
  assert.equal((await stripe.paymentIntents.retrieve(captured.id)).status, "succeeded");
});

test("the clock keeps its lead over a kill -9", async () => {
  const { id } = await stripe.paymentIntents.create(held);
  await server.kill9();
  await server.restart();
  const { created } = await stripe.paymentIntents.create({ amount: 500, currency: "usd" });
  const before = await stripe.paymentIntents.retrieve(id);
  assert.ok(created >= before.created);
  // What fell due while nobody ran is done as well.
  await server.advance(8 * DAY);
  await until("the authorisation expires", async () =>
    (await stripe.paymentIntents.retrieve(id)).status === "canceled" || undefined);
});
