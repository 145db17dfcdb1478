// Runs the built Worker on workerd, with local D1, Durable Objects, Queues and R2, as wrangler.toml binds them.
//
// `wrangler dev` puts a proxy in front of the Worker that costs four fifths of its speed and does not come back when
// workerd dies. This uses the same Miniflare and the same reading of wrangler.toml, but lets clients reach the
// Worker's own socket. `cargo xtask dev`, the edge tests and the benchmark all serve through here.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

/** The checkout that this file belongs to. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`;

/**
 * The Worker's options as wrangler reads them from its configuration. wrangler takes a second to load, so its answer
 * is kept beside the build until the configuration or wrangler changes.
 */
async function workerOptions(configPath) {
  const manifest = readFileSync(new URL("../package.json", import.meta.resolve("wrangler")), "utf8");
  const key = createHash("sha256").update(readFileSync(configPath)).update(manifest).digest("hex");
  const kept = join(dirname(configPath), "build", `.worker-options-${key.slice(0, 16)}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8"));
  // Local secrets and variables are passed by the caller: a stray .dev.vars or .env must change no test.
  process.env.CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV = "false";
  const { unstable_getMiniflareWorkerOptions } = await import("wrangler");
  const { workerOptions: options, main } = unstable_getMiniflareWorkerOptions(configPath);
  // Miniflare refuses rules that it does not need: the built Worker's modules are listed one by one.
  delete options.modulesRules;
  delete options.rootPath;
  const answer = { name: "florin", main, options };
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify(answer));
  renameSync(`${kept}.${process.pid}`, kept);
  return answer;
}

/** The built Worker's modules, its entry first. */
function builtModules(main) {
  if (!existsSync(main)) throw new Error(`${main} is missing: run \`cargo xtask build\``);
  const folder = dirname(main);
  const wasm = readdirSync(folder).filter((name) => name.endsWith(".wasm"));
  const modules = [{ type: "ESModule", path: main }];
  for (const name of wasm) modules.push({ type: "CompiledWasm", path: join(folder, name) });
  return { modules, modulesRoot: folder };
}

/** A port that is free now on the loopback interface. */
export async function freePort() {
  const probe = createServer();
  await new Promise((done, fail) => probe.once("error", fail).listen(0, "127.0.0.1", done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** Hands the Worker's own log lines to `write`, and Miniflare's warnings with them. */
class Messages extends Log {
  constructor(write) {
    super(LogLevel.WARN);
    this.write = write;
  }
  log(message) {
    this.write("warn", message);
  }
}

/**
 * Serves the built Worker and answers once it does.
 *
 * @param {object} settings
 * @param {number} [settings.port] where to serve on 127.0.0.1; 0 or nothing takes a free one
 * @param {string} settings.state the folder that keeps D1, Durable Objects, Queues and R2
 * @param {Record<string, unknown>} [settings.bindings] variables and secrets for the Worker
 * @param {(level: string, message: string) => void} [settings.log] gets what the Worker logs
 * @param {() => void} [settings.onRestart] called when workerd had died and serves again
 * @param {string} [settings.config] another Worker's wrangler.toml; its build is served instead
 */
export async function serve({ port = 0, state, bindings = {}, log = toStderr, onRestart, config }) {
  const configPath = config ?? join(root, "wrangler.toml");
  const { name, main, options } = await workerOptions(configPath);
  const chosen = port === 0 ? await freePort() : port;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      log: new Messages(log),
      handleStructuredLogs: ({ level, message }) => log(level, message),
      unsafeHandleRuntimeRestart: onRestart,
      resourcePersistencePath: persistence(state),
      workers: [
        {
          ...options,
          ...builtModules(main),
          name,
          bindings: { ...options.bindings, ...bindings },
          unsafeDirectSockets: [{ host: "127.0.0.1", port: chosen }],
        },
      ],
    }),
  );
  await miniflare.ready;
  return { miniflare, port: chosen, url: `http://127.0.0.1:${chosen}`, database: () => miniflare.getD1Database("DB") };
}

/** Opens the local D1 database of `state` without serving the Worker; also while something else serves it. */
export async function openDatabase(state) {
  const { options } = await workerOptions(join(root, "wrangler.toml"));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "",
      cf: false,
      log: new Log(LogLevel.ERROR),
      resourcePersistencePath: persistence(state),
      d1Databases: options.d1Databases,
    }),
  );
  return { database: await miniflare.getD1Database("DB"), close: () => miniflare.dispose() };
}

/** Applies what is new in `migrations/`, and keeps count of it as `wrangler d1 migrations apply` does. */
export async function migrate(database) {
  await database.prepare(MIGRATIONS_TABLE).run();
  const { results } = await database.prepare('SELECT name FROM "d1_migrations"').all();
  const applied = new Set(results.map((row) => row.name));
  const folder = join(root, "migrations");
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql") && !applied.has(name));
  if (names.length === 0) return [];
  const { unstable_splitSqlQuery: split } = await import("wrangler");
  for (const name of names.sort()) {
    const statements = split(readFileSync(join(folder, name), "utf8")).map((sql) => database.prepare(sql));
    statements.push(database.prepare('INSERT INTO "d1_migrations" (name) VALUES (?1)').bind(name));
    await database.batch(statements);
  }
  return names;
}

/** Where wrangler's `--persist-to <state>` keeps the same things, so that its commands find them. */
function persistence(state) {
  return join(resolve(state), "v3");
}

function toStderr(level, message) {
  process.stderr.write(`[${level}] ${message}\n`);
}
