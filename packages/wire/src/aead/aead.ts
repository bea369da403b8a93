import type { Aead, AeadAlgorithm } from "./aead-contract.ts";
import { createNodeAead } from "./node-aead.ts";

export {
  type Aead,
  type AeadAlgorithm,
  AWAITING_LENGTH,
  type ChunkRun,
  type ChunkVerdict,
  SEALED_LENGTH,
  TAG_LENGTH,
} from "./aead-contract.ts";

/** Where `Aead`s come from. */
export interface AeadBackend {
  /** For the start-up log. */
  readonly name: string;
  /** `key` has the algorithm's length (a RangeError otherwise) and is copied. */
  createAead(algorithm: AeadAlgorithm, key: Buffer): Aead;
}

/** `node:crypto`: always there. */
export const nodeBackend: AeadBackend = { name: "node:crypto", createAead: createNodeAead };

let active: AeadBackend = nodeBackend;

/** Chooses the backend of every `Aead` made from now on. For a composition root, once, at start-up. */
export function useAeadBackend(backend: AeadBackend): void {
  active = backend;
}

/** An `Aead` of the active backend. `key` has the algorithm's length (a RangeError otherwise) and is copied. */
export function createAead(algorithm: AeadAlgorithm, key: Buffer): Aead {
  return active.createAead(algorithm, key);
}
