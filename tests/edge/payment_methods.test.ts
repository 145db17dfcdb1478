// Payment methods and tokens with stripe-node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stripe from "stripe";
import { refusal } from "./kit/refusal.ts";
import { Server } from "./kit/server.ts";

const { StripeCardError, StripeInvalidRequestError } = Stripe.errors;

let server: Server;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

const automatic_payment_methods = { enabled: true, allow_redirects: "never" } as const;
const card = { number: "4242424242424242", exp_month: 8, exp_year: 2034, cvc: "314" };

function create(changes: Partial<typeof card> = {}): Promise<Stripe.PaymentMethod> {
  return stripe.paymentMethods.create({ type: "card", card: { ...card, ...changes } });
}

test("a card is kept by its number, and shown without it", async () => {
  const method = await stripe.paymentMethods.create({
    type: "card",
    card,
    billing_details: { name: "Ada", email: "ada@example.com", address: { postal_code: "12345" } },
    metadata: { shelf: "3" },
  });
  assert.equal(method.card?.brand, "visa");
  assert.equal(method.card?.last4, "4242");
  assert.equal(method.card?.exp_year, 2034);
  assert.equal(method.customer, null);
  assert.equal((await create()).card?.fingerprint, method.card?.fingerprint);
  const retrieved = await stripe.paymentMethods.retrieve(method.id);
  assert.equal(retrieved.billing_details.email, "ada@example.com");
  const tables = ["payment_methods", "tokens", "events", "attempts", "charges", "payment_intents"];
  for (const table of tables) {
    const rows = JSON.stringify(await server.query(`SELECT * FROM ${table}`));
    assert.ok(!rows.includes(card.number), `${table} holds a card's number`);
  }
  assert.ok(!server.log.join("\n").includes(card.number));
});

test("each brand is known by its number", async () => {
  for (const [number, brand, funding] of [
    ["4000056655665556", "visa", "debit"],
    ["5555555555554444", "mastercard", "credit"],
    ["2223003122003222", "mastercard", "credit"],
    ["5105105105105100", "mastercard", "prepaid"],
    ["378282246310005", "amex", "credit"],
    ["6011111111111117", "discover", "credit"],
    ["3056930009020004", "diners", "credit"],
    ["3566002020360505", "jcb", "credit"],
    ["6200000000000005", "unionpay", "credit"],
    ["6205500000000000004", "unionpay", "credit"],
  ] as const) {
    const method = await create({ number });
    assert.equal(method.card?.brand, brand);
    assert.equal(method.card?.funding, funding);
    assert.equal(method.card?.last4, number.slice(-4));
  }
});

test("a card that cannot be one is refused", async () => {
  for (const [changes, code, param] of [
    [{ number: "4242424242424241" }, "incorrect_number", "number"],
    [{ number: "42" }, "incorrect_number", "number"],
    [{ exp_month: 13 }, "invalid_expiry_month", "exp_month"],
    [{ exp_year: 1970 }, "invalid_expiry_year", "exp_year"],
    [{ cvc: "12" }, "invalid_cvc", "cvc"],
  ] as const) {
    const error = await refusal(create(changes), StripeCardError);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, code);
    assert.equal(error.param, param);
    assert.ok(!error.decline_code, "no issuer was asked");
  }
});

test("a card is attached, listed, updated and detached, and cannot come back", async () => {
  const { id: customer } = await stripe.customers.create({});
  const { id } = await create();
  const attached = await stripe.paymentMethods.attach(id, { customer });
  assert.equal(attached.customer, customer);
  const listed = await stripe.paymentMethods.list({ customer, type: "card" });
  assert.deepEqual(listed.data.map((method) => method.id), [id]);
  const updated = await stripe.paymentMethods.update(id, {
    card: { exp_month: 1, exp_year: 2040 },
    billing_details: { name: "Grace" },
    metadata: { a: "1" },
  });
  assert.equal(updated.card?.exp_year, 2040);
  assert.equal(updated.billing_details.name, "Grace");
  const expanded = await stripe.paymentMethods.retrieve(id, { expand: ["customer"] });
  assert.equal((expanded.customer as Stripe.Customer).id, customer);
  const detached = await stripe.paymentMethods.detach(id);
  assert.equal(detached.customer, null);
  await refusal(stripe.paymentMethods.attach(id, { customer }), StripeInvalidRequestError);
  assert.equal((await stripe.paymentMethods.list({ customer })).data.length, 0);
});

test("a card that its issuer refuses cannot be attached", async () => {
  const { id: customer } = await stripe.customers.create({});
  const declined = await refusal(
    stripe.paymentMethods.attach("pm_card_visa_chargeDeclined", { customer }),
    StripeCardError,
  );
  assert.equal(declined.code, "card_declined");
  const kept = await stripe.paymentMethods.attach("pm_card_chargeCustomerFail", { customer });
  const error = await refusal(
    stripe.paymentIntents.create({
      amount: 500, currency: "usd", customer, payment_method: kept.id, confirm: true, off_session: true,
      automatic_payment_methods,
    }),
    StripeCardError,
  );
  assert.equal(error.code, "card_declined");
});

test("a kept card pays again, and only for its customer", async () => {
  const { id: customer } = await stripe.customers.create({});
  const first = await stripe.paymentIntents.create({
    amount: 500, currency: "usd", customer, payment_method: "pm_card_visa", confirm: true,
    setup_future_usage: "off_session", automatic_payment_methods, expand: ["payment_method"],
  });
  const method = first.payment_method as Stripe.PaymentMethod;
  assert.equal(method.customer, customer);
  const again = await stripe.paymentIntents.create({
    amount: 700, currency: "usd", customer, payment_method: method.id, confirm: true, off_session: true,
    automatic_payment_methods,
  });
  assert.equal(again.status, "succeeded");
  await refusal(
    stripe.paymentIntents.create({
      amount: 700, currency: "usd", payment_method: method.id, confirm: true, automatic_payment_methods,
    }),
    StripeInvalidRequestError,
  );
});

test("a card that nobody keeps pays once", async () => {
  const { id } = await create();
  const pay = () => stripe.paymentIntents.create({
    amount: 500, currency: "usd", payment_method: id, confirm: true, automatic_payment_methods,
  });
  assert.equal((await pay()).status, "succeeded");
  const again = await refusal(pay(), StripeInvalidRequestError);
  assert.match(again.message, /was previously used with a PaymentIntent without Customer attachment/);
  const { id: customer } = await stripe.customers.create({});
  const kept = await refusal(stripe.paymentMethods.attach(id, { customer }), StripeInvalidRequestError);
  assert.match(kept.message, /was previously used without being attached to a Customer/);
});

test("a token stands for a card once", async () => {
  const token = await stripe.tokens.create({ card: { number: "5555555555554444", exp_month: "12", exp_year: "2033", cvc: "123" } });
  assert.equal(token.type, "card");
  assert.equal(token.used, false);
  assert.equal(token.card?.last4, "4444");
  const method = await stripe.paymentMethods.create({ type: "card", card: { token: token.id } });
  assert.equal(method.card?.brand, "mastercard");
  assert.equal((await stripe.tokens.retrieve(token.id)).used, true);
  const again = await refusal(
    stripe.paymentMethods.create({ type: "card", card: { token: token.id } }),
    StripeInvalidRequestError,
  );
  assert.equal(again.code, "token_already_used");
  const builtIn = await stripe.paymentMethods.create({ type: "card", card: { token: "tok_amex" } });
  assert.equal(builtIn.card?.brand, "amex");
});

test("a card is set up for a customer without a payment", async () => {
  const { id: customer } = await stripe.customers.create({});
  const intent = await stripe.setupIntents.create({
    customer, payment_method: "pm_card_visa", confirm: true, metadata: { a: "1" }, expand: ["customer", "payment_method"],
  });
  assert.equal(intent.status, "succeeded");
  const method = intent.payment_method as Stripe.PaymentMethod;
  assert.equal(method.customer, customer);
  const retrieved = await stripe.setupIntents.retrieve(intent.id);
  assert.equal(retrieved.payment_method, method.id);
  const again = await stripe.setupIntents.create({ customer, payment_method: method.id, confirm: true, usage: "on_session" });
  assert.equal(again.payment_method, method.id);
  const paid = await stripe.paymentIntents.create({
    amount: 500, currency: "usd", customer, payment_method: method.id, confirm: true, off_session: true,
    automatic_payment_methods,
  });
  assert.equal(paid.status, "succeeded");
  const types = (await stripe.events.list({ limit: 100 })).data
    .filter(({ data }) => [intent.id, method.id].includes((data.object as { id?: string }).id ?? ""))
    .map(({ type }) => type);
  assert.deepEqual(types, ["setup_intent.succeeded", "setup_intent.created", "payment_method.attached"]);
});

test("a card that cannot be kept is not set up", async () => {
  const { id: customer } = await stripe.customers.create({});
  const set = (payment_method: string) => stripe.setupIntents.create({ customer, payment_method, confirm: true });
  assert.equal((await refusal(set("pm_card_visa_chargeDeclined"), StripeCardError)).code, "card_declined");
  assert.equal((await refusal(set("pm_card_authenticationRequired"), StripeCardError)).code, "authentication_required");
  const missing = stripe.setupIntents.create({ customer: "cus_missing", payment_method: "pm_card_visa", confirm: true });
  assert.equal((await refusal(missing, StripeInvalidRequestError)).code, "resource_missing");
  assert.equal((await stripe.customers.listPaymentMethods(customer)).data.length, 0);
});
