// Endpoints that share a consumer on workerd: what one of them does neither delays another, nor is it sent more at a
// time than it takes. The receiver tells in which order things happened.
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { after, before, beforeEach, type TestContext, test } from "node:test";
import type Stripe from "stripe";
import { Receiver } from "./kit/receiver.ts";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let receiver: Receiver;
/** Another merchant, whose first event is copied. */
let other: { account: string; stripe: Stripe };

before(async () => {
  server = await Server.start();
  receiver = await Receiver.start();
  other = await merchant();
  await other.stripe.customers.create({ name: "Jo" });
  // Its events are announced, and it hears of none.
  await receiver.endpoint(other.stripe, "/other", ["charge.refunded"]);
});
after(async () => {
  receiver.stop();
  await server.stop();
});
beforeEach(() => void (receiver.deliveries.length = 0));

async function merchant(): Promise<{ account: string; stripe: Stripe }> {
  const { account, secret_key } = await server.account();
  return { account, stripe: server.stripe(secret_key) };
}

async function arrived(path: string, count: number) {
  return until(`${count} deliveries came to ${path}`, async () => {
    const deliveries = receiver.at(path);
    return deliveries.length >= count ? deliveries : undefined;
  });
}

let copies = 0;

/**
 * Copies another merchant's event, and has that one's next event announce them: they are handed out together, whoever comes
 * first. What was handed out before would hold up the others here, where a consumer takes one batch at a time.
 */
async function events(account: string, count: number): Promise<void> {
  copies += 1;
  await server.query(
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
     INSERT INTO events (id, account, livemode, created, type, object, data, api_version)
     SELECT id || '_${copies}_' || n, ?1, livemode, created, type, object, data, api_version
     FROM (SELECT * FROM events WHERE account = ?2 ORDER BY sequence LIMIT 1), numbers`,
    account,
    other.account,
  );
  await other.stripe.customers.create({ name: "Jo" });
}

/** Counts how many requests to a path are under way at the same time, each answered after some milliseconds. */
function counting(path: string, milliseconds: number) {
  const count = { now: 0, most: 0 };
  receiver.answer = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== path) return void response.end();
    count.now += 1;
    count.most = Math.max(count.most, count.now);
    setTimeout(() => {
      count.now -= 1;
      response.end();
    }, milliseconds);
  };
  return count;
}

test("a healthy endpoint has all of its events before the first attempt ends at those that stall", async (context: TestContext) => {
  const { account, stripe } = await merchant();
  // More of them stall than an invocation has connections. What is handed out goes to the endpoints by their ids.
  const ids = new Map<string, string>();
  for (let number = 0; number < 9; number += 1) {
    ids.set((await receiver.endpoint(stripe, `/${number}`, ["customer.created"])).id, `/${number}`);
  }
  const healthy = ids.get([...ids.keys()].sort().at(-1) ?? "") ?? "";
  const order: string[] = [];
  receiver.answer = (request, response) => {
    const { url = "" } = request;
    order.push(url);
    if (url === healthy) return void response.end();
    response.on("close", () => order.push("given up"));
  };
  const began = Date.now();
  await events(account, 30);
  await arrived(healthy, 30);
  const took = Date.now() - began;
  assert.ok(order.some((what) => what !== healthy), "they stall beside it");
  assert.ok(!order.includes("given up"), "nobody waited for the end of what stalls");
  // Now they are known: their objects stall, and the consumer's connections are all for the others.
  const again = Date.now();
  await events(account, 30);
  await arrived(healthy, 60);
  context.diagnostic(`30 deliveries beside 8 endpoints that stall: ${took} ms, and ${Date.now() - again} ms once they are known`);
});

test("a healthy endpoint has all of its events before those that take just too little to be slow have a few", async () => {
  const { account, stripe } = await merchant();
  const ids = new Map<string, string>();
  for (let number = 0; number < 9; number += 1) {
    ids.set((await receiver.endpoint(stripe, `/sluggish${number}`, ["customer.created"])).id, `/sluggish${number}`);
  }
  // The worst order: whoever takes long comes first. From two seconds on it would be slow, and have an object of its own, which
  // sends it four at once; a machine with other work adds to what it takes.
  const healthy = ids.get([...ids.keys()].sort().at(-1) ?? "") ?? "";
  receiver.answer = ({ url }, response) => void setTimeout(() => response.end(), url === healthy ? 0 : 1_400);
  await events(account, 10);
  await arrived(healthy, 10);
  const others = [...ids.values()].filter((path) => path !== healthy);
  const counts = others.map((path) => receiver.at(path).length);
  assert.ok(Math.max(...counts) <= 4, `beside it the others had ${counts.join(", ")}`);
  for (const path of others) await arrived(path, 10);
  assert.deepEqual(others.map((path) => new Set(receiver.at(path).map(({ event }) => event.id)).size), others.map(() => 10));
});

test("no more than four are under way at a time to an endpoint that many messages are for", async () => {
  const { account, stripe } = await merchant();
  await receiver.endpoint(stripe, "/busy", ["customer.created"]);
  const count = counting("/busy", 50);
  await events(account, 200);
  const ids = new Set((await arrived("/busy", 200)).map(({ event }) => event.id));
  assert.deepEqual([ids.size, count.most], [200, 4]);
});

test("no more than four are under way at a time when a consumer lets go of an endpoint", async () => {
  const { account, stripe } = await merchant();
  await receiver.endpoint(stripe, "/slow", ["customer.created"]);
  const count = counting("/slow", 5_000);
  await events(account, 8);
  // These find it with its object.
  await events(account, 4);
  const ids = new Set((await arrived("/slow", 12)).map(({ event }) => event.id));
  assert.deepEqual([ids.size, count.most], [12, 4]);
});
