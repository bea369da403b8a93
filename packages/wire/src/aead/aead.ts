import type { Aead, AeadAlgorithm } from "./aead-contract.ts";
import { createNodeAead, nodeSubkeyAeads } from "./node-aead.ts";

export {
  AEAD_KEY_LENGTHS,
  type Aead,
  type AeadAlgorithm,
  AWAITING_LENGTH,
  type ChunkRun,
  type ChunkVerdict,
  checkAeadKey,
  SEALED_LENGTH,
  TAG_LENGTH,
} from "./aead-contract.ts";

/** Makes the `Aead` of a key's subkey for one salt. The key is not copied: it does not change while the `Aead` is used. */
export type SubkeyAeads = (key: Buffer) => Aead;

/** Where `Aead`s come from. */
export interface AeadBackend {
  /** For the start-up log. */
  readonly name: string;
  /** `key` has the algorithm's length (a RangeError otherwise) and is copied. */
  createAead(algorithm: AeadAlgorithm, key: Buffer): Aead;
  /**
   * SIP004: `Aead`s under HKDF-SHA1(key, salt, "ss-subkey"). A datagram needs one for a single message and a trial one for a single length, so
   * these are cheap to make and to throw away. `salt` (at most 64 bytes, else RangeError) is not copied either.
   */
  subkeyAeads(algorithm: AeadAlgorithm, salt: Buffer): SubkeyAeads;
}

/** `node:crypto`: always there. */
export const nodeBackend: AeadBackend = { name: "node:crypto", createAead: createNodeAead, subkeyAeads: nodeSubkeyAeads };

let active: AeadBackend = nodeBackend;

/** Chooses the backend of every `Aead` made from now on. For a composition root, once, at start-up. */
export function useAeadBackend(backend: AeadBackend): void {
  active = backend;
}

/** An `Aead` of the active backend. `key` has the algorithm's length (a RangeError otherwise) and is copied. */
export function createAead(algorithm: AeadAlgorithm, key: Buffer): Aead {
  return active.createAead(algorithm, key);
}

/** For one salt and any number of keys: see `AeadBackend.subkeyAeads`. */
export function subkeyAeads(algorithm: AeadAlgorithm, salt: Buffer): SubkeyAeads {
  return active.subkeyAeads(algorithm, salt);
}

/** For one salt and one key: see `AeadBackend.subkeyAeads`. */
export function createSubkeyAead(algorithm: AeadAlgorithm, key: Buffer, salt: Buffer): Aead {
  return active.subkeyAeads(algorithm, salt)(key);
}
