// Receipts on workerd: kept in R2, read behind their link in a real browser, sent into the outbox.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import type Stripe from "stripe";
import { CHROMIUM, openBrowser } from "./kit/browser.ts";
import { Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let account: string;
let stripe: Stripe;
let browser: Browser | undefined;

before(async () => {
  server = await Server.start();
  const merchant = await server.account("Ada's Books & Tea");
  account = merchant.account;
  stripe = server.stripe(merchant.secret_key);
  if (CHROMIUM) browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  await server.stop();
});

/** Pays, and answers with the charge. */
async function pay(changes: Partial<Stripe.PaymentIntentCreateParams> = {}): Promise<Stripe.Charge> {
  const intent = await stripe.paymentIntents.create({
    amount: 123456,
    currency: "usd",
    payment_method: "pm_card_visa",
    confirm: true,
    description: "Two books, and a pot of tea",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    expand: ["latest_charge"],
    ...changes,
  });
  return intent.latest_charge as Stripe.Charge;
}

function link(charge: Stripe.Charge): string {
  assert.ok(charge.receipt_url);
  return charge.receipt_url;
}

function sha256(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Waits until every event so far has been looked at for receipts. */
async function made(): Promise<void> {
  const sql = "SELECT 1 AS one FROM fan_out WHERE receipt_event >= (SELECT max(sequence) FROM events)";
  await until("receipts are made", async () => (await server.query(sql))[0]);
}

test("a receipt is behind its link, and the same once it was made in the background", async () => {
  const charge = await pay();
  const first = await fetch(link(charge));
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("referrer-policy"), "no-referrer");
  assert.match(first.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
  const page = await first.text();
  assert.match(page, /Receipt from <bdi>Ada's Books &amp; Tea/);
  const [kept] = await server.receipts(`${account}/test/${charge.id}/`);
  assert.deepEqual([kept?.contentType, kept?.sha256], ["text/html; charset=utf-8", sha256(page)]);
  // After each event of the charge the background makes its receipt, which is the same here.
  for (const order of ["7", "8"]) {
    await stripe.charges.update(charge.id, { metadata: { order } });
    await server.advance(60);
    await made();
  }
  assert.equal(await (await fetch(link(charge))).text(), page);
  const [html, pdf, ...others] = await server.receipts(`${account}/test/${charge.id}/`);
  assert.deepEqual(html, kept, "what is there is not written again");
  assert.deepEqual([pdf?.contentType, pdf?.key, others], ["application/pdf", kept?.key.replace(/html$/, "pdf"), []]);
  const paper = await fetch(`${link(charge)}/pdf`);
  assert.equal(paper.headers.get("content-type"), "application/pdf");
  const bytes = Buffer.from(await paper.arrayBuffer());
  assert.deepEqual([bytes.subarray(0, 5).toString(), pdf?.sha256], ["%PDF-", sha256(bytes)]);
  const forged = await fetch(link(charge).replace(/.$/, (last) => (last === "0" ? "1" : "0")));
  assert.equal(forged.status, 404);
  assert.deepEqual(server.log.filter((line) => !line.startsWith("serve: ready")), []);
});

test("what a receipt does not show leaves it as it is, and a refund makes another", async () => {
  const charge = await pay();
  const before = await (await fetch(link(charge))).text();
  await stripe.charges.update(charge.id, { metadata: { order: "7" } });
  assert.equal(await (await fetch(link(charge))).text(), before);
  await stripe.refunds.create({ charge: charge.id, amount: 3456 });
  const after = await (await fetch(link(charge))).text();
  assert.match(after, /-\$34\.56/);
  assert.match(after, /\$1,200\.00/);
});

test("a receipt is sent without waiting for the minute, and its number then shown", async () => {
  const charge = await pay({ receipt_email: "jo@example.com" });
  assert.equal(charge.receipt_number, null);
  const shown = await until("the receipt was sent", async () => {
    const shown = await stripe.charges.retrieve(charge.id);
    return shown.receipt_number === null ? undefined : shown;
  });
  const outbox = (await (await server.fetch("/_development/outbox")).json()) as { data: Record<string, string>[] };
  const mails = outbox.data.filter(({ recipient }) => recipient === "jo@example.com");
  assert.equal(mails.length, 1);
  assert.equal(mails[0]?.["subject"], `Receipt from Ada's Books & Tea [${shown.receipt_number}]`);
  assert.ok(mails[0]?.["text"]?.includes(link(charge)));
});

/**
 * Waits until the mail of a charge left, and answers with the receipt's number. No processor that this machine can reach
 * takes live payments, so that one of test mode is made one.
 */
async function mailed(production: Server, id: string): Promise<unknown> {
  await production.batch(
    ["UPDATE charges SET livemode = 1 WHERE id = ?1", id],
    ["INSERT INTO scheduled_tasks SELECT 0, 'send_receipt', id, account, livemode, 0 FROM charges WHERE id = ?1", id],
  );
  await production.scheduled();
  return until("the mail was taken", async () => {
    const [row] = await production.query("SELECT details ->> '$.receipt_sent.number' AS number FROM charges WHERE id = ?1", id);
    return row?.["number"] ?? undefined;
  });
}

/** A deployment in production whose mail goes through a provider. */
async function sendingThrough(provider: ReturnType<typeof createServer>): Promise<Server> {
  await new Promise<void>((done) => provider.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/emails`;
  const bindings = { DEVELOPMENT: "0", EMAIL_URL: url, EMAIL_TOKEN: "secret", EMAIL_FROM: "shop@example.com" };
  return Server.start({ bindings });
}

/** A charge that a customer with an address has paid. */
async function paid(production: Server): Promise<string> {
  const key = (await production.account("Ada's Books")).secret_key;
  const intent = await production.stripe(key).paymentIntents.create({
    amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true, receipt_email: "jo@example.com",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  return String(intent.latest_charge);
}

test("in production mail goes to the provider, again after it refused, under one key", async () => {
  type Mail = { key: string | undefined; token: string | undefined; body: Record<string, string> };
  const mails: Mail[] = [];
  const provider = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Record<string, string>;
    const { authorization, "idempotency-key": key } = request.headers;
    mails.push({ key: String(key), token: authorization, body });
    response.writeHead(mails.length === 1 ? 500 : 200).end("{}");
  });
  await using production = await sendingThrough(provider);
  const id = await paid(production);
  const noted = await mailed(production, id);
  assert.equal(mails.length, 2);
  assert.deepEqual(mails[0], mails[1]);
  assert.equal(mails[0]?.token, "Bearer secret");
  assert.match(mails[0]?.key ?? "", /^[0-9A-Za-z]{22}$/);
  const { html, text, ...rest } = mails[0]?.body ?? {};
  assert.deepEqual(rest, { from: "shop@example.com", to: "jo@example.com", subject: `Receipt from Ada's Books [${noted}]` });
  assert.ok(html?.includes("$20.00") && !html.includes("Test mode"));
  assert.ok(text?.includes(`${production.url}/receipts/${id}_`));
  provider.close();
});

test("mail that its provider refuses for good is a dead letter, and leaves when an operator has it tried again", async () => {
  let status = 422;
  const mails: string[] = [];
  const provider = createServer(async (request, response) => {
    mails.push(Buffer.concat(await request.toArray()).toString());
    response.writeHead(status).end('{"message":"Invalid `to` field"}');
  });
  await using production = await sendingThrough(provider);
  const id = await paid(production);
  const noted = mailed(production, id);
  const [letter] = await until("it is given up", async () => {
    const letters = await production.query("SELECT body, problem FROM dead_letters WHERE queue = 'mail'");
    return letters[0] === undefined ? undefined : letters;
  });
  assert.deepEqual([letter?.["body"], mails.length], [id, 1]);
  assert.match(String(letter?.["problem"]), /422: .*Invalid `to` field/);
  status = 200;
  await production.query("UPDATE dead_letters SET redrive = 1");
  await production.scheduled();
  await noted;
  assert.deepEqual(await production.query("SELECT * FROM dead_letters"), []);
  assert.equal(mails.length, 2);
  provider.close();
});

test("in production mail goes through Cloudflare where the binding is there", async () => {
  const bindings = { DEVELOPMENT: "0", EMAIL_FROM: "shop@example.com" };
  await using production = await Server.start({ bindings, sendsEmail: true });
  const key = (await production.account("Ada's Books")).secret_key;
  const intent = await production.stripe(key).paymentIntents.create({
    amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true, receipt_email: "jo@example.com",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  const number = await mailed(production, String(intent.latest_charge));
  const subject = `Subject: Receipt from Ada's Books [${number}]`;
  for (const said of ["From: shop@example.com", "To: jo@example.com", subject]) {
    await until(`the log says ${said}`, async () => production.log.find((line) => line.endsWith(said)));
  }
});

test("without R2 payments go on and receipts are shown, and are kept once it is there again", async () => {
  await using cut = await Server.start({ losesBuckets: true });
  const merchant = await cut.account("Ada's Books");
  const buyer = cut.stripe(merchant.secret_key);
  const intent = await buyer.paymentIntents.create({
    amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true, receipt_email: "jo@example.com",
    automatic_payment_methods: { enabled: true, allow_redirects: "never" },
  });
  assert.equal(intent.status, "succeeded");
  const id = String(intent.latest_charge);
  const url = link(await buyer.charges.retrieve(id));
  const shown = await fetch(url);
  assert.equal(shown.status, 200);
  const page = await shown.text();
  assert.match(page, /\$20\.00/);
  await until("its mail has left all the same", async () => (await buyer.charges.retrieve(id)).receipt_number ?? undefined);
  await cut.scheduled();
  await until("the operator is told", async () => cut.log.find((line) => line.includes("receipts")));
  const waits = "SELECT receipt_event < (SELECT max(sequence) FROM events) AS waits FROM fan_out";
  assert.deepEqual(await cut.query(waits), [{ waits: 1 }], "receipts wait");
  cut.losesBuckets = false;
  await cut.restart();
  await cut.scheduled();
  const [kept] = await until("the receipt is kept", async () => {
    const kept = await cut.receipts(`${merchant.account}/test/${id}/`);
    return kept.length === 2 ? kept : undefined;
  });
  assert.equal(kept?.sha256, sha256(page));
});

/** Keeps a picture where FLORIN_SCREENSHOTS names a folder for people to look at. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env["FLORIN_SCREENSHOTS"];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/**
 * What of a page keeps people from reading it (WCAG 2.2 AA, as far as styles and markup tell): text that stands out too
 * little (1.4.3), and what whoever hears the page needs to find their way. It runs in the browser.
 */
function barriers(): string[] {
  const found: string[] = [];
  const one = (selector: string) => {
    const count = document.querySelectorAll(selector).length;
    if (count !== 1) found.push(`${count} of ${selector}`);
  };
  ["html[lang]", "title", "main", "h1", "main table caption"].forEach(one);
  for (const header of document.querySelectorAll("th")) if (!header.scope) found.push("a header of a table without a scope");
  for (const link of document.querySelectorAll("a")) if (!link.textContent?.trim()) found.push("a link without a name");
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  if (new Set(ids).size < ids.length) found.push("an id that is there twice");
  // Any color that CSS knows, as what a canvas paints of it over another.
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const paint = (colors: string[]): number[] => {
    if (!context) throw new Error("no canvas");
    context.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (color: number[]): number => {
    const [red = 0, green = 0, blue = 0] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const element = text.parentElement;
    if (element === null || !text.textContent?.trim() || element.closest("style")) continue;
    const behind: string[] = [];
    for (let at: Element | null = element; at !== null; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const base = matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#ffffff";
    const background = [base, ...behind];
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const [dark = 0, light = 0] = [luminance(paint(background)), luminance(paint([...background, color]))].sort((a, b) => a - b);
    const isLarge = Number.parseFloat(fontSize) >= 24 || (Number.parseFloat(fontSize) >= 18.66 && Number(fontWeight) >= 700);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < (isLarge ? 3 : 4.5)) found.push(`${text.textContent.trim()} has a contrast of ${contrast.toFixed(2)}`);
  }
  return found;
}

test("the page is read on a phone and at a desk, and says nothing in its console", { skip: !CHROMIUM }, async () => {
  const description = `A very long description ${"of what was paid for ".repeat(5)}${"x".repeat(80)}`;
  const charge = await pay({ description });
  await stripe.refunds.create({ charge: charge.id, amount: 3456 });
  for (const [size, width, height] of [["phone", 390, 844], ["desktop", 1280, 800]] as const) {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await browser!.newPage({ viewport: { width, height }, colorScheme });
      const said: string[] = [];
      page.on("console", (message) => said.push(message.text()));
      page.on("pageerror", (error) => said.push(error.message));
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(link(charge));
      await picture(page, `receipt-${size}-${colorScheme}`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, "nothing is cut off");
      assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
      await page.getByRole("heading", { level: 1, name: "Receipt from Ada's Books & Tea" }).waitFor();
      await page.getByRole("columnheader", { name: "Amount" }).waitFor();
      const total = page.getByRole("row", { name: "Paid after refunds" });
      assert.match(await total.textContent() ?? "", /\$1,200\.00/);
      assert.deepEqual(await page.evaluate(barriers), [], "everybody can read it");
      const download = page.getByRole("link", { name: "Download as PDF" });
      assert.equal(await download.getAttribute("href"), `${link(charge)}/pdf`);
      assert.deepEqual(said.filter((text) => !text.includes("favicon")), []);
      assert.deepEqual(asked.filter((url) => !url.endsWith("/favicon.ico")), [link(charge)]);
      if (colorScheme === "dark") {
        await page.emulateMedia({ media: "print", colorScheme: "light" });
        await picture(page, `receipt-${size}-print`);
        assert.equal(await download.isVisible(), false);
      }
      await page.close();
    }
  }
});
