// Makes merchant accounts: the rows of migrations/0001_accounts.sql and the keys that only their owner sees.
import { createHash, randomInt } from "node:crypto";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** `length` characters of base62; 22 or more carry over 128 bits. */
function random(length) {
  return Array.from({ length }, () => BASE62[randomInt(BASE62.length)]).join("");
}

/** A new merchant with one secret and one publishable key of test mode. */
export function newAccount() {
  return {
    account: `acct_${random(16)}`,
    secret_key: `sk_test_${random(32)}`,
    publishable_key: `pk_test_${random(32)}`,
  };
}

/** The statements that store an account and its keys, each as [sql, ...values]. Storing it twice changes nothing. */
export function insertions({ account, secret_key, publishable_key }, name, now = Math.floor(Date.now() / 1000)) {
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

function key(kind, text, account, now) {
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
export async function store(database, keys, name) {
  await database.batch(insertions(keys, name).map(([sql, ...values]) => database.prepare(sql).bind(...values)));
}

/** A statement with its values written into it, for `wrangler d1 execute`, which binds none. */
export function inline([sql, ...values]) {
  return sql.replace(/\?(\d+)/g, (_, place) => literal(values[Number(place) - 1]));
}

function literal(value) {
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "string" || value.includes("\0")) throw new Error("a value that SQL text cannot carry");
  return `'${value.replaceAll("'", "''")}'`;
}
