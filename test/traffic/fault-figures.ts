import type { Balance } from "./account.ts";

/** What one fault did to the load. */
export interface FaultFigures {
  readonly fault: string;
  /** From the fault to its repair. */
  readonly lastedMs: number;
  readonly flows: { readonly kept: number; readonly lost: number };
  readonly short: { readonly total: number; readonly failed: number; readonly late: number };
  readonly datagrams: { readonly total: number; readonly unanswered: number };
  /** From the fault to the start of the first short connection with none behind it that failed or was late; 0 when none was. */
  readonly recoveredMs: number;
  /** From the fault to the last datagram that was not answered; 0 when there was none. */
  readonly datagramsRecoveredMs: number;
  readonly balance: Balance;
  /** Payload bytes of datagrams that the target sent and no client received; a relay that they passed has counted them. */
  readonly answersLost: number;
  /** What moved in a second before the fault. */
  readonly bytesPerSecond: number;
}

/** What the load met, the first columns of every table of faults. */
export const LOAD_COLUMNS = [
  "fault",
  "lasted",
  "long sessions kept / lost",
  "short connections failed + late / all",
  "datagrams unanswered / all",
] as const;
const COLUMNS = [...LOAD_COLUMNS, "all well after", "bytes received", "counted − received"];

/** One row a fault, as docs show them. */
export function markdownTable(rows: readonly FaultFigures[]): string {
  return tableOf(COLUMNS, rows.map(cellsOf));
}

export function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [columns, columns.map(() => "---"), ...rows].map(line).join("\n");
}

/** The cells of `LOAD_COLUMNS`. */
export function loadCells({ fault, lastedMs, flows, short, datagrams }: FaultFigures): string[] {
  return [
    fault,
    seconds(lastedMs),
    `${flows.kept} / ${flows.lost}`,
    `${short.failed} + ${short.late} / ${short.total}`,
    `${datagrams.unanswered} / ${datagrams.total}`,
  ];
}

function cellsOf(figures: FaultFigures): string[] {
  const { recoveredMs, balance, bytesPerSecond } = figures;
  const { difference, received } = balance;
  const asTime = difference === 0 ? "" : ` (${(Math.abs(difference) / bytesPerSecond).toFixed(2)} s of traffic)`;
  return [
    ...loadCells(figures),
    recoveredMs === 0 ? "never unwell" : seconds(recoveredMs),
    received.toLocaleString("en"),
    `${difference.toLocaleString("en")}${asTime}`,
  ];
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
