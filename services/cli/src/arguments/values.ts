import { parseDuration } from "@shadowfleet/runtime";
import { addressFrom, METHODS } from "@shadowfleet/wire";
import type { ReadText } from "./flag.ts";
import { parseMoment } from "./moment.ts";

const MAX_PORT = 0xffff;

/** What a management server takes as the id of an access key. */
const KEY_ID = /^[a-z0-9._-]{1,64}$/;

export const readPort: ReadText<number> = (text) => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > MAX_PORT) throw new RangeError(`expected a port number from 1 to ${MAX_PORT}`);
  return port;
};

/** A list with commas; "none" is the empty one. What its entries may be is management's to say. */
export const readTargets: ReadText<string[]> = (text) => {
  const entries = text === "none" ? [] : text.split(",").map((entry) => entry.trim());
  if (entries.includes("")) throw new RangeError('expected entries with commas between them, or "none"');
  return entries;
};

/** A host name or IP address in its canonical spelling. Other than ASCII is refused, as certificates and resolvers have it in ASCII. */
export const readHost: ReadText<string> = (text) => {
  const address = addressFrom(text, 0);
  if (!address || !/^[\x21-\x7e]+$/.test(address.host)) throw new RangeError("expected a host name (in its ASCII form) or an IP address");
  return address.host;
};

/** Milliseconds, more than none. */
export const readDuration: ReadText<number> = (text) => {
  const ms = parseDuration(text);
  if (ms === 0) throw new RangeError("expected more than nothing");
  return ms;
};

/** Methods that a key or port may have; whether stream ciphers are allowed is for management to say. */
export const readMethod: ReadText<string> = (text) => {
  const names = METHODS.map(({ name }) => name);
  if (!names.includes(text)) throw new RangeError(`expected one of ${names.join(", ")}`);
  return text;
};

/** A time or a duration from now; the past is refused. */
export const readFutureMoment: ReadText<Date> = (text, { nowMs }) => {
  const moment = parseMoment(text, nowMs, "ahead");
  if (moment.getTime() <= nowMs) throw new RangeError("is in the past");
  return moment;
};

/** A time or a duration from now. */
export const readMoment: ReadText<Date> = (text, { nowMs }) => parseMoment(text, nowMs, "ahead");

/** A time or a duration before now. */
export const readPastMoment: ReadText<Date> = (text, { nowMs }) => parseMoment(text, nowMs, "ago");

export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}
