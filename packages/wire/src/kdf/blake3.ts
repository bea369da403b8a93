import { shortCopy } from "../short-copy.ts";
import {
  BLAKE3_BLOCK,
  type ChainingValue,
  compressBlake3,
  DERIVE_KEY_CONTEXT,
  DERIVE_KEY_MATERIAL,
  HASH,
  INITIAL,
} from "./blake3-block.ts";

const SESSION_CONTEXT = "shadowsocks 2022 session subkey";
const IDENTITY_CONTEXT = "shadowsocks 2022 identity subkey";
const IDENTITY_HASH_LENGTH = 16;

/** Subkeys are as long as the key they come from. */
const KEY_LENGTHS: readonly number[] = [16, 32];

const input = Buffer.alloc(BLAKE3_BLOCK);
const block = new Int32Array(BLAKE3_BLOCK / 4);
const output: ChainingValue = INITIAL.slice();

const sessionKey = contextKey(SESSION_CONTEXT);
const identityKey = contextKey(IDENTITY_CONTEXT);

/** The first `length` bytes of BLAKE3 of so much of `input`. */
function digest(key: ChainingValue, inputLength: number, flags: number, length: number): Buffer {
  input.fill(0, inputLength);
  for (let i = 0; i < block.length; i += 1) block[i] = input.readInt32LE(4 * i);
  compressBlake3(key, block, inputLength, flags, output);
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; at += 4) bytes.writeInt32LE(output[at / 4] as number, at);
  return bytes;
}

function contextKey(context: string): ChainingValue {
  digest(INITIAL, input.write(context), DERIVE_KEY_CONTEXT, 0);
  return output.slice();
}

function derive(context: ChainingValue, key: Buffer, salt: Buffer): Buffer {
  if (!KEY_LENGTHS.includes(key.length)) throw new RangeError(`a SIP022 key has 16 or 32 bytes, not ${key.length}`);
  const length = key.length + salt.length;
  if (length > BLAKE3_BLOCK) throw new RangeError(`key and salt have at most ${BLAKE3_BLOCK} bytes, not ${length}`);
  shortCopy(salt, 0, salt.length, input, shortCopy(key, 0, key.length, input, 0));
  const subkey = digest(context, length, DERIVE_KEY_MATERIAL, key.length);
  input.fill(0, 0, key.length);
  return subkey;
}

/** SIP022 §2.2: the key of one TCP direction (`salt`) or one UDP session (its 8-byte id), as long as `key`; both fit one block. */
export function sessionSubkey(key: Buffer, salt: Buffer): Buffer {
  return derive(sessionKey, key, salt);
}

/** SIP023: the AES key of one TCP identity header. */
export function identitySubkey(key: Buffer, salt: Buffer): Buffer {
  return derive(identityKey, key, salt);
}

/** SIP023: the 16 bytes that name a key of at most 64 bytes inside identity headers, BLAKE3(key)[0..16]. */
export function identityHash(key: Buffer): Buffer {
  return digest(INITIAL, key.copy(input), HASH, IDENTITY_HASH_LENGTH);
}
