import type { Address } from "../ffi.ts";
import { TAG_LENGTH } from "./aead-contract.ts";
import { cryptoMessages } from "./crypto-messages.ts";
import type { BlockCipher, EcbAlgorithm, KeyedMessages, MessageCipher, OpensslAlgorithm } from "./message-cipher.ts";
import { findOpensslCalls, type OpensslCalls } from "./openssl-calls.ts";
import { DESK_TEXT_LENGTH, OpensslDesk } from "./openssl-desk.ts";

const NULL: Address = 0n;

/** A context of one algorithm and direction serves every key: setting one costs less than keeping, and freeing, a context for each. */
interface Context {
  readonly address: Address;
  /** Whose key it has. */
  owner: OpensslKeyed | undefined;
}

/** Single messages by OpenSSL's own calls, straight from buffer to buffer. */
class OpensslMessages implements MessageCipher {
  readonly isCheap = true;
  readonly calls: OpensslCalls;
  readonly desk: OpensslDesk;
  readonly #blockContexts = new Map<EcbAlgorithm, Address>();
  readonly #contexts = new Map<OpensslAlgorithm, { readonly sealing: Context; readonly opening: Context }>();

  constructor(calls: OpensslCalls) {
    this.calls = calls;
    this.desk = new OpensslDesk(calls.addressOf);
  }

  withKey(algorithm: OpensslAlgorithm, key: Buffer): KeyedMessages {
    let contexts = this.#contexts.get(algorithm);
    if (contexts === undefined) {
      const { EVP_EncryptInit, EVP_DecryptInit } = this.calls.functions;
      contexts = { sealing: this.#createContext(algorithm, EVP_EncryptInit), opening: this.#createContext(algorithm, EVP_DecryptInit) };
      this.#contexts.set(algorithm, contexts);
    }
    return new OpensslKeyed(this, contexts.sealing, contexts.opening, key);
  }

  encryptBlocks(algorithm: EcbAlgorithm, key: Buffer, src: Buffer, dst: Buffer): void {
    const { length } = src;
    checkRange(dst, 0, length);
    const { functions, addressOf } = this.calls;
    const { desk } = this;
    let context = this.#blockContexts.get(algorithm);
    if (context === undefined) {
      context = this.#createContext(algorithm, functions.EVP_EncryptInit).address;
      this.#blockContexts.set(algorithm, context);
    }
    desk.putKey(key);
    succeed(functions.EVP_EncryptInit(context, NULL, desk.key, NULL));
    succeed(functions.EVP_CipherUpdate(context, addressOf(dst), desk.written, addressOf(src), BigInt(length)));
  }

  /** Lives as long as the process. */
  #createContext(algorithm: OpensslAlgorithm | EcbAlgorithm, init: OpensslCalls["functions"]["EVP_EncryptInit"]): Context {
    const { functions } = this.calls;
    const cipher = functions.EVP_CIPHER_fetch(NULL, algorithm, NULL);
    const address = functions.EVP_CIPHER_CTX_new();
    if (cipher === NULL || address === NULL) throw new Error(`OpenSSL has no ${algorithm}`);
    succeed(init(address, cipher, NULL, NULL));
    return { address, owner: undefined };
  }
}

class OpensslKeyed implements KeyedMessages {
  readonly #messages: OpensslMessages;
  readonly #sealing: Context;
  readonly #opening: Context;
  readonly #key: Buffer;

  constructor(messages: OpensslMessages, sealing: Context, opening: Context, key: Buffer) {
    this.#messages = messages;
    this.#sealing = sealing;
    this.#opening = opening;
    this.#key = key;
  }

  seal(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): void {
    const length = end - start;
    checkRange(src, start, end);
    checkRange(dst, at, at + length + TAG_LENGTH);
    const { calls, desk } = this.#messages;
    const { functions } = calls;
    const context = this.#sealing.address;
    succeed(functions.EVP_EncryptInit(context, NULL, this.#prepare(this.#sealing, nonce), desk.nonce));
    this.#update(context, src, start, length, dst, at);
    // There is nothing left to write for either cipher: any valid address will do.
    succeed(functions.EVP_CipherFinal_ex(context, desk.written, desk.written));
    succeed(functions.EVP_CIPHER_CTX_get_params(context, desk.tagParameters));
    desk.takeTag(dst, at + length);
  }

  open(nonce: Buffer, src: Buffer, start: number, end: number, dst: Buffer, at: number): boolean {
    const length = end - start - TAG_LENGTH;
    checkRange(src, start, end);
    checkRange(dst, at, at + length);
    const { calls, desk } = this.#messages;
    const { functions } = calls;
    const context = this.#opening.address;
    succeed(functions.EVP_DecryptInit(context, NULL, this.#prepare(this.#opening, nonce), desk.nonce));
    desk.putTag(src, end - TAG_LENGTH);
    succeed(functions.EVP_CIPHER_CTX_set_params(context, desk.tagParameters));
    this.#update(context, src, start, length, dst, at);
    if (functions.EVP_CipherFinal_ex(context, desk.written, desk.written) === 1) return true;
    dst.fill(0, at, at + length);
    return false;
  }

  /** En- or decrypts the text of a message. */
  #update(context: Address, src: Buffer, start: number, length: number, dst: Buffer, at: number): void {
    if (length === 0) return;
    const { calls, desk } = this.#messages;
    const { functions, addressOf } = calls;
    if (length > DESK_TEXT_LENGTH) {
      const [into, from] = [addressOf(dst) + BigInt(at), addressOf(src) + BigInt(start)];
      succeed(functions.EVP_CipherUpdate(context, into, desk.written, from, BigInt(length)));
      return;
    }
    desk.putText(src, start, start + length);
    succeed(functions.EVP_CipherUpdate(context, desk.text, desk.written, desk.text, desk.lengthOf(length)));
    desk.takeText(length, dst, at);
  }

  /** Lays out the nonce, and the key if the context has another one. Returns the address of the key to set. */
  #prepare(context: Context, nonce: Buffer): Address {
    const { desk } = this.#messages;
    desk.putNonce(nonce);
    if (context.owner === this) return NULL;
    desk.putKey(this.#key);
    context.owner = this;
    return desk.key;
  }
}

function succeed(result: number): void {
  if (result !== 1) throw new Error("OpenSSL refused a call");
}

/** What a view would be checked for: nothing else stands between these addresses and the rest of memory. */
function checkRange(bytes: Buffer, start: number, end: number): void {
  if (!(start >= 0 && start <= end && end <= bytes.length)) throw new RangeError(`${start} to ${end} is not in ${bytes.length} bytes`);
}

/** Undefined where there are no `calls`, or where they do not agree with `node:crypto`. */
export function createOpensslMessages(calls = findOpensslCalls()): MessageCipher | undefined {
  if (calls === undefined) return undefined;
  try {
    const messages = new OpensslMessages(calls);
    return agrees(messages, "aes-256-gcm") && agrees(messages, "chacha20-poly1305") && agreesOnBlocks(messages) ? messages : undefined;
  } catch {
    return undefined;
  }
}

function agrees(messages: MessageCipher, algorithm: OpensslAlgorithm): boolean {
  const [key, nonce, plaintext] = [Buffer.alloc(32, 1), Buffer.alloc(12, 2), Buffer.alloc(100, 3)];
  const [expected, sealed, opened] = [Buffer.alloc(100 + TAG_LENGTH), Buffer.alloc(100 + TAG_LENGTH), Buffer.alloc(100)];
  cryptoMessages.withKey(algorithm, key).seal(nonce, plaintext, 0, 100, expected, 0);
  const keyed = messages.withKey(algorithm, key);
  keyed.seal(nonce, plaintext, 0, 100, sealed, 0);
  return sealed.equals(expected) && keyed.open(nonce, sealed, 0, sealed.length, opened, 0) && opened.equals(plaintext);
}

function agreesOnBlocks(cipher: BlockCipher): boolean {
  const [key, blocks] = [Buffer.alloc(32, 1), Buffer.alloc(48, 2)];
  const [expected, encrypted] = [Buffer.alloc(48), Buffer.alloc(48)];
  cryptoMessages.encryptBlocks("aes-256-ecb", key, blocks, expected);
  cipher.encryptBlocks("aes-256-ecb", key, blocks, encrypted);
  return encrypted.equals(expected);
}
