import { textWidth } from "./text-width.ts";

/** Lines of a QR code for a screen; undefined where it is too narrow to show it whole. */
export async function qrCodeLines(text: string, columns: number): Promise<readonly string[] | undefined> {
  const { toString: toQrCode } = await import("qrcode");
  const lines = (await toQrCode(text, { type: "utf8", errorCorrectionLevel: "M" })).split("\n").filter((line) => line !== "");
  const isWhole = lines.every((line) => textWidth(line) <= columns);
  return isWhole ? lines : undefined;
}
