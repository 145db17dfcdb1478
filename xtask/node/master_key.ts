// Behind `cargo xtask master-key`: `master_key.ts SQL NAME [STATE]` says by this statement what is still sealed under another
// master key than the one that the heartbeat met last, in a local state, also while it is being served, or (without STATE)
// in the D1 database that wrangler reaches; and whether all is under the key of this name, if any. Prints one line of JSON.
import { within } from "./run.ts";

const [sql = "", name = "", state] = process.argv.slice(2);
const row = await within(state, async (run) => (await run([[sql]]))[0]?.[0]);
if (row === undefined) throw new Error("the database does not say how sealing stands");
const under = JSON.parse(String(row.sealed_under)) as Record<string, number>;
const present = String(row.master_key);
let left = 0;
for (const [found, count] of Object.entries(under)) if (found !== present) left += count;
const [broken, completed] = [Number(row.broken), row.completed_at ?? null];
process.stdout.write(`${JSON.stringify({
  master_key: present,
  sealed_under: under,
  left,
  cannot_be_opened: broken,
  completed_at: completed,
  // What cannot be opened may be under the very key that somebody forgot to set.
  previous_may_be_dropped: name === "" ? null : name === present && completed !== null && left === 0,
})}\n`);
