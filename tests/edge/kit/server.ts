// Starts the built Worker on workerd for a test: a free port, a fresh state, migrations, and accounts on demand.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Stripe from "stripe";
import { checkingClient } from "./checked.ts";
import type { Account, Statement } from "../../../xtask/node/accounts.ts";

const SCRIPT = fileURLToPath(new URL("../../../xtask/node/serve.ts", import.meta.url));

export type { Account, Statement };

export type Options = {
  /** Variables for the Worker besides `DEVELOPMENT` and `MASTER_KEY`. */
  bindings?: Record<string, string>;
  /** Whether each answer says in `x-observed` what the request did in D1 and Durable Objects. */
  observe?: boolean;
  /** Whether the Worker is bound to Cloudflare's sending of mail; each that it sends is then in the log. */
  sendsEmail?: boolean;
  /** What DNS says of hosts, where the Worker is to reach nobody: what it sends to them is in the log. */
  hosts?: Record<string, string[]>;
  /** Whether nothing answers for the buckets, as when R2 is down. */
  losesBuckets?: boolean;
};

/** An object in the bucket of receipts; each time that one is written it has another version. */
export type StoredReceipt = { key: string; version: string; sha256: string; contentType: string };

type Pending = { resolve: (result: unknown) => void; reject: (error: Error) => void };

export class Server {
  /** Where it serves; the same after a restart. */
  url = "";
  /** What the Worker and workerd logged. */
  readonly log: string[] = [];
  /** The folder that keeps everything; removed by `stop`. */
  readonly state = mkdtempSync(join(tmpdir(), "florin-edge-"));
  readonly #bindings: Record<string, string>;
  readonly #observe: boolean;
  readonly #sendsEmail: boolean;
  readonly #hosts: Record<string, string[]> | undefined;
  /** Whether nothing answers for the buckets from the next start on. */
  losesBuckets: boolean;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #requests = 0;

  private constructor(options: Options) {
    const key = randomBytes(32).toString("base64");
    this.#bindings = { DEVELOPMENT: "1", MASTER_KEY: key, ...options.bindings };
    this.#observe = options.observe ?? false;
    this.#sendsEmail = options.sendsEmail ?? false;
    this.#hosts = options.hosts;
    this.losesBuckets = options.losesBuckets ?? false;
  }

  /** Starts a server on a state of its own. */
  static async start(options: Options = {}): Promise<Server> {
    const server = new Server(options);
    await server.restart();
    return server;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Makes an account with one secret and one publishable test key. */
  async account(name = "Edge test"): Promise<Account> {
    return (await this.#ask({ account: name })) as Account;
  }

  /**
   * The official SDK, speaking to this server, with every answer held against its types. Retries are off unless a test
   * wants them.
   */
  stripe(key: string, config: Stripe.StripeConfig = {}): Stripe {
    const { port } = this;
    const here = { host: "127.0.0.1", port, protocol: "http", httpClient: checkingClient() } as const;
    return new Stripe(key, { ...here, maxNetworkRetries: 0, telemetry: false, ...config });
  }

  /** A plain HTTP request to a path of the server. */
  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(new URL(path, this.url), init);
  }

  /** The rows of one statement in the server's D1 database. */
  async query(...statement: Statement): Promise<Record<string, unknown>[]> {
    const [rows] = await this.batch(statement);
    return rows ?? [];
  }

  /** Runs statements in the server's D1 database, all or none. */
  async batch(...batch: Statement[]): Promise<Record<string, unknown>[][]> {
    return (await this.#ask({ batch })) as Record<string, unknown>[][];
  }

  /** Moves the development clock on by this many seconds. */
  async advance(seconds: number): Promise<{ now: number }> {
    const body = new URLSearchParams({ advance: String(seconds) });
    const answer = await this.fetch("/_development/clock", { method: "POST", body });
    if (!answer.ok) throw new Error(`the clock did not move: ${await answer.text()}`);
    return (await answer.json()) as { now: number };
  }

  /** What the bucket of receipts holds under a prefix. */
  async receipts(prefix: string): Promise<StoredReceipt[]> {
    return (await this.#ask({ receipts: prefix })) as StoredReceipt[];
  }

  /** What the bucket of files holds under a prefix, as texts by their names. */
  async files(prefix: string): Promise<Record<string, string>> {
    return (await this.#ask({ files: prefix })) as Record<string, string>;
  }

  /** Does what the cron trigger would. */
  async scheduled(cron = "*/5 * * * *"): Promise<void> {
    await this.#ask({ scheduled: cron });
  }

  /** Sends messages through one of the Worker's queues: texts, and JSON of what is none. */
  async send(binding: string, bodies: unknown[]): Promise<void> {
    await this.#ask({ send: binding, bodies });
  }

  /** Sets the Worker's variables for the next start; `undefined` takes one away. */
  bind(bindings: Record<string, string | undefined>): void {
    for (const [name, value] of Object.entries(bindings)) {
      if (value === undefined) delete this.#bindings[name];
      else this.#bindings[name] = value;
    }
  }

  /** Ends all of the server's processes as a power cut would. `restart` goes on with what was on disk. */
  async kill9(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) throw new Error("the server does not run");
    this.#child = undefined;
    const ended = once(child, "exit");
    process.kill(-child.pid, "SIGKILL");
    await ended;
    for (const { reject } of this.#pending.values()) reject(new Error("the server was killed"));
    this.#pending.clear();
  }

  /** Serves on the same port and state again. */
  async restart(): Promise<void> {
    if (this.#child !== undefined) await this.kill9();
    const port = this.url === "" ? 0 : this.port;
    const [wrapper, sendsEmail, hosts] = [this.#observe ? "observer.js" : undefined, this.#sendsEmail, this.#hosts];
    const { state, losesBuckets } = this;
    const settings = { port, state, bindings: this.#bindings, wrapper, sendsEmail, hosts, losesBuckets };
    const env = { ...process.env, FLORIN_SERVE: JSON.stringify(settings) };
    // A process group of its own, so that workerd can be ended together with the script that runs it.
    const child = spawn(process.execPath, [SCRIPT], { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    createInterface({ input: child.stderr }).on("line", (line) => this.log.push(line));
    const ready = new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => this.#heard(JSON.parse(line), resolve));
      child.once("exit", () => reject(new Error(`the server did not start:\n${this.log.join("\n")}`)));
    });
    this.url = await ready;
  }

  /** Ends the server and removes its state. */
  async stop(): Promise<void> {
    if (this.#child !== undefined) await this.kill9();
    rmSync(this.state, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #heard(message: { ready?: boolean; url?: string; id?: number; result?: unknown; error?: string }, ready: (url: string) => void) {
    if (message.ready && message.url !== undefined) return ready(message.url);
    const pending = this.#pending.get(message.id ?? -1);
    this.#pending.delete(message.id ?? -1);
    if (message.error !== undefined) pending?.reject(new Error(message.error));
    else pending?.resolve(message.result);
  }

  #ask(request: object): Promise<unknown> {
    const id = ++this.#requests;
    return new Promise((resolve, reject) => {
      const stdin = this.#child?.stdin;
      if (!stdin) return reject(new Error("the server does not run"));
      this.#pending.set(id, { resolve, reject });
      stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }
}
