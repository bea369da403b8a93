import { type PartialMessage, takePartial } from "../aead/partial-message.ts";
import type { WireEnvironment } from "../environment.ts";
import type { WireFailure } from "../failure.ts";
import type { Method } from "../method.ts";
import { SaltedSealer } from "../salted-sealer.ts";
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
import { createLegacyCipher } from "./cipher.ts";
import { LegacyTransform } from "./legacy-transform.ts";
import { asksForOneTimeAuth } from "./one-time-auth.ts";
import { soleKey } from "./sole-key.ts";

const refuse = (failure: WireFailure): RefusedStream => ({ ok: false, failure });

interface Begun<K extends ServerKey> {
  readonly key: K;
  readonly opener: LegacyTransform;
  readonly reader: TargetReader;
}

/**
 * The beginning of a stream method's TCP stream as the server sees it: IV ‖ cipher(ATYP ADDR PORT …). Nothing is authenticated; an address
 * that parses is the only sign of the right key, so whatever else the first bytes say is refused.
 */
class LegacyServerHandshake<K extends ServerKey> implements ServerHandshake<K> {
  readonly #method: Method;
  readonly #ring: KeyRing<K>;
  readonly #env: WireEnvironment;
  readonly #options: ServerStreamOptions;
  readonly #iv: PartialMessage;
  #begun: Begun<K> | undefined = undefined;

  constructor(method: Method, ring: KeyRing<K>, env: WireEnvironment, options: ServerStreamOptions) {
    this.#method = method;
    this.#ring = ring;
    this.#env = env;
    this.#options = options;
    this.#iv = takePartial(method.saltLength);
  }

  push(src: Buffer, start: number, end: number): AcceptedStream<K> | RefusedStream | undefined {
    const taken = this.#iv.fill(src, start, end);
    if (!this.#iv.complete) return undefined;
    this.#begun ??= this.#begin();
    if (this.#begun === undefined) return refuse("AUTH_FAILED");
    const { key, opener, reader } = this.#begun;
    const read = reader.push(src, start + taken, end);
    if (read === undefined) return undefined;
    if (typeof read === "string") return refuse(asksForOneTimeAuth(reader.firstByte) ? "BAD_HEADER" : read);
    if (this.#options.saltFilter?.admit(this.#iv.bytes, this.#env.unixSeconds()) === false) return refuse("REPLAYED");
    this.#ring.found(key);
    return { ok: true, key, target: read.target, payload: read.payload, salt: this.#iv.bytes, opener, sealer: this.#answerSealer(key) };
  }

  #begin(): Begun<K> | undefined {
    const key = soleKey(this.#ring);
    if (key === undefined) return undefined;
    const opener = new LegacyTransform(createLegacyCipher(this.#method, key.credential.key, this.#iv.bytes, "open"));
    return { key, opener, reader: new TargetReader(opener) };
  }

  #answerSealer(key: K): StreamTransform {
    const method = this.#method;
    const env = this.#env;
    const { saltFilter } = this.#options;
    return new SaltedSealer(method.saltLength, (iv) => {
      env.random(iv);
      // The directions look alike: without this, our answer, sent back to us, would pass for a request.
      saltFilter?.admit(iv, env.unixSeconds());
      return new LegacyTransform(createLegacyCipher(method, key.credential.key, iv, "seal"));
    });
  }
}

/** The server side of one TCP stream's beginning, for a stream method. */
export function createLegacyServerHandshake<K extends ServerKey>(
  method: Method,
  ring: KeyRing<K>,
  env: WireEnvironment,
  options: ServerStreamOptions,
): ServerHandshake<K> {
  return new LegacyServerHandshake(method, ring, env, options);
}
