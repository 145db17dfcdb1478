// Reports with stripe-node: asked for, waited for, downloaded from R2, and added up.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type Stripe from "stripe";
import { type Account, Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let account: Account;
let stripe: Stripe;
/** The interval that has all payments. */
let interval: { interval_start: number; interval_end: number };

const DAY = 86_400;

const paid = {
  amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true,
  automatic_payment_methods: { enabled: true, allow_redirects: "never" },
} as const;

before(async () => {
  server = await Server.start();
  account = await server.account();
  stripe = server.stripe(account.secret_key);
  const { created } = await stripe.paymentIntents.create({ ...paid, metadata: { order: "7" }, description: 'Tea, "green"' });
  const back = await stripe.paymentIntents.create({ ...paid, amount: 1500, currency: "kwd" });
  await stripe.refunds.create({ payment_intent: back.id, amount: 500 });
  await stripe.paymentIntents.create({ ...paid, amount: 500, currency: "jpy" });
  await server.advance(3 * DAY);
  await stripe.payouts.create({ amount: 1000, currency: "usd" });
  const { now } = await server.advance(DAY);
  interval = { interval_start: created - (created % DAY), interval_end: now - (now % 3600) - 3600 };
});
after(() => server.stop());

type Parameters = Stripe.Reporting.ReportRunCreateParams.Parameters;

/** A report's file, once it is there. */
async function download(report_type: string, parameters: Parameters): Promise<string> {
  const { id, status, result } = await stripe.reporting.reportRuns.create({ report_type, parameters });
  assert.deepEqual([status, result], ["pending", null]);
  const run = await until(`${report_type} is written`, async () => {
    const run = await stripe.reporting.reportRuns.retrieve(id);
    return run.status === "pending" ? undefined : run;
  });
  assert.equal(run.status, "succeeded");
  const file = await stripe.files.retrieve(run.result?.id ?? "");
  // Without what the SDK adds to an answer.
  assert.equal(JSON.stringify(file), JSON.stringify(run.result));
  const answer = await fetch(file.url ?? "", { headers: { authorization: `Bearer ${account.secret_key}` } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/csv; charset=utf-8");
  assert.equal(answer.headers.get("content-disposition"), `attachment; filename="${id}.csv"`);
  assert.equal(answer.headers.get("content-length"), String(file.size));
  return answer.text();
}

/** The fields of each line. No field of these reports has a comma, unless a test says so. */
const fields = (text: string) => text.trimEnd().split("\n").map((line) => line.slice(1, -1).split('","'));

test("reports are listed with their columns", async () => {
  const { data } = await stripe.reporting.reportTypes.list();
  assert.equal(data.length, 11);
  const summary = await stripe.reporting.reportTypes.retrieve("balance.summary.1");
  assert.deepEqual(summary.default_columns, ["category", "description", "net_amount", "currency"]);
  assert.equal(JSON.stringify(data.find(({ id }) => id === summary.id)), JSON.stringify(summary));
});

test("a balance summary leads from what there was to what there is", async () => {
  const [head, ...rows] = fields(await download("balance.summary.1", interval));
  assert.deepEqual(head, ["category", "description", "net_amount", "currency"]);
  const of = (currency: string) => {
    const own = rows.filter((row) => row[3] === currency);
    return Object.fromEntries(own.map(([category, , amount]) => [category, amount]));
  };
  const { starting_balance, activity_gross, payouts, ending_balance } = of("usd");
  assert.deepEqual([starting_balance, activity_gross, payouts, ending_balance], ["0.00", "20.00", "-10.00", "9.12"]);
  assert.equal(of("kwd")["activity_gross"], "1.000");
  assert.equal(of("jpy")["activity_gross"], "500");
  const { available } = await stripe.balance.retrieve();
  assert.equal(available.find(({ currency }) => currency === "usd")?.amount, 912);
});

test("activity is itemized in the columns that are asked for, and adds up to its summary", async () => {
  const columns = ["payment_metadata[order]", "description", "currency", "net", "created", "created_utc", "card_brand"];
  const text = await download("balance_change_from_activity.itemized.3", { ...interval, columns, timezone: "Asia/Kolkata" });
  const [head, first, ...rest] = text.trimEnd().split("\n");
  assert.equal(head, columns.map((column) => `"${column}"`).join(","));
  assert.ok(first?.startsWith('"7","Tea, ""green""","usd",'), first);
  const rows = fields(rest.join("\n"));
  assert.equal(rows.length, 3);
  for (const row of rows) {
    const [, , , , local, utc, brand] = row;
    assert.equal(Date.parse(`${local}Z`) - Date.parse(`${utc}Z`), 5.5 * 3600_000);
    assert.equal(brand, "visa");
  }
  const summary = fields(await download("balance_change_from_activity.summary.1", interval));
  assert.deepEqual(summary[0], ["reporting_category", "currency", "count", "gross", "fee", "net"]);
  const thousandths = (amount = "") => Number(amount.replace(".", ""));
  const dinars = rows.filter((row) => row[2] === "kwd").reduce((sum, row) => sum + thousandths(row[3]), 0);
  const total = summary.find((row) => row[0] === "total" && row[1] === "kwd");
  assert.deepEqual([total?.[2], thousandths(total?.[5])], ["2", dinars]);
});

test("what was not paid out is what is left", async () => {
  const { interval_end } = interval;
  const rows = fields(await download("ending_balance_reconciliation.itemized.4", { interval_end, currency: "usd" }));
  const cents = rows.slice(1).reduce((sum, row) => sum + Number(row[6]?.replace(".", "")), 0);
  assert.equal(cents, 912);
});

test("the merchant is told of a file that is there", async () => {
  const { id } = await stripe.reporting.reportRuns.create({ report_type: "payouts.itemized.3", parameters: interval });
  const event = await until("the event is there", async () => {
    const { data } = await stripe.events.list({ type: "reporting.report_run.succeeded" });
    return data.find(({ data }) => (data.object as { id?: string }).id === id);
  });
  const run = event.data.object as Stripe.Reporting.ReportRun;
  assert.equal(run.result?.url, `${server.url.replace(/\/$/, "")}/v1/files/${run.result?.id}/contents`);
  const runs = await stripe.reporting.reportRuns.list({ limit: 1 });
  assert.equal(runs.data[0]?.id, id);
  assert.equal((await stripe.files.list({ purpose: "finance_report_run", limit: 1 })).data[0]?.id, run.result?.id);
});

test("what cannot be reported is refused in Stripe's words", async () => {
  const report_type = "balance.summary.1";
  const later = { ...interval, interval_end: interval.interval_end + DAY };
  const refused = (parameters: Parameters, message: RegExp) =>
    assert.rejects(stripe.reporting.reportRuns.create({ report_type, parameters }), { type: "StripeInvalidRequestError", message });
  await refused(later, /^Data for the report type balance.summary.1 is only available through .* UTC; you requested `interval_end` = .* UTC.$/);
  await refused({ ...interval, columns: ["colour"] }, /colour/);
  await refused({ ...interval, timezone: "Mars/Olympus" as "UTC" }, /timezone/);
  await refused({ interval_start: interval.interval_start }, /Missing required param: parameters\[interval_end\]/);
});

test("a file is downloaded by its merchant alone", async () => {
  const { data } = await stripe.files.list({ limit: 1 });
  const url = data[0]?.url ?? "";
  assert.equal((await fetch(url)).status, 401);
  const stranger = await server.account("Stranger");
  for (const [key, status] of [[stranger.secret_key, 404], [account.publishable_key, 403]] as const) {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(answer.status, status);
  }
});
