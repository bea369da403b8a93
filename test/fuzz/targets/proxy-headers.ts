import assert from "node:assert/strict";
import { isIP } from "node:net";
import { binaryProxyHeader, feed, type PseudoRandom, type Split, textProxyHeader } from "@shadowfleet/testkit";
import { HeaderReader } from "../../../packages/transport/src/proxy-protocol/header-reader.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { payloadBytes, pick } from "../models/addresses.ts";
import { randomSplit, whole } from "../models/delivery.ts";

const LONGEST = 4096;
const HOSTS = ["198.51.100.7", "0.0.0.0", "2001:db8::7", "::ffff:c633:6407", "::"];

interface Reading {
  readonly outcome: "ok" | "ok, its own" | "refused" | "more";
  readonly client: string;
  /** Bytes of header, with those of a refused one up to the wrong byte's read. */
  readonly behind: Buffer;
}

/** What a header comes to, and what is left for whoever reads on. */
function read(split: Split): Reading {
  const reader = new HeaderReader();
  const pieces = split.pieces.map((piece) => Buffer.from(piece));
  let fed = 0;
  const outcome = feed(split, (src, start, end) => {
    fed += 1;
    const step = reader.push(src, start, end);
    return step && { step, rest: step.ok ? Buffer.from(src.subarray(step.next, end)) : Buffer.alloc(0) };
  });
  if (!outcome) return { outcome: "more", client: "", behind: Buffer.alloc(0) };
  if (!outcome.step.ok) return { outcome: "refused", client: "", behind: Buffer.alloc(0) };
  const { client } = outcome.step.header;
  const behind = Buffer.concat([outcome.rest, ...pieces.slice(fed)]);
  if (!client) return { outcome: "ok, its own", client: "", behind };
  assert.ok(isIP(client.host) !== 0 && !client.host.includes("%"), "an address");
  assert.ok(Number.isInteger(client.port) && client.port >= 0 && client.port <= 0xffff, "a port");
  return { outcome: "ok", client: `${client.host} ${client.port}`, behind };
}

function generate(random: PseudoRandom): Buffer[] {
  const source = { host: pick(HOSTS, random), port: random.below(0x10000) };
  const tlvs = Array.from({ length: random.below(3) }, () => [random.below(256), random.bytes(random.below(40))] as const);
  const checksum = pick([undefined, undefined, "right", "wrong"] as const, random);
  const command = random.below(5) === 0 ? ("LOCAL" as const) : ("PROXY" as const);
  const ends = random.below(6) === 0 ? undefined : { source };
  const isText = random.below(2) === 0;
  const header = isText ? textProxyHeader({ source }) : binaryProxyHeader(ends, { tlvs, command, ...(checksum ? { checksum } : {}) });
  return [header, payloadBytes(random).subarray(0, 300)];
}

/** A header is the same however it is cut, is refused or ends within what it may be long, and what stands behind it is neither lost nor read. */
export const proxyHeaders: FuzzTarget = {
  name: "proxy-header",
  reaches: ["ok", "ok, its own", "refused", "more"],
  tokens: [
    "PROXY ",
    "TCP4 ",
    "TCP6 ",
    "UNKNOWN",
    "\r\n",
    "\r\n\r\n\0\r\nQUIT\n",
    "::1 ",
    "127.0.0.1 ",
    " 65535",
    " 0",
    "\x21\x11\0\x0c",
    "\x03\0\x04",
  ],
  unit: 30_000,
  generate,
  execute(parts, random) {
    const bytes = Buffer.concat(parts);
    const reading = read(whole(bytes));
    assert.deepEqual(read(randomSplit(bytes, random)), reading, "how the bytes are cut makes no difference");
    const { outcome, behind } = reading;
    if (outcome === "more") assert.ok(bytes.length < LONGEST, "what goes on is bounded");
    if (outcome.startsWith("ok")) {
      const length = bytes.length - behind.length;
      assert.ok(length <= LONGEST && behind.equals(bytes.subarray(length)), "the rest is what came last");
      assert.equal(read(whole(bytes.subarray(0, length))).outcome, outcome, "the header alone says the same");
      assert.equal(read(whole(bytes.subarray(0, length - 1))).outcome, "more", "and not a byte before its end");
    }
    return outcome;
  },
};
