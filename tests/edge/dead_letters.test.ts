// Messages that no consumer can take, on workerd: parked with their error, holding up nobody, and tried again on demand.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { Receiver } from "./kit/receiver.ts";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let receiver: Receiver;
let account: string;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  receiver = await Receiver.start();
  const merchant = await server.account();
  account = merchant.account;
  stripe = server.stripe(merchant.secret_key);
});
after(async () => {
  receiver.stop();
  await server.stop();
});

type Letter = { id: number; queue: string; body: string; problem: string; count: number };

function deadLetters(...words: string[]): unknown {
  const command = ["xtask", "dead-letters", ...words, "--state", server.state];
  const { status, stdout, stderr } = spawnSync("cargo", command, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

function parked(count: number): Promise<Letter[]> {
  return until(`${count} letters are parked`, async () => {
    const rows = await server.query("SELECT sequence AS id, queue, body, problem, count FROM dead_letters ORDER BY queue");
    return rows.length === count ? (rows as Letter[]) : undefined;
  });
}

test("poison is parked with its error and holds up no other message", async () => {
  await receiver.endpoint(stripe, "/beside", ["customer.created"]);
  await server.send("DELIVERIES", ["poison", "{}", { not: "a text" }]);
  await server.send("WAKE", ["poison"]);
  await stripe.customers.create({ name: "Jo" });
  await until("the delivery beside it arrives", async () => receiver.at("/beside")[0]);
  const letters = await parked(4);
  assert.deepEqual(letters.map(({ queue, body }) => [queue, body]).sort(), [
    ["deliveries", "poison"], ["deliveries", '{"not":"a text"}'], ["deliveries", "{}"], ["wake", "poison"],
  ]);
  for (const { body, problem } of letters) {
    assert.match(problem, body === "poison" ? /line 1/ : /^missing field `endpoint`$/);
  }
  const alerts = () => server.log.filter((line) => line.includes('{"alert":"dead_letter"'));
  await until("each calls for a person, in words that a machine finds", async () => alerts().length >= 4 || undefined);
  assert.equal(alerts().length, 4, "each does so once");
  assert.deepEqual((deadLetters("list") as Letter[]).map(({ id }) => id).sort(), letters.map(({ id }) => id).sort());
});

type Ending = { queue: string; end: "came" | "ack" | "retry"; bodies: string[] };

test("a poison message in a full batch comes again alone, and each other one has ended at once", async () => {
  await using observed = await Server.start({ observe: true });
  const merchant = observed.stripe((await observed.account()).secret_key);
  const { id } = await receiver.endpoint(merchant, "/many", ["customer.created"]);
  for (let number = 0; number < 19; number++) await merchant.customers.create({ name: `Jo ${number}` });
  await until("all is delivered", async () => (receiver.at("/many").length === 19 ? true : undefined));
  const rows = await observed.query("SELECT event FROM deliveries ORDER BY event");
  const deliveries = rows.map(({ event }) => JSON.stringify({ endpoint: id, events: [event] }));
  const wakes = Array.from({ length: 49 }, (_, moment) => JSON.stringify({ due_at: moment }));
  const endings = () => observed.log.flatMap((line): Ending[] => {
    const [, text] = line.split("observed: ");
    return text === undefined ? [] : [JSON.parse(text) as Ending];
  });
  for (const [binding, good] of [["WAKE", wakes], ["DELIVERIES", deliveries]] as const) {
    const poison = `poison in ${binding}`;
    const since = endings().length;
    await observed.send(binding, good.toSpliced(7, 0, poison));
    await until("the poison is parked", async () =>
      (await observed.query("SELECT 1 FROM dead_letters WHERE body = ?1", poison))[0]);
    const ended = endings().slice(since);
    const first = ended.find(({ end, bodies }) => end === "came" && bodies.includes(poison));
    assert.deepEqual(first?.bodies.filter((body) => body !== poison), good, "they came in one batch");
    const ends = (body: string) => ended.filter(({ bodies }) => bodies.includes(body)).map(({ end }) => end);
    for (const body of good) assert.deepEqual(ends(body), ["came", "ack"], body);
    assert.deepEqual(ends(poison), [...Array(6).fill(["came", "retry"]).flat(), "came", "ack"], "six tries, and parked");
  }
  assert.equal(receiver.at("/many").length, 19, "nothing is delivered twice");
});

test("a dead letter is tried again on demand", async () => {
  const [delivery] = await server.query("SELECT endpoint, event FROM deliveries LIMIT 1");
  const body = JSON.stringify({ endpoint: delivery?.["endpoint"], events: [delivery?.["event"]] });
  await server.batch(
    ["DELETE FROM dead_letters"],
    ["UPDATE deliveries SET state = 'pending', next_attempt_at = NULL"],
    [
      `INSERT INTO dead_letters (queue, body, problem, count, first_parked_at, last_parked_at)
       VALUES ('deliveries', ?1, 'the database was away', 1, 0, 0)`,
      body,
    ],
  );
  const before = receiver.at("/beside").length;
  const [letter] = deadLetters("list") as Letter[];
  assert.deepEqual(deadLetters("redrive", "--id", String(letter?.id)), { redriven: [letter?.id] });
  await server.scheduled();
  await parked(0);
  await until("it arrives", async () => receiver.at("/beside")[before]);
});

/** Plans work for the heartbeat that nobody wakes it for, so that it is gone once the heart has beaten after that. */
async function leave(subject: string, dueAt: number): Promise<void> {
  await server.query(
    `INSERT INTO scheduled_tasks (due_at, kind, subject, account, livemode, tries) VALUES (?1, 'replay_events', ?2, ?3, 0, 0)`,
    dueAt, subject, account,
  );
}

const isLeft = async (subject: string) => (await server.query("SELECT 1 FROM scheduled_tasks WHERE subject = ?1", subject)).length === 1;

test("who listens for it hears at once of an endpoint that the last try of a dead letter finds gone", async () => {
  await receiver.endpoint(stripe, "/owner", ["florin.webhook_endpoint.*"]);
  const gone = await receiver.endpoint(stripe, "/gone", ["customer.created"]);
  receiver.answer = (request, response) => void response.writeHead(request.url === "/gone" ? 410 : 200).end();
  // No consumer can record what came of its attempts until their message is parked.
  await server.query(
    `CREATE TRIGGER fails_until_parked BEFORE UPDATE ON deliveries
     WHEN OLD.endpoint = '${gone.id}' AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE queue = 'deliveries')
     BEGIN SELECT RAISE(ABORT, 'the database is away'); END`,
  );
  // The heart beats for the new endpoints, sees what is due two seconds later, and then does not beat for a minute.
  await leave("the_last_beat", Math.floor(Date.now() / 1000) + 8);
  await until("the heart has beaten", async () => ((await isLeft("the_last_beat")) ? undefined : true));
  await leave("the_next_beat", 0);
  await stripe.customers.create({ name: "Jo" });
  const told = await until("the owner is told", async () => receiver.at("/owner")[0]);
  assert.equal(told.event.type, "florin.webhook_endpoint.disabled");
  assert.ok(await isLeft("the_next_beat"), "nobody waited for the heartbeat");
  assert.equal(receiver.at("/gone").length, 7, "six tries, and that of the dead letter");
  await server.query("DROP TRIGGER fails_until_parked");
});
