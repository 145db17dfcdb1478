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
