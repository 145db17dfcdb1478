import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "./kit/server.ts";

let server: Server;
before(async () => {
  server = await Server.start();
});
after(() => server.stop());

test("the Worker answers on workerd", async () => {
  const response = await server.fetch("/");
  assert.ok(response.status < 500, `status ${response.status}`);
});

test("the API's description needs no key, and tools may read it from any origin", async () => {
  const response = await server.fetch("/openapi.json");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  const described = (await response.json()) as { openapi: string; paths: Record<string, unknown> };
  assert.match(described.openapi, /^3\.1\./);
  assert.ok(described.paths["/v1/payment_intents"], "payments are described");
});

test("an account's keys are stored hashed, and survive a kill -9", async () => {
  const { account, secret_key } = await server.account("It's a test");
  const { url } = server;
  await server.kill9();
  await assert.rejects(server.fetch("/"));
  await server.restart();
  assert.equal(server.url, url);
  assert.ok((await server.fetch("/")).status < 500);
  assert.deepEqual(await server.query("SELECT name FROM accounts WHERE id = ?1", account), [{ name: "It's a test" }]);
  const keys = await server.query("SELECT * FROM api_keys WHERE account = ?1", account);
  assert.equal(keys.length, 2);
  assert.ok(!JSON.stringify(keys).includes(secret_key));
});
