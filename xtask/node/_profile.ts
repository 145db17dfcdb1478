import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { freePort, migrate, root } from "./miniflare.ts";
import { newAccount, store } from "./accounts.ts";
import { readdirSync } from "node:fs";
const which = process.argv[2] ?? "cc", seconds = Number(process.argv[3] ?? 8), out = process.argv[4] ?? "/tmp/profile.cpuprofile";
const f = readdirSync(join(root, "build")).find((n) => n.startsWith(".worker-options"))!;
const { main, options } = JSON.parse(readFileSync(join(root, "build", f), "utf8"));
const port = await freePort(), inspectorPort = await freePort();
const state = mkdtempSync("/dev/shm/florin-profile-");
const folder = join(root, "build");
const mf = new Miniflare(convertV4MiniflareOptions({
  host: "127.0.0.1", port: 0, cf: false, log: new Log(LogLevel.WARN), inspectorPort, inspectorHost: "127.0.0.1",
  resourcePersistencePath: state,
  workers: [{ ...options, modules: [{ type: "ESModule", path: main }, { type: "CompiledWasm", path: join(folder, "index_bg.wasm") }], modulesRoot: folder,
    bindings: { MASTER_KEY: Buffer.alloc(32, 7).toString("base64") }, unsafeDirectSockets: [{ host: "127.0.0.1", port }] }],
} as any));
await mf.ready;
const db = (await mf.getD1Database("DB")) as any; await migrate(db);
const keys = newAccount(); await store(db, keys, "Bench");
const list = await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json() as any[];
console.log(list.map((x) => x.id + " " + x.webSocketDebuggerUrl));
const headers = { authorization: `Bearer ${keys.secret_key}`, "content-type": "application/x-www-form-urlencoded" };
let n = 0, id = "";
async function one() {
  const once = { ...headers, "idempotency-key": `p${n++}` };
  let r: Response;
  if (which === "cc") r = await fetch(`http://127.0.0.1:${port}/v1/payment_intents`, { method: "POST", headers: once, body: "amount=2000&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true" });
  else if (which === "create") r = await fetch(`http://127.0.0.1:${port}/v1/payment_intents`, { method: "POST", headers: once, body: "amount=2000&currency=usd&payment_method_types[]=card" });
  else if (which === "retrieve") r = await fetch(`http://127.0.0.1:${port}/v1/payment_intents/${id}`, { headers });
  else r = await fetch(`http://127.0.0.1:${port}/v1/payment_intents?limit=10`, { headers });
  const t = await r.text();
  if (r.status !== 200) throw new Error(t);
  return t;
}
for (let i = 0; i < 20; i++) { const r = await fetch(`http://127.0.0.1:${port}/v1/payment_intents`, { method: "POST", headers, body: "amount=2000&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card&confirm=true" }); id = (await r.json() as any).id; }
async function drive(ms: number) { const end = Date.now() + ms; let c = 0; await Promise.all(Array.from({ length: 16 }, async () => { while (Date.now() < end) { await one(); c++; } })); return c; }
await drive(5000);
const target = list.find((x) => x.webSocketDebuggerUrl && /florin/.test(x.id + x.title)) ?? list[0];
const ws = new WebSocket(target.webSocketDebuggerUrl);
await new Promise((d, e) => { ws.onopen = d; ws.onerror = e; });
let seq = 0; const waiting = new Map<number, (v: any) => void>();
ws.onmessage = (m) => { const d = JSON.parse(m.data as string); if (d.id) waiting.get(d.id)?.(d); };
const send = (method: string, params = {}) => new Promise<any>((d) => { const i = ++seq; waiting.set(i, d); ws.send(JSON.stringify({ id: i, method, params })); });
await send("Profiler.enable"); await send("Profiler.setSamplingInterval", { interval: 500 }); await send("Profiler.start");
const c = await drive(seconds * 1000);
const { result } = await send("Profiler.stop");
writeFileSync(out, JSON.stringify(result.profile));
console.log("requests", c);
const p = result.profile; const self = new Map<number, number>();
p.samples.forEach((s: number, i: number) => self.set(s, (self.get(s) ?? 0) + p.timeDeltas[i]));
const byName = new Map<string, number>(); let total = 0;
for (const node of p.nodes) { const t = self.get(node.id) ?? 0; total += t; const cf = node.callFrame; const k = `${cf.functionName || "(anon)"} ${cf.url.slice(-24)}${cf.url.endsWith(".js") ? ":" + cf.lineNumber + ":" + cf.columnNumber : ""}`; byName.set(k, (byName.get(k) ?? 0) + t); }
for (const [k, t] of [...byName].sort((a, b) => b[1] - a[1]).slice(0, 70)) console.log((t / c / 1000).toFixed(4), "ms/req", ((100 * t) / total).toFixed(1) + "%", k.slice(0, 150));
ws.close(); await mf.dispose(); process.exit(0);
