import { type Aead, type AeadAlgorithm, subkeyAeads } from "../aead/aead.ts";
import { createNonce } from "../aead/nonce.ts";
import type { WireFailure } from "../failure.ts";
import type { KeyRing, ServerKey } from "../stream.ts";

const LONGEST_NONCE = 24;
const firstNonces = new Map([12, LONGEST_NONCE].map((length) => [length, createNonce(length)]));

/** The nonce of the first message under any subkey; shared, never written to. */
export function firstNonce(aead: Aead): Buffer {
  return firstNonces.get(aead.nonceLength) as Buffer;
}

/** Why a search of the ring found nothing. */
export function searchFailure(ring: KeyRing<ServerKey>): WireFailure {
  return ring.cutShort ? "TRIAL_LIMIT" : "AUTH_FAILED";
}

/** What a trial makes of one subkey: undefined when it is not the right one. */
export type Trial<R> = (aead: Aead) => R | undefined;

/** A key and what the trial made of it. */
export interface FoundKey<K extends ServerKey, R> {
  readonly key: K;
  readonly aead: Aead;
  readonly result: R;
}

/**
 * Tries the ring's keys against what follows `salt`, in the ring's order: one HKDF and one trial per key. The ring is to be told of the key
 * once the salt has proven new, so that a replay teaches it nothing.
 */
export function searchKey<K extends ServerKey, R>(
  ring: KeyRing<K>,
  algorithm: AeadAlgorithm,
  salt: Buffer,
  trial: Trial<R>,
): FoundKey<K, R> | undefined {
  const aeadOf = subkeyAeads(algorithm, salt);
  for (const key of ring.candidates()) {
    const aead = aeadOf(key.credential.key);
    const result = trial(aead);
    if (result !== undefined) return { key, aead, result };
  }
  return undefined;
}
