// Waiting for what happens on its own.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

/** Asks again and again until there is an answer; fails after three minutes, which nothing here takes on the busiest machine. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 180_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    assert.ok(Date.now() < end, `waited in vain until ${what}`);
    await pause(20);
  }
}
