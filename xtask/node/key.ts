// Behind `cargo xtask key`: `key.ts '{"task": ...}' [STATE]` makes, lists, rolls and revokes API keys in a local state,
// also while it is being served, or (without STATE) in the D1 database that wrangler reaches. Prints one line of JSON.
import { type Statement, keyInsertion, keyText } from "./accounts.ts";
import { NOW, type Row, type Run, within } from "./run.ts";

type Kind = "secret" | "publishable" | "restricted";
type Order =
  | { task: "create"; account: string; kind: Kind; livemode: boolean; name?: string | undefined; permissions?: Record<string, string> | undefined }
  | { task: "list"; account: string }
  | { task: "roll"; id: string; overlap: number }
  | { task: "revoke"; id: string };

const [order = "", state] = process.argv.slice(2);
const now = Math.floor(Date.now() / 1000);
const done = await within(state, (run) => carryOut(JSON.parse(order) as Order, run));
process.stdout.write(`${JSON.stringify(done)}\n`);

async function carryOut(order: Order, run: Run): Promise<unknown> {
  switch (order.task) {
    case "list": {
      const [keys] = await run([
        [
          "SELECT id, kind, livemode, name, display, permissions, created, expires_at FROM api_keys" +
            " WHERE account = ?1 ORDER BY livemode, created",
          order.account,
        ],
      ]);
      return keys;
    }
    case "create": {
      const [accounts] = await run([["SELECT id FROM accounts WHERE id = ?1", order.account]]);
      if (accounts?.length !== 1) throw new Error(`there is no account ${order.account}`);
      return create(order, run, []);
    }
    case "roll": {
      const old = await find(order.id, run);
      const permissions = typeof old.permissions === "string" ? JSON.parse(old.permissions) : undefined;
      const name = typeof old.name === "string" ? old.name : undefined;
      const successor = { account: String(old.account), kind: old.kind as Kind, livemode: old.livemode === 1, name, permissions };
      return create(successor, run, [end(order.id, `${NOW} + ?2`, order.overlap)]);
    }
    case "revoke": {
      const { created } = await find(order.id, run);
      // From its first moment on, so that it works for nobody, however any clock goes.
      await run([end(order.id, "created + ?2", 0)]);
      return { id: order.id, expires_at: created };
    }
  }
}

/** Stores a new key together with what else changes, and shows its text for the only time. */
async function create(key: Omit<Extract<Order, { task: "create" }>, "task">, run: Run, others: Statement[]) {
  const text = keyText(key.kind, key.livemode);
  const { id, statement } = keyInsertion({ ...key, text, now });
  await run([statement, ...others]);
  return { id, key: text };
}

async function find(id: string, run: Run): Promise<Row> {
  const [rows] = await run([["SELECT account, kind, livemode, name, permissions, created FROM api_keys WHERE id = ?1", id]]);
  const row = rows?.[0];
  if (!row) throw new Error(`there is no key ${id}`);
  return row;
}

/** A key that ends earlier anyway keeps its end. */
function end(id: string, at: string, seconds: number): Statement {
  const moment = `CAST(${at} AS INTEGER)`;
  return [`UPDATE api_keys SET expires_at = min(coalesce(expires_at, ${moment}), ${moment}) WHERE id = ?1`, id, seconds];
}
