// The process behind `cargo xtask dev`: serves until its standard input closes, so it never outlives its parent.
// It is given its settings as JSON in FLORIN_SERVE and says on stdout, as JSON lines, when it serves.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newAccount, store } from "./accounts.mjs";
import { migrate, serve } from "./miniflare.mjs";

const { port, state, bindings } = JSON.parse(process.env.FLORIN_SERVE);
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
delete process.env.FLORIN_SERVE; // It holds a secret, and workerd inherits the environment.
const started = performance.now();
let server;

async function end(code) {
  setTimeout(() => process.exit(code), 2000).unref();
  await server?.miniflare.dispose().catch(() => {});
  process.exit(code);
}
process.stdin.on("end", () => end(0)).on("error", () => end(0)).resume();
process.on("SIGTERM", () => end(0));
process.on("SIGINT", () => {}); // The parent decides: a terminal sends it to both.

/** The demo merchant, whose keys are kept in the state folder because the database keeps only their hashes. */
function demoMerchant() {
  const path = join(state, "demo-merchant.json");
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const keys = newAccount();
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(keys)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return keys;
}

try {
  server = await serve({
    port,
    state,
    bindings,
    onRestart: () => process.stderr.write("dev: workerd had died; it serves again\n"),
  });
  const database = await server.database();
  const applied = await migrate(database);
  const merchant = demoMerchant();
  await store(database, merchant, "Demo merchant");
  say({ ready: true, url: server.url, ...merchant });
  process.stderr.write(
    `dev: serving after ${((performance.now() - started) / 1000).toFixed(1)} s` +
      `${applied.length > 0 ? `, applied ${applied.join(", ")}` : ""}\n`,
  );
} catch (error) {
  process.stderr.write(`dev: ${error?.stack ?? error}\n`);
  await end(1);
}
