import type { FieldProblems } from "../domain/field-problems.ts";

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;
const TOKEN_PREFIX = "after:";
const MAX_REQUEST_ID = 128;

/** Where a page begins and how long it is. */
export interface Page {
  /** The last id of the page before; "" for the first. */
  readonly afterId: string;
  readonly size: number;
}

/** Reads page_size and page_token; what is wrong is reported. */
export function readPage(
  { pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string },
  problems: FieldProblems,
): Page {
  problems.require(pageSize >= 0, "page_size", "must not be negative");
  const text = Buffer.from(pageToken, "base64url").toString("utf8");
  const isToken = pageToken === "" || (text.startsWith(TOKEN_PREFIX) && pageTokenOf(text.slice(TOKEN_PREFIX.length)) === pageToken);
  problems.require(isToken, "page_token", "must be a next_page_token as it was given");
  const size = pageSize <= 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
  return { afterId: pageToken === "" ? "" : text.slice(TOKEN_PREFIX.length), size };
}

/** The token of the page that begins behind this id. */
export function pageTokenOf(lastId: string): string {
  return Buffer.from(`${TOKEN_PREFIX}${lastId}`).toString("base64url");
}

/** Of one item more than the page holds, the page and the next one's token. */
export function cutPage<T>(
  items: readonly T[],
  size: number,
  idOf: (item: T) => string,
): { readonly items: readonly T[]; readonly nextPageToken: string } {
  const page = items.slice(0, size);
  const last = page.at(-1);
  return { items: page, nextPageToken: items.length > size && last !== undefined ? pageTokenOf(idOf(last)) : "" };
}

/** The request id as the store keeps it: one method's ids say nothing about another's. Undefined for none. */
export function readRequestId(method: string, requestId: string, problems: FieldProblems): string | undefined {
  if (requestId === "") return undefined;
  const isGood = /^[\x21-\x7e]+$/.test(requestId) && requestId.length <= MAX_REQUEST_ID;
  problems.require(isGood, "request_id", `must be 1 to ${MAX_REQUEST_ID} printable characters without spaces`);
  return isGood ? `${method}:${requestId}` : undefined;
}

/** Milliseconds of an optional timestamp; one that no calendar has is reported. */
export function readTime(time: Date | undefined, field: string, problems: FieldProblems): number | undefined {
  if (time === undefined) return undefined;
  const ms = time.getTime();
  problems.require(!Number.isNaN(ms), field, "is not a time");
  return Number.isNaN(ms) ? undefined : ms;
}

/** Milliseconds of an optional duration; 0 for none. */
export function readDuration(
  duration: { readonly seconds: bigint; readonly nanos: number } | undefined,
  { field, minMs, maxMs, absentMs }: { readonly field: string; readonly minMs: number; readonly maxMs: number; readonly absentMs: number },
  problems: FieldProblems,
): number {
  if (duration === undefined) return absentMs;
  const ms = Number(duration.seconds) * 1_000 + Math.floor(duration.nanos / 1e6);
  problems.require(ms >= minMs && ms <= maxMs, field, `must be from ${minMs / 1_000} s to ${maxMs / 1_000} s`);
  return ms;
}

/** A stored time for a response. */
export function timeOf(ms: number | undefined): Date | undefined {
  return ms === undefined || ms === 0 ? undefined : new Date(ms);
}
