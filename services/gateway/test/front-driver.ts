import assert from "node:assert/strict";
import { feed, PseudoRandom, type Split, splitsOf } from "@shadowfleet/testkit";
import { formatHostPort } from "@shadowfleet/wire";
import type { FrontDoor } from "../src/front/front-door.ts";

/** What a door made of a whole conversation from the client. */
export interface FrontResult {
  /** "more": it still waits. */
  readonly kind: "more" | "request" | "refused";
  /** Everything it answered, in order. */
  readonly reply: Buffer;
  readonly code?: string;
  readonly command?: string;
  readonly target?: string;
  readonly user?: string | undefined;
  /** Bytes for the upstream, those that came in later pieces included. */
  readonly payload?: Buffer;
}

/** Feeds one split as reads come; what follows a request in later pieces counts as its payload, as it does in a session. */
export function drive(door: FrontDoor, split: Split): FrontResult {
  const replies: Buffer[] = [];
  let fed = 0;
  const outcome = feed(split, (src, start, end) => {
    const step = door.push(src, start, end);
    replies.push(Buffer.from(step.reply));
    fed++;
    return step.kind === "more" ? undefined : step;
  });
  const reply = Buffer.concat(replies);
  if (!outcome) return { kind: "more", reply };
  if (outcome.kind === "refused") return { kind: "refused", reply, code: outcome.code };
  const { command, target, user, payload, body } = outcome.request;
  const later = Buffer.concat(split.pieces.slice(fed));
  const kept = body ? later.subarray(0, body.take(later, 0, later.length)) : later;
  return { kind: "request", reply, command, target: formatHostPort(target), user, payload: Buffer.concat([payload, kept]) };
}

/** Feeds every split of the bytes to a fresh door each; all must come to the same. Returns what they came to. */
export function driveAllSplits(create: () => FrontDoor, bytes: Buffer): FrontResult {
  const [whole, ...others] = splitsOf(bytes);
  const expected = drive(create(), whole!);
  for (const split of others) assert.deepEqual(drive(create(), split), expected, split.label);
  return expected;
}

/** Throws nothing and answers something definite for junk: `count` inputs of pseudo-random bytes behind `prefix`. */
export function driveJunk(create: () => FrontDoor, prefix: Buffer, count: number): void {
  const random = new PseudoRandom(prefix.length + 1);
  for (let n = 0; n < count; n++) {
    const bytes = Buffer.concat([prefix, random.bytes(random.below(600))]);
    const [whole, bytewise] = splitsOf(bytes, { randomSplits: 0 });
    assert.deepEqual(drive(create(), bytewise!), drive(create(), whole!));
  }
}
