import { TAG_LENGTH } from "../aead/aead.ts";
import { ChunkOpener } from "../aead/chunk-opener.ts";
import { type PartialMessage, releasePartial, takePartial } from "../aead/partial-message.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import type { Method } from "../method.ts";
import { ownCopy } from "../short-copy.ts";
import {
  type AcceptedStream,
  FAILED,
  type KeyRing,
  type RefusedStream,
  type ServerHandshake,
  type ServerKey,
  type ServerStreamOptions,
} from "../stream.ts";
import { IDENTITY_HEADER_LENGTH, openStreamIdentity } from "./identity-header.ts";
import { ResponseSealer } from "./response-sealer.ts";
import { sessionAead } from "./session-aead.ts";
import { checkRequestHeader, REQUEST_HEADER_LENGTH, readVariableHeader, variableHeaderLength } from "./stream-header.ts";

type Outcome<K extends ServerKey> = AcceptedStream<K> | RefusedStream;

/** A request whose salt and fixed header are accepted. */
interface PendingRequest<K extends ServerKey> {
  readonly key: K;
  readonly salt: Buffer;
  readonly opener: ChunkOpener;
  /** Of the variable header, without its tag. */
  readonly headerLength: number;
}

const identity = Buffer.alloc(IDENTITY_HEADER_LENGTH);
const fixedHeader = Buffer.alloc(REQUEST_HEADER_LENGTH);

const refuse = (failure: WireFailure): RefusedStream => ({ ok: false, failure });

/** Two steps: salt ‖ identity header ‖ fixed header, which come in one read, then the variable header, which may take several. */
class Sip022ServerHandshake<K extends ServerKey> implements ServerHandshake<K> {
  readonly #method: Method;
  readonly #ring: KeyRing<K>;
  readonly #env: WireEnvironment;
  readonly #options: ServerStreamOptions;
  readonly #identityKey: Buffer | undefined;
  readonly #openingLength: number;
  #opening: PartialMessage | undefined = undefined;
  #pending: PendingRequest<K> | undefined = undefined;
  #variable: PartialMessage | undefined = undefined;
  #outcome: Outcome<K> | undefined = undefined;

  constructor(method: Method, ring: KeyRing<K>, env: WireEnvironment, options: ServerStreamOptions) {
    this.#method = method;
    this.#ring = ring;
    this.#env = env;
    this.#options = options;
    this.#identityKey = method.identityHeaders ? ring.identityKey : undefined;
    const identityLength = this.#identityKey === undefined ? 0 : IDENTITY_HEADER_LENGTH;
    this.#openingLength = method.saltLength + identityLength + REQUEST_HEADER_LENGTH + TAG_LENGTH;
  }

  push(src: Buffer, start: number, end: number): Outcome<K> | undefined {
    this.#outcome ??= start === end ? undefined : this.#advance(src, start, end);
    return this.#outcome;
  }

  #advance(src: Buffer, start: number, end: number): Outcome<K> | undefined {
    if (this.#pending !== undefined) return this.#takeVariable(this.#pending, src, start, end);
    let opened: PendingRequest<K> | WireFailure;
    let from = start + this.#openingLength;
    if (this.#opening === undefined && from <= end) {
      opened = this.#openFixed(src, start);
    } else {
      if (this.#options.allowSegmentedHeader !== true) return refuse("SEGMENTED_HEADER");
      this.#opening ??= takePartial(this.#openingLength);
      from = start + this.#opening.fill(src, start, end);
      if (!this.#opening.complete) return undefined;
      opened = this.#openFixed(this.#opening.bytes, 0);
      this.#opening = undefined;
    }
    if (typeof opened === "string") return refuse(opened);
    this.#pending = opened;
    return this.#takeVariable(opened, src, from, end);
  }

  /** Order is security: authenticate, then type and time, then the salt, so that only authentic and timely salts fill the filter. */
  #openFixed(src: Buffer, at: number): PendingRequest<K> | WireFailure {
    const saltEnd = at + this.#method.saltLength;
    const salt = ownCopy(src, at, saltEnd);
    const key = this.#identify(salt, src, saltEnd);
    if (key === undefined) return "AUTH_FAILED";
    const opener = new ChunkOpener(sessionAead(this.#method, key.credential.key, salt), this.#method.maxChunk);
    const end = at + this.#openingLength;
    if (!opener.openMessage(src, end - REQUEST_HEADER_LENGTH - TAG_LENGTH, end, fixedHeader, 0)) return "AUTH_FAILED";
    if (this.#identityKey === undefined) this.#ring.found(key);
    const now = this.#env.unixSeconds();
    const failure = checkRequestHeader(fixedHeader, now);
    if (failure !== undefined) return failure;
    if (this.#options.saltFilter?.admit(salt, now) === false) return "REPLAYED";
    return { key, salt, opener, headerLength: variableHeaderLength(fixedHeader) };
  }

  #identify(salt: Buffer, src: Buffer, at: number): K | undefined {
    if (this.#identityKey === undefined) return this.#ring.single;
    openStreamIdentity(this.#identityKey, salt, src, at, identity);
    return this.#ring.byIdentity(identity, 0);
  }

  #takeVariable(request: PendingRequest<K>, src: Buffer, start: number, end: number): Outcome<K> | undefined {
    const sealedLength = request.headerLength + TAG_LENGTH;
    if (this.#variable === undefined && end - start >= sealedLength) {
      return this.#accept(request, src, start, src, start + sealedLength, end);
    }
    this.#variable ??= takePartial(sealedLength);
    const from = start + this.#variable.fill(src, start, end);
    if (!this.#variable.complete) return undefined;
    const outcome = this.#accept(request, this.#variable.bytes, 0, src, from, end);
    releasePartial(this.#variable);
    this.#variable = undefined;
    return outcome;
  }

  /** Opens the variable header at sealed[at] and whatever chunks the same read brought in src[start, end). */
  #accept(request: PendingRequest<K>, sealed: Buffer, at: number, src: Buffer, start: number, end: number): Outcome<K> {
    const { key, salt, opener, headerLength } = request;
    const plain = Buffer.allocUnsafe(headerLength + opener.bound(end - start));
    if (!opener.openMessage(sealed, at, at + headerLength + TAG_LENGTH, plain, 0)) return refuse("AUTH_FAILED");
    const header = readVariableHeader(plain, headerLength);
    if (!header.ok) return header;
    const written = opener.push(src, start, end, plain, headerLength);
    if (written === FAILED) return refuse(opener.failure ?? "AUTH_FAILED");
    const payload = plain.subarray(header.payloadAt, headerLength + written);
    return { ok: true, key, target: header.target, payload, salt, opener, sealer: new ResponseSealer(key.credential, salt, this.#env) };
  }
}

/** The opening of a SIP022 TCP stream as the server sees it; with `ring.identityKey`, one identity header (SIP023) names the key. */
export function createSip022ServerHandshake<K extends ServerKey>(
  method: Method,
  ring: KeyRing<K>,
  env: WireEnvironment,
  options: ServerStreamOptions,
): ServerHandshake<K> {
  return new Sip022ServerHandshake(method, ring, env, options);
}
