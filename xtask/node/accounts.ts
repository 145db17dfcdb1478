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

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` characters of base62; 22 or more carry over 128 bits. */
function random(length: number): string {
  return Array.from({ length }, () => BASE62[randomInt(BASE62.length)]).join("");
}

/** A new merchant with one secret and one publishable key of test mode. */
export function newAccount(): Account {
  return {
    account: `acct_${random(16)}`,
    secret_key: `sk_test_${random(32)}`,
    publishable_key: `pk_test_${random(32)}`,
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
    key("secret", secret_key, account, now),
    key("publishable", publishable_key, account, now),
  ];
}

function key(kind: string, text: string, account: string, now: number): Statement {
  return [
    "INSERT INTO api_keys (hash, id, account, livemode, kind, display, created)" +
      " VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    createHash("sha256").update(text).digest("hex"),
    `key_${random(16)}`,
    account,
    kind,
    `${text.slice(0, 8)}...${text.slice(-4)}`,
    now,
  ];
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
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "string" || value.includes("\0")) throw new Error("a value that SQL text cannot carry");
  return `'${value.replaceAll("'", "''")}'`;
}
