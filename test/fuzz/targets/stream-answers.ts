import assert from "node:assert/strict";
import { type PseudoRandom, ScriptedEnvironment } from "@shadowfleet/testkit";
import { addressFrom, createClientStream, createServerHandshake, formatHostPort } from "@shadowfleet/wire";
import { ResponseOpener } from "../../../packages/wire/src/sip022/response-opener.ts";
import type { FuzzTarget } from "../harness/target.ts";
import { payloadBytes, pick } from "../models/addresses.ts";
import { assertPrefix, deliver, perhapsDamaged, pushGuarded, randomSplit, whole } from "../models/delivery.ts";
import { NOW, SIP004_PORTS, SIP022_PORTS, SIP023_PORTS, type TestPort } from "../models/keys.ts";
import { chunkParts, readChunks, sealMessages } from "../models/sealed-stream.ts";
import { CountingFilter } from "../models/server-stream.ts";

const TARGET = addressFrom("example.com", 443)!;
/** Type, timestamp and length; the request salt goes between. */
const SALT_AT = 9;

/** An answer's messages as a correct client reads them. */
function expectAnswer(parts: readonly Buffer[], { method }: TestPort): { readonly plain: Buffer; readonly isWhole: boolean } {
  if (method.kind === "aead") return readChunks(parts, 0, method.maxChunk);
  const [header, ...rest] = parts;
  const none = { plain: Buffer.alloc(0), isWhole: false };
  if (header?.length !== SALT_AT + 2 || header[0] !== 1 || header.readUInt16BE(SALT_AT) === 0) return none;
  const skew = header.readBigUInt64BE(1) - BigInt(NOW);
  if (skew > 30n || skew < -30n) return none;
  return readChunks([header.subarray(SALT_AT), ...rest], 0, method.maxChunk);
}

function generateSip022(random: PseudoRandom): Buffer[] {
  const payload = Buffer.concat([Buffer.of(7), payloadBytes(random)]);
  const first = 1 + random.below(Math.min(payload.length, 0xffff));
  const header = Buffer.alloc(SALT_AT + 2);
  header[0] = 1;
  header.writeBigUInt64BE(BigInt(NOW + random.below(61) - 30), 1);
  header.writeUInt16BE(first, SALT_AT);
  return [header, payload.subarray(0, first), ...chunkParts(payload.subarray(first), 0xffff, random)];
}

const withSalt = (header: Buffer, salt: Buffer): Buffer => Buffer.concat([header.subarray(0, SALT_AT), salt, header.subarray(SALT_AT)]);

/** A server that holds the key and answers what it likes, and the network between. */
function answerTarget(
  name: string,
  ports: readonly TestPort[],
  generate: (random: PseudoRandom) => Buffer[],
  reaches: readonly string[],
): FuzzTarget {
  return {
    name,
    reaches,
    unit: 3_000,
    generate,
    execute(parts, random) {
      const port = pick(ports, random);
      const env = new ScriptedEnvironment({ seed: random.below(0x1_0000) });
      const client = createClientStream(port.client, env);
      const request = client.sealRequest(TARGET, payloadBytes(random));
      const requestSalt = request.subarray(0, port.method.saltLength);
      if (random.below(8) === 0) return realAnswer(parts, port, client.opener, request, env, random);
      const salt = random.below(16) === 0 ? requestSalt : random.bytes(port.method.saltLength);
      const [header, ...rest] = parts;
      const hasHeader = port.method.kind === "aead-2022" && header !== undefined && header.length >= SALT_AT;
      const sent = hasHeader ? [withSalt(header, requestSalt), ...rest] : parts;
      const { bytes, isDamaged } = perhapsDamaged(Buffer.concat([salt, sealMessages(port.key.credential, salt, sent)]), random);
      const expected = expectAnswer(parts, port);
      // Only the first read is bound to hold the header; what comes whole must come out the same in any pieces.
      const all = deliver(client.opener, whole(bytes));
      assertPrefix(all.plain, expected.plain, name);
      if (!isDamaged && expected.isWhole && parts.length > 0 && !salt.equals(requestSalt)) {
        assert.deepEqual(all, { plain: expected.plain, end: "open" });
      }
      const again =
        port.method.kind === "aead-2022"
          ? new ResponseOpener(port.client, requestSalt, env, { allowSegmentedHeader: true })
          : createClientStream(port.client, env).opener;
      const cut = deliver(again, randomSplit(bytes, random));
      assertPrefix(cut.plain, expected.plain, name);
      // A read that ends badly gives nothing; cut finer, what was good before it is given out first.
      assertPrefix(all.plain, cut.plain, "whole and cut");
      if (all.end === "open") assert.ok(all.plain.equals(cut.plain), "how the bytes are cut makes no difference");
      if (all.end !== "open") return all.end;
      return all.plain.length > 0 ? "ok" : "more";
    },
  };
}

/** The real server's answer to the real client's request, in any pieces. */
function realAnswer(
  parts: readonly Buffer[],
  port: TestPort,
  opener: ReturnType<typeof createClientStream>["opener"],
  request: Buffer,
  env: ScriptedEnvironment,
  random: PseudoRandom,
): string {
  const handshake = createServerHandshake(port.method, port.ring, env, { saltFilter: new CountingFilter() });
  const accepted = handshake.push(request, 0, request.length);
  assert.ok(accepted?.ok, "an honest request is accepted");
  assert.equal(formatHostPort(accepted.target), formatHostPort(TARGET));
  const seal = (part: Buffer): Buffer => Buffer.from(pushGuarded(accepted.sealer, part, 0, part.length) ?? assert.fail("sealing fails"));
  const [first = Buffer.alloc(0), ...rest] = parts.map(seal).filter(({ length }) => length > 0);
  const plain = Buffer.concat(parts);
  if (plain.length === 0) return "ok, nothing";
  // SIP022: salt and header are one read.
  const opened = deliver(opener, {
    label: "",
    pieces: [first, ...randomSplit(Buffer.concat(rest), random).pieces].filter(({ length }) => length > 0),
  });
  assert.deepEqual(opened, { plain, end: "open" });
  return "ok, real";
}

const generateSip004 = (random: PseudoRandom): Buffer[] => chunkParts(payloadBytes(random), 0x3fff, random);
const REACHES = ["ok", "ok, real", "AUTH_FAILED", "BAD_HEADER"];

export const streamAnswers: readonly FuzzTarget[] = [
  answerTarget("sip004-answer", SIP004_PORTS, generateSip004, [...REACHES, "more", "REPLAYED"]),
  answerTarget("sip022-answer", [...SIP022_PORTS, ...SIP023_PORTS], generateSip022, [...REACHES, "BAD_TIMESTAMP", "SEGMENTED_HEADER"]),
];
