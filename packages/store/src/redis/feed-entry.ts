import type { ResourceKind } from "../records.ts";

/** An entry of either feed as XREAD gives it: names and values in turn. */
export interface FeedEntry {
  readonly id: string;
  readonly fields: readonly string[];
}

export function entryField({ fields }: FeedEntry, name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}

/** What a write changed; nothing for a command. */
export function changedIds(entry: FeedEntry): [ResourceKind, string][] {
  return JSON.parse(entryField(entry, "changes") ?? "[]") as [ResourceKind, string][];
}

/** The part of an id before the dash: in the feed, the revision. */
export function numberOf(id: string): number {
  return Number(id.slice(0, id.indexOf("-")));
}
