// kill -9 in the middle of payments: none is made twice, none is lost.
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { type Account, Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let account: Account;

before(async () => {
  server = await Server.start();
  account = await server.account();
});
after(() => server.stop());

/** A run of an interrupted request is given up after 15 s, and what it left is recovered after 60 s. */
const LEASE = 16;
const RECOVERY = 61;

const noRedirects = { automatic_payment_methods: { enabled: true, allow_redirects: "never" } } as const;

/** Creates a payment for an order and confirms it by a second call, with keys that name the order. */
async function order(stripe: Stripe, name: string): Promise<Stripe.PaymentIntent> {
  const parameters = { amount: 2000, currency: "usd", metadata: { order: name }, ...noRedirects };
  const { id } = await stripe.paymentIntents.create(parameters, { idempotencyKey: `create ${name}` });
  return stripe.paymentIntents.confirm(id, { payment_method: "pm_card_visa" }, { idempotencyKey: `confirm ${name}` });
}

/** Pays for an order by one call. */
function pay(stripe: Stripe, name: string): Promise<Stripe.PaymentIntent> {
  return stripe.paymentIntents.create(
    { amount: 2000, currency: "usd", metadata: { order: name }, payment_method: "pm_card_visa", confirm: true, ...noRedirects },
    { idempotencyKey: `pay ${name}` },
  );
}

/**
 * Makes the recording of outcomes slow. A payment is otherwise between its two batches for so short a time that a kill
 * hardly ever meets it there.
 */
async function slowDown(): Promise<void> {
  await server.batch(
    [
      `CREATE VIEW IF NOT EXISTS long_count AS
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) AS i FROM n`,
    ],
    ["CREATE TRIGGER IF NOT EXISTS slow_outcome BEFORE UPDATE ON attempts BEGIN SELECT i FROM long_count; END"],
  );
}

async function speedUp(): Promise<void> {
  await server.batch(["DROP TRIGGER slow_outcome"], ["DROP VIEW long_count"]);
}

/**
 * Ends the server while a payment is between its two batches, and serves again. Answers how many were cut off there.
 * Nothing that goes through the server could say when: it answers only once it has nothing else to do.
 */
async function killInTheMiddle(): Promise<number> {
  const [path] = globSync(`${server.state}/v3/d1/*/*[0-9a-f].sqlite`).filter((path) => !path.endsWith("metadata.sqlite"));
  assert.ok(path);
  const database = new DatabaseSync(path, { readOnly: true, timeout: 1000 });
  const open = database.prepare("SELECT count(*) AS n FROM attempts WHERE state = 'started'");
  await until("a payment is in its middle", async () => Number(open.get()?.["n"]) > 0 || undefined);
  await server.kill9();
  database.close();
  await server.restart();
  const cutOff = await started();
  await speedUp();
  return cutOff;
}

async function started(): Promise<number> {
  const [row] = await server.query("SELECT count(*) AS n FROM attempts WHERE state = 'started'");
  return Number(row?.["n"]);
}

/** Fails unless each order was paid exactly once, by the API and in the database. */
async function assertPaidOnce(orders: string[]): Promise<void> {
  const stripe = server.stripe(account.secret_key);
  const paid = new Map<string, number>();
  const wanted = new Set(orders);
  for await (const intent of stripe.paymentIntents.list({ limit: 100, expand: ["data.latest_charge"] })) {
    const name = intent.metadata["order"] ?? "";
    if (!wanted.has(name)) continue;
    assert.equal(intent.status, "succeeded", `${intent.id} for ${name}`);
    assert.equal((intent.latest_charge as Stripe.Charge).amount_captured, 2000);
    paid.set(name, (paid.get(name) ?? 0) + 1);
  }
  assert.deepEqual([...paid.keys()].sort(), [...orders].sort(), "no order is lost");
  assert.deepEqual([...paid].filter(([, count]) => count !== 1), [], "no order is there twice");
  const wrong = await server.query(
    `SELECT i.id, count(DISTINCT c.id) AS charges, count(DISTINCT e.id) AS events, i.pending_operation
     FROM payment_intents i
     LEFT JOIN charges c ON c.payment_intent = i.id AND c.status = 'succeeded'
     LEFT JOIN events e ON e.object = i.id AND e.type = 'payment_intent.succeeded'
     GROUP BY i.id HAVING charges != 1 OR events != 1 OR i.pending_operation IS NOT NULL`,
  );
  assert.deepEqual(wrong, []);
}

test("killed four times under load, every order is paid once because the SDKs try again", async () => {
  const stripe = server.stripe(account.secret_key, { maxNetworkRetries: 40 });
  const orders = Array.from({ length: 160 }, (_, index) => `load ${index}`);
  let finished = 0;
  const buy = async (name: string, index: number) => {
    const intent = index % 2 ? await order(stripe, name) : await pay(stripe, name);
    assert.equal(intent.status, "succeeded");
    finished += 1;
  };
  let cutOff = 0;
  for (let round = 0; round < 4; round++) {
    // Before the load: while the server is busy it does not get round to being slowed down.
    await slowDown();
    const load = Promise.all(orders.slice(round * 40, (round + 1) * 40).map(buy));
    cutOff += await killInTheMiddle();
    // What the killed requests held is free after their lease, which nobody wants to wait for.
    await server.advance(LEASE);
    await load;
  }
  assert.equal(finished, orders.length);
  assert.ok(cutOff > 0, "no kill met a payment in its middle");
  await assertPaidOnce(orders);
});

test("what no client asks for again is finished by itself", async () => {
  const stripe = server.stripe(account.secret_key);
  const orders: string[] = [];
  let left = 0;
  for (let round = 0; round < 5 && left === 0; round++) {
    const names = Array.from({ length: 40 }, (_, index) => `left ${round}.${index}`);
    orders.push(...names);
    await slowDown();
    const calls = names.map((name) => pay(stripe, name).catch(() => undefined));
    left = await killInTheMiddle();
    await Promise.all(calls);
  }
  assert.ok(left > 0, "no kill met a payment in its middle");
  await server.advance(RECOVERY);
  await until("every attempt is finished", async () => (await started()) === 0 || undefined);
  const [row] = await server.query(
    "SELECT count(*) AS n FROM payment_intents WHERE status != 'succeeded' OR pending_operation IS NOT NULL",
  );
  assert.equal(row?.["n"], 0);
  // The clients come back at last, and are told of the payments that were made meanwhile.
  const patient = server.stripe(account.secret_key, { maxNetworkRetries: 10 });
  const intents = await Promise.all(orders.map((name) => pay(patient, name)));
  for (const intent of intents) assert.equal(intent.status, "succeeded");
  await assertPaidOnce(orders);
});
