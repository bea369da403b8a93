import type { ByteCounts, Traffic, TrafficBucket } from "@shadowfleet/control-api";
import { formatBytes, formatExactBytes } from "../output/amounts.ts";
import type { Document } from "../output/document.ts";
import { type Column, tableLines } from "../output/table.ts";
import { formatTime } from "../output/times.ts";

const NO_BYTES: ByteCounts = { tcpUpBytes: 0n, tcpDownBytes: 0n, udpUpBytes: 0n, udpDownBytes: 0n };

const right = (title: string): Column => ({ title, align: "right" });
const COUNT_COLUMNS = [right("TCP UP"), right("TCP DOWN"), right("UDP UP"), right("UDP DOWN"), right("TOTAL")];

export function sumOf({ tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes }: ByteCounts): bigint {
  return tcpUpBytes + tcpDownBytes + udpUpBytes + udpDownBytes;
}

function countsDocument(counts: ByteCounts | undefined): Document {
  const { tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes } = counts ?? NO_BYTES;
  return { tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes };
}

export function trafficDocument({ subject, total, sinceReset, resetTime }: Traffic): Document {
  return { subject, total: countsDocument(total), sinceReset: countsDocument(sinceReset), resetTime: resetTime ?? null };
}

export function bucketDocument({ startTime, bytes }: TrafficBucket): Document {
  return { startTime: startTime ?? null, bytes: countsDocument(bytes) };
}

/** Makes tables of byte counts, short or with every digit. */
export class TrafficTables {
  readonly #format: (bytes: bigint) => string;

  constructor(isExact: boolean) {
    this.#format = isExact ? formatExactBytes : formatBytes;
  }

  /** A row an access key, and the fleet's as the last one. */
  list(traffic: readonly Traffic[], fleet: Traffic): string[] {
    const rows = traffic.map((one) => [one.subject, ...this.#counts(one.total), this.#sinceReset(one)]);
    const columns = [{ title: "ACCESS KEY" }, ...COUNT_COLUMNS, right("SINCE RESET")];
    return tableLines(columns, [...rows, ["(fleet)", ...this.#counts(fleet.total), ""]]);
  }

  /** One subject: since the beginning, and since the reset if there was one. */
  one(traffic: Traffic): string[] {
    const { total, sinceReset, resetTime } = traffic;
    const reset = resetTime ? [[`since ${formatTime(resetTime)}`, ...this.#counts(sinceReset)]] : [];
    return tableLines([{ title: traffic.subject || "(fleet)" }, ...COUNT_COLUMNS], [["in all", ...this.#counts(total)], ...reset]);
  }

  /** A row an hour, and their sum as the last one. */
  byHour(buckets: readonly TrafficBucket[]): string[] {
    const rows = buckets.map(({ startTime, bytes }) => [startTime ? formatTime(startTime) : "-", ...this.#counts(bytes)]);
    const sum = buckets.reduce((all, { bytes }) => added(all, bytes ?? NO_BYTES), NO_BYTES);
    return tableLines([{ title: "HOUR FROM" }, ...COUNT_COLUMNS], [...rows, ["(sum)", ...this.#counts(sum)]]);
  }

  #counts(counts: ByteCounts | undefined): string[] {
    const { tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes } = counts ?? NO_BYTES;
    const all = [tcpUpBytes, tcpDownBytes, udpUpBytes, udpDownBytes, sumOf(counts ?? NO_BYTES)];
    return all.map(this.#format);
  }

  #sinceReset({ resetTime, sinceReset }: Traffic): string {
    return resetTime ? this.#format(sumOf(sinceReset ?? NO_BYTES)) : "-";
  }
}

function added(a: ByteCounts, b: ByteCounts): ByteCounts {
  return {
    tcpUpBytes: a.tcpUpBytes + b.tcpUpBytes,
    tcpDownBytes: a.tcpDownBytes + b.tcpDownBytes,
    udpUpBytes: a.udpUpBytes + b.udpUpBytes,
    udpDownBytes: a.udpDownBytes + b.udpDownBytes,
  };
}
