import { blake3 } from "@noble/hashes/blake3.js";

const SESSION_CONTEXT = "shadowsocks 2022 session subkey";
const IDENTITY_CONTEXT = "shadowsocks 2022 identity subkey";
const IDENTITY_HASH_LENGTH = 16;

/** A BLAKE3 derive_key state whose context is already absorbed: cloning it per derivation saves hashing the context again. */
const contextState = (context: string, length: number) => blake3.create({ context: Buffer.from(context), dkLen: length });

/** Subkeys are as long as the key they come from: 16 or 32 bytes. */
const statesOf = (context: string) => new Map([16, 32].map((length) => [length, contextState(context, length)]));

const sessionStates = statesOf(SESSION_CONTEXT);
const identityStates = statesOf(IDENTITY_CONTEXT);

function derive(states: ReturnType<typeof statesOf>, key: Buffer, salt: Buffer): Buffer {
  const state = states.get(key.length);
  if (state === undefined) throw new RangeError(`a SIP022 key has 16 or 32 bytes, not ${key.length}`);
  const subkey = Buffer.alloc(key.length);
  state.clone().update(key).update(salt).digestInto(subkey);
  return subkey;
}

/** SIP022 §2.2: the key of one TCP direction (`salt`) or one UDP session (its 8-byte id), as long as `key`. */
export function sessionSubkey(key: Buffer, salt: Buffer): Buffer {
  return derive(sessionStates, key, salt);
}

/** SIP023: the AES key of one TCP identity header. */
export function identitySubkey(key: Buffer, salt: Buffer): Buffer {
  return derive(identityStates, key, salt);
}

/** SIP023: the 16 bytes that name a key inside identity headers, BLAKE3(key)[0..16]. */
export function identityHash(key: Buffer): Buffer {
  return Buffer.from(blake3(key, { dkLen: IDENTITY_HASH_LENGTH }));
}
