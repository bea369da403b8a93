import type { AccessKey, KeyLimiter, LiveSession } from "@shadowfleet/relay";
import type { ErrorCode } from "@shadowfleet/runtime";
import {
  type Connection,
  type Dial,
  type DialResult,
  hear,
  NOWHERE,
  type Pump,
  type PumpResult,
  startDial,
  startPump,
} from "@shadowfleet/transport";
import { type AcceptedStream, ATYP_DOMAIN, FAILED, type TargetAddress } from "@shadowfleet/wire";
import { logConnection } from "./session-end.ts";
import type { Stranger } from "./silent-drain.ts";
import { StrangerSession } from "./stranger-session.ts";

let sessionCount = 0;

/**
 * One client connection from accept to its end. Until it has proven a key it is a stranger's (stranger-session.ts); from there on
 *
 *   accepted ──> [claiming ──>] dialing ──connected──> relaying ──> over
 *
 * Each step is one method below. A session registers with its key when it is accepted, and then waits for a place where the key's sessions are limited.
 */
export class Session extends StrangerSession implements LiveSession {
  readonly transport = "tcp";
  registryPlace = NOWHERE;
  readonly #number = ++sessionCount;
  /** From when it has proven it. */
  #key: AccessKey | undefined;
  #target: TargetAddress | undefined;
  #dialing: Dial | undefined;
  #dialingSinceMs = 0;
  /** Plaintext that came while dialling. */
  #early: Buffer | undefined;
  /** As it was dialled. */
  #targetAddress: string | undefined;
  #pump: Pump | undefined;
  /** Of its key, for as long as it has limits. */
  #limiter: KeyLimiter | undefined;

  get id(): string {
    return `tcp-${this.#number}`;
  }

  /** False while the peer is a stranger. */
  get authenticated(): boolean {
    return this.#key !== undefined;
  }

  get keyId(): string {
    return this.#key?.id ?? "";
  }

  get bytesUp(): number {
    return this.#pump?.bytesUp ?? 0;
  }

  get bytesDown(): number {
    return this.#pump?.bytesDown ?? 0;
  }

  /** To be called once, in the very turn of the accept, or of its proxy's header, which `waited` has waited for. */
  start(waited?: Stranger): void {
    this.context.connections.add(this);
    this.begin(waited);
  }

  recheckTarget(): void {
    if (this.#targetAddress !== undefined && !this.#admits(this.#targetAddress)) this.terminate("TARGET_FORBIDDEN");
  }

  /** It goes on under limits that its key did not have when it began; those that it began under are its key's for as long as there are some. */
  followLimits(limiter: KeyLimiter | undefined): void {
    if (!limiter || limiter === this.#limiter || this.phase === "over") return;
    this.#limiter?.leave(this);
    this.#limiter = limiter;
    limiter.adopt(this);
    this.#pump?.throttle(limiter);
  }

  /** Ends an authenticated session now. */
  terminate(code: ErrorCode): void {
    if (this.phase === "over") return;
    if (this.#pump) {
      this.#pump.terminate(code);
      return;
    }
    this.client.reset();
    this.#finish(code);
  }

  protected accept(accepted: AcceptedStream<AccessKey>): void {
    const { silentDrain, sessionMetrics, sessions, keys, clock } = this.context;
    const { key } = accepted;
    silentDrain.release(this);
    if (key.isPrevious) keys.noteOpened(key, clock.now());
    sessionMetrics.handshakeDone(this.#ageMs());
    this.#key = key;
    this.#target = accepted.target;
    sessions.add(this);
    if (key.limiter) this.#takePlace(accepted, key.limiter);
    else this.#dial(accepted);
  }

  #takePlace(accepted: AcceptedStream<AccessKey>, limiter: KeyLimiter): void {
    this.#limiter = limiter;
    const admission = limiter.enter(this);
    if (admission instanceof Promise) this.waitFor(admission, (refusal) => this.#placed(accepted, refusal));
    else this.#placed(accepted, admission);
  }

  #placed(accepted: AcceptedStream<AccessKey>, refusal: ErrorCode | undefined): void {
    if (this.#isOver()) return;
    // At once, as where a target cannot be reached.
    if (refusal) this.terminate(refusal);
    else this.#dial(accepted);
  }

  #dial(accepted: AcceptedStream<AccessKey>): void {
    this.phase = "dialing";
    this.#listenWhileDialing(accepted);
    if (this.#isOver()) return;
    const { settings, resolver, clock } = this.context;
    const { host, port } = accepted.target;
    const { dialTimeoutMs } = settings.config;
    this.#dialingSinceMs = clock.monotonic();
    this.#dialing = startDial({ host, port, timeoutMs: dialTimeoutMs, resolver, admit: (address) => this.#admits(address) }, (result) => {
      this.#dialOver(result.ok ? "OK" : result.code);
      this.#dialed(accepted, result);
    });
  }

  #dialOver(code: "OK" | ErrorCode): void {
    const { sessionMetrics, clock } = this.context;
    this.#dialing = undefined;
    sessionMetrics.dialOver(code, clock.monotonic() - this.#dialingSinceMs);
  }

  /** By the rules in force now, of the relay and of the key. */
  #admits(address: string): boolean {
    const { settings, keys } = this.context;
    const key = this.#key!;
    const target = this.#target!;
    const name = target.type === ATYP_DOMAIN ? target.host : undefined;
    return settings.guard.admits(address, name, (keys.key(key.id) ?? key).targets);
  }

  /**
   * While dialling, reading goes on until the first bytes, because a paused socket does not tell that the client has gone (only a reset shows
   * it: an end of stream is a half-close, and its request stands). That one read is opened and kept; everything after it stays in the kernel.
   */
  #listenWhileDialing(accepted: AcceptedStream<AccessKey>): void {
    hear(this.client, {
      onEnd: () => {},
      onData: (src, start, end) => {
        this.client.pause();
        const plain = Buffer.allocUnsafeSlow(accepted.opener.bound(end - start));
        const length = accepted.opener.push(src, start, end, plain, 0);
        if (length === FAILED) this.terminate("STREAM_CORRUPT");
        else if (length > 0) this.#early = plain.subarray(0, length);
      },
    });
    const unopened = this.unopened;
    if (!unopened) return;
    this.unopened = undefined;
    this.client.onData(unopened, 0, unopened.length);
  }

  #dialed(accepted: AcceptedStream<AccessKey>, result: DialResult): void {
    if (result.ok) {
      this.#targetAddress = result.address;
      this.#relay(accepted, result.connection);
      // The rules may be others than when it was dialled.
      this.recheckTarget();
    } else {
      // At once: a client that holds a key should try elsewhere, and only such a client can learn this.
      this.client.reset();
      this.#finish(result.code);
    }
  }

  #relay({ key, payload, opener, sealer }: AcceptedStream<AccessKey>, target: Connection): void {
    this.phase = "relaying";
    const early = this.#early;
    this.#early = undefined;
    if (payload.length > 0) target.send(payload);
    if (early) target.send(early);
    this.#pump = startPump({
      client: this.client,
      target,
      up: opener,
      down: sealer,
      plainSide: "target",
      meter: key.meter.tcp,
      carriedUp: payload.length + (early?.length ?? 0),
      idleTimeoutMs: this.context.settings.config.idleTimeoutMs,
      throttles: this.#limiter,
      onDone: (result) => this.#pumpDone(result),
    });
  }

  #pumpDone(result: PumpResult): void {
    this.#finish(result.outcome, result.bytesUp, result.bytesDown);
  }

  protected closed(): void {
    if (this.phase === "over") return;
    if (this.#key) this.#finish("RELAY_CLIENT_ERROR");
    else this.#finish(this.refusal ?? this.failHandshake("CLOSED_IN_HANDSHAKE"));
  }

  #finish(code: "OK" | ErrorCode, bytesUp = 0, bytesDown = 0): void {
    this.phase = "over";
    this.#limiter?.leave(this);
    if (this.#dialing) {
      this.#dialing.cancel();
      this.#dialOver("SESSION_TERMINATED");
    }
    const { silentDrain, sessions, connections, sessionMetrics, logger, onSessionEnd } = this.context;
    const { port, startedAtMs } = this;
    const key = this.#key;
    const durationMs = this.#ageMs();
    silentDrain.release(this);
    connections.delete(this);
    sessionMetrics.connectionOver(code, durationMs);
    logConnection(logger, { port, code, durationMs, key, bytesUp, bytesDown, client: this, target: this.#target });
    if (!key) return;
    sessions.remove(this);
    onSessionEnd?.({ sessionId: this.id, keyId: key.id, port, code, startedAtMs, durationMs, bytesUp, bytesDown });
  }

  /** A method, because the compiler takes a phase it has seen for the phase after a call. */
  #isOver(): boolean {
    return this.phase === "over";
  }

  #ageMs(): number {
    return this.context.clock.monotonic() - this.acceptedMs;
  }
}
