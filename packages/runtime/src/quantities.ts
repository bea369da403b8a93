import { z } from "zod";

const DURATION_UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["kB", 1e3],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
  ["TiB", 2 ** 40],
]);

const RATE_UNITS: ReadonlyMap<string, number> = new Map([
  ["bit", 1],
  ["kbit", 1e3],
  ["Mbit", 1e6],
  ["Gbit", 1e9],
]);

const QUANTITY = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/;
const MAX_PORT = 0xffff;
/** The longest delay a Node timer keeps; it fires a longer one at once. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** "250ms", "5s", "1.5m", "1h", "2d" as whole milliseconds. Throws RangeError, with a sentence for a person, for anything else. */
export function parseDuration(text: string): number {
  return parseQuantity(text, DURATION_UNITS_MS, `a duration such as "250ms", "5s", "5m", "1h" or "2d"`, "s", "milliseconds");
}

/** "64KiB", "50GB", "512B" as whole bytes: kB, MB, GB, TB are decimal, KiB, MiB, GiB, TiB binary. Throws RangeError like `parseDuration`. */
export function parseSize(text: string): number {
  return parseQuantity(text, SIZE_UNITS, `a size such as "512B", "64KiB" or "50GB"`, "B", "bytes");
}

/** "500kbit", "20Mbit/s", "1Gbit" as whole bits a second; all units are decimal. Throws RangeError like `parseDuration`. */
export function parseBitRate(text: string): number {
  return parseQuantity(
    text.trim().replace(/\/s$/, ""),
    RATE_UNITS,
    `a rate such as "500kbit", "20Mbit" or "1Gbit"`,
    "Mbit",
    "bits a second",
  );
}

function parseQuantity(text: string, units: ReadonlyMap<string, number>, wanted: string, likelyUnit: string, baseUnits: string): number {
  const [, digits, unit] = QUANTITY.exec(text.trim()) ?? [];
  if (digits === undefined) throw new RangeError(`expected ${wanted}`);
  if (unit === undefined || unit === "") throw new RangeError(`has no unit: write "${digits}${likelyUnit}" if that is meant, or ${wanted}`);
  const factor = units.get(unit);
  if (factor === undefined) throw new RangeError(`unknown unit "${unit}": expected ${wanted}`);
  // Rounding only takes off the error of a decimal fraction (1.1 s); a value finer than the base unit is refused.
  const exact = Number(digits) * factor;
  const value = Math.round(exact);
  if (!Number.isSafeInteger(value)) throw new RangeError("is too large to be exact");
  if (Math.abs(exact - value) > 1e-6) throw new RangeError(`is not a whole number of ${baseUnits}`);
  return value;
}

export interface DurationOptions {
  /** Default 0. */
  readonly minMs?: number;
  /** Default: the longest delay a timer keeps, about 24 days. */
  readonly maxMs?: number;
  /** Takes a bare number as seconds, as the ancestor's `timeout` does. Default: bare numbers are refused with a hint. */
  readonly bareSeconds?: boolean;
}

/** A duration with its unit; milliseconds after parsing. Give defaults with `prefault("30s")`. */
export function durationMs(options: DurationOptions = {}): z.ZodType<number, string | number> {
  const { minMs = 0, maxMs = MAX_TIMER_MS, bareSeconds = false } = options;
  const parse = (input: string | number) => parseDuration(bareSeconds && typeof input === "number" ? `${input}s` : String(input));
  return quantity(parse, minMs, maxMs, (ms) => `${ms}ms`);
}

export interface SizeOptions {
  /** Default 0. */
  readonly min?: number;
  /** Default 2^53 - 1. */
  readonly max?: number;
}

/** A size with its unit; bytes after parsing. Give defaults with `prefault("64KiB")`. */
export function sizeBytes(options: SizeOptions = {}): z.ZodType<number, string | number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  return quantity(
    (input) => parseSize(String(input)),
    min,
    max,
    (bytes) => `${bytes}B`,
  );
}

function quantity(
  parse: (input: string | number) => number,
  min: number,
  max: number,
  show: (value: number) => string,
): z.ZodType<number, string | number> {
  return z.union([z.string(), z.number()]).transform((input, context) => {
    const refuse = (message: string) => {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    };
    try {
      const value = parse(input);
      return value < min || value > max ? refuse(`must be from ${show(min)} to ${show(max)}`) : value;
    } catch (error) {
      return refuse((error as RangeError).message);
    }
  });
}

/** A port that can be dialled: 1 to 65,535, as a number or as digits. */
export function portNumber(): z.ZodType<number, string | number> {
  return port(1);
}

/** A port to listen on: 0 lets the kernel choose. */
export function listenPort(): z.ZodType<number, string | number> {
  return port(0);
}

function port(min: number): z.ZodType<number, string | number> {
  return z.union([z.string(), z.number()]).transform((input, context) => {
    const value = toPort(input);
    if (value !== undefined && value >= min) return value;
    context.addIssue({ code: "custom", message: `must be a port number from ${min} to ${MAX_PORT}` });
    return z.NEVER;
  });
}

function toPort(input: string | number): number | undefined {
  if (typeof input === "string" && !/^\d{1,5}$/.test(input)) return undefined;
  const value = Number(input);
  return Number.isInteger(value) && value >= 0 && value <= MAX_PORT ? value : undefined;
}

/** Where something is reached. `host` is a name or an address without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** "relay.example:8388" or "[2001:db8::1]:8388", port 1 to 65,535. */
export function hostPort(): z.ZodType<HostPort, string> {
  return z.string().transform((input, context) => {
    const [, bracketed, plain, digits = ""] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d+)$/.exec(input) ?? [];
    const host = bracketed ?? plain;
    const value = toPort(digits);
    if (host !== undefined && value !== undefined && value > 0) return { host, port: value };
    context.addIssue({ code: "custom", message: `must be host:port such as "relay.example:8388" or "[2001:db8::1]:8388"` });
    return z.NEVER;
  });
}
