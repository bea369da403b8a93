import { switchFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { qrCodeForPaper, qrCodeForScreen } from "../output/qr-code.ts";
import type { Shell } from "../shell.ts";

/** Flags of commands that show an ss:// URI. */
export const QR_FLAGS = {
  qr: switchFlag("also show it as a QR code"),
  noQr: switchFlag("show no QR code (default on a terminal: show it)"),
} as const;

export interface QrChoice {
  readonly qr: boolean;
  readonly noQr?: boolean;
  /** What a terminal gets when nothing is said. */
  readonly isDefaultOnTerminal: boolean;
}

/** Before anything is done that would have to be undone. */
export function checkQrChoice({ qr, noQr }: { readonly qr: boolean; readonly noQr: boolean }): void {
  if (qr && noQr) throw new UsageError("--qr and --no-qr exclude each other");
}

/** The URI on a line of its own and, where wanted, its QR code; for people only. */
export async function accessUriLines(accessUri: string, { qr, noQr = false, isDefaultOnTerminal }: QrChoice, { output }: Shell) {
  const { screen } = output;
  const isWanted = qr || (isDefaultOnTerminal && screen !== undefined && !noQr);
  if (!isWanted || output.format !== "table") return [accessUri];
  const code = screen ? await qrCodeForScreen(accessUri, screen.columns) : await qrCodeForPaper(accessUri);
  if (code === undefined) output.remark("The window is too narrow for the QR code.");
  return code === undefined ? [accessUri] : [accessUri, "", ...code];
}
