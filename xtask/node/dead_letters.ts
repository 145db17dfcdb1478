// Behind `cargo xtask dead-letters`: `dead_letters.ts '{"task": ...}' [STATE]` lists the messages that no consumer could
// take, or has them tried again, in a local state, also while it is being served, or (without STATE) in the D1 database
// that wrangler reaches. Prints one line of JSON.
import { type Run, within } from "./run.ts";

type Order = { task: "list" } | { task: "redrive"; id?: number };

const [order = "", state] = process.argv.slice(2);
const done = await within(state, (run) => carryOut(JSON.parse(order) as Order, run));
process.stdout.write(`${JSON.stringify(done)}\n`);

async function carryOut(order: Order, run: Run): Promise<unknown> {
  const columns = "sequence AS id, queue, body, problem, count, first_parked_at, last_parked_at, redrive";
  if (order.task === "list") {
    const [letters] = await run([[`SELECT ${columns} FROM dead_letters ORDER BY sequence`]]);
    return letters;
  }
  // The heartbeat sees to it within a minute.
  const [letters] = order.id === undefined
    ? await run([["UPDATE dead_letters SET redrive = 1 RETURNING sequence AS id"]])
    : await run([["UPDATE dead_letters SET redrive = 1 WHERE sequence = ?1 RETURNING sequence AS id", order.id]]);
  if (order.id !== undefined && letters?.length !== 1) throw new Error(`there is no dead letter ${order.id}`);
  return { redriven: letters?.map(({ id }) => id) };
}
