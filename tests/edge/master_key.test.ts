// A rotation of the master key on workerd, as docs/master-key.md says, across restarts: the Worker reads its keys from its
// secrets, what was sealed and derived before goes on working, and the operator is told when the old key may be dropped.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

const [OLD, NEW] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];

let server: Server;

before(async () => {
  server = await Server.start({ bindings: { MASTER_KEY: OLD } });
});
after(() => server.stop());

type Shown = {
  master_key: string;
  sealed_under: Record<string, number>;
  left: number;
  cannot_be_opened: number;
  completed_at: number | null;
  previous_may_be_dropped: boolean | null;
};

/** What an operator is told who asks whether all is under this key. */
function shown(key = NEW): Shown {
  const file = join(server.state, "new-key");
  writeFileSync(file, `${key}\n`);
  const command = ["xtask", "master-key", "--key", file, "--state", server.state];
  const { status, stdout, stderr } = spawnSync("cargo", command, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Shown;
}

async function deploy(bindings: Record<string, string | undefined>): Promise<void> {
  server.bind(bindings);
  await server.restart();
}

test("a rotation that has not begun was told of as one that is over", async () => {
  await server.account();
  const old = await until("the first pass is over", async () => {
    await server.advance(300);
    await server.scheduled();
    const now = shown(OLD);
    return now.previous_may_be_dropped ? now : undefined;
  });
  assert.deepEqual([old.left, shown(NEW).previous_may_be_dropped], [0, false]);
});

test("a rotation changes nothing that merchants and customers see", async () => {
  const stripe = server.stripe((await server.account()).secret_key);
  const customer = await stripe.customers.create();
  const kept = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  const pay = {
    amount: 2000, currency: "usd", confirm: true, customer: customer.id, payment_method: kept.id,
    payment_method_types: ["card"], expand: ["latest_charge"],
  };
  const once = { idempotencyKey: "before" };
  const paid = await stripe.paymentIntents.create(pay, once);
  const receipt = async () => {
    assert.ok(typeof paid.latest_charge === "object" && paid.latest_charge?.receipt_url);
    return (await server.fetch(new URL(paid.latest_charge.receipt_url).pathname)).status;
  };
  const stays = async () => {
    assert.deepEqual((await stripe.paymentIntents.create(pay, once)).id, paid.id, "it is replayed");
    const { status } = await stripe.paymentIntents.create(pay);
    assert.equal(status, "succeeded");
    const card = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
    assert.equal(card.card?.fingerprint, kept.card?.fingerprint);
    assert.equal(await receipt(), 200);
  };
  await stays();
  await deploy({ MASTER_KEY_NEXT: NEW });
  await stays();
  await deploy({ MASTER_KEY: NEW, MASTER_KEY_PREVIOUS: OLD, MASTER_KEY_NEXT: undefined });
  await stays();
  await until("the sweep begins", async () => {
    const [row] = await server.query("SELECT master_key FROM resealing");
    return Object.keys(shown().sealed_under).includes(String(row?.master_key)) ? row : undefined;
  });
  assert.ok(shown().left > 0 && !shown().previous_may_be_dropped, JSON.stringify(shown()));
  const done = await until("nothing is left", async () => {
    await server.advance(300);
    await server.scheduled();
    const now = shown();
    return now.previous_may_be_dropped && Object.keys(now.sealed_under).length === 1 ? now : undefined;
  });
  assert.deepEqual([done.left, done.cannot_be_opened], [0, 0]);
  await deploy({ MASTER_KEY_PREVIOUS: undefined });
  await stays();
});

test("without the key that sealed, nothing is served, and the log names it", async () => {
  const { master_key } = shown();
  await deploy({ MASTER_KEY: OLD });
  const { secret_key } = await server.account();
  const answer = await server.fetch("/v1/customers", { headers: { authorization: `Bearer ${secret_key}` } });
  assert.equal(answer.status, 500);
  const named = `sealed under the master key ${master_key}`;
  await until("the log names the key", async () => server.log.join("\n").includes(named) || undefined);
});
