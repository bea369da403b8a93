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

const COLUMNS = [
  "fault",
  "lasted",
  "long sessions kept / lost",
  "short connections failed + late / all",
  "datagrams unanswered / all",
  "all well after",
  "bytes received",
  "counted − received",
];

/** One row a fault, as docs show them. */
export function markdownTable(rows: readonly FaultFigures[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(COLUMNS), line(COLUMNS.map(() => "---")), ...rows.map((row) => line(cellsOf(row)))].join("\n");
}

function cellsOf({ fault, lastedMs, flows, short, datagrams, recoveredMs, balance, bytesPerSecond }: FaultFigures): string[] {
  const { difference, received } = balance;
  const asTime = difference === 0 ? "" : ` (${(Math.abs(difference) / bytesPerSecond).toFixed(2)} s of traffic)`;
  return [
    fault,
    seconds(lastedMs),
    `${flows.kept} / ${flows.lost}`,
    `${short.failed} + ${short.late} / ${short.total}`,
    `${datagrams.unanswered} / ${datagrams.total}`,
    recoveredMs === 0 ? "never unwell" : seconds(recoveredMs),
    received.toLocaleString("en"),
    `${difference.toLocaleString("en")}${asTime}`,
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
