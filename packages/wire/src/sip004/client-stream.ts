import { Buffer } from "node:buffer";
import type { TargetAddress } from "../address.ts";
import { composeAddressed } from "../addressed-payload.ts";
import { type AeadAlgorithm, createSubkeyAead } from "../aead/aead.ts";
import { ChunkOpener } from "../aead/chunk-opener.ts";
import { ChunkSealer } from "../aead/chunk-sealer.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import { SaltedOpener } from "../salted-opener.ts";
import { shortCopy } from "../short-copy.ts";
import type { ClientStream } from "../stream.ts";
import { aeadAlgorithm } from "./algorithm.ts";

/** SIP004 over TCP, both directions: salt ‖ { seal(length) ‖ seal(payload) }*, the first plaintext upwards being the target address. */
class Sip004ClientStream implements ClientStream {
  readonly opener: SaltedOpener;
  readonly #credential: Credential;
  readonly #algorithm: AeadAlgorithm;
  readonly #env: WireEnvironment;
  #sealer: ChunkSealer | undefined;
  /** The request's, as latin1 text: kept for as long as the stream, and a text costs less than a buffer of its own. */
  #salt: string | undefined;

  readonly #openAfter = (answerSalt: Buffer): ChunkOpener | WireFailure => {
    // Nothing in SIP004 tells the directions apart: our own bytes, sent back to us, would open as an answer.
    if (answerSalt.toString("latin1") === this.#salt) return "REPLAYED";
    const { method, key } = this.#credential;
    return new ChunkOpener(createSubkeyAead(this.#algorithm, key, answerSalt), method.maxChunk);
  };

  constructor(credential: Credential, env: WireEnvironment) {
    this.#credential = credential;
    this.#algorithm = aeadAlgorithm(credential.method);
    this.#env = env;
    this.opener = new SaltedOpener(credential.method.saltLength, this.#openAfter);
  }

  /** Once the request is sealed. */
  get sealer(): ChunkSealer {
    return this.#sealer!;
  }

  sealRequest(target: TargetAddress, payload: Buffer): Buffer {
    const { method, key } = this.#credential;
    const plaintext = composeAddressed(target, payload);
    const salt = Buffer.allocUnsafeSlow(method.saltLength);
    this.#env.random(salt);
    this.#salt = salt.toString("latin1");
    this.#sealer = new ChunkSealer(createSubkeyAead(this.#algorithm, key, salt), method.maxChunk);
    const request = Buffer.allocUnsafe(salt.length + this.#sealer.bound(plaintext.length));
    const at = shortCopy(salt, 0, salt.length, request, 0);
    const written = this.#sealer.push(plaintext, 0, plaintext.length, request, at);
    return at + written === request.length ? request : request.subarray(0, at + written);
  }
}

/** The client side of one SIP004 TCP stream. */
export function createSip004ClientStream(credential: Credential, env: WireEnvironment): ClientStream {
  return new Sip004ClientStream(credential, env);
}
