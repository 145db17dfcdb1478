// The Stripe CLI's own fixtures against the built Worker: each makes the event that it is named after.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type Stripe from "stripe";
import { Receiver } from "./kit/receiver.ts";
import { type Account, Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

const CLI = resolve(import.meta.dirname, "../../node_modules/@stripe/cli-linux-x64/bin/stripe");
const withCli = { skip: !existsSync(CLI) && "the Stripe CLI is not there for this machine" };

let server: Server;
let account: Account;
let stripe: Stripe;
let home: string;

before(async () => {
  server = await Server.start();
  account = await server.account("CLI");
  stripe = server.stripe(account.secret_key);
  home = mkdtempSync(join(tmpdir(), "florin-cli-"));
});
after(async () => {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Runs a command of the Stripe CLI, and gives what it says. */
async function run(...command: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], HOME: home, XDG_CONFIG_HOME: home, STRIPE_CLI_TELEMETRY_OPTOUT: "1" };
  const parameters = [...command, "--api-key", account.secret_key, "--api-base", server.url];
  return (await promisify(execFile)(CLI, parameters, { env })).stdout;
}

/** Runs `stripe trigger`, which ends with an error when any of its requests does. */
async function trigger(event: string): Promise<void> {
  assert.match(await run("trigger", event), /Trigger succeeded/);
}

for (const type of [
  "payment_intent.created",
  "payment_intent.succeeded",
  "payment_intent.canceled",
  "payment_intent.payment_failed",
  "payment_intent.amount_capturable_updated",
  "payment_intent.requires_action",
  "charge.succeeded",
  "charge.captured",
  "charge.failed",
  "charge.refunded",
  "charge.refund.updated",
  "charge.dispute.created",
  "charge.dispute.updated",
  "charge.dispute.closed",
  "balance.available",
  "payout.created",
  "payout.updated",
  "topup.created",
  "transfer.created",
  "transfer.updated",
  "transfer.reversed",
  "customer.created",
  "customer.updated",
  "customer.deleted",
  "payment_method.attached",
  "payment_method.detached",
  "payment_method.updated",
]) {
  test(`stripe trigger ${type}`, withCli, async () => {
    const events = async () => (await stripe.events.list({ type, limit: 100 })).data;
    const before = (await events()).length;
    await trigger(type);
    const made = await until("the event is there", async () => {
      const found = await events();
      return found.length > before ? found[0] : undefined;
    });
    assert.equal(made.type, type);
    assert.equal(made.object, "event");
  });
}

test("stripe events resend", withCli, async () => {
  const receiver = await Receiver.start();
  try {
    const endpoint = await receiver.endpoint(stripe, "/resent", ["customer.created"]);
    await stripe.customers.create({ name: "Jo" });
    const [delivered] = await until("it is delivered", async () => (receiver.deliveries.length > 0 ? receiver.deliveries : undefined));
    await run("events", "resend", String(delivered?.event.id), `--webhook-endpoint=${endpoint.id}`);
    const deliveries = await until("it is delivered again", async () => (receiver.deliveries.length > 1 ? receiver.deliveries : undefined));
    assert.deepEqual(deliveries.map(({ event, problem }) => [event.id, problem]), [1, 2].map(() => [delivered?.event.id, undefined]));
  } finally {
    receiver.stop();
  }
});
