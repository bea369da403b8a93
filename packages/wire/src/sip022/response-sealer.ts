import { SEALED_LENGTH, TAG_LENGTH } from "../aead/aead.ts";
import { ChunkSealer } from "../aead/chunk-sealer.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import type { ChunkStream, StreamTransform } from "../stream.ts";
import { sessionAead } from "./session-aead.ts";
import { responseHeaderLength, writeResponseHeader } from "./stream-header.ts";

const MAX_SALT = 32;
const header = Buffer.alloc(responseHeaderLength(MAX_SALT));

/**
 * Server to client: the first `push` with data writes salt ‖ seal(header) ‖ seal(first payload) ‖ chunks (SIP022 §3.1.2), later ones chunks.
 * Salt and time are taken then, not at the request. A server that never has data never answers.
 */
export class ResponseSealer implements StreamTransform {
  readonly failure: WireFailure | undefined = undefined;
  readonly atBoundary = true;
  readonly #credential: Credential;
  readonly #requestSalt: Buffer;
  readonly #env: WireEnvironment;
  #chunks: ChunkSealer | undefined = undefined;

  constructor(credential: Credential, requestSalt: Buffer, env: WireEnvironment) {
    this.#credential = credential;
    this.#requestSalt = requestSalt;
    this.#env = env;
  }

  get chunks(): ChunkStream | undefined {
    return this.#chunks;
  }

  bound(length: number): number {
    if (this.#chunks !== undefined) return this.#chunks.bound(length);
    const { saltLength, maxChunk } = this.#credential.method;
    const opening = saltLength + responseHeaderLength(saltLength) + TAG_LENGTH;
    return opening + length + Math.ceil(length / maxChunk) * (SEALED_LENGTH + TAG_LENGTH);
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    if (this.#chunks !== undefined) return this.#chunks.push(src, start, end, dst, dstStart);
    // A response header announces a payload; without one there is nothing to announce.
    if (start === end) return 0;
    const { method, key } = this.#credential;
    const salt = dst.subarray(dstStart, dstStart + method.saltLength);
    this.#env.random(salt);
    const chunks = new ChunkSealer(sessionAead(method, key, salt), method.maxChunk);
    const firstEnd = Math.min(end, start + method.maxChunk);
    writeResponseHeader(header, this.#env.unixSeconds(), this.#requestSalt, firstEnd - start);
    let at = dstStart + method.saltLength;
    at += chunks.sealMessage(header, 0, responseHeaderLength(method.saltLength), dst, at);
    at += chunks.sealMessage(src, start, firstEnd, dst, at);
    at += chunks.push(src, firstEnd, end, dst, at);
    this.#chunks = chunks;
    return at - dstStart;
  }
}
