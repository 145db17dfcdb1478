// Holds every answer that the official SDK gets against what Stripe promises: the SDK's own types, the headers, and the
// shape of errors. No test has to ask for it: what is found fails the test in which it was found.
import assert from "node:assert/strict";
import { afterEach } from "node:test";
import Stripe from "stripe";
import { type TypeName, problemsAs } from "./schema.ts";

/** The SDK's type of each value of `object`. */
const TYPES: Record<string, TypeName> = {
  account: "Account",
  balance: "Balance",
  balance_transaction: "BalanceTransaction",
  bank_account: "BankAccount",
  charge: "Charge",
  customer: "Customer",
  dispute: "Dispute",
  event: "Event",
  file: "File",
  payment_intent: "PaymentIntent",
  payment_method: "PaymentMethod",
  payout: "Payout",
  refund: "Refund",
  "reporting.report_run": "Reporting.ReportRun",
  "reporting.report_type": "Reporting.ReportType",
  setup_intent: "SetupIntent",
  token: "Token",
  webhook_endpoint: "WebhookEndpoint",
  topup: "Topup",
  transfer: "Transfer",
  transfer_reversal: "TransferReversal",
};

const DELETED: Record<string, TypeName> = { bank_account: "DeletedBankAccount", customer: "DeletedCustomer", webhook_endpoint: "DeletedWebhookEndpoint" };

/** What an `error` object may say, by the pages of Stripe's API reference and its error codes. */
const ERROR_TYPES = ["api_error", "card_error", "idempotency_error", "invalid_request_error"];
const ERROR_FIELDS = [
  "advice_code", "charge", "code", "decline_code", "doc_url", "message", "network_decline_code", "param",
  "payment_intent", "payment_method", "request_log_url", "type",
];

/** An answer and the request that it answers. */
export type Answered = {
  method: string;
  path: string;
  status: number;
  requestHeaders: Record<string, unknown>;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
};

/** What was found since the last test, each with the first answer in which it was found. */
const problems = new Map<string, string>();

afterEach(() => {
  const found = [...problems].map(([problem, place]) => `${place}: ${problem}`);
  problems.clear();
  assert.ok(found.length === 0, `answers that Stripe would not give:\n${found.slice(0, 20).join("\n")}`);
});

/** The SDK's own HTTP client for Node, with a look at every answer; `seen` gets a copy of each. */
export function checkingClient(seen?: (answered: Answered) => void): Stripe.HttpClient {
  const client = Stripe.createNodeHttpClient();
  const makeRequest = client.makeRequest.bind(client);
  client.makeRequest = async (...request) => {
    const [, , path, method, requestHeaders] = request;
    const response = await makeRequest(...request);
    const toJSON = response.toJSON.bind(response);
    response.toJSON = async () => {
      const body: unknown = await toJSON();
      const headers = response.getHeaders() as Answered["headers"];
      const answered = { method, path, status: response.getStatusCode(), requestHeaders, headers, body };
      seen?.(structuredClone(answered));
      note(answered);
      return body;
    };
    return response;
  };
  return client;
}

/** Keeps what is wrong with an answer for the end of the test. */
export function note(answered: Answered): void {
  const { method, path, status } = answered;
  for (const problem of check(answered)) {
    if (!problems.has(problem)) problems.set(problem, `${method} ${path} (${status})`);
  }
}

function check(answered: Answered): string[] {
  const { status, body } = answered;
  const key = String(answered.requestHeaders["Authorization"] ?? "");
  const lines = [...headerProblems(answered)];
  if (!isObject(body)) lines.push("the body is no object");
  else if (status >= 400) lines.push(...errorProblems(body, isPublishable(key)));
  else lines.push(...objectProblems(body, isPublishable(key)));
  return lines;
}

function* headerProblems({ method, requestHeaders, headers }: Answered): Iterable<string> {
  if (!/^req_[A-Za-z0-9]+$/.test(String(headers["request-id"]))) yield `Request-Id is ${headers["request-id"]}`;
  if (!String(headers["content-type"]).startsWith("application/json")) yield `it is ${headers["content-type"]}`;
  if (headers["server-timing"] === undefined) yield "it lacks Server-Timing";
  const asked = requestHeaders["Stripe-Version"];
  if (asked !== headers["stripe-version"]) yield `Stripe-Version is ${headers["stripe-version"]}, not ${asked}`;
  const key = requestHeaders["Idempotency-Key"];
  if (method === "POST" && key && headers["idempotency-key"] !== key) yield "it does not repeat its Idempotency-Key";
}

function* errorProblems(body: Record<string, unknown>, narrowed: boolean): Iterable<string> {
  const { error, ...rest } = body;
  if (!isObject(error)) return yield "an error without `error`";
  if (Object.keys(rest).length > 0) yield `beside \`error\` stands ${Object.keys(rest)}`;
  for (const [name, value] of Object.entries(error)) {
    if (!ERROR_FIELDS.includes(name)) yield `error.${name} is no field of an error`;
    if (value === null) yield `error.${name} is null instead of left out`;
    if (isObject(value)) yield* objectProblems(value, narrowed);
  }
  if (!ERROR_TYPES.includes(String(error["type"]))) yield `error.type is ${error["type"]}`;
  if (typeof error["message"] !== "string" || error["message"] === "") yield "error.message is missing";
  const code = error["code"];
  const explained = code && `https://stripe.com/docs/error-codes/${String(code).replaceAll("_", "-")}`;
  if (error["doc_url"] !== explained) yield `error.doc_url is ${error["doc_url"]} for the code ${code}`;
}

/** What is wrong with an object and with those inside it. A browser's key sees only a part of each. */
function* objectProblems(value: Record<string, unknown>, narrowed: boolean): Iterable<string> {
  const { object } = value;
  if (object === "list" || object === "search_result") yield* pageProblems(value);
  else {
    const name = value["deleted"] === true ? DELETED[String(object)] : TYPES[String(object)];
    if (name === undefined) yield `it shows an object of the kind ${object}, which no test knows`;
    else for (const problem of problemsAs(name, withoutNews(value), narrowed)) yield `not the SDK's ${name}: ${problem}`;
  }
  for (const inner of innerObjects(value)) yield* objectProblems(inner, narrowed);
}

/**
 * An event without the parts of `previous_attributes` that are null: Stripe shows so what was not there before, which
 * the SDK's types leave out.
 */
function withoutNews(event: Record<string, unknown>): Record<string, unknown> {
  if (event["object"] !== "event") return event;
  const text = JSON.stringify(event, function (this: unknown, name, value) {
    return name === "previous_attributes" ? JSON.parse(JSON.stringify(value, (_, inner: unknown) => inner ?? undefined)) : value;
  });
  return JSON.parse(text) as Record<string, unknown>;
}

function* pageProblems(page: Record<string, unknown>): Iterable<string> {
  if (!Array.isArray(page["data"])) yield "a list without data";
  if (typeof page["has_more"] !== "boolean") yield "a list without has_more";
  if (!String(page["url"]).startsWith("/v1/")) yield `a list's url is ${page["url"]}`;
  const known = ["object", "data", "has_more", "url", "total_count"];
  if (page["object"] === "search_result") known.push("next_page");
  for (const name of Object.keys(page)) if (!known.includes(name)) yield `a list has no ${name}`;
}

/** The nearest objects of the API inside a value: expanded ids, a list's items, what an event is about. */
function* innerObjects(value: unknown): Iterable<Record<string, unknown>> {
  for (const [name, inner] of Object.entries(value as object)) {
    // Parts of an event say only what changed, and a token's card is no object of its own.
    if (name === "previous_attributes" || !(typeof inner === "object" && inner !== null)) continue;
    if (isObject(inner) && isKnown(inner["object"])) yield inner;
    else yield* innerObjects(inner);
  }
}

function isKnown(object: unknown): boolean {
  return object === "list" || object === "search_result" || String(object) in TYPES;
}

function isPublishable(authorization: string): boolean {
  return authorization.startsWith("Bearer pk_");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
