// Cards from a customer's browser: a shop's page on another origin speaks to Florin with a publishable key.
import assert from "node:assert/strict";
import { type Server as HttpServer, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import Stripe from "stripe";
import { CHROMIUM, openBrowser } from "./kit/browser.ts";
import { refusal } from "./kit/refusal.ts";
import { problemsAs } from "./kit/schema.ts";
import { type Account, Server } from "./kit/server.ts";

const { StripePermissionError, StripeInvalidRequestError, StripeCardError } = Stripe.errors;

let server: Server;
let account: Account;
let stripe: Stripe;
let browser: Browser | undefined;
let shop: HttpServer;
let page: Page;

before(async () => {
  server = await Server.start();
  account = await server.account();
  stripe = server.stripe(account.secret_key);
  if (!CHROMIUM) return;
  browser = await openBrowser();
  shop = createServer((_, response) => response.setHeader("content-type", "text/html").end("<h1>Checkout</h1>"));
  await new Promise<void>((done) => shop.listen(0, "127.0.0.1", done));
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(shop.address() as AddressInfo).port}/`);
});
after(async () => {
  await browser?.close();
  shop?.close();
  await server.stop();
});

const browsing = { skip: !CHROMIUM };

type Answer = { status: number; requestId: string | null; body: Record<string, unknown> & { error?: { code?: string } } };

/** What the shop's page is answered when it calls the API. */
function call(method: string, path: string, parameters?: Record<string, string>, headers = {}): Promise<Answer> {
  const request = { url: `${server.url}${path}`, key: account.publishable_key, method, parameters, headers };
  return page.evaluate(async ({ url, key, method, parameters, headers }) => {
    const body = parameters === undefined ? null : new URLSearchParams(parameters);
    const response = await fetch(url, { method, body, headers: { Authorization: `Bearer ${key}`, ...headers } });
    return { status: response.status, requestId: response.headers.get("request-id"), body: await response.json() };
  }, request);
}

const card = { "type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2034", "card[cvc]": "123" };

test("a page of another origin keeps a card and pays with it, and no server of the shop sees the number", browsing, async () => {
  const intent = await stripe.paymentIntents.create({
    amount: 2000, currency: "usd", metadata: { secret: "of the shop" },
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  // Headers that are not plain make the browser ask first.
  const headers = { "Idempotency-Key": "from-a-browser", "Stripe-Version": "2026-10-28.endive" };
  const method = await call("POST", "/v1/payment_methods", card, headers);
  assert.equal(method.status, 200);
  assert.match(method.requestId ?? "", /^req_/);
  assert.deepEqual(problemsAs("PaymentMethod", method.body, true), []);
  const client_secret = intent.client_secret!;
  const shown = await call("GET", `/v1/payment_intents/${intent.id}?${new URLSearchParams({ client_secret })}`);
  assert.equal(shown.status, 200);
  assert.deepEqual(problemsAs("PaymentIntent", shown.body, true), []);
  assert.equal(shown.body["metadata"], undefined);
  const parameters = { client_secret, payment_method: String(method.body["id"]) };
  const confirmed = await call("POST", `/v1/payment_intents/${intent.id}/confirm`, parameters);
  assert.equal(confirmed.body["status"], "succeeded");
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, "succeeded");
});

test("a page that confirms with a card of its own is told of a decline", browsing, async () => {
  const { id, client_secret } = await stripe.paymentIntents.create({
    amount: 2000, currency: "usd", metadata: { secret: "of the shop" },
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  const data = Object.entries({ ...card, "card[number]": "4000000000000002" });
  const method = Object.fromEntries(data.map(([name, value]) => [`payment_method_data${name.replace(/^(\w+)/, "[$1]")}`, value]));
  const declined = await call("POST", `/v1/payment_intents/${id}/confirm`, { client_secret: client_secret!, ...method });
  assert.equal(declined.status, 402);
  assert.equal(declined.body.error?.code, "card_declined");
  assert.ok(!JSON.stringify(declined.body).includes("of the shop"));
});

test("the preflight names what a browser may send", async () => {
  const answer = await server.fetch("/v1/payment_methods", {
    method: "OPTIONS",
    headers: { "origin": "https://shop.test", "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
  });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  assert.match(answer.headers.get("access-control-allow-headers") ?? "", /Authorization/);
  assert.match(answer.headers.get("access-control-allow-methods") ?? "", /POST/);
  assert.equal(answer.headers.get("access-control-allow-credentials"), null);
});

test("without the client secret, or with another's, nothing is shown or done", async () => {
  const publishable = server.stripe(account.publishable_key);
  const { id, client_secret } = await stripe.paymentIntents.create({ amount: 2000, currency: "usd" });
  const other = await stripe.paymentIntents.create({ amount: 2000, currency: "usd" });
  await refusal(publishable.paymentIntents.retrieve(id), StripeInvalidRequestError);
  const foreign = { client_secret: other.client_secret! };
  await refusal(publishable.paymentIntents.retrieve(id, foreign), StripeInvalidRequestError);
  const confirm = publishable.paymentIntents.confirm(id, { ...foreign, payment_method: "pm_card_visa" });
  await refusal(confirm, StripeInvalidRequestError);
  assert.equal((await stripe.paymentIntents.retrieve(id)).status, "requires_payment_method");
  assert.equal((await publishable.paymentIntents.retrieve(id, { client_secret: client_secret! })).id, id);
});

test("a browser's idempotency key is not the server's", async () => {
  const publishable = server.stripe(account.publishable_key);
  const kept = { type: "card", card: { token: "tok_visa" }, metadata: { a: "1" } } as const;
  const ours = await stripe.paymentMethods.create(kept, { idempotencyKey: "shared" });
  const theirs = await publishable.paymentMethods.create({ type: "card", card: { token: "tok_visa" } }, { idempotencyKey: "shared" });
  assert.notEqual(theirs.id, ours.id);
  const wrong = publishable.paymentMethods.create({ type: "card", card: { number: "4242424242424241", exp_month: 1, exp_year: 2034 } });
  await refusal(wrong, StripeCardError);
});

test("everything else is refused to a browser", async () => {
  const { id } = await stripe.paymentIntents.create({ amount: 2000, currency: "usd" });
  // What is served, by the product's own description, but for what a browser may do.
  const description = (await (await server.fetch("/openapi.json")).json()) as { paths: Record<string, Record<string, unknown>> };
  const allowed = ["get /v1/payment_intents/{intent}", "post /v1/payment_intents/{intent}/confirm", "post /v1/payment_methods"];
  let asked = 0;
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const method of ["get", "post", "delete"].filter((method) => method in methods)) {
      if (allowed.includes(`${method} ${path}`)) continue;
      const answer = await server.fetch(path.replace(/\{\w+\}/g, id), {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${account.publishable_key}` },
      });
      assert.equal(answer.status, 403, `${method} ${path}`);
      asked += 1;
    }
  }
  assert.ok(asked > 30);
  await refusal(server.stripe(account.publishable_key).paymentIntents.list(), StripePermissionError);
});
