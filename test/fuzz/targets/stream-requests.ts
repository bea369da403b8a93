import assert from "node:assert/strict";
import type { PseudoRandom } from "@shadowfleet/testkit";
import { formatHostPort, readAddress } from "@shadowfleet/wire";
import { writeStreamIdentity } from "../../../packages/wire/src/sip022/identity-header.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { addressBytes, payloadBytes, pick } from "../models/addresses.ts";
import { assertPrefix, perhapsDamaged, randomSplit, whole } from "../models/delivery.ts";
import { NOW, SIP004_PORTS, SIP022_PORTS, SIP023_PORTS, type TestPort } from "../models/keys.ts";
import { chunkParts, readChunks, sealMessages } from "../models/sealed-stream.ts";
import { CountingFilter, type Reception, receive, summary } from "../models/server-stream.ts";

/** What a correct server makes of messages that arrive undamaged; "any" where only the general rules hold. */
interface Expectation {
  readonly outcome: string;
  /** Payload behind the address. */
  readonly plain: Buffer;
  readonly isWhole: boolean;
}

const MAX_PADDING = 900;
const FIXED_HEADER = 11;

function expectSip004(parts: readonly Buffer[], { method }: TestPort): Expectation {
  const { plain, isWhole } = readChunks(parts, 0, method.maxChunk);
  const address = readAddress(plain, 0, plain.length);
  if (address.ok) return { outcome: "ok", plain: plain.subarray(address.next), isWhole };
  return { outcome: address.incomplete ? "any" : "BAD_ADDRESS", plain: Buffer.alloc(0), isWhole };
}

function expectSip022(parts: readonly Buffer[], { method }: TestPort): Expectation {
  const [fixed, variable] = parts;
  const nothing = { plain: Buffer.alloc(0), isWhole: false };
  if (fixed?.length !== FIXED_HEADER) return { outcome: "any", ...nothing };
  if (fixed[0] !== 0) return { outcome: "BAD_HEADER", ...nothing };
  const skew = fixed.readBigUInt64BE(1) - BigInt(NOW);
  if (skew > 30n || skew < -30n) return { outcome: "BAD_TIMESTAMP", ...nothing };
  if (variable?.length !== fixed.readUInt16BE(9)) return { outcome: "any", ...nothing };
  const address = readAddress(variable, 0, variable.length);
  if (!address.ok) return { outcome: "BAD_ADDRESS", ...nothing };
  if (address.next + 2 > variable.length) return { outcome: "BAD_HEADER", ...nothing };
  const padding = variable.readUInt16BE(address.next);
  const payloadAt = address.next + 2 + padding;
  if (padding > MAX_PADDING || payloadAt > variable.length || (padding === 0 && payloadAt === variable.length)) {
    return { outcome: "BAD_HEADER", ...nothing };
  }
  const chunks = readChunks(parts, 2, method.maxChunk);
  return { outcome: "ok", plain: Buffer.concat([variable.subarray(payloadAt), chunks.plain]), isWhole: chunks.isWhole };
}

function generateSip022(random: PseudoRandom): Buffer[] {
  const payload = payloadBytes(random);
  const initial = random.below(payload.length + 1);
  const padding = initial === 0 || random.below(4) === 0 ? 1 + random.below(MAX_PADDING) : 0;
  const paddingLength = Buffer.alloc(2);
  paddingLength.writeUInt16BE(padding);
  const variable = Buffer.concat([addressBytes(random), paddingLength, random.bytes(padding), payload.subarray(0, initial)]);
  const fixed = Buffer.alloc(FIXED_HEADER);
  fixed.writeBigUInt64BE(BigInt(NOW + random.below(61) - 30), 1);
  fixed.writeUInt16BE(variable.length, 9);
  return [fixed, variable, ...chunkParts(payload.subarray(initial), 0xffff, random)];
}

/** A client that holds the key and seals what it likes: what arrives is exactly what it said, or a failure. */
function requestTarget(
  name: string,
  ports: readonly TestPort[],
  generate: (random: PseudoRandom) => Buffer[],
  expectation: (parts: readonly Buffer[], port: TestPort) => Expectation,
  reaches: readonly string[],
): FuzzTarget {
  return {
    name,
    reaches,
    unit: 3_000,
    generate,
    execute(parts, random) {
      const port = pick(ports, random);
      const salt = random.bytes(port.method.saltLength);
      const identity = Buffer.alloc(port.client.identityKeys.length * 16);
      writeStreamIdentity(port.client, salt, identity, 0);
      const { bytes, isDamaged } = perhapsDamaged(Buffer.concat([salt, identity, sealMessages(port.client, salt, parts)]), random);
      const filter = new CountingFilter();
      const first = receive(port, randomSplit(bytes, random), filter, random);
      check(first, expectation(parts, port), isDamaged, bytes.length);
      const again = receive(port, whole(bytes), new CountingFilter(), random);
      assertSame(first, again);
      if (first.admitted > 0 && random.below(2) === 0) {
        assert.equal(receive(port, whole(bytes), filter, random).outcome, "REPLAYED", "the same salt does not get in twice");
      }
      if (random.below(8) === 0) receive(port, randomSplit(bytes, random), new CountingFilter(), random, false);
      return first.outcome === "ok" && first.delivered?.end !== "open" ? `ok, then ${first.delivered?.end}` : first.outcome;
    },
  };
}

const REFUSALS = ["AUTH_FAILED", "BAD_HEADER", "BAD_ADDRESS"];

/**
 * Chunks that fail in the read that completes the header refuse the request; in a later read they end the stream. Of two things that are wrong, the
 * cut decides which is met first.
 */
function assertSame(split: Reception, whole: Reception): void {
  const isEarly = split.outcome === "ok" && split.delivered?.end !== "open" && whole.outcome === split.delivered?.end;
  if (REFUSALS.includes(split.outcome) && REFUSALS.includes(whole.outcome)) return;
  if (!isEarly) assert.equal(summary(split), summary(whole), "how the bytes are cut makes no difference");
}

function check(reception: Reception, expected: Expectation, isDamaged: boolean, length: number): void {
  const { outcome, target, delivered, admitted } = reception;
  assert.ok(admitted <= 1, "one salt a connection");
  if (outcome === "AUTH_FAILED" && target === undefined && length === 0) assert.fail("nothing was sent");
  if (delivered && target) {
    assertPrefix(delivered.plain, expected.plain, formatHostPort(target));
    assert.ok(target.port >= 0 && target.port <= 0xffff && target.host.length > 0);
  }
  if (isDamaged || expected.outcome === "any") return;
  if (!expected.isWhole && (expected.outcome === "ok" || REFUSALS.includes(outcome))) return;
  assert.equal(outcome, expected.outcome);
  if (outcome === "ok") assert.deepEqual(delivered, { plain: expected.plain, end: "open" });
}

const generateSip004 = (random: PseudoRandom): Buffer[] =>
  chunkParts(Buffer.concat([addressBytes(random), payloadBytes(random)]), 0x3fff, random);

const SIP022_OUTCOMES = ["ok", "ok, then AUTH_FAILED", "more", "AUTH_FAILED", "BAD_HEADER", "BAD_TIMESTAMP", "BAD_ADDRESS"];

export const streamRequests: readonly FuzzTarget[] = [
  requestTarget("sip004-request", SIP004_PORTS, generateSip004, expectSip004, [
    "ok",
    "ok, then AUTH_FAILED",
    "more",
    "AUTH_FAILED",
    "BAD_HEADER",
    "BAD_ADDRESS",
  ]),
  requestTarget("sip022-request", SIP022_PORTS, generateSip022, expectSip022, SIP022_OUTCOMES),
  requestTarget("sip023-request", SIP023_PORTS, generateSip022, expectSip022, SIP022_OUTCOMES),
];
