import type { Credential } from "../credential.ts";
import { identityHash, identitySubkey } from "../kdf/blake3.ts";
import { BLOCK_LENGTH, BlockCipher, blockCipherOf } from "./block-cipher.ts";

/** SIP023: one AES block per identity key, naming the key that comes next by its hash. */
export const IDENTITY_HEADER_LENGTH = BLOCK_LENGTH;

const block = Buffer.alloc(BLOCK_LENGTH);
const chains = new WeakMap<Credential, readonly Buffer[]>();

/** What each identity header of a client says: the hashes of the keys after its own, the user's last. */
function nextHashes(credential: Credential): readonly Buffer[] {
  let hashes = chains.get(credential);
  if (hashes === undefined) {
    hashes = [...credential.identityKeys.slice(1).map(identityHash), credential.identityHash];
    chains.set(credential, hashes);
  }
  return hashes;
}

/** Writes a request stream's identity headers, AES(subkey(iPSKn, salt), H(next)) each, outermost first. Returns the next offset. */
export function writeStreamIdentity(credential: Credential, salt: Buffer, dst: Buffer, at: number): number {
  const hashes = nextHashes(credential);
  let next = at;
  credential.identityKeys.forEach((identityKey, i) => {
    new BlockCipher(identitySubkey(identityKey, salt)).encrypt(hashes[i] as Buffer, 0, dst, next);
    next += IDENTITY_HEADER_LENGTH;
  });
  return next;
}

/** Opens the identity header at src[at] of a request stream; writes the 16 bytes that name the next key to the start of `hash`. */
export function openStreamIdentity(identityKey: Buffer, salt: Buffer, src: Buffer, at: number, hash: Buffer): void {
  new BlockCipher(identitySubkey(identityKey, salt)).decrypt(src, at, hash, 0);
}

/**
 * Writes a packet's identity headers, AES(iPSKn, H(next) xor separate header) each, outermost first. `plain` begins with the separate
 * header in the clear, which makes the blocks differ from packet to packet. Returns the next offset.
 */
export function writePacketIdentity(credential: Credential, plain: Buffer, dst: Buffer, at: number): number {
  const hashes = nextHashes(credential);
  let next = at;
  credential.identityKeys.forEach((identityKey, i) => {
    xorBlock(hashes[i] as Buffer, plain);
    blockCipherOf(identityKey).encrypt(block, 0, dst, next);
    next += IDENTITY_HEADER_LENGTH;
  });
  return next;
}

/** Opens the identity header at src[at] of a packet whose separate header is at the start of `plain`; writes the name to the start of `hash`. */
export function openPacketIdentity(identityKey: Buffer, plain: Buffer, src: Buffer, at: number, hash: Buffer): void {
  blockCipherOf(identityKey).decrypt(src, at, block, 0);
  xorBlock(block, plain);
  block.copy(hash);
}

function xorBlock(left: Buffer, right: Buffer): void {
  for (let i = 0; i < BLOCK_LENGTH; i += 1) block[i] = (left[i] as number) ^ (right[i] as number);
}
