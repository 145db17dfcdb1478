// Requests whose client goes away before their end, and bodies without a length.
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Account, Server } from "./kit/server.ts";

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
