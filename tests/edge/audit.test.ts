// `cargo xtask audit` over the state of a real run.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { Server } from "./kit/server.ts";

let server: Server;
let stripe: Stripe;

before(async () => {
  server = await Server.start();
  stripe = server.stripe((await server.account()).secret_key);
});
after(() => server.stop());

type Report = { holds: boolean; checks: { name: string; holds: boolean; findings: { subject: string }[] }[] };

/** What the audit says, and its exit code. */
function audit(): { code: number | null; report: Report } {
  const { status, stdout } = spawnSync("cargo", ["xtask", "audit", "--json", "--state", server.state], { encoding: "utf8" });
  return { code: status, report: JSON.parse(stdout) as Report };
}

test("the audit says whether the books and the objects agree", async () => {
  const { id } = await stripe.paymentIntents.create({
    amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  await stripe.refunds.create({ payment_intent: id, amount: 500 });
  const before = audit();
  assert.deepEqual([before.code, before.report.holds], [0, true]);
  assert.ok(before.report.checks.length >= 10);
  await server.batch(["UPDATE ledger_accounts SET balance = balance - 1 WHERE kind = 'fees'"]);
  const after = audit();
  assert.deepEqual([after.code, after.report.holds], [1, false]);
  const broken = after.report.checks.filter(({ holds }) => !holds);
  assert.deepEqual(broken.map(({ name }) => name), ["balances_are_their_entries"]);
  assert.equal(broken[0]?.findings[0]?.subject, "platform fees usd of day 0");
});
