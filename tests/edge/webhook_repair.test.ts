// Repairing webhooks on workerd: secrets that are rolled, order, limits that the receiver measures, and events sent again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type Stripe from "stripe";
import { Receiver } from "./kit/receiver.ts";
import { type Account, Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let receiver: Receiver;

before(async () => {
  server = await Server.start();
  receiver = await Receiver.start();
});
after(async () => {
  receiver.stop();
  await server.stop();
});

type Merchant = { account: Account; stripe: Stripe };

async function merchant(): Promise<Merchant> {
  const account = await server.account();
  return { account, stripe: server.stripe(account.secret_key) };
}

type Shown = Record<string, unknown> & { id: string };

/** Calls one of Florin's own endpoints. */
async function florin(
  { account }: Merchant, method: string, path: string, form: Record<string, string> = {}, key?: string,
): Promise<Shown> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${account.secret_key}`, "content-type": "application/x-www-form-urlencoded",
  };
  if (key !== undefined) headers["idempotency-key"] = key;
  const body = method === "GET" ? {} : { body: new URLSearchParams(form).toString() };
  const answer = await server.fetch(`/v1/florin/${path}`, { method, headers, ...body });
  const shown = (await answer.json()) as Shown;
  assert.equal(answer.status, 200, JSON.stringify(shown));
  return shown;
}

async function arrived(path: string, count: number) {
  return until(`${count} deliveries came to ${path}`, async () => {
    const deliveries = receiver.at(path);
    return deliveries.length >= count ? deliveries : undefined;
  });
}

test("a secret is rolled while events are on their way, and each verifies", async () => {
  const seller = await merchant();
  const endpoint = await receiver.endpoint(seller.stripe, "/rolled", ["customer.created"]);
  const first = String(endpoint.secret);
  const making = (async () => {
    for (let count = 0; count < 30; count += 1) await seller.stripe.customers.create({ name: `Jo ${count}` });
  })();
  await arrived("/rolled", 5);
  const roll = (expires_in: number) => florin(seller, "POST", `webhook_endpoints/${endpoint.id}/roll`, { expires_in: `${expires_in}` });
  const second = String((await roll(3600))["secret"]);
  assert.notEqual(second, first);
  await making;
  const deliveries = await arrived("/rolled", 30);
  assert.deepEqual(deliveries.filter(({ problem }) => problem !== undefined), [], "the old secret verifies each of them");
  await seller.stripe.customers.create({ name: "Both" });
  const both = (await arrived("/rolled", 31))[30];
  assert.deepEqual([both?.verifies(first), both?.verifies(second)], [true, true]);
  const third = String((await roll(1))["secret"]);
  await pause(2_000);
  await seller.stripe.customers.create({ name: "After" });
  const later = (await arrived("/rolled", 32))[31];
  const signs = (delivery: typeof later) => [first, second, third].map((secret) => delivery?.verifies(secret));
  assert.deepEqual(signs(later), [true, false, true], "a later roll ends no earlier one's overlap");
  const fourth = String((await roll(0))["secret"]);
  await seller.stripe.customers.create({ name: "Alone" });
  const alone = (await arrived("/rolled", 33))[32];
  assert.deepEqual([...signs(alone), alone?.verifies(fourth)], [false, false, false, true]);
});

test("no more deliveries are under way at a time than an endpoint takes", async () => {
  const seller = await merchant();
  const endpoint = await receiver.endpoint(seller.stripe, "/narrow", ["customer.created"]);
  await florin(seller, "POST", `webhook_endpoints/${endpoint.id}`, { max_concurrency: "2" });
  let [now, most] = [0, 0];
  receiver.answer = (request, response) => {
    if (request.url !== "/narrow") return void response.end();
    now += 1;
    most = Math.max(most, now);
    setTimeout(() => {
      now -= 1;
      response.end();
    }, 100);
  };
  await Promise.all(Array.from({ length: 20 }, (_, count) => seller.stripe.customers.create({ name: `Jo ${count}` })));
  await arrived("/narrow", 20);
  assert.equal(most, 2);
});

test("no more are delivered in a second than an endpoint takes, however often it is woken, and another is not held up", async () => {
  const [rate, burst, count] = [5, 4, 30];
  const seller = await merchant();
  const endpoint = await receiver.endpoint(seller.stripe, "/paced", ["customer.created"]);
  await receiver.endpoint(seller.stripe, "/unpaced", ["customer.created"]);
  // It wakes the object each time, also while that rests.
  const wake = () => florin(seller, "POST", `webhook_endpoints/${endpoint.id}`, { max_per_second: `${rate}` });
  await wake();
  receiver.answer = (_, response) => response.end();
  await Promise.all(Array.from({ length: count }, (_, made) => seller.stripe.customers.create({ name: `Jo ${made}` })));
  const paced = await until("all have arrived", async () => {
    await wake();
    await pause(50);
    return receiver.at("/paced").length >= count ? receiver.at("/paced") : undefined;
  });
  await arrived("/unpaced", count);
  assert.ok((receiver.at("/unpaced").at(-1)?.at ?? 0) < (paced.at(-1)?.at ?? 0), "the other one was done before");
  for (const { at } of paced) {
    const within = paced.filter((other) => other.at >= at && other.at < at + 1_000).length;
    assert.ok(within <= rate + burst, `${within} in a second`);
  }
  const took = (paced.at(-1)?.at ?? 0) - (paced[0]?.at ?? 0);
  assert.ok(took >= ((count - burst) / rate) * 1_000 * 0.8, `${count} took ${took} ms`);
});

test("an object's events arrive in sequence where the first of them fails", async () => {
  const seller = await merchant();
  const endpoint = await receiver.endpoint(seller.stripe, "/ordered", ["customer.*"]);
  await florin(seller, "POST", `webhook_endpoints/${endpoint.id}`, { ordering: "object" });
  const failing = await seller.stripe.customers.create({ name: "0" });
  let failures = 0;
  receiver.answer = (request, response, event) => {
    const customer = event.data.object as Stripe.Customer;
    const fails = request.url === "/ordered" && customer.id === failing.id && customer.name === "1" && failures < 2;
    if (fails) failures += 1;
    response.writeHead(fails ? 500 : 200).end();
  };
  const other = await seller.stripe.customers.create({ name: "0" });
  for (const name of ["1", "2", "3"]) {
    for (const { id } of [failing, other]) await seller.stripe.customers.update(id, { name });
  }
  const deliveries = await arrived("/ordered", 10);
  const names = (id: string) => deliveries
    .map(({ event }) => event.data.object as Stripe.Customer)
    .filter((customer) => customer.id === id)
    .map(({ name }) => name);
  assert.deepEqual(names(failing.id), ["0", "1", "1", "1", "2", "3"]);
  assert.deepEqual(names(other.id), ["0", "1", "2", "3"]);
  const last = (id: string) => deliveries.findLastIndex(({ event }) => (event.data.object as Stripe.Customer).id === id);
  assert.ok(last(other.id) < last(failing.id), "the other object did not wait");
});

test("deliveries are shown, and an event is sent again", async () => {
  const seller = await merchant();
  const endpoint = await receiver.endpoint(seller.stripe, "/again", ["customer.created"]);
  let fails = true;
  receiver.answer = (_, response) => void response.writeHead(fails ? 500 : 200).end("an answer");
  await seller.stripe.customers.create({ name: "Jo" });
  await arrived("/again", 1);
  fails = false;
  const [delivery] = await until("it is delivered", async () => {
    const { data } = await florin(seller, "GET", `webhook_deliveries?webhook_endpoint=${endpoint.id}&status=succeeded`);
    return (data as Shown[]).length > 0 ? (data as Shown[]) : undefined;
  });
  const shown = await florin(seller, "GET", `webhook_deliveries/${delivery?.id}`);
  const attempts = shown["attempts"] as { status_code: number; response_body: string }[];
  assert.equal(attempts[0]?.status_code, 200);
  assert.equal(attempts.at(-1)?.status_code, 500);
  assert.ok(attempts.every(({ response_body }) => response_body === "an answer"));
  const before = receiver.at("/again").length;
  await seller.stripe.rawRequest("POST", `/v1/events/${String(shown["event"])}/retry`, { webhook_endpoint: endpoint.id });
  const deliveries = await arrived("/again", before + 1);
  assert.deepEqual(deliveries.map(({ event }) => event.id), deliveries.map(() => shown["event"]));
  assert.deepEqual((await seller.stripe.events.list({ delivery_success: false })).data, []);
  const health = await florin(seller, "GET", `webhook_endpoints/${endpoint.id}`);
  assert.deepEqual([health["status"], health["failing_since"]], ["enabled", null]);
});

test("who listens for it hears that an endpoint was disabled", async () => {
  const { stripe } = await merchant();
  await receiver.endpoint(stripe, "/gone", ["customer.created"]);
  await receiver.endpoint(stripe, "/owner", ["florin.webhook_endpoint.*"]);
  receiver.answer = (request, response) => void response.writeHead(request.url === "/gone" ? 410 : 200).end();
  await stripe.customers.create({ name: "Jo" });
  const [told] = await arrived("/owner", 1);
  assert.equal(told?.event.type, "florin.webhook_endpoint.disabled");
});

/** Waits until a replay has looked at all of its events, and shows it. */
async function planned(seller: Merchant, { id }: Shown): Promise<Shown> {
  return until(`replay ${id} is planned`, async () => {
    await pause(200);
    const shown = await florin(seller, "GET", `event_replays/${id}`);
    return shown["status"] === "pending" ? undefined : shown;
  });
}

test("ten thousand events are replayed twice, each once in each replay, to the endpoint that is named", async () => {
  const count = 10_000;
  const seller = await merchant();
  await server.query(
    `WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count - 1})
     INSERT INTO events (id, account, livemode, created, type, object, data, api_version)
     SELECT 'evt_replayed' || n, ?1, 0, ?2 + n, 'customer.updated', 'cus_' || n,
     '{"object":{"id":"cus_' || n || '"}}', 'v' FROM numbers`,
    seller.account.account, Math.floor(Date.now() / 1000) - 2 * count,
  );
  // They were handed out before these endpoints were there.
  await server.query("UPDATE fan_out SET (event, receipt_event) = (SELECT max(sequence), max(sequence) FROM events)");
  const endpoint = await receiver.endpoint(seller.stripe, "/replayed", ["customer.updated"]);
  const other = await receiver.endpoint(seller.stripe, "/other", ["*"]);
  await florin(seller, "POST", `webhook_endpoints/${endpoint.id}`, { max_concurrency: "6" });
  receiver.answer = (_, response) => response.end();
  const counted = await florin(seller, "POST", "event_replays", { webhook_endpoint: endpoint.id, dry_run: "true" });
  assert.equal((await planned(seller, counted))["count"], count);
  for (const time of [1, 2]) {
    receiver.deliveries.length = 0;
    const form = { webhook_endpoint: endpoint.id, max_per_second: "1000" };
    const ask = () => florin(seller, "POST", "event_replays", form, `replay ${time}`);
    const replay = await ask();
    assert.equal((await ask()).id, replay.id, "a request that is made again asks for nothing more");
    const done = await planned(seller, replay);
    assert.deepEqual([done["status"], done["count"]], ["succeeded", count]);
    // Only then is the server asked, which has enough to do.
    await arrived("/replayed", count);
    await until(`replay ${time} is noted`, async () => {
      const { waiting } = await florin(seller, "GET", `webhook_endpoints/${endpoint.id}`);
      return waiting === 0 ? true : undefined;
    });
    const deliveries = receiver.at("/replayed");
    assert.deepEqual([deliveries.length, new Set(deliveries.map(({ event }) => event.id)).size], [count, count]);
    assert.deepEqual(deliveries.filter(({ problem }) => problem !== undefined), []);
    const rows = await server.query(
      `SELECT state, attempts - attempts_before AS made, replay, COUNT(*) AS count FROM deliveries
       WHERE endpoint = ?1 GROUP BY 1, 2, 3`,
      endpoint.id,
    );
    assert.deepEqual(rows, [{ state: "succeeded", made: 1, replay: replay.id, count }]);
  }
  assert.deepEqual(receiver.at("/other"), [], "nobody asked for these");
  const elsewhere = await server.query("SELECT COUNT(*) AS count FROM deliveries WHERE endpoint = ?1", other.id);
  assert.deepEqual(elsewhere, [{ count: 0 }]);
});
