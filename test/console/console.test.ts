import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually, withDeadline } from "@shadowfleet/testkit";
import type { Browser, Page } from "playwright-core";
import { logIn, NEEDS_CHROMIUM, openPage, startBrowser, type WatchedPage } from "./console-browser.ts";
import { ADMIN_TOKEN, ConsoleFleet, VIEWER_TOKEN } from "./console-fleet.ts";
import { accessibilityProblems, qrModules } from "./in-page.ts";
import { populate } from "./people.ts";
import { arePicturesWanted, takePictures } from "./pictures.ts";
import { decodeQr } from "./qr-decoder.ts";

const WAIT_MS = 20_000;

describe("the console in Chromium, over a fleet with traffic", NEEDS_CHROMIUM, () => {
  let fleet: ConsoleFleet;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;

  before(async () => {
    [fleet, browser] = await Promise.all([ConsoleFleet.start(), startBrowser()]);
    await populate(fleet);
    watched = await openPage(browser, fleet.url);
    page = watched.page;
  });
  after(async () => {
    await browser?.close();
    await fleet?.[Symbol.asyncDispose]();
  });

  const row = (id: string) => page.locator(`.row[data-id="${id}"]`);
  const state = (id: string, text: string) => row(id).locator(".chip", { hasText: text }).waitFor();
  const dialog = () => page.locator("dialog[open]").last();
  /** A question closes before the drawer that it came from. */
  const closed = () => eventually("no dialog", async () => (await page.locator("dialog").count()) === 0, WAIT_MS);
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const uriOf = async (id: string) => (await fleet.call<{ accessUri: string }>("AccessKeyService", "GetAccessUri", { id })).accessUri;
  /** Focus is on the list, and the row of this key the only one found. */
  const find = async (id: string) => {
    await row(id).waitFor();
    await press("/");
    await page.keyboard.type(id);
    await press("ArrowDown");
    await page.locator(`[role=grid][aria-activedescendant$="-${id}"]`).waitFor();
  };
  const act = async (id: string, label: string) => {
    await find(id);
    await press("Enter");
    await dialog().getByRole("button", { name: label }).press("Enter");
  };
  const leave = async () => {
    await press("Escape");
    await closed();
    await press("/", "Escape");
  };

  test("a wrong token is refused in words, a right one stays in this tab only", async () => {
    await page.getByLabel("Token").waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByLabel("Token").fill("not-the-token-of-anybody");
    await press("Enter");
    await page.getByRole("alert").filter({ hasText: "does not know this token" }).waitFor();
    await logIn(page);
    const kept = (await page.evaluate("[JSON.stringify(sessionStorage), JSON.stringify(localStorage) + document.cookie]")) as string[];
    assert.ok(kept[0]?.includes(ADMIN_TOKEN) && !kept[1]?.includes(ADMIN_TOKEN), kept.join());
  });

  test("usage, states, live rates and fleet totals show what happens", async () => {
    await state("bob", "Active");
    await state("carla", "Used up");
    await state("guest-june", "Disabled");
    await state("night-backup", "Scheduled");
    await state("elif", "Rotating");
    const bar = row("bob").getByRole("meter");
    await eventually("87 % of a quota", async () => Math.abs(Number(await bar.getAttribute("aria-valuenow")) - 87) <= 2, WAIT_MS);
    assert.match(await row("bob").innerText(), /10\.\d MB of 12 MB/);
    // 900 kB/s are 7.2 Mbit/s.
    const rate = async () => Number(/↓ ([\d.]+) Mbit\/s/.exec(await row("office").innerText())?.[1] ?? 0);
    await eventually("the office's rate", async () => (await rate()) > 4 && (await rate()) < 11, WAIT_MS);
    await page.locator(".figure", { hasText: /3 of 3\s*relays ready/ }).waitFor();
    await page.locator(".figure", { hasText: /Mbit\/s\s*down/ }).waitFor();
    if (arePicturesWanted) await takePictures(page);
  });

  test("a key is created by keyboard alone; its QR code decodes to its URI", async () => {
    await press("n");
    await page.keyboard.type("Grace <img src=x onerror=alert(1)>");
    await press("Tab");
    await page.keyboard.type("grace");
    await press("Tab");
    await page.keyboard.type("2 GB / week");
    assert.equal(await dialog().getByLabel("Window").inputValue(), "week");
    assert.match(await dialog().innerText(), /2,000,000,000 bytes/);
    await dialog().getByLabel("Down, at most").focus();
    await page.keyboard.type("fast");
    await press("Enter");
    await dialog().getByText("Write it like 20 Mbit/s").waitFor();
    await press("Control+a");
    await page.keyboard.type("20 Mbit/s");
    await press("Enter");
    const code = dialog().locator("svg.qr");
    await code.waitFor();
    const uri = await uriOf("grace");
    assert.equal(await dialog().getByLabel("Link", { exact: true }).innerText(), uri);
    assert.equal(decodeQr(await qrModules(code)), uri);
    await dialog().getByRole("button", { name: "Copy Link" }).press("Enter");
    await page.getByText("Copied").waitFor();
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), uri);
    const link = async () => {
      await dialog().getByRole("button", { name: "SIP008 link", exact: true }).press("Enter");
      return dialog().getByRole("textbox", { name: "SIP008 link" }).innerText();
    };
    const before = await link();
    assert.equal((await fetch(before)).status, 200);
    await dialog().getByRole("button", { name: "Replace SIP008 link…" }).press("Enter");
    await press("Enter");
    await dialog().getByRole("heading", { name: "The SIP008 link is another one now" }).waitFor();
    assert.equal((await fetch(await link())).status, 200);
    assert.equal((await fetch(before)).status, 404);
    assert.deepEqual(await accessibilityProblems(page), []);
    await leave();
    assert.equal(await row("grace").locator("img").count(), 0);
    assert.match(await row("grace").innerText(), /Grace <img src=x onerror=alert\(1\)>/);
    const { accessKey } = await fleet.call<{ accessKey: { limits: object } }>("AccessKeyService", "GetAccessKey", { id: "grace" });
    assert.partialDeepStrictEqual(accessKey.limits, {
      quota: { bytes: "2000000000", calendar: { unit: "CALENDAR_UNIT_WEEK" } },
      downBitsPerSecond: "20000000",
    });
  });

  test("rotate with an overlap: a new link, and both secrets for a while", async () => {
    const before = await uriOf("alice-laptop");
    await act("alice-laptop", "Rotate secret…");
    assert.match(await dialog().innerText(), /The old secret stops in (24 h|1 d)/);
    await press("Enter");
    await dialog().locator("svg.qr").waitFor();
    const now = await uriOf("alice-laptop");
    assert.notEqual(now, before);
    assert.equal(decodeQr(await qrModules(dialog().locator("svg.qr"))), now);
    await press("Escape");
    await dialog()
      .getByText(/Old and new secret both work until/)
      .waitFor();
    await leave();
    await state("alice-laptop", "Rotating");
  });

  test("disable with a reason ends live sessions; enable brings the key back", async () => {
    const client = await fleet.startClient(await uriOf("grace"));
    const { ended } = await fleet.download(client, 20_000);
    await row("grace").getByText("1 session").waitFor();
    await act("grace", "Disable…");
    await page.keyboard.type("Phone was lost");
    await press("Enter");
    await dialog().getByText("Disabled: “Phone was lost”.").waitFor();
    await withDeadline(ended, WAIT_MS, "the end of the session");
    await dialog().getByRole("button", { name: "Enable…" }).press("Enter");
    await press("Enter");
    await dialog().locator(".chip", { hasText: "Active" }).waitFor();
    await leave();
  });

  test("edit changes limits and keeps the rest; delete asks for the id", async () => {
    await act("grace", "Edit…");
    const quota = dialog().getByLabel("Quota", { exact: true });
    assert.equal(await quota.inputValue(), "2 GB");
    await quota.fill("3 GB / month");
    await dialog().getByLabel("Works until").fill("30 days");
    await dialog().getByLabel("May not reach").fill("192.0.2.0/24, no block");
    await press("Enter");
    await dialog().getByRole("alert").filter({ hasText: "deny_targets" }).waitFor();
    await dialog().getByLabel("May not reach").fill("192.0.2.0/24, 198.51.100.7");
    await press("Enter");
    await dialog().getByText("192.0.2.0/24, 198.51.100.7").waitFor();
    await dialog().getByText("3 GB a month, then cut").waitFor();
    await dialog().getByText("↓ 20 Mbit/s").waitFor();
    await dialog().getByRole("button", { name: "Delete…" }).press("Enter");
    const remove = dialog().getByRole("button", { name: "Delete key" });
    assert.equal(await remove.isDisabled(), true);
    await page.keyboard.type("grace");
    await press("Enter");
    await closed();
    await row("grace").waitFor({ state: "detached" });
    await press("/", "Escape");
  });

  test("keys typed faster than the browser tells of a new address go to the new section", async () => {
    const typed = `for (const key of ["2", "/"]) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));`;
    const focused = "document.activeElement.getAttribute('aria-label')";
    assert.equal(await page.evaluate(`${typed} ${focused}`), "Search sessions");
    await page.keyboard.type("-1");
    assert.equal(await page.evaluate(`${focused} + location.hash`), "Search sessions#sessions");
    assert.equal(await page.getByLabel("Search sessions").inputValue(), "-1");
    await press("Escape", "1");
  });

  test("a session is ended from the list of sessions", async () => {
    const client = await fleet.startClient(await uriOf("bob"));
    const { ended } = await fleet.download(client, 20_000);
    await press("2", "/");
    await page.keyboard.type("bob tcp-relay-1");
    await page.locator(".row .main", { hasText: "Bob" }).waitFor();
    await press("ArrowDown", "Enter");
    await dialog().getByRole("button", { name: "End session…" }).press("Enter");
    await dialog().getByRole("button", { name: "End session" }).press("Enter");
    await closed();
    await withDeadline(ended, WAIT_MS, "the end of the session");
    await page.getByText("Nothing matches").waitFor();
  });

  test("relays with their ports, upstreams with failCnt and the circuit's reset, events", async () => {
    await press("3");
    await row("tcp-relay-2")
      .locator(".cell-ports .chip", { hasText: String(fleet.relayPort) })
      .waitFor();
    await press("ArrowDown", "Enter");
    await dialog().getByText("2022-blake3-aes-256-gcm").waitFor();
    await leave();
    await row("udp-relay-1").click();
    await dialog().getByRole("button", { name: "Drain…" }).press("Enter");
    await dialog().getByRole("button", { name: "Drain", exact: true }).press("Enter");
    await dialog().locator(".chip", { hasText: "Draining" }).waitFor();
    await leave();

    await press("4");
    await state("lisbon", "Open");
    await row("lisbon").getByText("1 failure since the last success").waitFor();
    await row("lisbon").click();
    await dialog().getByRole("button", { name: "Reset circuit…" }).press("Enter");
    await press("Enter");
    await dialog().locator(".chip", { hasText: "Closed" }).waitFor();
    await leave();
    const { upstream } = await fleet.call<{ upstream: { failCount?: number } }>("UpstreamService", "GetUpstream", { id: "lisbon" });
    assert.equal(upstream.failCount ?? 0, 0);

    await press("5");
    await page.locator(".row", { hasText: "Key deleted" }).filter({ hasText: "grace" }).waitFor();
  });

  test("in both themes, wide and narrow, every control has a name and every text enough contrast", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const width of [1360, 400]) {
        await page.setViewportSize({ width, height: 820 });
        for (const section of ["1", "3", "4", "5"]) {
          await press(section);
          await page.locator(".row").first().waitFor();
          assert.deepEqual(await accessibilityProblems(page), [], `${colorScheme}, ${width} wide, section ${section}`);
        }
        await press("1", "Home", "Enter");
        await dialog().getByText("Last 24 hours").waitFor();
        assert.deepEqual(await accessibilityProblems(page), [], `${colorScheme}, ${width} wide, details`);
        await leave();
        await press("n");
        await dialog().getByLabel("Quota", { exact: true }).fill("much");
        assert.deepEqual(await accessibilityProblems(page), [], `${colorScheme}, ${width} wide, form`);
        await leave();
      }
      await page.setViewportSize({ width: 1360, height: 820 });
    }
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    await page.emulateMedia({ colorScheme: "light" });
    const light = await ground();
    await press("t", "t");
    assert.notEqual(await ground(), light, "the theme of one's own wins over the system's");
    await press("t");
    assert.equal(await ground(), light);
  });

  test("Tab reaches every control", async () => {
    await page.locator(".brand").focus();
    const reached = new Set<unknown>();
    const all = Number(await page.evaluate("document.querySelectorAll('a[href], button, input, [role=grid]').length"));
    for (let step = 0; step < all; step++) {
      reached.add(
        await page.evaluate("[...document.querySelectorAll('a[href], button, input, [role=grid]')].indexOf(document.activeElement)"),
      );
      const ring = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle + document.activeElement.className");
      assert.match(String(ring), /^(solid|none(grid|search))/, "focus is seen");
      await press("Tab");
    }
    assert.equal(reached.size, all);
  });

  test("management away is said, and noticed when it is back", async () => {
    await page.route("**/shadowfleet.v1.*/**", (route) => route.abort());
    const banner = page.locator(".banner");
    await banner.filter({ hasText: "Management does not answer. What is shown may be old." }).waitFor();
    await page.unroute("**/shadowfleet.v1.*/**");
    await banner.waitFor({ state: "hidden" });
    // Chromium tells of requests that the test aborted.
    assert.deepEqual(
      watched.offences.filter((offence) => !offence.includes("net::ERR_FAILED")),
      [],
    );
  });

  test("a viewer may look, and is told why it may not change anything; logging out forgets the token", async () => {
    await page.getByRole("button", { name: "Log out" }).click();
    assert.equal(await page.evaluate("sessionStorage.length"), 0);
    await logIn(page, VIEWER_TOKEN);
    await act("bob", "Disable…");
    await press("Enter");
    await dialog().getByRole("alert").filter({ hasText: "it needs the role admin" }).waitFor();
  });
});
