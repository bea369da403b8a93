import assert from "node:assert/strict";
import { feed, type PseudoRandom, ScriptedEnvironment, type Split } from "@shadowfleet/testkit";
import { createServerHandshake, formatHostPort, type SaltFilter, type TargetAddress } from "@shadowfleet/wire";
import { type Delivered, deliver } from "./delivery.ts";
import type { TestPort } from "./keys.ts";

/** What a server made of a whole request stream. */
export interface Reception {
  /** "ok", "more" while the handshake waits, or why it was refused. */
  readonly outcome: string;
  readonly target?: TargetAddress;
  /** Payload, and how the stream ended. */
  readonly delivered?: Delivered;
  /** Salts that got in. */
  readonly admitted: number;
}

/** A salt filter that counts. */
export class CountingFilter implements SaltFilter {
  readonly #seen = new Set<string>();
  admitted = 0;

  admit(salt: Buffer): boolean {
    const name = salt.toString("hex");
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    this.admitted += 1;
    return true;
  }
}

/** One connection: handshake, then everything behind it. */
export function receive(
  port: TestPort,
  split: Split,
  filter: CountingFilter,
  random: PseudoRandom,
  allowSegmentedHeader = true,
): Reception {
  const env = new ScriptedEnvironment({ seed: random.below(1_000) });
  const handshake = createServerHandshake(port.method, port.ring, env, { saltFilter: filter, allowSegmentedHeader });
  let fed = 0;
  const before = filter.admitted;
  const result = feed(split, (src, start, end) => {
    fed += 1;
    return handshake.push(src, start, end);
  });
  const admitted = filter.admitted - before;
  if (result === undefined) return { outcome: "more", admitted };
  if (!result.ok) return { outcome: result.failure, admitted };
  assert.equal(result.key.credential.method, port.method, "a key of the port");
  assert.equal(result.salt.length, port.method.saltLength);
  const first = Buffer.from(result.payload);
  const rest = deliver(result.opener, split, fed);
  return { outcome: "ok", target: result.target, admitted, delivered: { plain: Buffer.concat([first, rest.plain]), end: rest.end } };
}

/** For comparing two receptions of the same bytes. */
export function summary({ outcome, target, delivered }: Reception): string {
  return [outcome, target && formatHostPort(target), delivered?.plain.toString("base64"), delivered?.end].join(" ");
}
