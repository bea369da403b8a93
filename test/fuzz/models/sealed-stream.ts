import type { PseudoRandom } from "@shadowfleet/testkit";
import type { Credential } from "@shadowfleet/wire";
import { type Aead, createSubkeyAead } from "../../../packages/wire/src/aead/aead.ts";
import { ChunkSealer } from "../../../packages/wire/src/aead/chunk-sealer.ts";
import { aeadAlgorithm } from "../../../packages/wire/src/sip004/algorithm.ts";
import { sessionAead } from "../../../packages/wire/src/sip022/session-aead.ts";
import { pick } from "./addresses.ts";

const TAG = 16;

/** The AEAD of one direction, as its method derives it. */
export function directionAead({ method, key }: Credential, salt: Buffer): Aead {
  return method.kind === "aead" ? createSubkeyAead(aeadAlgorithm(method), key, salt) : sessionAead(method, key, salt);
}

/** Each part as one AEAD message, nonces from 0: what a holder of the key can send, whatever its lengths say. */
export function sealMessages(credential: Credential, salt: Buffer, parts: readonly Buffer[]): Buffer {
  const sealer = new ChunkSealer(directionAead(credential, salt), credential.method.maxChunk);
  const sealed = Buffer.alloc(parts.reduce((sum, part) => sum + part.length + TAG, 0));
  let at = 0;
  for (const part of parts) at += sealer.sealMessage(part, 0, part.length, sealed, at);
  return sealed;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

/** The plaintext cut into chunks of any sizes, empty ones too: length and payload by turns. */
export function chunkParts(plain: Buffer, maxChunk: number, random: PseudoRandom): Buffer[] {
  const parts: Buffer[] = [];
  const limit = pick([3, 40, 0x3fff, 0x3fff, maxChunk], random);
  for (let at = 0; at < plain.length; ) {
    const length = random.below(12) === 0 ? 0 : Math.min(plain.length - at, 1 + random.below(Math.min(limit, maxChunk)));
    parts.push(u16(length), plain.subarray(at, at + length));
    at += length;
    if (parts.length > 60 && at < plain.length) {
      const rest = Math.min(plain.length - at, maxChunk);
      parts.push(u16(rest), plain.subarray(at, at + rest));
      at = plain.length;
    }
  }
  return parts;
}

/** What a correct reader gets out of messages from `from` on: the plaintext up to the first that does not fit, and whether all fitted. */
export function readChunks(
  parts: readonly Buffer[],
  from: number,
  maxChunk: number,
): { readonly plain: Buffer; readonly isWhole: boolean } {
  const plain: Buffer[] = [];
  for (let i = from; i < parts.length; i += 2) {
    const [length, payload] = [parts[i]!, parts[i + 1]];
    const isGood = length.length === 2 && length.readUInt16BE() <= maxChunk && payload?.length === length.readUInt16BE();
    if (!isGood || payload === undefined) return { plain: Buffer.concat(plain), isWhole: false };
    plain.push(payload);
  }
  return { plain: Buffer.concat(plain), isWhole: true };
}
