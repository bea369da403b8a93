import type { AcceptedStream, RefusedStream, ServerHandshake, ServerKey } from "@shadowfleet/wire";

type Outcome<K extends ServerKey> = AcceptedStream<K> | RefusedStream;

/** Two handshakes that read the same bytes under different keys: the outcome of the one whose key is right, AUTH_FAILED when neither is. */
export class EitherHandshake<K extends ServerKey> implements ServerHandshake<K> {
  /** Those that have not failed authentication yet. */
  #undecided: readonly ServerHandshake<K>[];

  constructor(first: ServerHandshake<K>, second: ServerHandshake<K>) {
    this.#undecided = [first, second];
  }

  push(src: Buffer, start: number, end: number): Outcome<K> | undefined {
    let refused: Outcome<K> | undefined;
    const left: ServerHandshake<K>[] = [];
    for (const handshake of this.#undecided) {
      const outcome = handshake.push(src, start, end);
      if (outcome === undefined) left.push(handshake);
      // Any other failure comes after authentication, or would come under every key.
      else if (outcome.ok || outcome.failure !== "AUTH_FAILED") return outcome;
      else refused = outcome;
    }
    this.#undecided = left;
    return left.length === 0 ? refused : undefined;
  }
}
