import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CHROMIUM, openBrowser } from "./kit/browser.ts";
import { Server } from "./kit/server.ts";

let server: Server;
before(async () => {
  server = await Server.start();
});
after(() => server.stop());

test("a browser reaches the Worker", { skip: !CHROMIUM }, async () => {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    const response = await page.goto(server.url);
    assert.ok(response && response.status() < 500);
  } finally {
    await browser.close();
  }
});
