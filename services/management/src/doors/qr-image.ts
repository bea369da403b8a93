import { QrFormat } from "@shadowfleet/control-api";

/** Pixels, and SVG's nominal size. */
const WIDTH = 512;

/** A QR code as an image file; empty where none is wanted. */
export async function qrImage(text: string, format: QrFormat): Promise<Buffer> {
  if (format === QrFormat.QR_FORMAT_UNSPECIFIED) return Buffer.alloc(0);
  // Only here, since few calls draw one.
  const { toBuffer, toString: toText } = await import("qrcode");
  const options = { errorCorrectionLevel: "M", width: WIDTH } as const;
  if (format === QrFormat.QR_FORMAT_PNG) return toBuffer(text, { ...options, type: "png" });
  return Buffer.from(await toText(text, { ...options, type: "svg" }));
}
