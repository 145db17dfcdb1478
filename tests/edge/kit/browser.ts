// A headless Chromium for the tests of pages. `cargo xtask test` finds or installs it and says where it is.
import { type Browser, chromium } from "playwright-core";

/** Where Chromium is; without one, tests of pages are skipped: `test(name, { skip: !CHROMIUM }, ...)`. */
export const CHROMIUM = process.env["FLORIN_CHROMIUM"];

/** Starts a browser that asks nobody but the pages it is sent to. */
export function openBrowser(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error("FLORIN_CHROMIUM does not say where Chromium is");
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"];
  const args = ["--no-sandbox", "--disable-gpu", "--disable-sync", ...quiet];
  return chromium.launch({ executablePath: CHROMIUM, args });
}
