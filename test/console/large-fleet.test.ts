import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { eventually, freePort } from "@shadowfleet/testkit";
import { NEEDS_CHROMIUM, openPage, startBrowser } from "./console-browser.ts";
import { ConsoleFleet } from "./console-fleet.ts";
import { accessibilityProblems } from "./in-page.ts";

const KEYS = 2_500;
const METHOD = "2022-blake3-aes-256-gcm";
const secret = (): string => randomBytes(32).toString("base64");

test("2,500 keys: the list has only the rows that are seen, is read in pages, and rarely while nobody looks", NEEDS_CHROMIUM, async () => {
  const port = await freePort();
  const keys = Array.from({ length: KEYS }, (_, at) => ({
    id: `key-${String(at).padStart(4, "0")}`,
    name: `Person ${at}`,
    port,
    secret: secret(),
  }));
  await using fleet = await ConsoleFleet.start({
    declared: { ports: [{ port, method: METHOD, identityKey: secret() }], keys },
    hasRelays: false,
    hasTokens: false,
  });
  const browser = await startBrowser();
  try {
    const { page, offences } = await openPage(browser, fleet.url);
    let readings = 0;
    page.on("request", (request) => {
      if (request.url().endsWith("/GetFleet")) readings++;
    });
    // Where management asks for no token, the page asks for none.
    await page.getByRole("navigation", { name: "Sections" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Log out" }).count(), 0);
    await page.getByText("2,500 keys").waitFor();
    const rows = page.locator(".row");
    assert.ok((await rows.count()) < 60, `${await rows.count()} rows exist`);
    await page.keyboard.press("End");
    await page.locator('.row[aria-selected="true"]', { hasText: "Person 2499" }).waitFor();
    assert.ok(await page.locator(".row", { hasText: "Person 2499" }).isVisible());
    assert.equal(await page.locator(".row", { hasText: "Person 2499" }).getAttribute("aria-rowindex"), "2501");
    assert.ok((await rows.count()) < 60, `${await rows.count()} rows exist at the end`);
    assert.deepEqual(await accessibilityProblems(page), []);

    const header = page.getByRole("columnheader", { name: "Key" });
    const first = async () => (await page.locator('.row[aria-rowindex="2"]').innerText()).split("\n")[0];
    await page.keyboard.press("Home");
    for (const [sort, top] of [
      ["ascending", "Person 0"],
      ["descending", "Person 2499"],
      [null, "Person 0"],
    ] as const) {
      await header.getByRole("button").click();
      assert.deepEqual([await header.getAttribute("aria-sort"), await first()], [sort, top]);
    }

    await page.keyboard.press("/");
    await page.keyboard.type("key-0777");
    await page.getByText("1 of 2,500 keys").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator("dialog").getByText("Declared in management's configuration file").waitFor();
    assert.equal(await page.getByRole("button", { name: "Delete…" }).isDisabled(), true);
    await page.keyboard.press("Escape");

    await page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })");
    const before = readings;
    // Five seconds are two pauses of a page that is seen; one of those may have begun.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const hidden = readings;
    assert.ok(hidden - before <= 1, `${hidden - before} readings in five hidden seconds`);
    await page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))");
    await eventually("a reading once it is seen again", async () => readings > hidden, 20_000);
    assert.deepEqual(offences, []);
  } finally {
    await browser.close();
  }
});
