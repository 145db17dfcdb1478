// Behind `cargo xtask audit`: `audit.ts STATE` runs the statements that arrive on standard input, as a JSON list of texts,
// in a local state, also while it is being served. Prints the rows of each as JSON.
import { readFileSync } from "node:fs";
import { expectMigrated, openDatabase } from "./miniflare.ts";

const [state = ""] = process.argv.slice(2);
const statements = JSON.parse(readFileSync(0, "utf8")) as string[];
const { database, close } = await openDatabase(state);
try {
  await expectMigrated(database);
  const results = [];
  // One after the other: each reads whole tables.
  for (const sql of statements) results.push((await database.prepare(sql).all()).results);
  process.stdout.write(`${JSON.stringify(results)}\n`);
} finally {
  await close();
}
