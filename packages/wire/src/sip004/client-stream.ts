import type { TargetAddress } from "../address.ts";
import { composeAddressed } from "../addressed-payload.ts";
import { createSubkeyAead } from "../aead/aead.ts";
import { ChunkOpener } from "../aead/chunk-opener.ts";
import { ChunkSealer } from "../aead/chunk-sealer.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import { SaltedOpener } from "../salted-opener.ts";
import type { ClientStream } from "../stream.ts";
import { aeadAlgorithm } from "./algorithm.ts";

/** SIP004 over TCP, both directions: salt ‖ { seal(length) ‖ seal(payload) }*, the first plaintext upwards being the target address. */
class Sip004ClientStream implements ClientStream {
  readonly sealer: ChunkSealer;
  readonly opener: SaltedOpener;
  readonly #salt: Buffer;

  constructor(credential: Credential, env: WireEnvironment) {
    const { method, key } = credential;
    const algorithm = aeadAlgorithm(method);
    const salt = Buffer.allocUnsafeSlow(method.saltLength);
    env.random(salt);
    this.#salt = salt;
    this.sealer = new ChunkSealer(createSubkeyAead(algorithm, key, salt), method.maxChunk);
    this.opener = new SaltedOpener(method.saltLength, (answerSalt) => {
      // Nothing in SIP004 tells the directions apart: our own bytes, sent back to us, would open as an answer.
      if (answerSalt.equals(salt)) return "REPLAYED";
      return new ChunkOpener(createSubkeyAead(algorithm, key, answerSalt), method.maxChunk);
    });
  }

  sealRequest(target: TargetAddress, payload: Buffer): Buffer {
    const plaintext = composeAddressed(target, payload);
    const request = Buffer.allocUnsafe(this.#salt.length + this.sealer.bound(plaintext.length));
    const at = this.#salt.copy(request);
    return request.subarray(0, at + this.sealer.push(plaintext, 0, plaintext.length, request, at));
  }
}

/** The client side of one SIP004 TCP stream. */
export function createSip004ClientStream(credential: Credential, env: WireEnvironment): ClientStream {
  return new Sip004ClientStream(credential, env);
}
