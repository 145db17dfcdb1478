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
import { Log, LogLevel, Miniflare, type Request, Response, type V4MiniflareOptions, convertV4MiniflareOptions } from "miniflare";
import type { Database } from "./accounts.ts";

/** The checkout that this file belongs to. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`;

type DurableObject = { className: string; scriptName?: string };
type Options = Record<string, unknown> & {
  name: string;
  bindings?: object;
  d1Databases?: object;
  durableObjects?: Record<string, DurableObject>;
  queueConsumers?: Record<string, unknown>;
};
type WorkerOptions = { main: string; options: Options };

/**
 * The Worker's options as wrangler reads them from its configuration. wrangler takes a second to load, so its answer
 * is kept beside the build until the configuration or wrangler changes.
 */
async function readOptions(configPath: string): Promise<WorkerOptions> {
  const manifest = readFileSync(new URL("../package.json", import.meta.resolve("wrangler")), "utf8");
  const key = createHash("sha256").update(configPath).update(readFileSync(configPath)).update(manifest).digest("hex");
  const kept = join(dirname(configPath), "build", `.worker-options-${key.slice(0, 16)}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8")) as WorkerOptions;
  const { unstable_getMiniflareWorkerOptions: read, unstable_readConfig: readConfig } = await import("wrangler");
  const { name, vars } = readConfig({ config: configPath });
  const { workerOptions, main = "" } = read(configPath);
  // The built Worker's modules are listed one by one: rules to find them are refused.
  const { modulesRules: _, rootPath: __, ...options } = workerOptions;
  // Not wrangler's `bindings`, which hold the secrets of a stray .dev.vars or .env too: those must change no test.
  const answer = { main, options: { ...options, name, bindings: vars } } as WorkerOptions;
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify(answer));
  renameSync(`${kept}.${process.pid}`, kept);
  return answer;
}

type Module = { type: "ESModule" | "CompiledWasm"; path: string; contents?: string };

/** The built Worker's modules, its entry first; with another one of this folder around it where asked. */
function builtModules(main: string, wrapper?: string) {
  if (!existsSync(main)) throw new Error(`${main} is missing: run \`cargo xtask build\``);
  const folder = dirname(main);
  const wasm = readdirSync(folder).filter((name) => name.endsWith(".wasm"));
  const modules: Module[] = [{ type: "ESModule", path: main }];
  if (wrapper) {
    const contents = readFileSync(join(root, "xtask/node", wrapper), "utf8");
    modules.unshift({ type: "ESModule", path: join(folder, wrapper), contents });
  }
  for (const name of wasm) modules.push({ type: "CompiledWasm", path: join(folder, name) });
  return { modules, modulesRoot: folder };
}

/** A port that is free now on the loopback interface. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, fail) => probe.once("error", fail).listen(0, "127.0.0.1", done));
  const address = probe.address();
  await new Promise((done) => probe.close(done));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

type Write = (level: string, message: string) => void;

/** Hands Miniflare's warnings on together with what the Worker logs. */
class Messages extends Log {
  readonly #write: Write;
  constructor(write: Write, level: LogLevel) {
    super(level);
    this.#write = write;
  }
  protected override log(message: string) {
    this.#write("warn", message);
  }
}

/** Has the Worker speak to nobody else: DNS says what is known of hosts, and what is sent to them is taken and logged. */
function closedInternet(hosts: Record<string, string[]>, log: Write) {
  return (request: Request) => {
    const { hostname, href, searchParams } = new URL(request.url);
    if (hostname !== "cloudflare-dns.com") {
      log("info", `sent to ${href}`);
      return new Response("taken");
    }
    const [name = "", kind = ""] = ["name", "type"].map((parameter) => searchParams.get(parameter) ?? undefined);
    const addresses = (hosts[name] ?? []).filter((address) => address.includes(":") === (kind === "AAAA"));
    return Response.json({ Status: name in hosts ? 0 : 3, Answer: addresses.map((data) => ({ name, data })) });
  };
}

export type Settings = {
  /** Where to serve on 127.0.0.1; 0 or nothing takes a free port. */
  port?: number;
  /** The folder that keeps D1, Durable Objects, Queues and R2. */
  state: string;
  /** Variables and secrets for the Worker. */
  bindings?: Record<string, unknown>;
  /** Gets what the Worker logs. */
  log?: Write;
  /** Called when workerd had died and serves again. */
  onRestart?: () => void;
  /** Another Worker's wrangler.toml, whose `main` is built already; Florin's own without it. */
  config?: string;
  /** What is put around the Worker by the benchmark: observer.js or outward.js. */
  wrapper?: string;
  /** Whether it is bound to Cloudflare's sending of mail, which here only writes each mail to the log. */
  sendsEmail?: boolean;
  /** The addresses that DNS says hosts have, where the Worker is to reach nobody but this machine. */
  hosts?: Record<string, string[]>;
  /** Whether nothing answers for the buckets, as when R2 is down. */
  losesBuckets?: boolean;
  /** Another version that serves the same state in the same workerd, as in the middle of a deployment. */
  beside?: Beside;
};

type Beside = {
  /** Its wrangler.toml, whose `main` is built already. */
  config: string;
  /** Where it serves on 127.0.0.1. */
  port: number;
  /** Whether the queues' messages are its to take, and not those of the version that has the Durable Objects. */
  consumes: boolean;
};

/**
 * Two versions of one deployment. Each runs its own code over what they share: a Durable Object is there once, in
 * the version that serves it, and each message is one version's to take.
 */
async function sideBySide(host: Options, { config, port, consumes }: Beside, bindings: object): Promise<[Options, Options]> {
  const { main, options } = await readOptions(config);
  const there = new Set(Object.values(host.durableObjects ?? {}).map(({ className }) => className));
  const durableObjects = Object.entries(options.durableObjects ?? {}).map(([name, object]) =>
    // A class that came with the newer of the two has objects only there.
    [name, there.has(object.className) ? { ...object, scriptName: host.name } : object] as const);
  const beside = {
    ...options,
    ...builtModules(main),
    name: `${host.name}-beside`,
    bindings: { ...options.bindings, ...bindings },
    durableObjects: Object.fromEntries(durableObjects),
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  };
  const [taking, other] = consumes ? [beside, host] : [host, beside];
  const left = Object.entries(other.queueConsumers ?? {}).filter(([queue]) => !(queue in (taking.queueConsumers ?? {})));
  other.queueConsumers = Object.fromEntries(left);
  return [host, beside];
}

/** Serves the built Worker and answers once it does. */
export async function serve(settings: Settings) {
  const { port = 0, state, bindings = {}, log = toStderr, onRestart = () => {}, config, wrapper, sendsEmail = false, hosts, losesBuckets = false, beside } = settings;
  const configPath = config ?? join(root, "wrangler.toml");
  const { main, options } = await readOptions(configPath);
  const chosen = port === 0 ? await freePort() : port;
  const worker: Options = {
    ...options,
    ...builtModules(main, wrapper),
    bindings: { ...options.bindings, ...bindings },
    ...(wrapper === "outward.js" && { serviceBindings: { OUTSIDE: { network: { allow: ["public", "private"] } } } }),
    ...(hosts && { outboundService: closedInternet(hosts, log) }),
    ...(losesBuckets && { r2Buckets: {} }),
    ...(sendsEmail && { email: { send_email: [{ name: "EMAIL" }] } }),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: chosen }],
  };
  const converted = {
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Messages(log, sendsEmail ? LogLevel.INFO : LogLevel.WARN),
    handleStructuredLogs: ({ level, message }: { level: string; message: string }) => log(level, message),
    unsafeHandleRuntimeRestart: onRestart,
    resourcePersistencePath: persistence(state),
    workers: beside ? await sideBySide(worker, beside, bindings) : [worker],
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions(converted as unknown as V4MiniflareOptions));
  await miniflare.ready;
  const database = async () => (await miniflare.getD1Database("DB")) as unknown as Database;
  return { miniflare, port: chosen, url: `http://127.0.0.1:${chosen}`, database };
}

/** Opens the local D1 database of `state` without serving the Worker; also while something else serves it. */
export async function openDatabase(state: string) {
  const { options } = await readOptions(join(root, "wrangler.toml"));
  const settings = {
    modules: true,
    script: "",
    cf: false,
    log: new Log(LogLevel.ERROR),
    resourcePersistencePath: persistence(state),
    d1Databases: options.d1Databases,
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions(settings as V4MiniflareOptions));
  const database = (await miniflare.getD1Database("DB")) as unknown as Database;
  return { database, close: () => miniflare.dispose() };
}

/**
 * Applies what is new in the `migrations` of a version, and keeps count of it as `wrangler d1 migrations apply` does. What
 * takes something away can be left for later, when no older version runs any more.
 */
export async function migrate(database: Database, version = root, takesAway = true): Promise<string[]> {
  await database.prepare(MIGRATIONS_TABLE).run();
  const names = (await missing(database, version)).filter((name) => takesAway || !name.endsWith("_contract.sql"));
  if (names.length === 0) return [];
  const { unstable_splitSqlQuery: split } = await import("wrangler");
  for (const name of names) {
    const statements = split(readFileSync(join(version, "migrations", name), "utf8")).map((sql) => database.prepare(sql));
    statements.push(database.prepare('INSERT INTO "d1_migrations" (name) VALUES (?1)').bind(name));
    await database.batch(statements);
  }
  return names;
}

/** The migrations of a version that were not applied yet, in their order. */
async function missing(database: Database, version = root): Promise<string[]> {
  const { results } = await database.prepare('SELECT name FROM "d1_migrations"').all();
  const applied = new Set(results.map((row) => row["name"]));
  const names = readdirSync(join(version, "migrations")).filter((name) => name.endsWith(".sql") && !applied.has(name));
  return names.sort();
}

/** Says what a database lacks, where it is that of an older version, and leaves it as it is. */
export async function expectMigrated(database: Database): Promise<void> {
  const { results } = await database.prepare("SELECT name FROM sqlite_schema WHERE name = 'd1_migrations'").all();
  if (results.length === 0) throw new Error("the database is empty: no migration was ever applied to it");
  const names = await missing(database);
  if (names.length === 0) return;
  throw new Error(`the database is that of an older version, and lacks ${names.join(", ")}: \`cargo xtask dev\` applies them`);
}

/** Where wrangler's `--persist-to <state>` keeps the same things, so that its commands find them. */
function persistence(state: string): string {
  return join(resolve(state), "v3");
}

function toStderr(level: string, message: string) {
  process.stderr.write(`[${level}] ${message}\n`);
}
