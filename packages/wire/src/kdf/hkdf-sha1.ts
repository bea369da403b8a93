import { BLOCK_WORDS, compressSha1, createSha1State, loadLastBlock, loadWords, SHA1_BLOCK, SHA1_LENGTH, type Sha1State } from "./sha1.ts";

const IPAD = 0x36363636;
const OPAD = 0x5c5c5c5c;

const INFO = "ss-subkey";
const INITIAL = createSha1State();
const block = new Int32Array(BLOCK_WORDS);
const digest = createSha1State();
const inner = createSha1State();
const outer = createSha1State();

const lastBlock = (bytes: Uint8Array): Int32Array => {
  const words = new Int32Array(BLOCK_WORDS);
  loadLastBlock(words, bytes);
  return words;
};

/** T(1) = HMAC(prk, info ‖ 1) and T(2) = HMAC(prk, T(1) ‖ info ‖ 2), RFC 5869 §2.3; T(1) is filled in each time. */
const FIRST_EXPANSION = lastBlock(Buffer.from(`${INFO}\x01`));
const secondExpansion = lastBlock(Buffer.concat([Buffer.alloc(SHA1_LENGTH), Buffer.from(`${INFO}\x02`)]));
const outerBlock = lastBlock(Buffer.alloc(SHA1_LENGTH));

/** The two pad states of HMAC (RFC 2104) for the key that `block` holds; leaves `block` changed. */
function absorbPads(innerState: Sha1State, outerState: Sha1State): void {
  for (let i = 0; i < BLOCK_WORDS; i += 1) block[i] = (block[i] as number) ^ IPAD;
  compressSha1(INITIAL, block, innerState);
  for (let i = 0; i < BLOCK_WORDS; i += 1) block[i] = (block[i] as number) ^ IPAD ^ OPAD;
  compressSha1(INITIAL, block, outerState);
}

/** digest = HMAC of the message whose last block is `message`. */
function authenticate(innerState: Sha1State, outerState: Sha1State, message: Int32Array): void {
  compressSha1(innerState, message, digest);
  outerBlock.set(digest);
  compressSha1(outerState, outerBlock, digest);
}

function storeDigest(into: Buffer, at: number): void {
  const end = Math.min(into.length, at + SHA1_LENGTH);
  for (let i = at; i < end; i += 1) into[i] = (digest[(i - at) >> 2] as number) >>> (24 - 8 * ((i - at) & 3));
}

/**
 * SIP004's subkeys of one salt: HKDF-SHA1(key, salt, "ss-subkey"). The salt is HKDF's HMAC key, so its two pad states are computed once and
 * serve every key that is tried against it. Everything fits single SHA-1 blocks: eight compressions for a 16-byte key, ten for a longer one.
 */
export class SubkeySalt {
  readonly #inner = createSha1State();
  readonly #outer = createSha1State();

  /** `salt` has at most 64 bytes, else RangeError. It is not kept. */
  constructor(salt: Uint8Array) {
    if (salt.length > SHA1_BLOCK) throw new RangeError(`a salt has at most ${SHA1_BLOCK} bytes, not ${salt.length}`);
    loadWords(block, salt);
    absorbPads(this.#inner, this.#outer);
  }

  /** The subkey of a master key of at most 40 bytes (else RangeError), as long as the key. */
  derive(key: Uint8Array): Buffer {
    if (key.length > 2 * SHA1_LENGTH) throw new RangeError(`a key has at most ${2 * SHA1_LENGTH} bytes, not ${key.length}`);
    loadLastBlock(block, key);
    authenticate(this.#inner, this.#outer, block);
    block.fill(0);
    block.set(digest);
    absorbPads(inner, outer);
    const subkey = Buffer.allocUnsafeSlow(key.length);
    authenticate(inner, outer, FIRST_EXPANSION);
    storeDigest(subkey, 0);
    if (key.length > SHA1_LENGTH) {
      secondExpansion.set(digest);
      authenticate(inner, outer, secondExpansion);
      storeDigest(subkey, SHA1_LENGTH);
    }
    return subkey;
  }
}
