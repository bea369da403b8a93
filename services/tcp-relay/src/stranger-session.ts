import type { AccessKey } from "@shadowfleet/relay";
import type { ErrorCode } from "@shadowfleet/runtime";
import { type Connection, hear, NOWHERE } from "@shadowfleet/transport";
import type { AcceptedStream, ServerHandshake } from "@shadowfleet/wire";
import type { RelayContext } from "./relay-context.ts";
import type { Expiry, Stranger } from "./silent-drain.ts";

export type Phase = "handshake" | "claiming" | "discarding" | "dialing" | "relaying" | "over";

/**
 * A session for as long as its client is a stranger:
 *
 *   handshake ──accepted──> [claiming ──>] `accept`
 *       └──refused──> discarding <──┘ ──peer closes or deadline──> `closed`
 *
 * Where relays share a replay filter, a stream that this relay's own lets in waits for that one's word, and may be a stranger's until then.
 */
export abstract class StrangerSession implements Stranger {
  readonly port: number;
  readonly startedAtMs: number;
  readonly acceptedMs: number;
  livePlace = NOWHERE;
  /** The silent drain's. */
  place: Stranger["place"];
  protected readonly client: Connection;
  protected readonly context: RelayContext;
  protected phase: Phase = "handshake";
  /** Why the handshake was refused, while what follows is discarded. */
  protected refusal: ErrorCode | undefined;
  /** What came while something was waited for, as it came. */
  protected unopened: Buffer | undefined;
  #handshake: ServerHandshake<AccessKey> | undefined;

  constructor(client: Connection, port: number, handshake: ServerHandshake<AccessKey>, context: RelayContext) {
    this.port = port;
    this.startedAtMs = context.clock.now();
    this.acceptedMs = context.clock.monotonic();
    this.client = client;
    this.context = context;
    this.#handshake = handshake;
  }

  get clientHost(): string {
    return this.client.remoteHost;
  }

  get clientPort(): number {
    return this.client.remotePort;
  }

  /** The client has proven a key. */
  protected abstract accept(accepted: AcceptedStream<AccessKey>): void;

  /** The client's connection is closed, in whatever phase. */
  protected abstract closed(): void;

  /** Begins to read. To be called once, in the very turn of the accept, or of its proxy's header, which `waited` has waited for. */
  protected begin(waited: Stranger | undefined): void {
    const { client, context } = this;
    hear(client, {
      onData: (src, start, end) => this.#readHandshake(src, start, end),
      onEnd: () => client.destroy(),
      onClose: () => this.closed(),
    });
    context.silentDrain.watch(this, waited);
    client.resume();
  }

  /** A stranger's time is up: the same close for a refused and for an incomplete handshake. */
  expire(reason: Expiry): void {
    this.refusal ??= this.failHandshake(reason);
    if (this.phase !== "claiming") {
      this.client.destroy();
      return;
    }
    // What waits in the kernel would make the close a reset: it is read first, in the turn that begins.
    this.#discard();
    setImmediate(() => this.client.destroy());
  }

  /** What comes meanwhile is kept: one read, the rest stays in the kernel. */
  protected waitFor(verdict: Promise<ErrorCode | undefined>, judge: (refusal: ErrorCode | undefined) => void): void {
    this.phase = "claiming";
    const { client } = this;
    // A client's half-close or a stranger's end: the verdict tells.
    hear(client, {
      onEnd: () => {},
      onData: (src, start, end) => {
        client.pause();
        this.unopened = Buffer.from(src.subarray(start, end));
      },
    });
    verdict.then(judge).catch((error: unknown) => {
      this.context.logger.error({ code: "INTERNAL", err: error }, "a check before dialling failed unexpectedly");
      client.destroy();
    });
  }

  protected failHandshake(code: ErrorCode): ErrorCode {
    this.context.sessionMetrics.handshakeFailed(code);
    return code;
  }

  #readHandshake(src: Buffer, start: number, end: number): void {
    const outcome = this.#handshake?.push(src, start, end);
    if (!outcome) return;
    this.#handshake = undefined;
    if (!outcome.ok) this.#refuse(outcome.failure);
    // The ring is that of the accept: a key that was taken away since then must not come in by a slow handshake.
    else if (!this.context.keys.isInForce(outcome.key)) this.#refuse("AUTH_FAILED");
    else this.#admit(outcome);
  }

  #refuse(code: ErrorCode): void {
    this.refusal = this.failHandshake(code);
    this.#discard();
  }

  #discard(): void {
    this.phase = "discarding";
    this.unopened = undefined;
    this.context.silentDrain.discard(this.client);
  }

  #admit(accepted: AcceptedStream<AccessKey>): void {
    const verdict = this.context.sharedReplay.check(accepted);
    if (!verdict) {
      this.accept(accepted);
      return;
    }
    this.waitFor(verdict, (refusal) => this.#judged(accepted, refusal));
  }

  #judged(accepted: AcceptedStream<AccessKey>, refusal: ErrorCode | undefined): void {
    if (this.phase !== "claiming") return;
    if (refusal) this.#refuse(refusal);
    // The same as after a slow handshake.
    else if (!this.context.keys.isInForce(accepted.key)) this.#refuse("AUTH_FAILED");
    else this.accept(accepted);
  }
}
