// Wrapped around a built Worker by the benchmark and by tests: says in the header `x-observed` of each answer what the request did
// in D1 and Durable Objects before it, what deliveries have cost since the start, and how many clocks run; and logs how each
// message of a queue ended. It runs on workerd, and only while nothing is measured.
import Built from "./index.js";
export * from "./index.js";

let hops = [];
/**
 * What deliveries have asked of D1, the rows that were written of them and of cursors, and the messages that were sent, since
 * the start.
 */
const deliveries = { batches: 0, statements: 0, delivery_rows: 0, cursor_rows: 0, messages: 0 };
const watched = new Set();

/** Clocks that run for so long that something outside is waited for, in milliseconds, and those that run. */
const LONG = 5_000;
const clocks = new Set();
const { setTimeout: start, clearTimeout: stop } = globalThis;
globalThis.setTimeout = (callback, pause, ...rest) => {
  const clock = start(() => (clocks.delete(clock), callback(...rest)), pause);
  if (pause >= LONG) clocks.add(clock);
  return clock;
};
globalThis.clearTimeout = (clock) => (clocks.delete(clock), stop(clock));
const timeout = AbortSignal.timeout;
AbortSignal.timeout = (pause) => {
  const signal = timeout.call(AbortSignal, pause);
  if (pause >= LONG) clocks.add(signal);
  return signal;
};

/** Puts another function in a method's place, once. */
function watch(prototype, name, around) {
  const key = `${prototype.constructor.name}.${name}`;
  if (watched.has(key)) return;
  watched.add(key);
  const original = prototype[name];
  prototype[name] = function (...parameters) {
    return around(() => original.apply(this, parameters), ...parameters, this);
  };
}

/** The bytes that a value takes as text. */
const size = (value) => (value === null ? 0 : new TextEncoder().encode(String(value)).length);

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

async function batch(run, statements) {
  const hop = {};
  hops.push(hop);
  const results = await run();
  hop.database = results.map(({ meta, results }, place) => ({
    sql: statements[place].statement,
    bound: sum(statements[place].params.map(size)),
    rows_written: meta.rows_written,
    rows_read: meta.rows_read,
    found: results.map((row) => Object.values(row).map(size)),
  }));
  const isOfDeliveries = ({ sql }) => /deliver|fan_out/.test(sql);
  if (hop.database.some(isOfDeliveries)) {
    deliveries.batches += 1;
    deliveries.statements += hop.database.length;
  }
  // How far the fan-out has come, and up to where an endpoint's deliveries have ended; receipts have a cursor of their own.
  const written = (counted) => sum(hop.database.map(({ sql, rows_written }) => (counted.test(sql) ? rows_written : 0)));
  deliveries.delivery_rows += written(/^(INSERT INTO|UPDATE) deliver/);
  deliveries.cursor_rows += written(/^UPDATE (fan_out SET event|webhook_endpoints SET settled)/);
  return results;
}

function send(run, message) {
  deliveries.messages += Array.isArray(message) ? message.length : 1;
  return run();
}

async function ask(run, request, init) {
  const hop = {};
  hops.push(hop);
  const question = await new Request(request, init).clone().text();
  const response = await run();
  hop.object = { question: size(question), answer: size(await response.clone().text()) };
  return response;
}

function watchBindings(env) {
  for (const binding of Object.values(env)) {
    const kind = binding?.constructor?.name;
    if (kind === "D1Database") watch(Object.getPrototypeOf(binding), "batch", batch);
    if (kind === "WorkerQueue") {
      for (const name of ["send", "sendBatch"]) watch(Object.getPrototypeOf(binding), name, send);
    }
    if (kind === "DurableObjectNamespace") {
      watch(Object.getPrototypeOf(binding.get(binding.idFromName(""))), "fetch", ask);
    }
  }
}

/** Tells of each call of some methods of an object. */
function watchEnd(object, names, tell) {
  for (const name of names) {
    const original = object[name].bind(object);
    object[name] = (...parameters) => (tell(name), original(...parameters));
  }
}

export default class extends Built {
  constructor(context, env) {
    super(context, env);
    watchBindings(env);
  }
  async fetch(request) {
    hops = [];
    const response = await super.fetch(request);
    const body = await response.arrayBuffer();
    const headers = new Headers(response.headers);
    // What has not come back yet is none that the answer waited for.
    const done = hops.filter((hop) => Object.keys(hop).length > 0);
    headers.set("x-observed", JSON.stringify({ hops: done, answer: body.byteLength, deliveries, clocks: clocks.size }));
    return new Response(body, { status: response.status, headers });
  }
  async queue(batch) {
    const log = (end, messages) => {
      console.log(`observed: ${JSON.stringify({ queue: batch.queue, end, bodies: messages.map(({ body }) => body) })}`);
    };
    log("came", batch.messages);
    for (const message of batch.messages) watchEnd(message, ["ack", "retry"], (end) => log(end, [message]));
    watchEnd(batch, ["ackAll", "retryAll"], (end) => log(end.replace("All", ""), batch.messages));
    return super.queue(batch);
  }
}
