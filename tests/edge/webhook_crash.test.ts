// kill -9 of workerd, again and again under load: every event reaches every endpoint, also one that fails or wants order.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Receiver } from "./kit/receiver.ts";
import { Server } from "./kit/server.ts";
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

const KILLS = 20;
const CONNECTIONS = 16;
/** How many each connection makes between two kills. */
const PAYMENTS = 3;
/** A run of an interrupted request is given up after 15 s. */
const LEASE = 16;
/** What was lost on its way is found within five minutes, and attempted again in test mode within seven more. */
const FOUND_AFTER = 301;

/** Moves both clocks, a minute at a time: the libraries take what is five minutes early or late at most. */
async function advance(seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 60) {
    const step = Math.min(left, 60);
    await server.advance(step);
    receiver.ahead += step;
  }
}

/** The events that happened to the same object before each event. */
async function earlier(): Promise<Map<string, string[]>> {
  const rows = await server.query("SELECT id, object FROM events ORDER BY sequence");
  const objects = new Map<string, string[]>();
  const before = new Map<string, string[]>();
  for (const { id, object } of rows) {
    const known = objects.get(String(object)) ?? [];
    before.set(String(id), [...known]);
    objects.set(String(object), [...known, String(id)]);
  }
  return before;
}

test("killed twenty times under load, every event reaches every endpoint", async () => {
  const { secret_key } = await server.account();
  const stripe = server.stripe(secret_key, { maxNetworkRetries: 40 });
  await receiver.endpoint(stripe, "/one");
  await receiver.endpoint(stripe, "/two");
  await receiver.endpoint(stripe, "/failing");
  const ordered = await receiver.endpoint(stripe, "/ordered");
  const order = await server.fetch(`/v1/florin/webhook_endpoints/${ordered.id}`, {
    method: "POST", headers: { authorization: `Bearer ${secret_key}` }, body: new URLSearchParams({ ordering: "object" }),
  });
  assert.equal(order.status, 200);
  // Each event fails at first; in order only some do, so that others wait for them.
  const failed = new Set<string>();
  const attempts: { id: string; fails: boolean }[] = [];
  receiver.answer = (request, response, { id }) => {
    const path = request.url ?? "";
    const fails = (path === "/failing" || (path === "/ordered" && id.charCodeAt(id.length - 1) % 4 === 0)) && !failed.has(path + id);
    if (fails) failed.add(path + id);
    if (path === "/ordered") attempts.push({ id, fails });
    response.writeHead(fails ? 500 : 200).end();
  };
  let made = 0;
  const connection = async (name: string) => {
    for (let count = 0; count < PAYMENTS; count += 1) {
      await stripe.paymentIntents.create(
        {
          amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
          automatic_payment_methods: { enabled: true, allow_redirects: "never" },
        },
        { idempotencyKey: `pay ${name}.${count}` },
      );
      made += 1;
    }
  };
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Each kill meets another moment between a payment, its fan-out and its deliveries.
    const enough = made + 1 + kill;
    const load = Promise.all(Array.from({ length: CONNECTIONS }, (_, name) => connection(`${kill}.${name}`)));
    await until("the load is under way", async () => made >= enough || undefined);
    await server.kill9();
    await server.restart();
    await advance(LEASE);
    await load;
  }
  assert.equal(made, KILLS * CONNECTIONS * PAYMENTS);
  await until("everything is delivered", async () => {
    await advance(FOUND_AFTER);
    await server.scheduled();
    const open = await server.query(
      `SELECT 1 FROM events AS e JOIN webhook_endpoints AS w ON w.account = e.account AND w.since_event < e.sequence
       LEFT JOIN deliveries AS d ON d.endpoint = w.id AND d.event = e.sequence
       WHERE coalesce(d.state, 'missing') != 'succeeded' LIMIT 1`,
    );
    return open.length === 0 || undefined;
  });
  const events = await server.query("SELECT id FROM events");
  assert.equal(events.length, made * 3);
  for (const path of ["/one", "/two", "/failing", "/ordered"]) {
    const deliveries = receiver.at(path);
    const arrived = new Set(deliveries.map(({ event }) => event.id));
    assert.deepEqual(deliveries.filter(({ problem }) => problem !== undefined), []);
    assert.deepEqual(events.filter(({ id }) => !arrived.has(String(id))), [], `${path} did not hear of them`);
  }
  // What happened to an object is not told of before it has taken what happened earlier, however often that failed.
  const [before, taken] = [await earlier(), new Set<string>()];
  const early = attempts.filter(({ id, fails }) => {
    if (!fails) taken.add(id);
    return before.get(id)?.some((first) => !taken.has(first));
  });
  assert.deepEqual(early, []);
  assert.ok([...before.values()].some((events) => events.length > 0), "some have an order");
});
