// A database that is nearly full, on workerd: D1 says how large it is, and what room is left is for what has begun.
import assert from "node:assert/strict";
import { test } from "node:test";
import Stripe from "stripe";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

/** What called for a person, under a name. */
const alerts = (server: Server, name: string) => server.log.filter((line) => line.includes(`{"alert":"${name}"`));

test("a database that is nearly full takes no new payment and lets those end that have begun", async () => {
  await using server = await Server.start();
  const { secret_key: key } = await server.account();
  const pay = (more: Partial<Stripe.PaymentIntentCreateParams> = {}) =>
    server.stripe(key).paymentIntents.create({
      amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" }, ...more,
    });
  const held = await pay({ capture_method: "manual" });
  server.bind({ DATABASE_FULL_AT: "1000" });
  await server.restart();
  await assert.rejects(pay(), (error) => error instanceof Stripe.errors.StripeAPIError && error.statusCode === 503);
  await server.scheduled();
  await until("the operator is told", async () => alerts(server, "database_full")[0]);
  assert.equal((await server.stripe(key).paymentIntents.capture(held.id)).status, "succeeded");
  assert.equal((await server.stripe(key).refunds.create({ payment_intent: held.id })).status, "succeeded");
  server.bind({ DATABASE_FULL_AT: undefined });
  await server.restart();
  assert.equal((await pay()).status, "succeeded");
});

test("a limit that was no number left a database to fill up, and nobody was told", async () => {
  await using server = await Server.start();
  const { secret_key: key } = await server.account();
  const pay = () =>
    server.stripe(key).paymentIntents.create({
      amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    });
  for (const limit of ["450 MB", ""]) {
    server.bind({ DATABASE_FULL_AT: limit });
    await server.restart();
    const before = alerts(server, "setting_unreadable").length;
    // It is told of once, and once more only where it was right in between.
    await server.query("DELETE FROM alerts");
    assert.equal((await pay()).status, "succeeded", "the default counts");
    await server.scheduled();
    await until("the operator is told", async () => alerts(server, "setting_unreadable")[before]);
  }
  server.bind({ DATABASE_FULL_AT: "1000" });
  await server.restart();
  await assert.rejects(pay(), (error) => error instanceof Stripe.errors.StripeAPIError && error.statusCode === 503);
  await server.scheduled();
  await until("it can be read again", async () =>
    (await server.query("SELECT 1 FROM alerts WHERE name = 'setting_unreadable'")).length === 0 || undefined);
});
