/** The algorithms under SIP004 and SIP022, by their OpenSSL names; XChaCha20 (24-byte nonce) is ours, built on ChaCha20. */
export type AeadAlgorithm = "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" | "chacha20-poly1305" | "xchacha20-poly1305";

/** Bytes of each algorithm's key. */
export const AEAD_KEY_LENGTHS: Readonly<Record<AeadAlgorithm, number>> = {
  "aes-128-gcm": 16,
  "aes-192-gcm": 24,
  "aes-256-gcm": 32,
  "chacha20-poly1305": 32,
  "xchacha20-poly1305": 32,
};

/** A RangeError unless the key has the algorithm's length. */
export function checkAeadKey(algorithm: AeadAlgorithm, key: Buffer): void {
  const expected = AEAD_KEY_LENGTHS[algorithm];
  if (key.length !== expected) throw new RangeError(`${algorithm} takes a key of ${expected} bytes, not ${key.length}`);
}

export const TAG_LENGTH = 16;

/** Bytes of an encrypted chunk length: u16be ‖ tag. */
export const SEALED_LENGTH = 2 + TAG_LENGTH;

/** `ChunkRun.payloadLength` while a length message comes next. */
export const AWAITING_LENGTH = -1;

/** Where the opening of a chunk stream stands. Owned by the caller, updated by `Aead.openChunks`. */
export interface ChunkRun {
  /** Nonce of the next message; advanced in place. */
  readonly nonce: Buffer;
  /** Longest payload a length may announce. */
  readonly maxChunk: number;
  /** Length of the payload message that comes next, or AWAITING_LENGTH. */
  payloadLength: number;
  /** Bytes of src taken by the last call: whole messages only. */
  consumed: number;
  /** Plaintext bytes written by the last call. */
  written: number;
}

/** What `openChunks` found: a wrong tag or an authentic length beyond `maxChunk` ends the stream. */
export type ChunkVerdict = "ok" | "AUTH_FAILED" | "BAD_HEADER";

/**
 * One key of one AEAD algorithm, without additional data. The seam for a native accelerator: everything above calls only this, and bulk data
 * goes through `sealChunks` and `openChunks`, one call per socket read. No method keeps a reference to a buffer; src and dst never overlap.
 * Offsets are the caller's duty. A nonce is `nonceLength` bytes and must not repeat under one key.
 */
export interface Aead {
  readonly tagLength: 16;
  readonly nonceLength: number;
  /** Writes ciphertext ‖ tag of src[start, end) to dst from `at` on: end - start + 16 bytes. */
  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void;
  /**
   * Opens src[start, end) = ciphertext ‖ tag into dst from `at` on: end - start - 16 bytes. False when the tag is wrong: then these bytes are
   * what they were before or zero, never what such a message decrypts to.
   */
  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean;
  /** Seals a chunk length: SEALED_LENGTH bytes. */
  sealLength(nonce: Buffer, length: number, dst: Buffer, at: number): void;
  /** Opens the SEALED_LENGTH bytes at src[at]; -1 when the tag is wrong. The cheap first step of a trial decryption: it never throws. */
  openLength(nonce: Buffer, src: Buffer, at: number): number;
  /** Seals src[start, end) as chunks of at most `maxChunk` bytes, advances the nonce by two per chunk and returns the bytes written. */
  sealChunks(nonce: Buffer, src: Buffer, start: number, end: number, maxChunk: number, dst: Buffer, at: number): number;
  /**
   * Opens as many whole messages of src[start, end) as there are, from the state in `run`, payloads to dst from `at` on. Of a payload whose tag
   * is wrong, `open`'s promise holds.
   */
  openChunks(run: ChunkRun, src: Buffer, start: number, end: number, dst: Buffer, at: number): ChunkVerdict;
}
