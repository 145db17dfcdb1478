// Webhooks on workerd: a receiver that verifies every delivery, and one that misbehaves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
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

test("an endpoint may hear of every type that Stripe's own library names, and keeps the API version that it asked for", async () => {
  const types = readFileSync(new URL("../../node_modules/stripe/esm/resources/WebhookEndpoints.d.ts", import.meta.url), "utf8");
  const union = /type EnabledEvent = ([^;]*);/.exec(types)?.[1] ?? "";
  const named = [...union.matchAll(/'([^']+)'/g)].map(([, name]) => String(name));
  assert.ok(named.length > 250 && named.includes("*"), `${named.length} types`);
  const stripe = await merchant();
  const enabled_events = named as Stripe.WebhookEndpointCreateParams.EnabledEvent[];
  const made = await stripe.webhookEndpoints.create({ url: receiver.url("/all"), enabled_events, api_version: "2024-06-20" });
  assert.deepEqual(made.enabled_events, named);
  const shown = await stripe.webhookEndpoints.retrieve(made.id);
  assert.deepEqual([shown.api_version, shown.enabled_events], ["2024-06-20", named]);
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

/** What came of the attempts to deliver the one event of an endpoint, the newest first. */
async function attempts(endpoint: Stripe.WebhookEndpoint, count: number): Promise<Record<string, unknown>[]> {
  return until(`${count} attempts were recorded`, async () => {
    const rows = await server.query(
      `SELECT attempts AS number, status_code, problem, milliseconds, response FROM deliveries WHERE endpoint = ?1 AND attempts > 0
       UNION SELECT number, status_code, problem, milliseconds, response FROM delivery_attempts WHERE endpoint = ?1
       ORDER BY number DESC`,
      endpoint.id,
    );
    return rows.length >= count ? rows : undefined;
  });
}

test("an attempt that gets no answer ends after twenty seconds, is told of, and made again", async () => {
  const stripe = await merchant();
  const endpoint = await receiver.endpoint(stripe, "/silent", ["customer.created"]);
  let tries = 0;
  receiver.answer = (request, response) => {
    if (request.url !== "/silent" || ++tries > 1) response.end("yes");
  };
  await stripe.customers.create({ name: "Jo" });
  await arrived("/silent", 2);
  const [second, first] = await attempts(endpoint, 2);
  assert.deepEqual([second?.["status_code"], second?.["response"]], [200, "yes"]);
  assert.deepEqual([first?.["status_code"], first?.["problem"]], [null, "No answer within 20 s."]);
  const took = Number(first?.["milliseconds"]);
  assert.ok(took >= 20_000 && took < 40_000, `${took} ms`);
});

test("of a long answer the first 64 kB are read, and 4 kB kept", async () => {
  const stripe = await merchant();
  const endpoint = await receiver.endpoint(stripe, "/long", ["customer.created"]);
  // More than what may be read or on its way, and an end that shows when it is cut off before that.
  const size = 200_000_000;
  let written = 0;
  const ended = new Promise<number>((resolve) => {
    receiver.answer = (request, response) => {
      if (request.url !== "/long") return void response.end();
      const more = (): void => {
        while (!response.destroyed && written < size) {
          written += 65_536;
          if (!response.write("x".repeat(65_536))) return;
        }
        if (written >= size) response.end();
      };
      response.on("close", () => resolve(written)).on("drain", more).writeHead(200, { "content-length": `${size}` });
      more();
    };
  });
  await stripe.customers.create({ name: "Jo" });
  const [attempt] = await attempts(endpoint, 1);
  assert.equal(attempt?.["status_code"], 200);
  assert.equal(attempt?.["response"], `${"x".repeat(4_000)}…`);
  assert.ok((await ended) < size / 4, `${written} bytes were written`);
});

test("an answer that stalls, breaks off or is a bomb counts by its status, and what came of it is kept", async () => {
  const stripe = await merchant();
  const names = ["/stalls", "/breaks", "/bomb", "/refuses"] as const;
  const endpoints = [];
  for (const name of names) endpoints.push(await receiver.endpoint(stripe, name, ["customer.created"]));
  const bomb = gzipSync("x".repeat(100_000_000));
  receiver.answer = (request, response) => {
    const { url } = request;
    if (url === "/stalls") response.writeHead(200, { "content-length": "9" }).write("wait");
    else if (url === "/breaks") response.writeHead(200, { "content-length": "9" }).write("no mo", () => response.destroy());
    else if (url === "/bomb") response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    // What is no text, and what would end a text.
    else response.writeHead(500).end(Buffer.from([0xff, 0x00, 0x27, 0x3b]));
  };
  await stripe.customers.create({ name: "Jo" });
  const kept = [];
  for (const endpoint of endpoints) kept.push((await attempts(endpoint, 1)).at(-1));
  assert.deepEqual(kept.map((attempt) => [attempt?.["status_code"], attempt?.["problem"], attempt?.["response"]]), [
    [200, null, "wait"], [200, null, "no mo"], [200, null, `${"x".repeat(4_000)}…`], [500, null, "\ufffd\u0000';"],
  ]);
  const took = Number(kept[0]?.["milliseconds"]);
  assert.ok(took >= 20_000 && took < 40_000, `${took} ms`);
});

test("an endpoint that asks to be left in peace gets nothing until then, and then all of it", async () => {
  const stripe = await merchant();
  await receiver.endpoint(stripe, "/busy", ["customer.created"]);
  const asks = 5;
  let refusedAt: number | undefined;
  receiver.answer = (request, response) => {
    if (request.url !== "/busy") return void response.end();
    if (refusedAt !== undefined && Date.now() > refusedAt + (asks - 1) * 1_000) return void response.end();
    refusedAt ??= Date.now();
    response.writeHead(429, { "retry-after": `${asks}` }).end();
  };
  for (let count = 0; count < 30; count += 1) await stripe.customers.create({ name: `Jo ${count}` });
  const deliveries = await until("all of it has arrived", async () => {
    const ids = new Set(receiver.at("/busy").map(({ event }) => event.id));
    return ids.size >= 30 ? receiver.at("/busy") : undefined;
  });
  const first = Number(deliveries[0]?.at);
  const early = deliveries.filter(({ at }) => at < first + (asks - 1) * 1_000);
  // Those that were under way when it first said so.
  assert.ok(early.length <= 4, `${early.length} while it was to be left in peace`);
});

test("an endpoint that was disabled or deleted gets nothing more, neither what was planned nor what happens", async () => {
  const stripe = await merchant();
  const [disabled, deleted] = [
    await receiver.endpoint(stripe, "/disabled", ["customer.created"]),
    await receiver.endpoint(stripe, "/deleted", ["customer.created"]),
  ];
  receiver.answer = (request, response) => {
    const refuses = ["/disabled", "/deleted"].includes(request.url ?? "");
    // Not before both are gone would it be asked again.
    response.writeHead(refuses ? 503 : 200, refuses ? { "retry-after": "60" } : {}).end();
  };
  await stripe.customers.create({ name: "Before" });
  await Promise.all([attempts(disabled, 1), attempts(deleted, 1)]);
  await stripe.webhookEndpoints.update(disabled.id, { disabled: true });
  await stripe.webhookEndpoints.del(deleted.id);
  await receiver.endpoint(stripe, "/witness", ["customer.created"]);
  await stripe.customers.create({ name: "After" });
  await arrived("/witness", 1);
  await server.advance(400);
  receiver.ahead += 400;
  await server.scheduled();
  const states = await until("what was planned has ended", async () => {
    const rows = await server.query("SELECT state FROM deliveries WHERE endpoint IN (?1, ?2)", disabled.id, deleted.id);
    return rows.every(({ state }) => state === "failed") ? rows : undefined;
  });
  assert.equal(states.length, 2, "nothing was planned of what came later");
  assert.deepEqual(["/disabled", "/deleted"].map((path) => receiver.at(path).length), [1, 1]);
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
