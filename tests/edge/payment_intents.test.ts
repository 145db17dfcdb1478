// Payment intents with stripe-node. Every answer is held against the SDK's types (kit/checked.ts).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Stripe from "stripe";
import { refusal } from "./kit/refusal.ts";
import { Server } from "./kit/server.ts";

let server: Server;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

const paid = { amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true } as const;
const noRedirects = { automatic_payment_methods: { enabled: true, allow_redirects: "never" } } as const;

/** A payment in one call, unless `changes` say otherwise. */
function pay(changes: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<Stripe.PaymentIntent> {
  return stripe.paymentIntents.create({ ...paid, ...noRedirects, ...changes });
}

/** An authorisation that waits for its capture. */
function authorize(changes: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<Stripe.PaymentIntent> {
  return pay({ capture_method: "manual", ...changes });
}

const { StripeCardError, StripeInvalidRequestError, StripeAuthenticationError, StripeIdempotencyError } = Stripe.errors;

test("a payment is created, confirmed and retrieved", async () => {
  const created = await stripe.paymentIntents.create({ amount: 1099, currency: "eur", ...noRedirects });
  assert.equal(created.status, "requires_payment_method");
  assert.equal(created.capture_method, "automatic_async");
  assert.ok(created.client_secret?.startsWith(`${created.id}_secret_`));
  const confirmed = await stripe.paymentIntents.confirm(created.id, { payment_method: "pm_card_mastercard" });
  assert.equal(confirmed.status, "succeeded");
  assert.equal(confirmed.amount_received, 1099);
  const retrieved = await stripe.paymentIntents.retrieve(created.id);
  assert.deepEqual({ ...retrieved, lastResponse: null }, { ...confirmed, lastResponse: null });
  assert.match(retrieved.lastResponse.requestId, /^req_/);
});

test("everything that describes a payment comes back", async () => {
  const shipping = {
    name: "Ada Lovelace",
    phone: "+441234567890",
    address: { line1: "12 St James's Square", city: "London", country: "GB", postal_code: "SW1Y 4JH" },
  };
  const intent = await pay({
    description: "Ünïcode & <b>markup</b> — 漢字 🎉",
    metadata: { order: "6735", "a key": "a=b&c" },
    receipt_email: "ada@example.com",
    shipping,
    statement_descriptor_suffix: "ORDER 6735",
    transfer_group: "group",
    setup_future_usage: "off_session",
  });
  assert.equal(intent.description, "Ünïcode & <b>markup</b> — 漢字 🎉");
  assert.deepEqual({ ...intent.metadata }, { order: "6735", "a key": "a=b&c" });
  assert.equal(intent.receipt_email, "ada@example.com");
  assert.equal(intent.shipping?.name, shipping.name);
  assert.equal(intent.shipping?.address?.city, "London");
  assert.equal(intent.statement_descriptor_suffix, "ORDER 6735");
  assert.equal(intent.transfer_group, "group");
  assert.equal(intent.setup_future_usage, "off_session");
  const charge = await expandedCharge(intent.id);
  assert.equal(charge.description, intent.description);
  assert.equal(charge.shipping?.phone, shipping.phone);
  assert.deepEqual({ ...charge.metadata }, { ...intent.metadata });
});

async function expandedCharge(intent: string): Promise<Stripe.Charge> {
  const { latest_charge } = await stripe.paymentIntents.retrieve(intent, { expand: ["latest_charge"] });
  assert.ok(latest_charge !== null && typeof latest_charge === "object");
  return latest_charge;
}

test("a card's number can be given with the payment", async () => {
  const card = { number: "4000056655665556", exp_month: 12, exp_year: 2034, cvc: "314" };
  const billing_details = { name: "Ada", address: { postal_code: "12345", line1: "1 Way" } };
  const payment_method_data = { type: "card", card, billing_details } as Stripe.PaymentIntentCreateParams.PaymentMethodData;
  const { payment_method: _, ...withoutMethod } = paid;
  const intent = await stripe.paymentIntents.create({
    ...withoutMethod, ...noRedirects, payment_method_data, expand: ["payment_method", "latest_charge"],
  });
  const method = intent.payment_method as Stripe.PaymentMethod;
  assert.equal(method.card?.last4, "5556");
  assert.equal(method.card?.funding, "debit");
  const charge = intent.latest_charge as Stripe.Charge;
  assert.equal(charge.payment_method_details?.card?.checks?.cvc_check, "pass");
  assert.equal(charge.billing_details.name, "Ada");
  assert.ok(!JSON.stringify(intent).includes(card.number));
});

test("ids expand to their objects, also on lists", async () => {
  const { id } = await pay();
  const intent = await stripe.paymentIntents.retrieve(id, {
    expand: ["latest_charge.payment_intent", "payment_method", "customer"],
  });
  assert.equal((intent.payment_method as Stripe.PaymentMethod).object, "payment_method");
  assert.equal(((intent.latest_charge as Stripe.Charge).payment_intent as Stripe.PaymentIntent).id, id);
  const list = await stripe.paymentIntents.list({ limit: 1, expand: ["data.latest_charge"] });
  assert.equal((list.data[0]?.latest_charge as Stripe.Charge).payment_intent, id);
  const bad = await refusal(stripe.paymentIntents.retrieve(id, { expand: ["nonsense"] }), StripeInvalidRequestError);
  assert.equal(bad.message, "This property cannot be expanded (nonsense).");
  const unprefixed = stripe.paymentIntents.list({ expand: ["latest_charge"] });
  assert.equal(
    (await refusal(unprefixed, StripeInvalidRequestError)).message,
    "This property cannot be expanded (latest_charge). You may want to try expanding 'data.latest_charge' instead.",
  );
});

test("an expansion that is refused charges nobody", async () => {
  const metadata = { order: "bad-expand" };
  await refusal(pay({ metadata, expand: ["latest_chrage"] }), StripeInvalidRequestError);
  const rows = await server.query("SELECT count(*) AS n FROM payment_intents WHERE details LIKE '%bad-expand%'");
  assert.deepEqual(rows, [{ n: 0 }]);
});

for (const [method, code, decline_code] of [
  ["pm_card_visa_chargeDeclined", "card_declined", "generic_decline"],
  ["pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"],
  ["pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"],
  ["pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"],
  ["pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"],
  ["pm_card_chargeDeclinedExpiredCard", "expired_card", undefined],
  ["pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", undefined],
  ["pm_card_chargeDeclinedProcessingError", "processing_error", undefined],
] as const) {
  test(`${method} is declined as Stripe declines it`, async () => {
    const error = await refusal(pay({ payment_method: method }), StripeCardError);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, code);
    if (decline_code !== undefined) assert.equal(error.decline_code, decline_code);
    if (code === "incorrect_cvc") assert.equal(error.param, "cvc");
    const intent = error.payment_intent;
    assert.ok(intent);
    assert.equal(intent.status, "requires_payment_method");
    assert.equal(intent.last_payment_error?.code, code);
    assert.equal(error.payment_method?.object, "payment_method");
    assert.match(String(error.charge), /^ch_/);
    const charge = await expandedCharge(intent.id);
    assert.equal(charge.id, error.charge);
    assert.equal(charge.status, "failed");
    assert.equal(charge.failure_code, code);
    const again = await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
    assert.equal(again.status, "succeeded");
    assert.equal(again.last_payment_error, null);
  });
}

test("off session a card that wants its holder is declined", async () => {
  const call = pay({ payment_method: "pm_card_authenticationRequired", off_session: true });
  const error = await refusal(call, StripeCardError);
  assert.equal(error.code, "authentication_required");
  assert.equal(error.payment_intent?.status, "requires_payment_method");
});

test("a shop that handles no challenge is told that a card wants one", async () => {
  const call = pay({ payment_method: "pm_card_authenticationRequired", error_on_requires_action: true });
  const error = await refusal(call, StripeCardError);
  assert.equal(error.code, "authentication_required");
  assert.equal(error.decline_code, "authentication_not_handled");
  assert.equal(error.payment_intent?.status, "requires_payment_method");
});

test("metadata merges, unsets and clears", async () => {
  const { id } = await stripe.paymentIntents.create({ amount: 500, currency: "usd", metadata: { a: "1", b: "2" } });
  const merged = await stripe.paymentIntents.update(id, { metadata: { b: "3", c: "4" } });
  assert.deepEqual({ ...merged.metadata }, { a: "1", b: "3", c: "4" });
  const unset = await stripe.paymentIntents.update(id, { metadata: { a: "" } });
  assert.deepEqual({ ...unset.metadata }, { b: "3", c: "4" });
  const cleared = await stripe.paymentIntents.update(id, { metadata: "" });
  assert.deepEqual({ ...cleared.metadata }, {});
});

test("an update changes what an intent asks for, and null unsets", async () => {
  const { id } = await stripe.paymentIntents.create({ amount: 500, currency: "usd", description: "Old" });
  const shipping = { name: "Ada", address: { line1: "1 Way" } };
  const updated = await stripe.paymentIntents.update(id, { amount: 700, currency: "eur", description: "New", shipping });
  assert.equal(updated.amount, 700);
  assert.equal(updated.currency, "eur");
  assert.equal(updated.description, "New");
  assert.equal(updated.shipping?.name, "Ada");
  const unset = await stripe.paymentIntents.update(id, { description: "", shipping: "" });
  assert.equal(unset.description, null);
  assert.equal(unset.shipping, null);
  const kept = await stripe.paymentIntents.update(id, { payment_method: "pm_card_visa" });
  assert.equal(kept.status, "requires_confirmation");
});

test("money that is held is captured in whole", async () => {
  const held = await authorize();
  assert.equal(held.status, "requires_capture");
  assert.equal(held.amount_capturable, 2000);
  const captured = await stripe.paymentIntents.capture(held.id);
  assert.equal(captured.status, "succeeded");
  assert.equal(captured.amount_received, 2000);
  assert.equal(captured.amount_capturable, 0);
  const charge = await expandedCharge(held.id);
  assert.equal(charge.captured, true);
  assert.equal(charge.amount_captured, 2000);
});

test("a partial capture releases the rest, and a second one is refused", async () => {
  const held = await authorize();
  const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 750 });
  assert.equal(captured.status, "succeeded");
  assert.equal(captured.amount_received, 750);
  const again = await refusal(stripe.paymentIntents.capture(held.id), StripeInvalidRequestError);
  assert.equal(again.code, "payment_intent_unexpected_state");
  assert.equal(again.payment_intent?.id, held.id);
});

test("several captures take what is held where they were asked for", async () => {
  const held = await authorize({ payment_method_options: { card: { request_multicapture: "if_available" } } });
  const first = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 500, final_capture: false });
  assert.equal(first.status, "requires_capture");
  assert.equal(first.amount_capturable, 1500);
  const last = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000, final_capture: true });
  assert.equal(last.status, "succeeded");
  assert.equal(last.amount_received, 1500);
});

test("a payment taken in parts lets go of the rest without a refund", async () => {
  const held = await authorize({ payment_method_options: { card: { request_multicapture: "if_available" } } });
  await stripe.paymentIntents.capture(held.id, { amount_to_capture: 500, final_capture: false });
  assert.equal((await expandedCharge(held.id)).captured, false);
  const released = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 0, final_capture: true });
  assert.equal(released.status, "succeeded");
  assert.deepEqual([released.amount_received, released.amount_capturable], [500, 0]);
  const charge = await expandedCharge(held.id);
  assert.deepEqual([charge.captured, charge.amount_captured, charge.amount_refunded], [true, 500, 0]);
});

test("more than what is held cannot be captured", async () => {
  const held = await authorize();
  const error = await refusal(
    stripe.paymentIntents.capture(held.id, { amount_to_capture: 2001 }),
    StripeInvalidRequestError,
  );
  assert.equal(error.code, "amount_too_large");
  assert.equal((await stripe.paymentIntents.retrieve(held.id)).status, "requires_capture");
});

test("a hold grows by an increment", async () => {
  const options = { card: { request_incremental_authorization: "if_available" } } as const;
  const held = await authorize({ payment_method_options: options });
  const grown = await stripe.paymentIntents.incrementAuthorization(held.id, { amount: 3000 });
  assert.equal(grown.status, "requires_capture");
  assert.equal(grown.amount_capturable, 3000);
  const captured = await stripe.paymentIntents.capture(held.id);
  assert.equal(captured.amount_received, 3000);
});

test("a cancel lets go of what is held", async () => {
  const held = await authorize();
  const canceled = await stripe.paymentIntents.cancel(held.id, { cancellation_reason: "requested_by_customer" });
  assert.equal(canceled.status, "canceled");
  assert.equal(canceled.cancellation_reason, "requested_by_customer");
  assert.ok(canceled.canceled_at);
  const again = await refusal(stripe.paymentIntents.cancel(held.id), StripeInvalidRequestError);
  assert.equal(again.code, "payment_intent_unexpected_state");
  const charge = await expandedCharge(held.id);
  assert.deepEqual([charge.captured, charge.amount_captured, charge.refunded, charge.amount_refunded], [false, 0, false, 0]);
});

test("a payment that succeeded is neither confirmed nor canceled nor captured again", async () => {
  const { id } = await pay();
  for (const call of [
    () => stripe.paymentIntents.confirm(id),
    () => stripe.paymentIntents.cancel(id),
    () => stripe.paymentIntents.capture(id),
  ]) {
    const error = await refusal(call(), StripeInvalidRequestError);
    assert.equal(error.code, "payment_intent_unexpected_state");
    assert.equal(error.payment_intent?.status, "succeeded");
  }
});

test("a list pages by cursor in both directions, and by itself", async () => {
  const own = server.stripe((await server.account("Lists")).secret_key);
  const made: string[] = [];
  for (let index = 0; index < 7; index++) {
    made.unshift((await own.paymentIntents.create({ amount: 100 + index, currency: "usd" })).id);
  }
  const all: string[] = [];
  await own.paymentIntents.list({ limit: 3 }).autoPagingEach((intent) => {
    all.push(intent.id);
  });
  assert.deepEqual(all, made);
  const page = await own.paymentIntents.list({ limit: 2, starting_after: made[1]! });
  assert.deepEqual(page.data.map(({ id }) => id), made.slice(2, 4));
  assert.equal(page.has_more, true);
  assert.equal(page.url, "/v1/payment_intents");
  const before = await own.paymentIntents.list({ limit: 2, ending_before: made[4]! });
  assert.deepEqual(before.data.map(({ id }) => id), made.slice(2, 4));
  const last = await own.paymentIntents.list({ limit: 100, starting_after: made[5]! });
  assert.deepEqual(last.data.map(({ id }) => id), made.slice(6));
  assert.equal(last.has_more, false);
  const backwards = await own.paymentIntents
    .list({ limit: 3, ending_before: made[6]! })
    .autoPagingToArray({ limit: 100 });
  assert.deepEqual(backwards.map(({ id }) => id), made.slice(0, 6).reverse());
  const error = await refusal(own.paymentIntents.list({ starting_after: "pi_none" }), StripeInvalidRequestError);
  assert.equal(error.code, "resource_missing");
  assert.equal(error.param, "starting_after");
});

test("a list is filtered by when its objects were made", async () => {
  const own = server.stripe((await server.account("Created")).secret_key);
  const { id, created } = await own.paymentIntents.create({ amount: 100, currency: "usd" });
  const found = async (filter: Stripe.PaymentIntentListParams["created"]) =>
    (await own.paymentIntents.list({ created: filter! })).data.map((intent) => intent.id);
  assert.deepEqual(await found(created), [id]);
  assert.deepEqual(await found({ gte: created, lte: created }), [id]);
  assert.deepEqual(await found({ gt: created }), []);
  assert.deepEqual(await found({ lt: created }), []);
});

test("the same key answers with the same payment, and other parameters with an error", async () => {
  const options = { idempotencyKey: "order-1" };
  const parameters = { ...paid, ...noRedirects };
  const first = await stripe.paymentIntents.create(parameters, options);
  assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
  const second = await stripe.paymentIntents.create(parameters, options);
  assert.equal(second.id, first.id);
  assert.equal(second.lastResponse.headers["idempotent-replayed"], "true");
  assert.equal(second.lastResponse.headers["original-request"], first.lastResponse.requestId);
  assert.equal(second.lastResponse.idempotencyKey, "order-1");
  const other = stripe.paymentIntents.create({ ...parameters, amount: 2001 }, options);
  const error = await refusal(other, StripeIdempotencyError);
  assert.equal(error.statusCode, 400);
  assert.match(error.message, /^Keys for idempotent requests can only be used with the same parameters/);
});

test("a decline is repeated for its key", async () => {
  const options = { idempotencyKey: "declined-1" };
  const call = () => stripe.paymentIntents.create(
    { ...paid, ...noRedirects, payment_method: "pm_card_visa_chargeDeclined" },
    options,
  );
  const first = await refusal(call(), StripeCardError);
  const second = await refusal(call(), StripeCardError);
  assert.equal(second.payment_intent?.id, first.payment_intent?.id);
  assert.equal(second.headers?.["idempotent-replayed"], "true");
});

test("older versions are answered in today's shape, and what is no date is refused", async () => {
  const options = { apiVersion: "2020-08-27" };
  const intent = await stripe.paymentIntents.create({ amount: 500, currency: "usd" }, options);
  assert.equal(intent.lastResponse.apiVersion, "2020-08-27");
  const parameters = { amount: 500, currency: "usd", payment_method_types: ["card"] };
  const old = await stripe.paymentIntents.create(parameters as Stripe.PaymentIntentCreateParams, options);
  assert.deepEqual(old.payment_method_types, ["card"]);
  const response = await server.fetch("/v1/payment_intents", {
    headers: { "Authorization": `Bearer ${(await server.account()).secret_key}`, "Stripe-Version": "latest" },
  });
  assert.equal(response.status, 400);
  const { error } = (await response.json()) as { error: Stripe.StripeRawError };
  assert.equal(error.message, "Invalid Stripe API version: latest");
});

test("an unknown parameter is refused by its name", async () => {
  for (const [parameters, name] of [
    [{ amout: 500 }, "amout"],
    [{ shipping: { name: "A", address: { line1: "1", nope: "x" } } }, "shipping[address][nope]"],
    [{ payment_method_options: { card: { nope: "x" } } }, "payment_method_options[card][nope]"],
  ] as const) {
    const call = stripe.paymentIntents.create({ amount: 500, currency: "usd", ...parameters } as never);
    const error = await refusal(call, StripeInvalidRequestError);
    assert.equal(error.code, "parameter_unknown");
    assert.equal(error.param, name);
    assert.equal(error.message, `Received unknown parameter: ${name}`);
  }
});

test("amounts that cannot be charged are refused", async () => {
  for (const [amount, currency, code] of [
    [0, "usd", "parameter_invalid_integer"],
    [-1, "usd", "parameter_invalid_integer"],
    ["5.5", "usd", "parameter_invalid_integer"],
    [49, "usd", "amount_too_small"],
    [100_000_000, "usd", "amount_too_large"],
    ["99999999999999999999", "usd", "parameter_invalid_integer"],
    [500, "xyz", undefined],
  ] as const) {
    const call = stripe.paymentIntents.create({ amount: amount as number, currency });
    const error = await refusal(call, StripeInvalidRequestError);
    assert.equal(error.code, code, `${amount} ${currency}: ${error.message}`);
  }
  assert.equal((await stripe.paymentIntents.create({ amount: 50, currency: "jpy" })).amount, 50);
  assert.equal((await stripe.paymentIntents.create({ amount: 1230, currency: "kwd" })).amount, 1230);
});

test("what does not exist, and what is another account's, is missing alike", async () => {
  const other = server.stripe((await server.account("Other")).secret_key);
  const foreign = await other.paymentIntents.create({ amount: 500, currency: "usd" });
  for (const id of ["pi_missing", foreign.id]) {
    for (const call of [
      () => stripe.paymentIntents.retrieve(id),
      () => stripe.paymentIntents.update(id, { description: "x" }),
      () => stripe.paymentIntents.confirm(id),
      () => stripe.paymentIntents.capture(id),
      () => stripe.paymentIntents.cancel(id),
      () => stripe.paymentIntents.incrementAuthorization(id, { amount: 1000 }),
    ]) {
      const error = await refusal(call(), StripeInvalidRequestError);
      assert.equal(error.statusCode, 404);
      assert.equal(error.code, "resource_missing");
      assert.equal(error.param, "intent");
      assert.equal(error.message, `No such payment_intent: '${id}'`);
    }
  }
});

test("a wrong key is refused", async () => {
  const error = await refusal(server.stripe("sk_test_wrong").paymentIntents.list(), StripeAuthenticationError);
  assert.equal(error.statusCode, 401);
});

test("an unknown route is named", async () => {
  const error = await refusal(stripe.rawRequest("GET", "/v1/nonsense"), StripeInvalidRequestError);
  assert.equal(error.statusCode, 404);
  assert.equal(error.message, "Unrecognized request URL (GET: /v1/nonsense).");
});
