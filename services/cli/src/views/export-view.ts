import type { ExportTrafficResponse, TrafficExportRow } from "@shadowfleet/control-api";
import { toJson } from "../output/document.ts";

const COLUMNS = ["access_key_id", "hour", "tcp_up_bytes", "tcp_down_bytes", "udp_up_bytes", "udp_down_bytes", "final"] as const;
const CSV_LINE_END = "\r\n";

/** Makes the text of an export, message by message: CSV (RFC 4180), or one JSON document with a row a line. */
export class ExportText {
  readonly #format: "csv" | "json";
  #rowCount = 0;

  constructor(format: "csv" | "json") {
    this.#format = format;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  head({ startTime, endTime, finalBeforeTime }: ExportTrafficResponse): string {
    if (this.#format === "csv") return COLUMNS.join(",") + CSV_LINE_END;
    const head = toJson({ startTime: startTime ?? null, endTime: endTime ?? null, finalBeforeTime: finalBeforeTime ?? null }, 0);
    return `${head.slice(0, -1)},"rows":[\n`;
  }

  rows({ rows, finalBeforeTime }: ExportTrafficResponse): string {
    return rows.map((row) => this.#row(row, isBefore(row.hour, finalBeforeTime))).join("");
  }

  tail(): string {
    if (this.#format === "csv") return "";
    return this.#rowCount === 0 ? "]}\n" : "\n]}\n";
  }

  #row({ accessKeyId, hour, bytes }: TrafficExportRow, isFinal: boolean): string {
    const { tcpUpBytes = 0n, tcpDownBytes = 0n, udpUpBytes = 0n, udpDownBytes = 0n } = bytes ?? {};
    const isFirst = this.#rowCount++ === 0;
    if (this.#format === "csv") {
      const cells = [accessKeyId, hour?.toISOString() ?? "", tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes, isFinal];
      return cells.map((cell) => csvCell(String(cell))).join(",") + CSV_LINE_END;
    }
    const row = toJson({ accessKeyId, hour: hour ?? null, tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes, final: isFinal }, 0);
    return isFirst ? row : `,\n${row}`;
  }
}

function isBefore(hour: Date | undefined, end: Date | undefined): boolean {
  return hour !== undefined && end !== undefined && hour < end;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
