// What leaves the database after 30 days, seen in the bucket by moving the development clock.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
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

const DAY = 86_400;

type Line = { event: Record<string, unknown>; deliveries: Record<string, unknown>[]; attempts: Record<string, unknown>[] };

/** The archived lines about some events, by the events' ids. */
async function archived(...ids: string[]): Promise<Map<string, Line>> {
  const texts = Object.values(await server.files("archive/events/"));
  const lines = texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line) as Line);
  const known = new Map(lines.map((line) => [String(line.event["id"]), line]));
  return new Map([...known].filter(([id]) => ids.includes(id)));
}

/** Makes a customer, and waits until its event was delivered and that is recorded. */
async function delivered(stripe: Stripe): Promise<Stripe.Event> {
  const { id } = await stripe.customers.create({ name: "Jo" });
  const { event } = await until("its event comes", async () =>
    receiver.deliveries.find(({ event }) => (event.data.object as Stripe.Customer).id === id));
  await until("its delivery is recorded", async () => {
    const rows = await server.query(
      `SELECT 1 FROM deliveries JOIN events ON sequence = event WHERE id = ?1 AND state = 'succeeded'`,
      event.id,
    );
    return rows.length === 1 ? true : undefined;
  });
  return event;
}

const row = async (id: string) => (await server.query("SELECT * FROM events WHERE id = ?1", id))[0];

test("events, their bodies and their deliveries are in the bucket after 30 days, and after 33 whatever still waits", async () => {
  const stripe = server.stripe((await server.account()).secret_key);
  receiver.answer = (_, response) => {
    const isFirst = receiver.deliveries.length === 1;
    response.writeHead(isFirst ? 500 : 200).end(isFirst ? "not now" : "taken");
  };
  await receiver.endpoint(stripe, "/archive", ["customer.created"]);
  const [first, waiting, newest] = [await delivered(stripe), await delivered(stripe), await delivered(stripe)];
  const rows = { first: await row(first.id), waiting: await row(waiting.id) };
  // Its turn never comes, as behind a limit.
  await server.query(
    `UPDATE deliveries SET state = 'pending', next_attempt_at = 9999999999
     WHERE event = (SELECT sequence FROM events WHERE id = ?1)`,
    waiting.id,
  );
  await server.advance(31 * DAY);
  const lines = await until("the first is in the bucket and out of the database", async () => {
    const lines = await archived(first.id, waiting.id, newest.id);
    return lines.size > 0 && (await row(first.id)) === undefined ? lines : undefined;
  });
  assert.deepEqual([...lines.keys()], [first.id], "what waits stays");
  const line = lines.get(first.id);
  assert.deepEqual(line?.event, rows.first);
  assert.deepEqual(JSON.parse(String(line?.event["data"])).object, first.data.object);
  const shown = (row?: Record<string, unknown>) => [row?.["state"], row?.["status_code"], row?.["response"]];
  assert.deepEqual(line?.deliveries.map(shown), [["succeeded", 200, "taken"]]);
  assert.deepEqual(line?.attempts.map(shown), [[undefined, 500, "not now"]]);
  await assert.rejects(stripe.events.retrieve(first.id), { statusCode: 404 });
  await server.advance(3 * DAY);
  const later = await until("the other one, too", async () => {
    const lines = await archived(waiting.id);
    return lines.size > 0 && (await row(waiting.id)) === undefined ? lines : undefined;
  });
  assert.deepEqual(later.get(waiting.id)?.event, rows.waiting);
  const [given] = later.get(waiting.id)?.deliveries ?? [];
  assert.deepEqual([given?.["state"], given?.["next_attempt_at"]], ["failed", null]);
  assert.match(String(given?.["problem"]), /33 days/);
  assert.deepEqual(await server.query("SELECT * FROM deliveries WHERE event < (SELECT MAX(sequence) FROM events)"), []);
  // The newest event stays, so that the next one's sequence follows it.
  assert.ok(await row(newest.id));
});
