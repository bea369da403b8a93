import { formatBytes, formatRate } from "../output/amounts.ts";
import type { Document } from "../output/document.ts";
import { type Column, tableLines } from "../output/table.ts";
import { formatClock } from "../output/times.ts";
import type { LiveFleet, LiveKey } from "./live-rates.ts";

const COLUMNS: readonly Column[] = [
  { title: "ACCESS KEY" },
  { title: "UP", align: "right" },
  { title: "DOWN", align: "right" },
  { title: "SESSIONS", align: "right" },
  { title: "TOTAL", align: "right" },
];

export function liveFleetDocument(fleet: LiveFleet, at: Date): Document {
  const { upBytesPerSecond, downBytesPerSecond, sessionCount, keys } = fleet;
  return {
    time: at,
    upBytesPerSecond,
    downBytesPerSecond,
    sessionCount,
    accessKeys: keys.map((key) => ({
      id: key.id,
      upBytesPerSecond: key.upBytesPerSecond,
      downBytesPerSecond: key.downBytesPerSecond,
      sessionCount: key.sessionCount,
      totalBytes: key.totalBytes,
    })),
  };
}

/** "12:34:56  up 1.20 Mbit/s  down 45.0 Mbit/s  12 sessions  3 access keys" */
export function liveSummary(fleet: LiveFleet, at: Date): string {
  const { upBytesPerSecond, downBytesPerSecond, sessionCount, keys } = fleet;
  return [
    formatClock(at),
    `up ${formatRate(upBytesPerSecond)}`,
    `down ${formatRate(downBytesPerSecond)}`,
    counted(sessionCount, "session"),
    counted(keys.length, "access key"),
  ].join("  ");
}

/** The summary and a row for each of the first `rows` access keys. */
export function liveTable(fleet: LiveFleet, at: Date, rows: number): string[] {
  return [liveSummary(fleet, at), "", ...tableLines(COLUMNS, fleet.keys.slice(0, Math.max(0, rows)).map(rowOf))];
}

function rowOf({ id, upBytesPerSecond, downBytesPerSecond, sessionCount, totalBytes }: LiveKey): string[] {
  return [id, formatRate(upBytesPerSecond), formatRate(downBytesPerSecond), String(sessionCount), formatBytes(totalBytes)];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
