import type { TargetAddress } from "../address.ts";
import { composeAddressed } from "../addressed-payload.ts";
import type { Credential } from "../credential.ts";
import type { WireEnvironment } from "../environment.ts";
import { SaltedOpener } from "../salted-opener.ts";
import type { ClientStream } from "../stream.ts";
import { createLegacyCipher } from "./cipher.ts";
import { LegacyTransform } from "./legacy-transform.ts";

/** The ancestor's TCP stream: IV ‖ cipher(address ‖ payload …) upwards, IV ‖ cipher(payload …) downwards, each with its own IV. */
class LegacyClientStream implements ClientStream {
  readonly sealer: LegacyTransform;
  readonly opener: SaltedOpener;
  readonly #iv: Buffer;

  constructor(credential: Credential, env: WireEnvironment) {
    const { method, key } = credential;
    this.#iv = Buffer.allocUnsafeSlow(method.saltLength);
    env.random(this.#iv);
    this.sealer = new LegacyTransform(createLegacyCipher(method, key, this.#iv, "seal"));
    // An answer under the request's IV is accepted: servers of before 2019 send it so.
    this.opener = new SaltedOpener(method.saltLength, (iv) => new LegacyTransform(createLegacyCipher(method, key, iv, "open")));
  }

  sealRequest(target: TargetAddress, payload: Buffer): Buffer {
    const plaintext = composeAddressed(target, payload);
    const request = Buffer.allocUnsafe(this.#iv.length + plaintext.length);
    this.sealer.push(plaintext, 0, plaintext.length, request, this.#iv.copy(request));
    return request;
  }
}

/** The client side of one TCP stream of a stream method. */
export function createLegacyClientStream(credential: Credential, env: WireEnvironment): ClientStream {
  return new LegacyClientStream(credential, env);
}
