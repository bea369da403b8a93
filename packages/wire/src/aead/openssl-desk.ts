import type { Address } from "../ffi.ts";
import { shortCopy } from "../short-copy.ts";
import { TAG_LENGTH } from "./aead-contract.ts";
import type { OpensslCalls } from "./openssl-calls.ts";

/** Bytes from the beginning of the desk. An OSSL_PARAM (openssl-core.h) is five words of eight bytes; one without a name ends the list. */
const NONCE_AT = 0;
const WRITTEN_AT = 16;
const KEY_AT = 32;
const TAG_AT = 64;
const PARAMETERS_AT = 80;
const END_AT = PARAMETERS_AT + 5 * 8;
const NAME_AT = END_AT + 5 * 8;
const TEXT_AT = NAME_AT + 8;
/** Most messages are shorter: what passes over the desk needs no addresses of its own, which are BigInts, and so garbage. Two copies cost less. */
export const DESK_TEXT_LENGTH = 4096;
const DESK_LENGTH = TEXT_AT + DESK_TEXT_LENGTH;

const NONCE_LENGTH = 12;
/** OSSL_PARAM_OCTET_STRING. */
const OCTET_STRING = 5n;

/** What every message passes through: memory whose addresses are known. Messages are synchronous, so that one serves all of them. */
export class OpensslDesk {
  readonly nonce: Address;
  readonly key: Address;
  /** Where OpenSSL says how much it has written. */
  readonly written: Address;
  /** An OSSL_PARAM list that names the tag, for getting it and for setting it. */
  readonly tagParameters: Address;
  /** Room for a message of up to DESK_TEXT_LENGTH bytes. */
  readonly text: Address;
  readonly #lengths: Address[] = [];
  readonly #bytes = Buffer.alloc(DESK_LENGTH);

  constructor(addressOf: OpensslCalls["addressOf"]) {
    const bytes = this.#bytes;
    const base = addressOf(bytes);
    this.nonce = base + BigInt(NONCE_AT);
    this.key = base + BigInt(KEY_AT);
    this.written = base + BigInt(WRITTEN_AT);
    this.tagParameters = base + BigInt(PARAMETERS_AT);
    this.text = base + BigInt(TEXT_AT);
    bytes.write("tag\0", NAME_AT, "latin1");
    const words = [base + BigInt(NAME_AT), OCTET_STRING, base + BigInt(TAG_AT), BigInt(TAG_LENGTH)];
    words.forEach((word, i) => void bytes.writeBigUInt64LE(word, PARAMETERS_AT + 8 * i));
  }

  putNonce(nonce: Buffer): void {
    const bytes = this.#bytes;
    for (let i = 0; i < NONCE_LENGTH; i += 1) bytes[NONCE_AT + i] = nonce[i] as number;
  }

  putKey(key: Buffer): void {
    const bytes = this.#bytes;
    for (let i = 0; i < key.length; i += 1) bytes[KEY_AT + i] = key[i] as number;
  }

  /** A length of up to DESK_TEXT_LENGTH bytes as calls take it. */
  lengthOf(length: number): Address {
    this.#lengths[length] ??= BigInt(length);
    return this.#lengths[length];
  }

  putText(src: Buffer, start: number, end: number): void {
    shortCopy(src, start, end, this.#bytes, TEXT_AT);
  }

  takeText(length: number, dst: Buffer, at: number): void {
    shortCopy(this.#bytes, TEXT_AT, TEXT_AT + length, dst, at);
  }

  putTag(src: Buffer, at: number): void {
    const bytes = this.#bytes;
    for (let i = 0; i < TAG_LENGTH; i += 1) bytes[TAG_AT + i] = src[at + i] as number;
  }

  takeTag(dst: Buffer, at: number): void {
    const bytes = this.#bytes;
    for (let i = 0; i < TAG_LENGTH; i += 1) dst[at + i] = bytes[TAG_AT + i] as number;
  }
}
