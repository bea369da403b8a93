import { TAG_LENGTH } from "../aead/aead.ts";
import { ChunkOpener } from "../aead/chunk-opener.ts";
import { type PartialMessage, takePartial } from "../aead/partial-message.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import { type ChunkStream, FAILED, type SaltFilter, type StreamTransform } from "../stream.ts";
import { sessionAead } from "./session-aead.ts";
import { checkResponseHeader, firstPayloadLength, responseHeaderLength } from "./stream-header.ts";

export interface ResponseOpenerOptions {
  /** SIP022 §3.1.3: accept a salt and header that arrive in several reads. Default false. */
  readonly allowSegmentedHeader?: boolean;
  /** SIP022 §3.1.4: response salts seen. Default none: a response answers one request salt, so another stream never takes it. */
  readonly saltFilter?: SaltFilter;
}

const MAX_SALT = 32;
const header = Buffer.alloc(responseHeaderLength(MAX_SALT));

/** Server to client: salt ‖ seal(header) ‖ seal(first payload) ‖ chunks (SIP022 §3.1.2). */
export class ResponseOpener implements StreamTransform {
  readonly #credential: Credential;
  readonly #requestSalt: Buffer;
  readonly #env: WireEnvironment;
  readonly #options: ResponseOpenerOptions;
  readonly #openingLength: number;
  #opening: PartialMessage | undefined = undefined;
  #chunks: ChunkOpener | undefined = undefined;
  #failure: WireFailure | undefined = undefined;

  constructor(credential: Credential, requestSalt: Buffer, env: WireEnvironment, options: ResponseOpenerOptions) {
    this.#credential = credential;
    this.#requestSalt = requestSalt;
    this.#env = env;
    this.#options = options;
    this.#openingLength = requestSalt.length + responseHeaderLength(requestSalt.length) + TAG_LENGTH;
  }

  get failure(): WireFailure | undefined {
    return this.#failure ?? this.#chunks?.failure;
  }

  /** True before the first byte: a server that closes without an answer has truncated nothing. */
  get atBoundary(): boolean {
    return this.#chunks?.atBoundary ?? this.#opening === undefined;
  }

  get chunks(): ChunkStream | undefined {
    return this.#chunks?.chunks;
  }

  bound(length: number): number {
    return this.#chunks?.bound(length) ?? length;
  }

  push(src: Buffer, start: number, end: number, dst: Buffer, dstStart: number): number {
    if (this.#failure !== undefined) return FAILED;
    if (this.#chunks !== undefined) return this.#chunks.push(src, start, end, dst, dstStart);
    if (start === end) return 0;
    if (this.#opening === undefined && end - start >= this.#openingLength) {
      this.#chunks = this.#open(src, start);
      return this.#chunks?.push(src, start + this.#openingLength, end, dst, dstStart) ?? FAILED;
    }
    if (this.#options.allowSegmentedHeader !== true) {
      this.#failure = "SEGMENTED_HEADER";
      return FAILED;
    }
    this.#opening ??= takePartial(this.#openingLength);
    const from = start + this.#opening.fill(src, start, end);
    if (!this.#opening.complete) return 0;
    this.#chunks = this.#open(this.#opening.bytes, 0);
    this.#opening = undefined;
    return this.#chunks?.push(src, from, end, dst, dstStart) ?? FAILED;
  }

  /** Opens salt and header at src[at]. Undefined: `#failure` says why not. */
  #open(src: Buffer, at: number): ChunkOpener | undefined {
    const { method, key } = this.#credential;
    const headerAt = at + method.saltLength;
    const salt = src.subarray(at, headerAt);
    const chunks = new ChunkOpener(sessionAead(method, key, salt), method.maxChunk);
    if (!chunks.openMessage(src, headerAt, at + this.#openingLength, header, 0)) {
      this.#failure = "AUTH_FAILED";
      return undefined;
    }
    const now = this.#env.unixSeconds();
    this.#failure = checkResponseHeader(header, now, this.#requestSalt);
    // The salt is looked up last, so that only authentic and timely ones are remembered.
    if (this.#failure === undefined && this.#options.saltFilter?.admit(salt, now) === false) this.#failure = "REPLAYED";
    if (this.#failure !== undefined) return undefined;
    chunks.expectPayload(firstPayloadLength(header, method.saltLength));
    return chunks;
  }
}
