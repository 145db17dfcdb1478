// Makes merchant accounts: the rows of migrations/0001_accounts.sql and the keys that only their owner sees.
import { createHash, randomInt } from "node:crypto";

/** A merchant and the keys that it calls with. */
export type Account = { account: string; secret_key: string; publishable_key: string };

/** A statement and the values bound to it. */
export type Statement = [sql: string, ...values: (string | number | null)[]];

/** What of D1's interface is used here. */
export type Database = {
  prepare(sql: string): Prepared;
  batch(statements: Prepared[]): Promise<{ results: Record<string, unknown>[] }[]>;
};
export type Prepared = {
  bind(...values: unknown[]): Prepared;
  run(): Promise<unknown>;
  all(): Promise<{ results: Record<string, unknown>[] }>;
};

/** What a new merchant pays: Stripe's standard price in the United States. In minor units by currency. */
const STANDARD_PRICE = { basis_points: 290, fixed: { usd: 30, eur: 25, gbp: 20 }, dispute: { usd: 1500, eur: 1500, gbp: 1500 } };

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` characters of base62; 22 or more carry over 128 bits. */
function random(length: number): string {
  return Array.from({ length }, () => BASE62[randomInt(BASE62.length)]).join("");
}

/** A new merchant with one secret and one publishable key of test mode. */
export function newAccount(): Account {
  return {
    account: `acct_${random(16)}`,
    secret_key: keyText("secret", false),
    publishable_key: keyText("publishable", false),
  };
}

/** The statements that store an account and its keys, each as [sql, ...values]. Storing it twice changes nothing. */
export function insertions(keys: Account, name: string, now = Math.floor(Date.now() / 1000)): Statement[] {
  const { account, secret_key, publishable_key } = keys;
  return [
    [
      "INSERT INTO accounts (id, name, country, default_currency, idempotency_shards, created)" +
        " VALUES (?1, ?2, 'US', 'usd', 8, ?3) ON CONFLICT DO NOTHING",
      account,
      name,
      now,
    ],
    [
      "INSERT INTO price_plans (account, version, created, plan) VALUES (?1, 1, ?2, ?3) ON CONFLICT DO NOTHING",
      account,
      now,
      JSON.stringify({ version: 1, ...STANDARD_PRICE }),
    ],
    keyInsertion({ kind: "secret", livemode: false, text: secret_key, account, now }).statement,
    keyInsertion({ kind: "publishable", livemode: false, text: publishable_key, account, now }).statement,
  ];
}

/** The text of a new key: what it is for, its mode, and over 128 random bits. */
export function keyText(kind: "secret" | "publishable" | "restricted", livemode: boolean): string {
  const prefix = { secret: "sk", publishable: "pk", restricted: "rk" }[kind];
  return `${prefix}_${livemode ? "live" : "test"}_${random(32)}`;
}

/** A key as it is to be stored. */
export type NewKey = {
  kind: string;
  livemode: boolean;
  text: string;
  account: string;
  now: number;
  name?: string | undefined;
  permissions?: Record<string, string> | undefined;
};

/** The statement that stores a key by its hash, and the id of its row. Storing it twice changes nothing. */
export function keyInsertion(key: NewKey): { id: string; statement: Statement } {
  const id = `key_${random(16)}`;
  const statement: Statement = [
    "INSERT INTO api_keys (hash, id, account, livemode, kind, name, display, permissions, created)" +
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    createHash("sha256").update(key.text).digest("hex"),
    id,
    key.account,
    key.livemode ? 1 : 0,
    key.kind,
    key.name ?? null,
    `${key.text.slice(0, 8)}...${key.text.slice(-4)}`,
    key.permissions ? JSON.stringify(key.permissions) : null,
    key.now,
  ];
  return { id, statement };
}

/** Stores an account in a D1 database. */
export async function store(database: Database, keys: Account, name: string): Promise<void> {
  await database.batch(insertions(keys, name).map(([sql, ...values]) => database.prepare(sql).bind(...values)));
}

/** A statement with its values written into it, for `wrangler d1 execute`, which binds none. */
export function inline([sql, ...values]: Statement): string {
  return sql.replace(/\?(\d+)/g, (_, place: string) => literal(values[Number(place) - 1]));
}

function literal(value: unknown): string {
  if (value === null) return "NULL";
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "string" || value.includes("\0")) throw new Error("a value that SQL text cannot carry");
  return `'${value.replaceAll("'", "''")}'`;
}
