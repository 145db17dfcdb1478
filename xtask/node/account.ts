// Behind `cargo xtask account create`: `account.ts NAME STATE` stores an account in a local state, also while it is
// being served; `account.ts NAME` in the D1 database that wrangler reaches. Prints the account as one line of JSON.
import { spawnSync } from "node:child_process";
import { inline, insertions, newAccount, store } from "./accounts.ts";
import { migrate, openDatabase, root } from "./miniflare.ts";

const [name = "", state] = process.argv.slice(2);
const keys = newAccount();
if (state === undefined) storeRemotely();
else await storeLocally(state);
process.stdout.write(`${JSON.stringify(keys)}\n`);

async function storeLocally(state: string) {
  const { database, close } = await openDatabase(state);
  try {
    await migrate(database);
    await store(database, keys, name);
  } finally {
    await close();
  }
}

function storeRemotely() {
  const sql = insertions(keys, name).map(inline).join("; ");
  const wrangler = ["d1", "execute", "DB", "--remote", "--yes", "--command", sql];
  const { status, error } = spawnSync("wrangler", wrangler, { cwd: root, stdio: ["inherit", 2, 2] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
