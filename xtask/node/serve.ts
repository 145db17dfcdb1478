// The process behind `cargo xtask dev` and the edge tests: serves until its standard input closes, so that it never
// outlives its parent. It is given its settings as JSON in FLORIN_SERVE.
//
// It speaks JSON lines. On stdout it says first that it serves, and then answers requests that arrive on stdin:
// {"id":1,"batch":[["SELECT ?1",5]]} runs statements in D1 as one batch, {"id":2,"account":"Name"} makes a merchant,
// {"id":3,"scheduled":"*/5 * * * *"} does what cron would, {"id":4,"send":"DELIVERIES","bodies":["..."]} sends messages
// through a queue, {"id":7,"migrate":true} has the schema be that of this checkout, but for what a migration takes away.
// What the Worker logs goes to stderr.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { type Account, type Statement, newAccount, store } from "./accounts.ts";
import { migrate, root, serve } from "./miniflare.ts";

const settings = JSON.parse(process.env.FLORIN_SERVE ?? "{}");
const { state, demo, config, migrations = true } = settings;
delete process.env.FLORIN_SERVE; // It holds a secret, and workerd inherits the environment.
const started = performance.now();
let server: Awaited<ReturnType<typeof serve>> | undefined;

function say(message: object) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function end(code: number) {
  setTimeout(() => process.exit(code), 2000).unref();
  await server?.miniflare.dispose().catch(() => {});
  process.exit(code);
}

/** The demo merchant, whose keys are kept in the state folder because the database keeps only their hashes. */
function demoMerchant(): Account {
  const path = join(state, "demo-merchant.json");
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8")) as Account;
  const keys = newAccount();
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(keys)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return keys;
}

type Request = { batch?: Statement[]; account?: string; scheduled?: string; send?: string; bodies?: unknown[]; migrate?: boolean };
type Running = Awaited<ReturnType<typeof serve>>;

async function answer(server: Running, { batch = [], account, scheduled, send, bodies = [], migrate: asked }: Request): Promise<unknown> {
  if (scheduled !== undefined) {
    const worker = (await server.miniflare.getWorker()) as unknown as { scheduled(event: object): Promise<unknown> };
    return await worker.scheduled({ cron: scheduled });
  }
  if (send !== undefined) {
    const queue = await server.miniflare.getQueueProducer(send);
    return await queue.sendBatch(bodies.map((body) => ({ body, contentType: typeof body === "string" ? "text" : "json" })));
  }
  const database = await server.database();
  if (asked) return await migrate(database, root, false);
  if (account !== undefined) {
    const keys = newAccount();
    await store(database, keys, account);
    return keys;
  }
  const statements = batch.map(([sql, ...values]) => database.prepare(sql).bind(...values));
  return (await database.batch(statements)).map((result) => result.results);
}

type Listed = { key: string; version: string; checksums: { sha256?: ArrayBuffer }; httpMetadata?: { contentType?: string } };
type Bucket = {
  list(options: { prefix: string; include: string[] }): Promise<{ objects: Listed[] }>;
  get(key: string): Promise<{ text(): Promise<string> } | null>;
};

/** What the bucket of receipts holds under a prefix: {"id":5,"receipts":"acct_..."}. */
async function receipts(server: Running, prefix: string): Promise<object[]> {
  const bucket = (await server.miniflare.getR2Bucket("RECEIPTS")) as unknown as Bucket;
  const { objects } = await bucket.list({ prefix, include: ["httpMetadata"] });
  return objects.map(({ key, version, checksums, httpMetadata }) => {
    const sha256 = Buffer.from(checksums.sha256 ?? new ArrayBuffer(0)).toString("hex");
    return { key, version, sha256, contentType: httpMetadata?.contentType };
  });
}

/** What the bucket of files holds under a prefix, as texts by their names: {"id":6,"files":"archive/"}. */
async function files(server: Running, prefix: string): Promise<Record<string, string>> {
  const bucket = (await server.miniflare.getR2Bucket("FILES")) as unknown as Bucket;
  const { objects } = await bucket.list({ prefix, include: [] });
  const texts = objects.map(async ({ key }) => [key, await (await bucket.get(key))?.text()]);
  return Object.fromEntries(await Promise.all(texts));
}

const requests = createInterface({ input: process.stdin });
requests.on("close", () => end(0));
requests.on("line", async (line) => {
  const { id, ...request } = JSON.parse(line);
  try {
    if (server === undefined) throw new Error("not serving yet");
    const { receipts: ofReceipts, files: ofFiles } = request;
    if (ofReceipts !== undefined) say({ id, result: await receipts(server, ofReceipts) });
    else if (ofFiles !== undefined) say({ id, result: await files(server, ofFiles) });
    else say({ id, result: await answer(server, request) });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
process.on("SIGTERM", () => end(0));
process.on("SIGINT", () => {}); // The parent decides: a terminal sends it to both.

try {
  const onRestart = () => process.stderr.write("serve: workerd had died; it serves again\n");
  server = await serve({ ...settings, onRestart });
  let applied: string[] = [];
  let merchant = {};
  if (migrations) {
    const database = await server.database();
    applied = await migrate(database, config && dirname(config));
    if (demo) await store(database, (merchant = demoMerchant()), "Demo merchant");
  }
  say({ ready: true, url: server.url, ...merchant });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const news = applied.length > 0 ? `, applied ${applied.join(", ")}` : "";
  process.stderr.write(`serve: ready after ${seconds} s${news}\n`);
} catch (error) {
  process.stderr.write(`serve: ${error instanceof Error ? error.stack : error}\n`);
  await end(1);
}
