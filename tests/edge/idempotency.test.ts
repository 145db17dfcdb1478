// One key, one effect; and how many hops to the stores a request may take.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { type Answered, checkingClient } from "./kit/checked.ts";
import { type Account, Server } from "./kit/server.ts";

let server: Server;
let account: Account;

before(async () => {
  server = await Server.start();
  account = await server.account();
});
after(() => server.stop());

const parameters = {
  amount: "2000",
  currency: "usd",
  payment_method: "pm_card_visa",
  confirm: "true",
  "automatic_payment_methods[enabled]": "true",
  "automatic_payment_methods[allow_redirects]": "never",
};

function post(path: string, key: string, body: Record<string, string>): Promise<Response> {
  const headers = { "authorization": `Bearer ${account.secret_key}`, "idempotency-key": key };
  return server.fetch(path, { method: "POST", headers, body: new URLSearchParams(body) });
}

/** How many intents, charges and successes there are for an order. */
async function effects(order: string): Promise<unknown> {
  const [counts] = await server.query(
    `SELECT count(DISTINCT i.id) AS intents, count(DISTINCT c.id) AS charges, count(DISTINCT e.id) AS successes
     FROM payment_intents i LEFT JOIN charges c ON c.payment_intent = i.id
     LEFT JOIN events e ON e.object = i.id AND e.type = 'payment_intent.succeeded'
     WHERE i.details ->> '$.metadata.order' = ?1`,
    order,
  );
  return counts;
}

test("two hundred requests at once with one key make one payment", async () => {
  const body = { ...parameters, "metadata[order]": "crowd" };
  const answers = await Promise.all(Array.from({ length: 200 }, () => post("/v1/payment_intents", "crowd", body)));
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  const paid = new Set(bodies.filter((_, index) => answers[index]?.status === 200));
  assert.equal(paid.size, 1, "those who got an answer got the same bytes");
  for (const [index, answer] of answers.entries()) {
    if (answer.status === 200) continue;
    assert.equal(answer.status, 409, bodies[index]);
    assert.equal(answer.headers.get("stripe-should-retry"), "true");
    const { error } = JSON.parse(bodies[index] ?? "") as { error: Stripe.StripeRawError };
    assert.equal(error.code, "idempotency_key_in_use");
  }
  assert.deepEqual(await effects("crowd"), { intents: 1, charges: 1, successes: 1 });
  const last = await post("/v1/payment_intents", "crowd", body);
  assert.equal(last.headers.get("idempotent-replayed"), "true");
  assert.equal(await last.text(), [...paid][0]);
});

test("fifty SDKs at once with one key all get the payment, because they try again", async () => {
  const stripe = server.stripe(account.secret_key, { maxNetworkRetries: 10 });
  const create = () => stripe.paymentIntents.create(
    {
      amount: 700,
      currency: "usd",
      payment_method: "pm_card_visa",
      confirm: true,
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
      metadata: { order: "sdks" },
    },
    { idempotencyKey: "sdks" },
  );
  const intents = await Promise.all(Array.from({ length: 50 }, create));
  assert.equal(new Set(intents.map(({ id }) => id)).size, 1);
  assert.deepEqual(await effects("sdks"), { intents: 1, charges: 1, successes: 1 });
});

test("many confirms at once with keys of their own charge once", async () => {
  const { confirm: _, ...unconfirmed } = parameters;
  const created = await post("/v1/payment_intents", "confirms", { ...unconfirmed, "metadata[order]": "confirms" });
  const { id } = (await created.json()) as { id: string };
  const confirms = Array.from({ length: 30 }, (_, index) => post(`/v1/payment_intents/${id}/confirm`, `confirm-${index}`, {}));
  const statuses = (await Promise.all(confirms)).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
  assert.deepEqual(statuses.filter((status) => ![200, 400, 429].includes(status)), []);
  assert.deepEqual(await effects("confirms"), { intents: 1, charges: 1, successes: 1 });
});

test("captures and cancels at once end with one winner", async () => {
  const body = { ...parameters, capture_method: "manual" };
  for (let round = 0; round < 5; round++) {
    const { id } = (await (await post("/v1/payment_intents", `race-${round}`, body)).json()) as { id: string };
    const answers = await Promise.all([0, 1, 2, 3, 4, 5].map((index) =>
      post(`/v1/payment_intents/${id}/${index % 2 ? "capture" : "cancel"}`, `race-${round}-${index}`, {})));
    const winners = answers.filter(({ status }) => status === 200);
    assert.equal(winners.length, 1, answers.map(({ status }) => status).join());
    const { status } = (await winners[0]!.json()) as { status: string };
    const rows = await server.query("SELECT status, received FROM payment_intents WHERE id = ?1", id);
    assert.deepEqual(rows, [{ status, received: status === "succeeded" ? 2000 : 0 }]);
  }
});

test("one key is one account's and one path's", async () => {
  const body = { amount: "500", currency: "usd" };
  const { id } = (await (await post("/v1/payment_intents", "shared", body)).json()) as { id: string };
  const elsewhere = await post(`/v1/payment_intents/${id}`, "shared", body);
  assert.equal(elsewhere.status, 400);
  const other = await server.account("Other");
  const headers = { "authorization": `Bearer ${other.secret_key}`, "idempotency-key": "shared" };
  const theirs = await server.fetch("/v1/payment_intents", { method: "POST", headers, body: new URLSearchParams(body) });
  assert.equal(theirs.status, 200);
  assert.notEqual(((await theirs.json()) as { id: string }).id, id);
});

test("what is refused for its form keeps no key", async () => {
  const bad = await post("/v1/payment_intents", "mended", { amount: "abc", currency: "usd" });
  assert.equal(bad.status, 400);
  const mended = await post("/v1/payment_intents", "mended", { amount: "500", currency: "usd" });
  assert.equal(mended.status, 200);
});

test("a key of more than 255 characters is refused", async () => {
  const answer = await post("/v1/payment_intents", "k".repeat(256), { amount: "500", currency: "usd" });
  assert.equal(answer.status, 400);
});

/** How often the last request went to each store, by its Server-Timing. */
function hops({ headers }: Answered): Record<string, number> {
  const timing = String(headers["server-timing"]);
  return Object.fromEntries([...timing.matchAll(/(\w+);dur=[\d.]+;desc="(\d+)"/g)].map(([, name, count]) => [name, Number(count)]));
}

test("a payment costs two calls to each store with a warm key, and a retrieve one read", async () => {
  const answers: Answered[] = [];
  // A key is read anew every 5 seconds: one that others used might be due in the middle.
  const { secret_key } = await server.account();
  const stripe = server.stripe(secret_key, { httpClient: checkingClient((answer) => answers.push(answer)) });
  await stripe.paymentIntents.list({ limit: 1 });
  const { id } = await stripe.paymentIntents.create({
    amount: 2000,
    currency: "usd",
    payment_method: "pm_card_visa",
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  assert.deepEqual(hops(answers.at(-1)!), { do: 2, d1: 2 });
  await stripe.paymentIntents.retrieve(id);
  assert.deepEqual(hops(answers.at(-1)!), { do: 0, d1: 1 });
  await stripe.paymentIntents.list({ limit: 3 });
  assert.deepEqual(hops(answers.at(-1)!), { do: 0, d1: 1 });
});
