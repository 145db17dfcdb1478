// Calls that must be refused.
import assert from "node:assert/strict";
import type Stripe from "stripe";

/** The error that a call ends with, of the SDK's class for it. */
export async function refusal<E extends Stripe.errors.StripeError>(
  call: Promise<unknown>,
  kind: new (...args: never[]) => E,
): Promise<E> {
  const error: unknown = await call.then(
    () => assert.fail("the call was not refused"),
    (error: unknown) => error,
  );
  if (error instanceof assert.AssertionError) throw error;
  assert.ok(error instanceof kind, `${kind.name} was expected: ${error}`);
  return error;
}
