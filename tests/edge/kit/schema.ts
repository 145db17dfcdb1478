// Holds what the server answers against the SDK's own types, as JSON Schema made from the installed SDK.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The types of the SDK's `Stripe` namespace that can be asked for; a name not listed here is an addition away. */
const TYPES = [
  "Account", "Balance", "BalanceTransaction", "BankAccount", "Charge", "Customer", "DeletedBankAccount", "DeletedCustomer",
  "Dispute", "Event", "File",
  "Mandate", "PaymentIntent", "PaymentMethod", "Payout", "Refund", "Reporting.ReportRun", "Reporting.ReportType",
  "Review", "SetupAttempt", "SetupIntent", "Token",
  "Topup", "Transfer", "TransferReversal", "WebhookEndpoint", "DeletedWebhookEndpoint",
] as const;

export type TypeName = (typeof TYPES)[number];

type Schema = {
  $ref?: string;
  const?: unknown;
  enum?: unknown[];
  required?: string[];
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema | Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: boolean | Schema;
  definitions?: Record<string, Schema>;
};

const ROOT = resolve(import.meta.dirname, "../../..");
let loaded: Schema | undefined;

/** Fails unless `value` has every field that the SDK's type promises, each of its type, and no field besides. */
export function assertMatchesSdk(typeName: TypeName, value: unknown): void {
  const problems = problemsAs(typeName, value);
  const shown = problems.slice(0, 30).map((line) => `  ${line}`);
  assert.ok(problems.length === 0, `not the SDK's ${typeName}:\n${shown.join("\n")}`);
}

/** What of `value` the SDK's type does not promise. A `narrowed` value may lack fields. */
export function problemsAs(typeName: TypeName, value: unknown, narrowed = false): string[] {
  const name = typeName === "Event" ? eventName(value) : schemaName(typeName);
  return [...problemsIn({ $ref: `#/definitions/${name}` }, value, "", narrowed)];
}

/** Fails unless `value` is a page of objects of this type, from a list (`list`) or a search (`search_result`). */
export function assertListMatchesSdk(typeName: TypeName, value: unknown): void {
  assert.ok(isObject(value), "a list is an object");
  const { object, data, has_more, url, ...rest } = value;
  assert.ok(object === "list" || object === "search_result", `object is ${object}`);
  assert.equal(typeof has_more, "boolean");
  assert.equal(typeof url, "string");
  assert.ok(Array.isArray(data), "data is an array");
  const allowed = object === "search_result" ? ["next_page", "total_count"] : [];
  assert.deepEqual(Object.keys(rest).filter((key) => !allowed.includes(key)), []);
  for (const item of data) assertMatchesSdk(typeName, item);
}

/** Which definition a type has: names that several types share are numbered. */
function schemaName(typeName: TypeName): string {
  const reference = schema().properties?.[typeName]?.$ref;
  assert.ok(reference, `the SDK has no type ${typeName}`);
  return definitionOf(reference);
}

/** An event is held against the type of its own kind: against all 260 at once no failure could be read. */
function eventName(value: unknown): string {
  const kind = isObject(value) ? value["type"] : undefined;
  const event = schema().definitions?.[schemaName("Event")];
  for (const { $ref } of event?.anyOf ?? []) {
    const name = definitionOf($ref ?? "");
    if (schema().definitions?.[name]?.properties?.["type"]?.const === kind) return name;
  }
  assert.fail(`the SDK has no event of type ${kind}`);
}

// The schema is walked together with the value instead of being compiled: a type names hundreds of others, which takes
// a validator seconds, and a value has few of them. Only what typescript-json-schema writes has to be understood.

/** What of a value its schema does not promise, a line for each. */
function* problemsIn(wanted: Schema, value: unknown, path: string, narrowed: boolean): Iterable<string> {
  const kinds = alternatives(wanted);
  const [only, ...others] = kinds;
  if (only !== undefined && others.length === 0) return yield* problemsWith(only, value, path, narrowed);
  // Of a union that has no fitting member, the one that comes closest is the one that was meant.
  const like = kinds.filter((kind) => hasType(kind, value) && ofSameObject(kind, value));
  const found = like.map((kind) => [...problemsWith(kind, value, path, narrowed)]);
  const closest = found.sort((left, right) => left.length - right.length)[0];
  yield* closest ?? [`${path || "/"} must be ${[...new Set(kinds.map(typeText))].join(" or ")}`];
}

function* problemsWith(wanted: Schema, value: unknown, path: string, narrowed: boolean): Iterable<string> {
  const place = path || "/";
  if (!hasType(wanted, value)) return yield `${place} must be ${typeText(wanted)}`;
  if (wanted.const !== undefined && wanted.const !== value) yield `${place} must be ${JSON.stringify(wanted.const)}`;
  if (wanted.enum && !wanted.enum.includes(value)) yield `${place} must be one of ${wanted.enum.join(", ")}`;
  if (Array.isArray(value) && wanted.items) {
    const items = Array.isArray(wanted.items) ? { anyOf: wanted.items } : wanted.items;
    for (const [index, item] of value.entries()) yield* problemsIn(items, item, `${path}/${index}`, narrowed);
  } else if (isObject(value)) {
    const missing = narrowed ? [] : (wanted.required ?? []).filter((name) => value[name] === undefined);
    if (missing.length > 0) yield `${place} lacks ${missing.join(", ")}`;
    for (const [name, field] of Object.entries(value)) yield* fieldProblems(wanted, name, field, path, narrowed);
  }
}

function* fieldProblems(wanted: Schema, name: string, field: unknown, path: string, narrowed: boolean): Iterable<string> {
  const { properties, additionalProperties } = wanted;
  const known = properties?.[name];
  // Of what an event changed deep inside an object, only that is shown.
  if (known) yield* problemsIn(known, field, `${path}/${name}`, narrowed || name === "previous_attributes");
  else if (isObject(additionalProperties)) yield* problemsIn(additionalProperties, field, `${path}/${name}`, narrowed);
  else if (properties && additionalProperties !== true) yield `${path}/${name} is no field of this type`;
}

/** A schema's alternatives, references followed and the parts of an intersection joined. */
function alternatives(wanted: Schema): Schema[] {
  const { $ref, anyOf, allOf } = wanted;
  if ($ref) return alternatives(schema().definitions?.[definitionOf($ref)] ?? {});
  if (anyOf) return anyOf.flatMap(alternatives);
  if (!allOf) return [wanted];
  const parts = allOf.flatMap(alternatives);
  const properties = Object.assign({}, ...parts.map((part) => part.properties));
  return [{ type: "object", properties, required: parts.flatMap((part) => part.required ?? []) }];
}

function hasType({ type }: Schema, value: unknown): boolean {
  if (type === undefined) return true;
  const own = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return [type].flat().includes(own);
}

function typeText({ type, const: only }: Schema): string {
  return only === undefined ? [type ?? "anything"].flat().join(" or ") : JSON.stringify(only);
}

function ofSameObject(kind: Schema, value: unknown): boolean {
  const object = kind.properties?.["object"]?.const;
  return object === undefined || !isObject(value) || object === value["object"];
}

function definitionOf(reference: string): string {
  return decodeURIComponent(reference.replace("#/definitions/", ""));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schema, made once for each version of the SDK and kept in the cache: making it takes seconds. */
function schema(): Schema {
  return (loaded ??= readOrMake());
}

function readOrMake(): Schema {
  const packages = ["stripe", "typescript-json-schema"].map((name) => readFileSync(join(ROOT, "node_modules", name, "package.json")));
  const hash = createHash("sha256").update(TYPES.join());
  for (const text of packages) hash.update(text);
  const cache = process.env["FLORIN_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "florin");
  const kept = join(cache, `sdk-schema-${hash.digest("hex").slice(0, 16)}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8")) as Schema;
  const made = make(cache);
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify(made));
  renameSync(`${kept}.${process.pid}`, kept);
  return made;
}

function make(cache: string): Schema {
  // It brings a TypeScript of its own, which takes a second to load: only where it is needed.
  const generator = createRequire(import.meta.url)("typescript-json-schema") as typeof import("typescript-json-schema");
  mkdirSync(cache, { recursive: true });
  // Beside the tests, because that is where the SDK is found from.
  const file = join(import.meta.dirname, `.sdk-types-${process.pid}.cts`);
  const members = TYPES.map((name) => `"${name}": Stripe.${name};`).join(" ");
  writeFileSync(file, `import type Stripe from "stripe";\nexport interface Types { ${members} }\n`);
  try {
    const options = { strict: true, module: "nodenext", moduleResolution: "nodenext", skipLibCheck: true, noEmit: true };
    const program = generator.getProgramFromFiles([file], { ...options, target: "es2022", types: ["node"] });
    const made = generator.generateSchema(program, "Types", { required: true, ignoreErrors: true });
    assert.ok(made, "typescript-json-schema made nothing");
    return made as Schema;
  } finally {
    rmSync(file, { force: true });
  }
}
