const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB"];
const BITS = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];
const three = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, useGrouping: false });
const whole = new Intl.NumberFormat("en");

function scaled(value: number, units: readonly string[]): string {
  let power = 0;
  let rest = value;
  // 999.5 would be shown as 1000.
  while (rest >= 999.5 && power < units.length - 1) {
    rest /= 1_000;
    power++;
  }
  return `${power === 0 ? Math.round(rest) : three.format(rest)} ${units[power]}`;
}

/** "12.3 GB", three digits. */
export const bytesText = (bytes: number): string => scaled(bytes, DECIMAL);

/** "12.3 Mbit/s" of bits a second. */
export const bitRateText = (bits: number): string => scaled(bits, BITS);

/** "12.3 Mbit/s" of bytes a second. */
export const rateText = (bytesPerSecond: number): string => bitRateText(bytesPerSecond * 8);

export const countText = (count: number): string => whole.format(count);

/** "1 key", "12 keys". */
export const countOf = (count: number, noun: string): string => `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;

const PREFIXES = "kmgtp";
const MAX = Number.MAX_SAFE_INTEGER;

function amount(text: string, unit: RegExp): { readonly value: number; readonly unit: string } | undefined {
  const match = /^([\d.,_ ]*\d)\s*([a-z/]*)$/i.exec(text.trim());
  const value = Number((match?.[1] ?? "").replaceAll(/[,_ ]/g, ""));
  if (!match || !Number.isFinite(value) || !unit.test(match[2] ?? "")) return undefined;
  const name = match[2] ?? "";
  const power = PREFIXES.indexOf(name.charAt(0).toLowerCase() || "-") + 1;
  const scaledValue = Math.round(value * (/^.i/i.test(name) ? 1_024 : 1_000) ** power);
  return scaledValue <= MAX ? { value: scaledValue, unit: name } : undefined;
}

/** Bytes of "50 GB", "1.5 TiB", "700m", "1000"; undefined when it is not understood. */
export const parseBytes = (text: string): number | undefined => amount(text, /^([kmgtp]i?)?(b|bytes?)?$/i)?.value;

/** Bits a second of "20 Mbit/s", "20M", "20 Mbps", and of "2.5 MB/s" in bytes; undefined when it is not understood. */
export function parseBitRate(text: string): number | undefined {
  const read = amount(text, /^([kmgt]i?)?(bit|bits|b)?(\/s|ps)?$/i);
  if (!read) return undefined;
  return /B(\/s|ps)?$/.test(read.unit) ? read.value * 8 : read.value;
}

function exact(value: number, units: readonly string[]): string {
  let power = units.length - 1;
  while (power > 0 && value % 1_000 ** power !== 0) power--;
  return `${value / 1_000 ** power} ${units[power]}`;
}

/** For input fields: read back, it is the same number. */
export function exactBytes(bytes: number): string {
  for (const [power, unit] of [
    [4, "TiB"],
    [3, "GiB"],
    [2, "MiB"],
  ] as const) {
    if (bytes % 1_000 !== 0 && bytes % 1_024 ** power === 0) return `${bytes / 1_024 ** power} ${unit}`;
  }
  return exact(bytes, DECIMAL);
}

/** For input fields: read back, it is the same number. */
export const exactBitRate = (bits: number): string => exact(bits, BITS);
