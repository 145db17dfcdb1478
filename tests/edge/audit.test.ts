// `cargo xtask audit` over the state of a real run.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
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

/** A task that looks into a state: how it ends, and what it says of it. */
function task(words: string[], state: string): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync("cargo", ["xtask", ...words, "--state", state], { encoding: "utf8" });
  return { code: status, said: stdout + stderr };
}

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

const TASKS = [
  ["audit"],
  ["account", "update", "--account", "acct_1", "--delay-days", "3"],
  ["key", "list", "--account", "acct_1"],
  ["key", "roll", "--id", "key_1"],
  ["key", "revoke", "--id", "key_1"],
  ["key", "create", "--account", "acct_1"],
  ["dead-letters", "list"],
];

test("a state that does not exist is neither audited nor made", () => {
  const typo = join(server.state, "typo");
  for (const words of TASKS) {
    const { code, said } = task(words, typo);
    assert.equal(code, 1, said);
    assert.match(said, /there is no database in /);
    assert.equal(existsSync(typo), false, words.join(" "));
  }
});

test("a state of an older version is told what it lacks, and left as it is", async () => {
  const name = "0020_exact_balances.sql";
  await server.batch([`DELETE FROM d1_migrations WHERE name = '${name}'`]);
  for (const words of TASKS) {
    const { code, said } = task(words, server.state);
    assert.equal(code, 1, said);
    assert.match(said, new RegExp(`that of an older version, and lacks ${name}`));
  }
  const known = await server.query(`SELECT name FROM d1_migrations WHERE name = '${name}'`);
  assert.deepEqual(known, []);
});
