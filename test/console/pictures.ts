import { join } from "node:path";
import type { Page } from "playwright-core";

const IMAGES = join(import.meta.dirname, "../../docs/images");
/** So that lines of rates have something to show. */
const HISTORY_MS = 40_000;

/** With CONSOLE_PICTURES set the pictures of docs/console.md are made anew; else a test run changes no file. */
export const arePicturesWanted = process.env.CONSOLE_PICTURES !== undefined;

/** From the list of keys, and back to it. */
export async function takePictures(page: Page): Promise<void> {
  const picture = async (name: string): Promise<void> => {
    await page.screenshot({ path: join(IMAGES, `console-${name}.png`), animations: "disabled" });
  };
  const dialog = page.locator("dialog[open]").last();
  await page.waitForTimeout(HISTORY_MS);
  await page.emulateMedia({ colorScheme: "light" });
  await picture("keys-light");
  await page.emulateMedia({ colorScheme: "dark" });
  await picture("keys-dark");

  await page.locator('.row[data-id="alice"]').click();
  await dialog.getByText("Last 24 hours").waitFor();
  await picture("key");
  await dialog.getByRole("button", { name: "Show QR code and link" }).click();
  await dialog.locator("svg.qr").waitFor();
  await picture("code");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");

  await page.emulateMedia({ colorScheme: "light" });
  await page.keyboard.press("n");
  await dialog.getByLabel("Name").fill("Grace, phone");
  await dialog.getByLabel("Quota").fill("50 GB / month");
  await dialog.getByLabel("Down, at most").fill("100 Mbit/s");
  await picture("create");
  await page.keyboard.press("Escape");
  await page.keyboard.press("4");
  await page.locator('.row[data-id="lisbon"]', { hasText: "failure" }).waitFor();
  await picture("upstreams");

  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 400, height: 820 });
  await page.keyboard.press("1");
  await page.locator(".row").first().waitFor();
  await picture("narrow");
  await page.setViewportSize({ width: 1360, height: 820 });
  await page.emulateMedia({ colorScheme: "light" });
}
