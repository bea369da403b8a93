import { switchFlag } from "../arguments/flag.ts";
import { UsageError } from "../arguments/usage-error.ts";
import { qrCodeLines } from "../output/qr-code.ts";
import type { Shell } from "../shell.ts";

const UNBOUNDED = Number.MAX_SAFE_INTEGER;

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

/** The URI on a line of its own and, where wanted, its QR code; for people only. */
export async function accessUriLines(accessUri: string, { qr, noQr = false, isDefaultOnTerminal }: QrChoice, { output }: Shell) {
  if (qr && noQr) throw new UsageError("--qr and --no-qr exclude each other");
  const { screen } = output;
  const isWanted = qr || (isDefaultOnTerminal && screen !== undefined && !noQr);
  if (!isWanted || output.format !== "table") return [accessUri];
  const code = await qrCodeLines(accessUri, screen?.columns ?? UNBOUNDED);
  if (code === undefined) output.remark("The window is too narrow for the QR code.");
  return code === undefined ? [accessUri] : [accessUri, "", ...code];
}
