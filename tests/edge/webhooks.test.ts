// Webhooks on workerd: a receiver that verifies every delivery, and one that misbehaves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { Receiver } from "./kit/receiver.ts";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let receiver: Receiver;

before(async () => {
  server = await Server.start();
  receiver = await Receiver.start();
});
after(async () => {
  receiver.stop();
  await server.stop();
});

async function merchant(): Promise<Stripe> {
  return server.stripe((await server.account()).secret_key);
}

/** Waits until so many deliveries came to a path, each of them signed as it should be. */
async function arrived(path: string, count: number): Promise<Stripe.Event[]> {
  const deliveries = await until(`${count} deliveries came to ${path}`, async () => {
    const deliveries = receiver.at(path);
    return deliveries.length >= count ? deliveries : undefined;
  });
  assert.deepEqual(deliveries.filter(({ problem }) => problem !== undefined), []);
  return deliveries.map(({ event }) => event);
}

test("a payment's events arrive signed, each as the API shows it", async () => {
  const stripe = await merchant();
  await receiver.endpoint(stripe, "/payment");
  const payment = await stripe.paymentIntents.create({
    amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  const events = await arrived("/payment", 3);
  assert.deepEqual(events.map(({ type }) => type).sort(), [
    "charge.succeeded", "payment_intent.created", "payment_intent.succeeded",
  ]);
  const succeeded = events.find(({ type }) => type === "payment_intent.succeeded");
  assert.equal((succeeded?.data.object as Stripe.PaymentIntent).id, payment.id);
  const shown = await stripe.events.retrieve(String(succeeded?.id));
  assert.deepEqual({ ...shown, pending_webhooks: 1 }, { ...succeeded, pending_webhooks: 1 });
});

test("what a merchant names is fetched as anybody's request is, and still a developer's own machine is reached", async () => {
  const configuration = readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8");
  assert.match(configuration, /^ *"global_fetch_strictly_public",$/m);
  const stripe = await merchant();
  await receiver.endpoint(stripe, "/local", ["customer.created"]);
  await stripe.customers.create({ name: "Jo" });
  await arrived("/local", 1);
});

test("an endpoint is retrieved, listed, updated and deleted", async () => {
  const stripe = await merchant();
  const made = await receiver.endpoint(stripe, "/lifecycle", ["customer.created", "charge.*"]);
  assert.match(String(made.secret), /^whsec_/);
  const shown = await stripe.webhookEndpoints.retrieve(made.id);
  assert.equal(shown.secret, undefined);
  await stripe.webhookEndpoints.update(made.id, { disabled: true, description: "off", metadata: { a: "b" } });
  const listed = await stripe.webhookEndpoints.list({ limit: 1 });
  assert.deepEqual(listed.data.map(({ id, status }) => [id, status]), [[made.id, "disabled"]]);
  assert.equal((await stripe.webhookEndpoints.del(made.id)).deleted, true);
  await assert.rejects(stripe.webhookEndpoints.retrieve(made.id), { statusCode: 404 });
});

test("an endpoint that fails, redirects or closes early gets its event again", async () => {
  const stripe = await merchant();
  await receiver.endpoint(stripe, "/failing", ["customer.created"]);
  const tries: string[] = [];
  receiver.answer = (request, response) => {
    if (request.url !== "/failing") return void response.end();
    const [fails, redirects, closes] = [tries.length === 0, tries.length === 1, tries.length === 2];
    tries.push(fails ? "fails" : redirects ? "redirects" : closes ? "closes" : "takes");
    if (fails) response.writeHead(500).end("no");
    else if (redirects) response.writeHead(302, { location: receiver.url("/elsewhere") }).end();
    else if (closes) response.destroy();
    else response.end("yes");
  };
  await stripe.customers.create({ name: "Jo" });
  await arrived("/failing", 4);
  assert.deepEqual(tries, ["fails", "redirects", "closes", "takes"]);
  assert.deepEqual(receiver.at("/elsewhere"), []);
});

test("an endpoint that stalls or answers without end delays no other", async () => {
  const stripe = await merchant();
  await receiver.endpoint(stripe, "/stalling", ["customer.created"]);
  await receiver.endpoint(stripe, "/endless", ["customer.created"]);
  await receiver.endpoint(stripe, "/brisk", ["customer.created"]);
  let stalled = 0;
  receiver.answer = (request, response) => {
    if (request.url === "/stalling") stalled += 1;
    else if (request.url === "/endless") {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) { /* until it is full */ }
      };
      response.on("drain", more).writeHead(200);
      more();
    } else response.end();
  };
  for (let count = 0; count < 10; count += 1) await stripe.customers.create({ name: `Jo ${count}` });
  await arrived("/brisk", 10);
  assert.ok(stalled > 0);
  await arrived("/endless", 10);
});

test("without the development setting nothing is sent where a name leads inside", async () => {
  const hosts = {
    "inside.example.com": ["10.0.0.7"],
    "both.example.com": ["1.1.1.1", "fd00::1"],
    "mapped.example.com": ["::ffff:169.254.169.254"],
    "outside.example.com": ["1.1.1.1", "2606:4700:4700::1111"],
  };
  await using production = await Server.start({ bindings: { DEVELOPMENT: "0" }, hosts });
  const stripe = production.stripe((await production.account()).secret_key);
  const ids = new Map<string, string>();
  for (const host of [...Object.keys(hosts), "nowhere.example.com"]) {
    const made = await stripe.webhookEndpoints.create({ url: `https://${host}/hook`, enabled_events: ["customer.created"] });
    ids.set(made.id, host);
  }
  await assert.rejects(stripe.webhookEndpoints.create({ url: "https://10.0.0.7/hook", enabled_events: ["*"] }), { statusCode: 400 });
  await stripe.customers.create({ name: "Jo" });
  const rows = await until("each was attempted", async () => {
    const rows = await production.query("SELECT endpoint, state, attempts, problem FROM deliveries WHERE attempts > 0");
    return rows.length === ids.size ? rows : undefined;
  });
  const told = new Map(rows.map(({ endpoint, problem }) => [ids.get(String(endpoint)), problem]));
  for (const host of ["inside", "both", "mapped"].map((name) => `${name}.example.com`)) {
    assert.equal(told.get(host), `${host} leads to an address that is not public.`);
  }
  assert.equal(told.get("nowhere.example.com"), "nowhere.example.com has no address.");
  assert.equal(told.get("outside.example.com"), null);
  const sent = production.log.filter((line) => line.includes("sent to"));
  assert.deepEqual(sent.map((line) => line.slice(line.indexOf("https://"))), ["https://outside.example.com/hook"]);
});
