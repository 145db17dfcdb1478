// The heartbeat's wake-ups on workerd. What else would make it beat is far off, and seen in the rows.
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
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

const seconds = () => Math.floor(Date.now() / 1000);

/** Whether the task is still there that makes the heartbeat look when nobody wakes it. */
async function isTaskLeft(): Promise<boolean> {
  return (await server.query("SELECT 1 FROM scheduled_tasks WHERE subject = 'ch_later'")).length === 1;
}

test("the wake-up that an endpoint asks for when it is made is kept by beats that come before it", async () => {
  const { account, secret_key } = await server.account();
  const stripe = server.stripe(secret_key);
  await stripe.customers.create({ name: "Jo" });
  await receiver.endpoint(stripe, "/new", ["customer.created"]);
  // Other work wakes the heart at once and in each of the next seconds, in one batch with the endpoint's own wake-up and
  // while it beats.
  const now = seconds();
  await server.send("WAKE", [0, 1, 2, 3].map((pause) => JSON.stringify({ due_at: now + pause })));
  await server.query(
    `INSERT INTO scheduled_tasks (due_at, kind, subject, account, livemode, tries)
     VALUES (?1, 'expire_authorization', 'ch_later', ?2, 0, 0)`,
    now + 50,
    account,
  );
  // An isolate that does not know of the endpoint yet writes an event after those beats and announces it to nobody.
  await until("the last of them is over", async () => (seconds() > now + 4 ? true : undefined));
  await server.query(
    `INSERT INTO events (id, account, livemode, created, type, object, data, api_version)
     SELECT id || '_quiet', account, livemode, created, type, object, data, api_version FROM events WHERE account = ?1`,
    account,
  );
  await until("the event comes", async () => (receiver.at("/new").length === 1 ? true : undefined));
  assert.ok(await isTaskLeft(), "the endpoint's own wake-up brought it");
});

/** Takes the alarms of all heartbeats away, as the runtime does with one that failed too often. Says how many there were. */
function loseAlarms(): number {
  let lost = 0;
  for (const path of globSync(`${server.state}/v3/do/florin-Heartbeat/*.sqlite`)) {
    const database = new DatabaseSync(path);
    // The runtime's own list of what is due, and what each object knows of its own alarm.
    const isList = path.endsWith("/metadata.sqlite");
    const { changes } = database.prepare(isList ? "DELETE FROM _cf_ALARM" : "DELETE FROM _cf_METADATA WHERE key = 1").run();
    lost += isList ? Number(changes) : 0;
    database.close();
  }
  return lost;
}

test("a heartbeat whose alarms are lost is set going again by cron", async () => {
  const { account } = await server.account();
  await server.scheduled();
  await server.kill9();
  assert.ok(loseAlarms() >= 3, "each lane has one");
  await server.restart();
  await server.query(
    `INSERT INTO scheduled_tasks (due_at, kind, subject, account, livemode, tries)
     VALUES (0, 'expire_authorization', 'ch_lost', ?1, 0, 0)`,
    account,
  );
  // No request reaches the Worker, so that nobody else wakes it.
  await server.scheduled();
  const isLeft = async () => (await server.query("SELECT 1 FROM scheduled_tasks WHERE subject = 'ch_lost'")).length === 1;
  await until("what is due is done", async () => ((await isLeft()) ? undefined : true));
});
