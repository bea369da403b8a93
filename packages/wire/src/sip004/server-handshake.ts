import { type Aead, createSubkeyAead, SEALED_LENGTH } from "../aead/aead.ts";
import { ChunkOpener } from "../aead/chunk-opener.ts";
import { ChunkSealer } from "../aead/chunk-sealer.ts";
import { type PartialMessage, takePartial } from "../aead/partial-message.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import type { Method } from "../method.ts";
import { isAnswerSalt, markAnswerSalt } from "../replay/answer-salt.ts";
import { SaltedSealer } from "../salted-sealer.ts";
import { ownCopy } from "../short-copy.ts";
import type {
  AcceptedStream,
  KeyRing,
  RefusedStream,
  ServerHandshake,
  ServerKey,
  ServerStreamOptions,
  StreamTransform,
} from "../stream.ts";
import { TargetReader } from "../target-reader.ts";
import { aeadAlgorithm } from "./algorithm.ts";
import { firstNonce, searchFailure, searchKey } from "./key-search.ts";

/** What is known once a key has opened the first length. */
interface Authenticated<K extends ServerKey> {
  readonly key: K;
  readonly salt: Buffer;
  readonly opener: ChunkOpener;
  readonly reader: TargetReader;
}

const refuse = (failure: WireFailure): RefusedStream => ({ ok: false, failure });

/**
 * The beginning of a SIP004 TCP stream as the server sees it: salt ‖ seal(length) finds the key by trial, the chunks bring the address.
 * The address may be spread over chunks and everything over any number of reads.
 */
class Sip004ServerHandshake<K extends ServerKey> implements ServerHandshake<K> {
  readonly #method: Method;
  readonly #ring: KeyRing<K>;
  readonly #env: WireEnvironment;
  readonly #options: ServerStreamOptions;
  readonly #headLength: number;
  /** Salt and first length, where they do not come in one read. */
  #head: PartialMessage | undefined = undefined;
  #authenticated: Authenticated<K> | undefined = undefined;

  constructor(method: Method, ring: KeyRing<K>, env: WireEnvironment, options: ServerStreamOptions) {
    this.#method = method;
    this.#ring = ring;
    this.#env = env;
    this.#options = options;
    this.#headLength = method.saltLength + SEALED_LENGTH;
  }

  push(src: Buffer, start: number, end: number): AcceptedStream<K> | RefusedStream | undefined {
    if (this.#authenticated !== undefined) return this.#readTarget(this.#authenticated, src, start, end);
    let authenticated: Authenticated<K> | WireFailure;
    let from = start + this.#headLength;
    if (this.#head === undefined && from <= end) {
      authenticated = this.#authenticate(src, start);
    } else {
      this.#head ??= takePartial(this.#headLength);
      from = start + this.#head.fill(src, start, end);
      if (!this.#head.complete) return undefined;
      authenticated = this.#authenticate(this.#head.bytes, 0);
      this.#head = undefined;
    }
    if (typeof authenticated === "string") return refuse(authenticated);
    this.#authenticated = authenticated;
    return this.#readTarget(authenticated, src, from, end);
  }

  #readTarget({ key, salt, opener, reader }: Authenticated<K>, src: Buffer, start: number, end: number) {
    const read = reader.push(src, start, end);
    if (read === undefined) return undefined;
    if (typeof read === "string") return refuse(read);
    const { target, payload } = read;
    return { ok: true as const, key, target, payload, salt, opener, sealer: this.#answerSealer(key) };
  }

  /** The head is at src[at]. */
  #authenticate(src: Buffer, at: number): Authenticated<K> | WireFailure {
    const { saltLength, maxChunk } = this.#method;
    const salt = ownCopy(src, at, at + saltLength);
    const openLength = (aead: Aead): number | undefined => {
      const length = aead.openLength(firstNonce(aead), src, at + saltLength);
      return length < 0 ? undefined : length;
    };
    const found = searchKey(this.#ring, aeadAlgorithm(this.#method), salt, openLength);
    if (found === undefined) return searchFailure(this.#ring);
    if (isAnswerSalt(found.key.credential.key, salt)) return "REPLAYED";
    // After authentication, so that junk cannot fill the filter.
    if (this.#options.saltFilter?.admit(salt, this.#env.unixSeconds()) === false) return "REPLAYED";
    this.#ring.found(found.key);
    if (found.result > maxChunk) return "BAD_HEADER";
    const opener = new ChunkOpener(found.aead, maxChunk, 1);
    opener.expectPayload(found.result);
    return { key: found.key, salt, opener, reader: new TargetReader(opener) };
  }

  #answerSealer(key: K): StreamTransform {
    const { saltLength, maxChunk } = this.#method;
    const algorithm = aeadAlgorithm(this.#method);
    const env = this.#env;
    return new SaltedSealer(saltLength, (salt) => {
      env.random(salt);
      markAnswerSalt(key.credential.key, salt);
      return new ChunkSealer(createSubkeyAead(algorithm, key.credential.key, salt), maxChunk);
    });
  }
}

/** The server side of one SIP004 TCP stream's beginning. */
export function createSip004ServerHandshake<K extends ServerKey>(
  method: Method,
  ring: KeyRing<K>,
  env: WireEnvironment,
  options: ServerStreamOptions,
): ServerHandshake<K> {
  return new Sip004ServerHandshake(method, ring, env, options);
}
