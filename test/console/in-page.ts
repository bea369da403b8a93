import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";

const sourceOf = (name: string): string => stripTypeScriptTypes(readFileSync(join(import.meta.dirname, "in-page", name), "utf8"));

/** What is wrong with the page for people with other eyes, hands or screens; empty when nothing was found. */
export function accessibilityProblems(page: Page): Promise<string[]> {
  return page.evaluate(`(() => { ${sourceOf("accessibility.ts")}\nreturn problemsOfPage(); })()`);
}

/** The modules of a QR code that is seen. */
export async function qrModules(code: Locator): Promise<boolean[][]> {
  const png = (await code.screenshot()).toString("base64");
  return code.page().evaluate(`(async () => { ${sourceOf("qr-modules.ts")}\nreturn modulesOf(${JSON.stringify(png)}); })()`);
}
