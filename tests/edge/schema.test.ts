// The check by the SDK's types is worth something only if it finds what is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertMatchesSdk } from "./kit/schema.ts";

const refund = {
  id: "re_1",
  object: "refund",
  amount: 500,
  balance_transaction: null,
  charge: "ch_1",
  created: 1,
  currency: "usd",
  customer: null,
  customer_account: null,
  metadata: { order: "6735" },
  payment_intent: "pi_1",
  payment_method: null,
  reason: null,
  receipt_number: null,
  source_transfer_reversal: null,
  status: "succeeded",
  transfer_reversal: null,
};

test("a whole object passes", () => assertMatchesSdk("Refund", refund));

test("a missing field is found", () => {
  const { payment_intent: _, ...lacking } = refund;
  assert.throws(() => assertMatchesSdk("Refund", lacking), /lacks payment_intent/);
});

test("a field of another type is found", () => {
  assert.throws(() => assertMatchesSdk("Refund", { ...refund, amount: "500" }), /\/amount must be number/);
});

test("a field that the SDK does not know is found, also inside", () => {
  assert.throws(() => assertMatchesSdk("Refund", { ...refund, colour: "red" }), /\/colour is no field/);
  const event = { id: "evt_1", object: "event", api_version: null, created: 1, livemode: false, pending_webhooks: 0 };
  const data = { object: { ...refund, colour: "red" } };
  const created = { ...event, request: null, type: "refund.created", data };
  assert.throws(() => assertMatchesSdk("Event", created), /\/data\/object\/colour is no field/);
});

test("a wrong member of a union is named by itself, and its nearest alternative by what it lacks", () => {
  assert.throws(() => assertMatchesSdk("Refund", { ...refund, charge: 5 }), /\/charge must be .*string/);
  const expanded = { ...refund, payment_intent: null, charge: refund };
  assert.throws(() => assertMatchesSdk("Refund", expanded), /\/charge must be/);
  const nested = { ...refund, charge: { id: "ch_1", object: "charge" } };
  assert.throws(() => assertMatchesSdk("Refund", nested), /\/charge lacks .*amount_captured/);
});
