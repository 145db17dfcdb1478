// Requests whose client goes away before their end, and bodies without a length.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Account, Server } from "./kit/server.ts";
import { until } from "./kit/until.ts";

let server: Server;
let account: Account;

before(async () => {
  server = await Server.start();
  account = await server.account();
});
after(() => server.stop());

/** Sends the head of a request and a part of what it announces, and goes away. */
async function breakOff(path: string, key: string, head: string, part: string): Promise<void> {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${account.secret_key}\r\n` +
      `Idempotency-Key: ${key}\r\nContent-Type: application/x-www-form-urlencoded\r\n${head}\r\n\r\n${part}`,
  );
  // Long enough for the server to begin with it.
  await pause(200);
  socket.destroy();
  await pause(200);
}

test("a request whose body breaks off changes nothing, and its retry is the first", async () => {
  const stripe = server.stripe(account.secret_key);
  const body = "amount_to_capture=500";
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}`;
  const ways: [string, string][] = [0, 10, 20].flatMap((sent) => [
    [`Content-Length: ${body.length}`, body.slice(0, sent)],
    ["Transfer-Encoding: chunked", sent === 0 ? "" : `${chunk(body.slice(0, sent))}\r\n`],
  ]);
  for (const [number, [head, part]] of ways.entries()) {
    const { id } = await stripe.paymentIntents.create({
      amount: 2000, currency: "usd", payment_method: "pm_card_visa", confirm: true, capture_method: "manual",
      automatic_payment_methods: { enabled: true, allow_redirects: "never" },
    });
    await breakOff(`/v1/payment_intents/${id}/capture`, `key ${number}`, head, part);
    const held = await stripe.paymentIntents.retrieve(id);
    assert.equal(held.status, "requires_capture", `${head}, ${part}`);
    const captured = await stripe.paymentIntents.capture(id, { amount_to_capture: 500 }, { idempotencyKey: `key ${number}` });
    assert.equal(captured.amount_received, 500);
  }
});

test("a body without a length is read as far as it may go", async () => {
  const post = (body: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${account.secret_key}`, "content-type": "application/x-www-form-urlencoded" };
      const sent = request(new URL("/v1/customers", server.url), { method: "POST", headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on("error", reject);
      // In two writes, so that it has no length.
      sent.write(body.slice(0, 5));
      sent.end(body.slice(5));
    });
  assert.equal(await post("name=Jo"), 200);
  assert.equal(await post(`description=${"x".repeat(1_000_001)}`), 413);
});

/** A payment processor that takes each payment, as Stripe's API says it, and answers once it is told to. */
class Processor {
  readonly asked: (() => void)[] = [];
  readonly #server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const payment = {
      id: "pi_there", object: "payment_intent", amount: 2000, amount_capturable: 0, amount_received: 2000, currency: "usd",
      last_payment_error: null, metadata: { florin_key: form.get("metadata[florin_key]") }, next_action: null, status: "succeeded",
    };
    this.asked.push(() => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(payment)));
  }).listen(0, "127.0.0.1");

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

test("a request whose client goes away once it was sent is carried out, and its answer kept", async () => {
  using processor = new Processor();
  const { secret_key } = await server.account();
  const headers = {
    "authorization": `Bearer ${secret_key}`, "content-type": "application/x-www-form-urlencoded", "idempotency-key": "left",
  };
  const connection = new URLSearchParams({ connector: "stripe", secret_key: "sk_test_51left", base_url: processor.url });
  const connected = await server.fetch("/v1/florin/connector_accounts", { method: "POST", headers, body: connection });
  assert.equal(connected.status, 200, await connected.text());
  const body = String(new URLSearchParams({
    "amount": "2000", "currency": "usd", "confirm": "true", "payment_method_types[]": "card", "payment_method_data[type]": "card",
    "payment_method_data[card][number]": "4242424242424242", "payment_method_data[card][exp_month]": "12",
    "payment_method_data[card][exp_year]": "2034",
  }));
  const head = Object.entries({ ...headers, "host": "127.0.0.1", "idempotency-key": "pays", "content-length": body.length });
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`POST /v1/payment_intents HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
  const answer = await until("the processor is asked", async () => processor.asked[0]);
  socket.resetAndDestroy();
  // Long enough for the server to see that its client is gone.
  await pause(500);
  answer();
  const again = await until("whoever comes again is answered", async () => {
    const answer = await server.fetch("/v1/payment_intents", { method: "POST", headers: { ...headers, "idempotency-key": "pays" }, body });
    return answer.status === 409 ? undefined : answer;
  });
  const shown = await again.text();
  assert.equal(again.headers.get("idempotent-replayed"), "true", `the request that was left has answered by itself: ${shown}`);
  assert.equal((JSON.parse(shown) as { status: string }).status, "succeeded");
  assert.equal(processor.asked.length, 1, "nothing was asked twice");
});
