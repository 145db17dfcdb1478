// Search with stripe-node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stripe from "stripe";
import { refusal } from "./kit/refusal.ts";
import { Server } from "./kit/server.ts";

let server: Server;
let stripe: Stripe;
let customer: string;
const intents: string[] = [];

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
  customer = (await stripe.customers.create({ email: "ada@example.com", name: "Ada", metadata: { plan: "gold" } })).id;
  await stripe.customers.create({ email: "grace@example.com" });
  for (let index = 0; index < 5; index++) {
    const { id } = await stripe.paymentIntents.create({
      amount: 1000 + index,
      currency: "usd",
      payment_method: "pm_card_visa",
      confirm: index < 3,
      metadata: { order: `o${index}`, parity: index % 2 ? "odd" : "even" },
      ...(index < 4 ? { customer } : {}),
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    });
    intents.push(id);
  }
});
after(() => server.stop());

/** The places, in the order of their making, of the intents that a query finds. */
async function found(query: string): Promise<number[]> {
  const page = await stripe.paymentIntents.search({ query });
  assert.equal(page.object, "search_result");
  assert.equal(page.url, "/v1/payment_intents/search");
  return page.data.map(({ id }) => intents.indexOf(id));
}

test("payments are found by status, customer, amount and metadata, newest first", async () => {
  assert.deepEqual(await found("status:'succeeded'"), [2, 1, 0]);
  assert.deepEqual(await found(`customer:'${customer}'`), [3, 2, 1, 0]);
  assert.deepEqual(await found("amount:1002"), [2]);
  assert.deepEqual(await found("metadata['order']:'o4'"), [4]);
  assert.deepEqual(await found("metadata['parity']:'even' AND status:'succeeded'"), [2, 0]);
  assert.deepEqual(await found("metadata['order']:'nothing'"), []);
});

test("a search pages by its own token, and counts where asked", async () => {
  const all = await stripe.paymentIntents.search({ query: "currency:'usd'", limit: 2 }).autoPagingToArray({ limit: 100 });
  assert.deepEqual(all.map(({ id }) => intents.indexOf(id)), [4, 3, 2, 1, 0]);
  const counted = await stripe.paymentIntents.search({ query: "status:'succeeded'", limit: 1, expand: ["total_count"] });
  assert.equal(counted.total_count, 3);
  assert.equal(counted.has_more, true);
  assert.ok(counted.next_page);
});

test("customers are found by email and metadata, charges by amount and metadata", async () => {
  const byEmail = await stripe.customers.search({ query: "email:'ada@example.com'" });
  assert.deepEqual(byEmail.data.map(({ id }) => id), [customer]);
  const byPlan = await stripe.customers.search({ query: "metadata['plan']:'gold'" });
  assert.deepEqual(byPlan.data.map(({ id }) => id), [customer]);
  const charges = await stripe.charges.search({ query: "amount:1001" });
  assert.deepEqual(charges.data.map(({ payment_intent }) => payment_intent), [intents[1]]);
  const byOrder = await stripe.charges.search({ query: "metadata['order']:'o2'" });
  assert.deepEqual(byOrder.data.map(({ payment_intent }) => payment_intent), [intents[2]]);
});

test("a query that cannot be read is refused", async () => {
  for (const query of ["", "status", "status:", "nonsense:'x'", "status:'a' AND amount:1 OR customer:'x'", "metadata['a]:'b'"]) {
    await refusal(stripe.paymentIntents.search({ query }), Stripe.errors.StripeInvalidRequestError);
  }
});
