// Holds what the server answers against the SDK's own types, as JSON Schema made from the installed SDK.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";

/** The types of the SDK's `Stripe` namespace that can be asked for; a name not listed here is an addition away. */
const TYPES = [
  "Account", "Balance", "BalanceTransaction", "Charge", "Customer", "DeletedCustomer", "Dispute", "Event", "File",
  "Mandate", "PaymentIntent", "PaymentMethod", "Payout", "Refund", "Review", "SetupAttempt", "SetupIntent", "Token",
  "Transfer", "WebhookEndpoint", "DeletedWebhookEndpoint",
] as const;

export type TypeName = (typeof TYPES)[number];

type Schema = {
  $ref?: string;
  const?: unknown;
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema | Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: boolean | Schema;
  definitions?: Record<string, Schema>;
};

const ROOT = resolve(import.meta.dirname, "../../..");
const ajv = new Ajv({ allErrors: true, strict: false, inlineRefs: false, validateSchema: false });
const validators = new Map<string, ValidateFunction>();
let loaded: Schema | undefined;

/** Fails unless `value` has every field that the SDK's type promises, each of its type, and no field besides. */
export function assertMatchesSdk(typeName: TypeName, value: unknown): void {
  const name = typeName === "Event" ? eventName(value) : schemaName(typeName);
  const validate = validator(name);
  const problems = validate(value) ? [] : relevant(validate.errors ?? []);
  unknownFields([{ $ref: `#/definitions/${name}` }], value, "", problems);
  assert.ok(problems.length === 0, `not the SDK's ${typeName}:\n${problems.map((line) => `  ${line}`).join("\n")}`);
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

function validator(name: string): ValidateFunction {
  const known = validators.get(name);
  if (known) return known;
  // One schema that all types share: each definition is compiled once.
  if (!ajv.getSchema("sdk")) ajv.addSchema(schema(), "sdk");
  const compiled = ajv.getSchema(`sdk#/definitions/${encodeURIComponent(name)}`);
  assert.ok(compiled, `the SDK's schema has no ${name}`);
  validators.set(name, compiled);
  return compiled;
}

/** A wrong member of a union yields errors for each of its alternatives: the deepest ones are about what was meant. */
function relevant(errors: ErrorObject[]): string[] {
  const noise = new Set(["anyOf", "const", "enum", "type"]);
  const inUnion = (error: ErrorObject) => errors.some((other) => other.keyword === "anyOf" && other.instancePath === error.instancePath);
  const telling = errors.filter((error) => !(noise.has(error.keyword) && error.keyword !== "anyOf" && inUnion(error)));
  const missing = Map.groupBy(telling.filter(({ keyword }) => keyword === "required"), ({ instancePath }) => instancePath);
  const lines = [...missing].map(([path, group]) => `${path || "/"} lacks ${group.map(({ params }) => params["missingProperty"]).join(", ")}`);
  for (const { keyword, instancePath, message, params } of telling) {
    if (keyword !== "required") lines.push(`${instancePath || "/"} ${message} ${JSON.stringify(params)}`);
  }
  return [...new Set(lines)].slice(0, 30);
}

/** Lists fields that no alternative of the schema knows, at every depth. */
function unknownFields(candidates: Schema[], value: unknown, path: string, problems: string[]): void {
  if (Array.isArray(value)) {
    const items = candidates.flatMap(alternatives).flatMap((candidate) => candidate.items ?? []);
    value.forEach((item, index) => unknownFields(items, item, `${path}/${index}`, problems));
  } else if (isObject(value)) {
    const kinds = candidates.flatMap(alternatives).filter((kind) => kind.type === "object" && ofSameObject(kind, value));
    if (kinds.length === 0 || kinds.some((kind) => !kind.properties || kind.additionalProperties)) return;
    for (const [key, field] of Object.entries(value)) {
      const known = kinds.flatMap((kind) => kind.properties?.[key] ?? []);
      if (known.length === 0) problems.push(`${path}/${key} is no field of this type`);
      else unknownFields(known, field, `${path}/${key}`, problems);
    }
  }
}

/** A schema's alternatives, references followed. */
function alternatives(candidate: Schema): Schema[] {
  const { $ref, anyOf, allOf } = candidate;
  if ($ref) return alternatives(schema().definitions?.[definitionOf($ref)] ?? {});
  if (anyOf) return anyOf.flatMap(alternatives);
  return allOf ? allOf.flatMap(alternatives) : [candidate];
}

function ofSameObject(kind: Schema, value: Record<string, unknown>): boolean {
  const object = kind.properties?.["object"]?.const;
  return object === undefined || object === value["object"];
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
  const members = TYPES.map((name) => `${name}: Stripe.${name};`).join(" ");
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
