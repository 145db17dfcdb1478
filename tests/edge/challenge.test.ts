// The page on which a cardholder proves who they are, in a real browser.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { type Server as HttpServer, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import type Stripe from "stripe";
import { CHROMIUM, openBrowser } from "./kit/browser.ts";
import { Server } from "./kit/server.ts";

let server: Server;
let stripe: Stripe;
let browser: Browser;
let shop: HttpServer;
let shopUrl: string;

before(async () => {
  if (!CHROMIUM) return;
  server = await Server.start();
  stripe = server.stripe((await server.account("Ada's Books")).secret_key);
  browser = await openBrowser();
  shop = createServer((_, response) => response.setHeader("content-type", "text/html").end("<h1>Thank you</h1>"));
  await new Promise<void>((done) => shop.listen(0, "127.0.0.1", done));
  shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
});
after(async () => {
  shop?.close();
  await browser?.close();
  await server?.stop();
});

type Challenged = { intent: Stripe.PaymentIntent; url: string };

/** A payment that waits for its cardholder, and where they are sent. */
async function challenged(changes: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<Challenged> {
  const intent = await stripe.paymentIntents.create({
    amount: 123456,
    currency: "usd",
    payment_method: "pm_card_threeDSecure2Required",
    confirm: true,
    return_url: `${shopUrl}/done?order=7`,
    ...changes,
  });
  assert.equal(intent.status, "requires_action");
  assert.equal(intent.latest_charge, null);
  const url = intent.next_action?.redirect_to_url?.url;
  assert.ok(url);
  return { intent, url };
}

/** Opens a page, and fails the test when the page says anything in its console (as violations of its policy do). */
async function open(url: string, use: (page: Page) => Promise<void>): Promise<void> {
  const said: string[] = [];
  const page = await browser.newPage();
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  try {
    await page.goto(url);
    await use(page);
    assert.deepEqual(said.filter((text) => !text.includes("favicon")), []);
  } finally {
    await page.close();
  }
}

function landed(page: Page): URLSearchParams {
  const url = new URL(page.url());
  assert.equal(url.origin + url.pathname, `${shopUrl}/done`);
  assert.equal(url.searchParams.get("order"), "7");
  return url.searchParams;
}

/** Keeps a picture where FLORIN_SCREENSHOTS names a folder for people to look at. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env["FLORIN_SCREENSHOTS"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  for (const [size, width, height] of [["phone", 390, 844], ["desktop", 1280, 800]] as const) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
    }
  }
}

const browsing = { skip: !CHROMIUM };

test("a cardholder who completes the challenge has paid and is back in the shop", browsing, async () => {
  const { intent, url } = await challenged();
  await open(url, async (page) => {
    await picture(page, "challenge");
    assert.match(await page.textContent("main") ?? "", /\$1,234\.56/);
    await page.getByRole("button", { name: "Complete authentication" }).click();
    await page.waitForURL(`${shopUrl}/**`);
    const parameters = landed(page);
    assert.equal(parameters.get("payment_intent"), intent.id);
    assert.equal(parameters.get("payment_intent_client_secret"), intent.client_secret);
    assert.equal(parameters.get("redirect_status"), "succeeded");
  });
  const paid = await stripe.paymentIntents.retrieve(intent.id, { expand: ["latest_charge"] });
  assert.equal(paid.status, "succeeded");
  assert.equal(paid.next_action, null);
  const card = (paid.latest_charge as Stripe.Charge).payment_method_details?.card;
  assert.equal(card?.three_d_secure?.result, "authenticated");
});

test("a cardholder who fails it has not paid, and the shop can try again", browsing, async () => {
  const { intent, url } = await challenged();
  await open(url, async (page) => {
    await page.getByRole("button", { name: "Fail authentication" }).click();
    await page.waitForURL(`${shopUrl}/**`);
    assert.equal(landed(page).get("redirect_status"), "failed");
  });
  const refused = await stripe.paymentIntents.retrieve(intent.id);
  assert.equal(refused.status, "requires_payment_method");
  assert.equal(refused.last_payment_error?.code, "payment_intent_authentication_failure");
  assert.equal(refused.last_payment_error?.type, "invalid_request_error");
  assert.equal(refused.latest_charge, null);
  const again = await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
  assert.equal(again.status, "succeeded");
});

test("the page is used by keyboard alone", browsing, async () => {
  const { intent, url } = await challenged();
  await open(url, async (page) => {
    await page.keyboard.press("Tab");
    const focused = page.locator(":focus");
    assert.equal(await focused.textContent(), "Complete authentication");
    const outline = await focused.evaluate((button) => getComputedStyle(button).outlineStyle);
    assert.notEqual(outline, "none");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${shopUrl}/**`);
    assert.equal(landed(page).get("redirect_status"), "succeeded");
  });
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, "succeeded");
});

test("pressing twice, coming back and pressing the other button change nothing", browsing, async () => {
  const { intent, url } = await challenged();
  await open(url, async (first) => {
    await open(url, async (second) => {
      await first.getByRole("button", { name: "Complete authentication" }).dblclick({ noWaitAfter: true });
      await first.waitForURL(`${shopUrl}/**`);
      await second.getByRole("button", { name: "Fail authentication" }).click();
      await second.waitForURL(`${shopUrl}/**`);
      assert.equal(landed(second).get("redirect_status"), "succeeded");
    });
    // The link leads straight to the shop now.
    await first.goto(url);
    assert.equal(landed(first).get("redirect_status"), "succeeded");
  });
  const charges = await server.query("SELECT status FROM charges WHERE payment_intent = ?1", intent.id);
  assert.deepEqual(charges, [{ status: "succeeded" }]);
  const events = await server.query("SELECT id FROM events WHERE object = ?1 AND type = 'payment_intent.succeeded'", intent.id);
  assert.equal(events.length, 1);
});

test("many submissions at once pay once", browsing, async () => {
  const { intent, url } = await challenged();
  const body = new URLSearchParams({ result: "complete" });
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(url, { method: "POST", body, redirect: "manual" })));
  for (const answer of answers) assert.equal(answer.status, 303);
  const charges = await server.query("SELECT status FROM charges WHERE payment_intent = ?1", intent.id);
  assert.deepEqual(charges, [{ status: "succeeded" }]);
});

test("a manual capture waits after the challenge", browsing, async () => {
  const { intent, url } = await challenged({ capture_method: "manual" });
  await open(url, async (page) => {
    await page.getByRole("button", { name: "Complete authentication" }).click();
    await page.waitForURL(`${shopUrl}/**`);
    assert.equal(landed(page).get("redirect_status"), "succeeded");
  });
  const captured = await stripe.paymentIntents.capture(intent.id);
  assert.equal(captured.status, "succeeded");
});

test("a card that is declined afterwards says so in the shop", browsing, async () => {
  const { intent, url } = await challenged({ payment_method: "pm_card_threeDSecureRequiredChargeDeclined" });
  await open(url, async (page) => {
    await page.getByRole("button", { name: "Complete authentication" }).click();
    await page.waitForURL(`${shopUrl}/**`);
    assert.equal(landed(page).get("redirect_status"), "failed");
  });
  const declined = await stripe.paymentIntents.retrieve(intent.id);
  assert.equal(declined.last_payment_error?.code, "card_declined");
});

test("a payment that was canceled meanwhile cannot be completed", browsing, async () => {
  const { intent, url } = await challenged();
  await open(url, async (page) => {
    await stripe.paymentIntents.cancel(intent.id);
    await page.getByRole("button", { name: "Complete authentication" }).click();
    await page.waitForURL(`${shopUrl}/**`);
    assert.equal(landed(page).get("redirect_status"), "failed");
  });
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, "canceled");
});

test("a link that leads nowhere says so", browsing, async () => {
  const page = await browser.newPage();
  const response = await page.goto(`${server.url}/challenges/att_nothing`);
  assert.equal(response?.status(), 404);
  assert.equal(await page.textContent("h1"), "No such payment");
  await picture(page, "missing");
  await page.close();
});

test("a payment without a way back ends on our own page", browsing, async () => {
  const automatic_payment_methods = { enabled: true, allow_redirects: "never" } as const;
  const intent = await stripe.paymentIntents.create({
    amount: 500, currency: "eur", payment_method: "pm_card_threeDSecure2Required", confirm: true, automatic_payment_methods,
  });
  assert.equal(intent.next_action?.type, "use_stripe_sdk");
  const url = String((intent.next_action?.use_stripe_sdk as Record<string, unknown>)["stripe_js"]);
  await open(url, async (page) => {
    await page.getByRole("button", { name: "Complete authentication" }).click();
    await page.getByRole("heading", { name: "Payment confirmed" }).waitFor();
    await picture(page, "confirmed");
  });
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, "succeeded");
});
