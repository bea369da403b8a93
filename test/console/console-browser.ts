import { findProgram, missingProgramsReason } from "@shadowfleet/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { ADMIN_TOKEN } from "./console-fleet.ts";

/** For `describe` and `test`: skipped where there is no Chromium. */
export const NEEDS_CHROMIUM = skipUnless(missingProgramsReason(["chromium"], "chromium"));

function skipUnless(reason: string | undefined): { readonly skip?: string } {
  return reason === undefined ? {} : { skip: reason };
}

/** For every wait of a page on a busy machine. */
const WAIT_MS = 20_000;

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findProgram("chromium") ?? "chromium", args: ["--no-sandbox"], timeout: 60_000 });
}

/** A page of a browser profile of its own, with everything it did that it must not. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors, uncaught errors, violations of the content security policy, requests to other origins. */
  readonly offences: string[];
}

/** Management's answers to a wrong token and to a request with wrong fields, which tests ask for and the browser logs by itself. */
const REFUSED = /status of 40[01] \((Unauthorized|Bad Request)\)/;

const TELL_VIOLATIONS = `document.addEventListener("securitypolicyviolation", (event) =>
  console.error("CSP: " + event.violatedDirective + " " + event.blockedURI));`;

export async function openPage(browser: Browser, url: string, viewport = { width: 1360, height: 820 }): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const offences: string[] = [];
  const { origin } = new URL(url);
  page.on("pageerror", (error) => offences.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !REFUSED.test(message.text())) offences.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) offences.push(`foreign request: ${request.url()}`);
  });
  await page.addInitScript({ content: TELL_VIOLATIONS });
  await page.goto(url);
  return { page, offences };
}

/** By keyboard: the token's field has the focus when the page is there. */
export async function logIn(page: Page, token = ADMIN_TOKEN): Promise<void> {
  await page.getByLabel("Token").waitFor();
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Sections" }).waitFor();
}
