// Behind `cargo xtask audit`: `audit.ts [STATE]` runs the statements that arrive on standard input, as a JSON list of texts,
// in a local state, also while it is being served, or (without STATE) in the D1 database that wrangler reaches. Prints the
// rows of each as JSON.
import { readFileSync } from "node:fs";
import { type Row, within } from "./run.ts";

const [state] = process.argv.slice(2);
const statements = JSON.parse(readFileSync(0, "utf8")) as string[];
const results = await within(state, async (run) => {
  const found: Row[][] = [];
  // One after the other: each reads whole tables.
  for (const sql of statements) found.push(...(await run([[sql]])));
  return found;
});
process.stdout.write(`${JSON.stringify(results)}\n`);
