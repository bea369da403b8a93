import { BLOCK_WORDS, compressSha1, createSha1State, loadLastBlock, loadWords, SHA1_BLOCK, type Sha1State } from "../kdf/sha1.ts";

/** Bytes of a salt that are its mark: a request of somebody else's passes for an answer once in 2^32. */
const MARK_LENGTH = 4;
const LABEL = Buffer.from("shadowfleet answer salt");

const INITIAL = createSha1State();
const block = new Int32Array(BLOCK_WORDS);
const digest = createSha1State();
/** What is left of a key's block, which is the same for every salt. */
const keyStates = new WeakMap<Buffer, Sha1State>();

/**
 * Makes a random salt one that every holder of the key knows for a server's, and that looks as random as before to all others. Nothing in SIP004 tells the
 * directions apart: an answer, sent back, opens as a request, also at a relay that never saw it, so that no memory of salts could refuse it.
 */
export function markAnswerSalt(key: Buffer, salt: Buffer): void {
  salt.writeInt32BE(markOf(key, salt), salt.length - MARK_LENGTH);
}

/** True when a server made the salt. */
export function isAnswerSalt(key: Buffer, salt: Buffer): boolean {
  return markOf(key, salt) === salt.readInt32BE(salt.length - MARK_LENGTH);
}

/**
 * The first word of SHA-1(label ‖ key ‖ zeros up to one block ‖ what is in front of the mark). The key is hashed, not used for a MAC: lengths are fixed by
 * the method and most of the hash is withheld, so nothing can be appended. A hash under a secret prefix does not need the resistance to collisions that
 * SHA-1 has lost; ours costs one block a salt, without a call into OpenSSL.
 */
function markOf(key: Buffer, salt: Buffer): number {
  const keyState = keyStates.get(key) ?? absorbKey(key);
  loadLastBlock(block, salt, salt.length - MARK_LENGTH);
  compressSha1(keyState, block, digest);
  return digest[0] as number;
}

function absorbKey(key: Buffer): Sha1State {
  loadWords(block, Buffer.concat([LABEL, key], SHA1_BLOCK));
  const state = createSha1State();
  compressSha1(INITIAL, block, state);
  keyStates.set(key, state);
  return state;
}
