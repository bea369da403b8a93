import { hash } from "node:crypto";

/** Bytes of a salt that are its mark: a request of somebody else's passes for an answer once in 2^32. */
const MARK_LENGTH = 4;
const LABEL = Buffer.from("shadowfleet answer salt");
/** Label, key and salt, at their longest. */
const input = Buffer.alloc(LABEL.length + 32 + 32);
LABEL.copy(input);

/**
 * Makes a random salt one that every holder of the key knows for a server's, and that looks as random as before to all others. Nothing in SIP004 tells the
 * directions apart: an answer, sent back, opens as a request, also at a relay that never saw it, so that no memory of salts could refuse it.
 */
export function markAnswerSalt(key: Buffer, salt: Buffer): void {
  markOf(key, salt).copy(salt, salt.length - MARK_LENGTH, 0, MARK_LENGTH);
}

/** True when a server made the salt. */
export function isAnswerSalt(key: Buffer, salt: Buffer): boolean {
  return markOf(key, salt).compare(salt, salt.length - MARK_LENGTH, salt.length, 0, MARK_LENGTH) === 0;
}

/** The key is hashed, not used for a MAC: lengths are fixed by the method and most of the hash is withheld, so nothing can be appended. */
function markOf(key: Buffer, salt: Buffer): Buffer {
  const saltAt = LABEL.length + key.copy(input, LABEL.length);
  const end = saltAt + salt.copy(input, saltAt, 0, salt.length - MARK_LENGTH);
  return hash("sha256", input.subarray(0, end), "buffer");
}
