import { textWidth } from "./text-width.ts";

// Dark on light whatever the terminal's theme: many cameras do not read the negative.
const BLACK_ON_WHITE = "\u001b[30;107m";
const PLAIN = "\u001b[0m";

/** Lines of a QR code for a screen of so many columns; undefined where it is too narrow to show it whole. */
export async function qrCodeForScreen(text: string, columns: number): Promise<readonly string[] | undefined> {
  const lines = await qrCodeForPaper(text);
  const isWhole = lines.every((line) => textWidth(line) <= columns);
  return isWhole ? lines.map((line) => `${BLACK_ON_WHITE}${line}${PLAIN}`) : undefined;
}

/** Lines of a QR code without colours, for dark text on a light ground. */
export async function qrCodeForPaper(text: string): Promise<readonly string[]> {
  // Only here, since few commands draw one.
  const { toString: toQrCode } = await import("qrcode");
  const drawn = await toQrCode(text, { type: "utf8", errorCorrectionLevel: "M" });
  return drawn.split("\n").filter((line) => line !== "");
}
