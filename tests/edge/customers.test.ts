// Customers with stripe-node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stripe from "stripe";
import { refusal } from "./kit/refusal.ts";
import { Server } from "./kit/server.ts";

const { StripeInvalidRequestError } = Stripe.errors;

let server: Server;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

test("a customer is created, retrieved and updated with all that is known of them", async () => {
  const address = { line1: "12 St James's Square", city: "London", country: "GB", postal_code: "SW1Y 4JH" };
  const created = await stripe.customers.create({
    name: "Ada Lovelace",
    email: "ada@example.com",
    phone: "+441234567890",
    description: "Ünïcode <b>漢字</b>",
    address,
    shipping: { name: "Ada", address },
    preferred_locales: ["en-GB", "fr"],
    metadata: { plan: "gold" },
  });
  assert.equal(created.name, "Ada Lovelace");
  assert.equal(created.address?.postal_code, "SW1Y 4JH");
  assert.equal(created.shipping?.name, "Ada");
  assert.deepEqual(created.preferred_locales, ["en-GB", "fr"]);
  const updated = await stripe.customers.update(created.id, { email: "", metadata: { plan: "", tier: "1" }, shipping: "" });
  assert.equal(updated.email, null);
  assert.equal(updated.shipping, null);
  assert.deepEqual({ ...updated.metadata }, { tier: "1" });
  const retrieved = await stripe.customers.retrieve(created.id);
  assert.deepEqual({ ...retrieved, lastResponse: null }, { ...updated, lastResponse: null });
});

test("a deleted customer says so, keeps their payments and takes no new ones", async () => {
  const { id } = await stripe.customers.create({ name: "Gone" });
  const paid = await stripe.paymentIntents.create({
    amount: 500,
    currency: "usd",
    customer: id,
    payment_method: "pm_card_visa",
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  assert.deepEqual({ ...(await stripe.customers.del(id)), lastResponse: null }, { id, object: "customer", deleted: true, lastResponse: null });
  const gone = await stripe.customers.retrieve(id);
  assert.equal(gone.deleted, true);
  const intent = await stripe.paymentIntents.retrieve(paid.id, { expand: ["customer"] });
  assert.equal((intent.customer as Stripe.DeletedCustomer).deleted, true);
  const updated = await refusal(stripe.customers.update(id, { name: "Back" }), StripeInvalidRequestError);
  assert.equal(updated.code, "resource_missing");
  // Who lost the answer to a deletion asks again, without a key.
  assert.equal((await stripe.customers.del(id)).deleted, true);
  const payment = stripe.paymentIntents.create({ amount: 500, currency: "usd", customer: id });
  assert.equal((await refusal(payment, StripeInvalidRequestError)).code, "resource_missing");
  const listed = await stripe.customers.list({ limit: 100 });
  assert.ok(!listed.data.some((customer) => customer.id === id));
});

test("customers are listed by page and by email", async () => {
  const own = server.stripe((await server.account("Lists")).secret_key);
  const made: string[] = [];
  for (let index = 0; index < 5; index++) {
    made.unshift((await own.customers.create({ email: index % 2 ? "odd@example.com" : "even@example.com" })).id);
  }
  const all = await own.customers.list({ limit: 2 }).autoPagingToArray({ limit: 100 });
  assert.deepEqual(all.map(({ id }) => id), made);
  const odd = await own.customers.list({ email: "odd@example.com" });
  assert.deepEqual(odd.data.map(({ id }) => id), [made[1], made[3]]);
});

test("a customer's cards are listed, and one of them retrieved", async () => {
  const { id } = await stripe.customers.create({});
  const visa = await stripe.paymentMethods.attach("pm_card_visa", { customer: id });
  const amex = await stripe.paymentMethods.attach("pm_card_amex", { customer: id });
  const cards = await stripe.customers.listPaymentMethods(id, { type: "card" });
  assert.deepEqual(cards.data.map((method) => method.id), [amex.id, visa.id]);
  assert.equal(cards.url, `/v1/customers/${id}/payment_methods`);
  const one = await stripe.customers.retrievePaymentMethod(id, visa.id);
  assert.equal(one.card?.brand, "visa");
  const other = await stripe.customers.create({});
  const foreign = stripe.customers.retrievePaymentMethod(other.id, visa.id);
  assert.equal((await refusal(foreign, StripeInvalidRequestError)).statusCode, 404);
});

test("a customer's default card is theirs", async () => {
  const { id } = await stripe.customers.create({});
  const { id: card } = await stripe.paymentMethods.attach("pm_card_visa", { customer: id });
  const updated = await stripe.customers.update(id, {
    invoice_settings: { default_payment_method: card },
    expand: ["invoice_settings.default_payment_method"],
  });
  assert.equal((updated.invoice_settings.default_payment_method as Stripe.PaymentMethod).id, card);
  const { id: other } = await stripe.customers.create({});
  await refusal(
    stripe.customers.update(other, { invoice_settings: { default_payment_method: card } }),
    StripeInvalidRequestError,
  );
});

test("what cannot be right is refused by its name", async () => {
  const email = await refusal(stripe.customers.create({ email: "no address" }), StripeInvalidRequestError);
  assert.equal(email.code, "email_invalid");
  const unknown = await refusal(
    stripe.customers.create({ invoice_settings: { nope: "x" } } as never),
    StripeInvalidRequestError,
  );
  assert.equal(unknown.message, "Received unknown parameter: invoice_settings[nope]");
  const missing = await refusal(stripe.customers.retrieve("cus_missing"), StripeInvalidRequestError);
  assert.equal(missing.message, "No such customer: 'cus_missing'");
});
