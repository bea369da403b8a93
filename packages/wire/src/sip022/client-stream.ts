import type { TargetAddress } from "../address.ts";
import { TAG_LENGTH } from "../aead/aead.ts";
import { ChunkSealer } from "../aead/chunk-sealer.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import { shortCopy } from "../short-copy.ts";
import type { ClientStream } from "../stream.ts";
import { IDENTITY_HEADER_LENGTH, writeStreamIdentity } from "./identity-header.ts";
import { ResponseOpener, type ResponseOpenerOptions } from "./response-opener.ts";
import { sessionAead } from "./session-aead.ts";
import { initialPayloadOffset, MAX_PADDING, REQUEST_HEADER_LENGTH, writeRequestHeader, writeVariableHeader } from "./stream-header.ts";

const fixedHeader = Buffer.alloc(REQUEST_HEADER_LENGTH);
const randomWord = Buffer.alloc(4);

/** Uniform over 1 to MAX_PADDING, but for a bias of 2^-22. */
function randomPadding(env: WireEnvironment): number {
  env.random(randomWord);
  return 1 + (randomWord.readUInt32BE() % MAX_PADDING);
}

class Sip022ClientStream implements ClientStream {
  readonly sealer: ChunkSealer;
  readonly opener: ResponseOpener;
  readonly #credential: Credential;
  readonly #env: WireEnvironment;
  readonly #salt: Buffer;

  constructor(credential: Credential, env: WireEnvironment, options: ResponseOpenerOptions) {
    const { method, key } = credential;
    this.#credential = credential;
    this.#env = env;
    this.#salt = Buffer.alloc(method.saltLength);
    env.random(this.#salt);
    this.sealer = new ChunkSealer(sessionAead(method, key, this.#salt), method.maxChunk);
    this.opener = new ResponseOpener(credential, this.#salt, env, options);
  }

  sealRequest(target: TargetAddress, payload: Buffer): Buffer {
    const { method, identityKeys } = this.#credential;
    // SIP022 §3.1.3: a header with neither payload nor padding would give away its length and must not exist.
    const padding = payload.length === 0 ? randomPadding(this.#env) : 0;
    const payloadAt = initialPayloadOffset(target, padding);
    const initial = Math.min(payload.length, method.maxChunk - payloadAt);
    const variableHeader = Buffer.allocUnsafe(payloadAt + initial);
    variableHeader.fill(0, payloadAt - padding, payloadAt);
    writeVariableHeader(variableHeader, target, padding);
    payload.copy(variableHeader, payloadAt, 0, initial);
    writeRequestHeader(fixedHeader, this.#env.unixSeconds(), variableHeader.length);

    const identityLength = identityKeys.length * IDENTITY_HEADER_LENGTH;
    const headersLength = REQUEST_HEADER_LENGTH + TAG_LENGTH + variableHeader.length + TAG_LENGTH;
    const chunksLength = this.sealer.bound(payload.length - initial);
    const request = Buffer.allocUnsafe(method.saltLength + identityLength + headersLength + chunksLength);
    let at = shortCopy(this.#salt, 0, this.#salt.length, request, 0);
    at = writeStreamIdentity(this.#credential, this.#salt, request, at);
    at += this.sealer.sealMessage(fixedHeader, 0, REQUEST_HEADER_LENGTH, request, at);
    at += this.sealer.sealMessage(variableHeader, 0, variableHeader.length, request, at);
    at += this.sealer.push(payload, initial, payload.length, request, at);
    return request.subarray(0, at);
  }
}

/**
 * A SIP022 TCP stream as the client sees it, with an identity header per identity key of `credential` (SIP023). The request carries 1 to 900
 * bytes of padding when it carries no payload, and none otherwise.
 */
export function createSip022ClientStream(credential: Credential, env: WireEnvironment, options: ResponseOpenerOptions = {}): ClientStream {
  return new Sip022ClientStream(credential, env, options);
}
