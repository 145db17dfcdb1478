// Behind `cargo xtask account`: `account.ts '{"task": ...}' [STATE]` makes an account, or changes what an operator sets of
// one, in a local state, also while it is being served, or (without STATE) in the D1 database that wrangler reaches.
// Prints one line of JSON.
import { type Statement, insertions, newAccount } from "./accounts.ts";
import { NOW, type Run, within } from "./run.ts";

type Order =
  | { task: "create"; name: string }
  | { task: "update"; account: string; price_plan?: Record<string, unknown>; settings?: Record<string, unknown> };

const [text = "", state] = process.argv.slice(2);
const order = JSON.parse(text) as Order;
const done = await within(state, (run) => carryOut(order, run), order.task === "create");
process.stdout.write(`${JSON.stringify(done)}\n`);

async function carryOut(order: Order, run: Run): Promise<unknown> {
  if (order.task === "update") return update(order, run);
  const keys = newAccount();
  await run(insertions(keys, order.name));
  return keys;
}

async function update({ account, price_plan, settings }: Extract<Order, { task: "update" }>, run: Run) {
  const found = "SELECT a.id AS account, a.settings, (SELECT p.plan FROM price_plans AS p WHERE p.account = a.id" +
    " ORDER BY p.version DESC LIMIT 1) AS price_plan FROM accounts AS a WHERE a.id = ?1";
  const [before] = await run([[found, account]]);
  if (before?.length !== 1) throw new Error(`there is no account ${account}`);
  const changes: Statement[] = [];
  // Plans are never changed: what is begun from now on is priced by the next version.
  const version = "(SELECT coalesce(max(version), 0) + 1 FROM price_plans WHERE account = ?1)";
  if (price_plan) changes.push([
    "INSERT INTO price_plans (account, version, created, plan)" +
      ` VALUES (?1, ${version}, CAST(${NOW} AS INTEGER), json_set(?2, '$.version', ${version}))`,
    account,
    JSON.stringify(price_plan),
  ]);
  // A trigger plans the next payout anew.
  if (settings) changes.push(["UPDATE accounts SET settings = json_patch(settings, ?2) WHERE id = ?1", account, JSON.stringify(settings)]);
  const results = await run([...changes, [found, account]]);
  const after = results.at(-1)?.[0];
  const parsed = (text: unknown) => (typeof text === "string" ? (JSON.parse(text) as unknown) : null);
  return { account, price_plan: parsed(after?.["price_plan"]), settings: parsed(after?.["settings"]) };
}
