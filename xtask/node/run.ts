// Runs statements in a local state, also while it is being served, or in the D1 database that wrangler reaches.
import { spawnSync } from "node:child_process";
import { type Statement, inline } from "./accounts.ts";
import { expectMigrated, migrate, openDatabase, root } from "./miniflare.ts";

export type Row = Record<string, unknown>;

/** Runs statements as one transaction; the rows of each. */
export type Run = (statements: Statement[]) => Promise<Row[][]>;

/** What the Worker takes for now, in SQL; not this machine's time, whose clock may be wrong. */
export const NOW = "unixepoch() + coalesce((SELECT ahead_seconds FROM development_clock WHERE id = 1), 0)";

/**
 * Does some work in a local state, or (without one) in the database that wrangler reaches. The state must be there, and
 * of this version, unless the work `creates` it.
 */
export async function within<T>(state: string | undefined, work: (run: Run) => Promise<T>, creates = false): Promise<T> {
  if (state === undefined) return work(remotely);
  const { database, close } = await openDatabase(state);
  try {
    await (creates ? migrate(database) : expectMigrated(database));
    return await work(async (statements) => {
      const bound = statements.map(([sql, ...values]) => database.prepare(sql).bind(...values));
      return (await database.batch(bound)).map(({ results }) => results);
    });
  } finally {
    await close();
  }
}

async function remotely(statements: Statement[]): Promise<Row[][]> {
  const sql = statements.map(inline).join("; ");
  const wrangler = ["d1", "execute", "DB", "--remote", "--yes", "--json", "--command", sql];
  const { status, error, stdout } = spawnSync("wrangler", wrangler, { cwd: root, stdio: ["inherit", "pipe", 2] });
  if (error) throw error;
  if (status !== 0) {
    // Where it is asked for JSON, wrangler says what is wrong on standard output.
    process.stderr.write(stdout);
    process.exit(status ?? 1);
  }
  return (JSON.parse(stdout.toString()) as { results: Row[] }[]).map(({ results }) => results);
}
