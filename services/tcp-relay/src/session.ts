import type { AccessKey, KeyLimiter, LiveSession } from "@shadowfleet/relay";
import type { ErrorCode } from "@shadowfleet/runtime";
import { type Connection, type DialResult, dial, type Pump, type PumpResult, startPump } from "@shadowfleet/transport";
import { type AcceptedStream, ATYP_DOMAIN, FAILED, formatHostPort, type ServerHandshake } from "@shadowfleet/wire";
import type { RelayContext } from "./relay-context.ts";
import { countConnection, errorType, logConnection } from "./session-end.ts";
import type { Expiry, Stranger } from "./silent-drain.ts";

type Phase = "handshake" | "claiming" | "discarding" | "dialing" | "relaying" | "over";

let sessionCount = 0;

/**
 * One client connection from accept to its end:
 *
 *   handshake ──accepted──> [claiming ──>] dialing ──connected──> relaying ──> over
 *       └──refused──> discarding <──┘ ──peer closes or deadline──> over
 *
 * Each step is one method below. Where relays share a replay filter, a stream that this relay's own lets in waits for that one's word, and may be a
 * stranger's until then. A session registers with its key when it is accepted, and then waits for a place where the key's sessions are limited.
 */
export class Session implements LiveSession {
  readonly id: string;
  readonly port: number;
  readonly transport = "tcp";
  readonly startedAtMs: number;
  readonly #client: Connection;
  readonly #context: RelayContext;
  readonly #acceptedMs: number;
  #phase: Phase = "handshake";
  #handshake: ServerHandshake<AccessKey> | undefined;
  /** Why the handshake was refused, while what follows is discarded. */
  #refusal: ErrorCode | undefined;
  #accepted: AcceptedStream<AccessKey> | undefined;
  #dialing: AbortController | undefined;
  /** What came while the shared replay filter was asked, as it came. */
  #unopened: Buffer | undefined;
  /** Plaintext not sent to the target yet: what came with the handshake, and what came while dialling. */
  #carried: Buffer[] = [];
  /** As it was dialled. */
  #targetAddress: string | undefined;
  #pump: Pump | undefined;
  /** Of its key, for as long as it has limits. */
  #limiter: KeyLimiter | undefined;

  constructor(client: Connection, port: number, handshake: ServerHandshake<AccessKey>, context: RelayContext) {
    this.id = `tcp-${++sessionCount}`;
    this.port = port;
    this.startedAtMs = context.clock.now();
    this.#client = client;
    this.#handshake = handshake;
    this.#context = context;
    this.#acceptedMs = context.clock.monotonic();
  }

  /** False while the peer is a stranger. */
  get authenticated(): boolean {
    return this.#accepted !== undefined;
  }

  get keyId(): string {
    return this.#accepted?.key.id ?? "";
  }

  get clientHost(): string {
    return this.#client.remoteHost;
  }

  get clientPort(): number {
    return this.#client.remotePort;
  }

  get bytesUp(): number {
    return this.#pump?.bytesUp ?? 0;
  }

  get bytesDown(): number {
    return this.#pump?.bytesDown ?? 0;
  }

  /** Begins to read. To be called once, in the very turn of the accept, or of its proxy's header, which `waited` has waited for. */
  start(waited?: Stranger): void {
    const client = this.#client;
    client.onData = (src, start, end) => this.#readHandshake(src, start, end);
    client.onEnd = () => client.destroy();
    client.onClose = () => this.#clientClosed();
    this.#context.connections.add(this);
    this.#context.silentDrain.watch(this, waited);
    client.resume();
  }

  /** A stranger's time is up: the same close for a refused and for an incomplete handshake. */
  expire(reason: Expiry): void {
    this.#refusal ??= this.#failHandshake(reason);
    if (this.#phase !== "claiming") {
      this.#client.destroy();
      return;
    }
    // What waits in the kernel would make the close a reset: it is read first, in the turn that begins.
    this.#discard();
    setImmediate(() => this.#client.destroy());
  }

  recheckTarget(): void {
    if (this.#accepted && this.#targetAddress !== undefined && !this.#admits(this.#accepted, this.#targetAddress))
      this.terminate("TARGET_FORBIDDEN");
  }

  /** It goes on under limits that its key did not have when it began; those that it began under are its key's for as long as there are some. */
  followLimits(limiter: KeyLimiter | undefined): void {
    if (!limiter || limiter === this.#limiter || this.#phase === "over") return;
    this.#limiter?.leave(this);
    this.#limiter = limiter;
    limiter.adopt(this);
    this.#pump?.throttle(limiter);
  }

  /** Ends an authenticated session now. */
  terminate(code: ErrorCode): void {
    if (this.#phase === "over") return;
    if (this.#pump) {
      this.#pump.terminate(code);
      return;
    }
    this.#client.reset();
    this.#finish(code);
  }

  #readHandshake(src: Buffer, start: number, end: number): void {
    const outcome = this.#handshake?.push(src, start, end);
    if (!outcome) return;
    this.#handshake = undefined;
    if (!outcome.ok) this.#refuse(outcome.failure);
    // The ring is that of the accept: a key that was taken away since then must not come in by a slow handshake.
    else if (!this.#context.keys.isInForce(outcome.key)) this.#refuse("AUTH_FAILED");
    else this.#admit(outcome);
  }

  #refuse(code: ErrorCode): void {
    this.#refusal = this.#failHandshake(code);
    this.#discard();
  }

  #discard(): void {
    this.#phase = "discarding";
    this.#unopened = undefined;
    this.#context.silentDrain.discard(this.#client);
  }

  #admit(accepted: AcceptedStream<AccessKey>): void {
    const verdict = this.#context.sharedReplay.check(accepted);
    if (!verdict) {
      this.#accept(accepted);
      return;
    }
    this.#waitFor(verdict, (refusal) => this.#judged(accepted, refusal));
  }

  /** What comes meanwhile is kept: one read, the rest stays in the kernel. */
  #waitFor(verdict: Promise<ErrorCode | undefined>, judge: (refusal: ErrorCode | undefined) => void): void {
    this.#phase = "claiming";
    const client = this.#client;
    // A client's half-close or a stranger's end: the verdict tells.
    client.onEnd = () => {};
    client.onData = (src, start, end) => {
      client.pause();
      this.#unopened = Buffer.from(src.subarray(start, end));
    };
    verdict.then(judge).catch((error: unknown) => {
      this.#context.logger.error({ code: "INTERNAL", err: error }, "a check before dialling failed unexpectedly");
      client.destroy();
    });
  }

  #judged(accepted: AcceptedStream<AccessKey>, refusal: ErrorCode | undefined): void {
    if (this.#phase !== "claiming") return;
    if (refusal) this.#refuse(refusal);
    // The same as after a slow handshake.
    else if (!this.#context.keys.isInForce(accepted.key)) this.#refuse("AUTH_FAILED");
    else this.#accept(accepted);
  }

  #failHandshake(code: ErrorCode): ErrorCode {
    this.#context.metrics.add("shadowsocks.handshake.failures", 1, errorType(code));
    return code;
  }

  #accept(accepted: AcceptedStream<AccessKey>): void {
    const { silentDrain, metrics, sessions, keys, clock } = this.#context;
    silentDrain.release(this);
    keys.noteOpened(accepted.key, clock.now());
    metrics.record("shadowsocks.handshake.duration.seconds", this.#ageMs() / 1000);
    this.#accepted = accepted;
    if (accepted.payload.length > 0) this.#carried.push(accepted.payload);
    sessions.add(this);
    const { limiter } = accepted.key;
    if (limiter) this.#takePlace(accepted, limiter);
    else this.#dial(accepted);
  }

  #takePlace(accepted: AcceptedStream<AccessKey>, limiter: KeyLimiter): void {
    this.#limiter = limiter;
    const admission = limiter.enter(this);
    if (admission instanceof Promise) this.#waitFor(admission, (refusal) => this.#placed(accepted, refusal));
    else this.#placed(accepted, admission);
  }

  #placed(accepted: AcceptedStream<AccessKey>, refusal: ErrorCode | undefined): void {
    if (this.#isOver()) return;
    // At once, as where a target cannot be reached.
    if (refusal) this.terminate(refusal);
    else this.#dial(accepted);
  }

  #dial(accepted: AcceptedStream<AccessKey>): void {
    this.#reachTarget(accepted).catch((error: unknown) => {
      this.#context.logger.error({ code: "INTERNAL", err: error }, "reaching a target failed unexpectedly");
      this.terminate("INTERNAL");
    });
  }

  async #reachTarget(accepted: AcceptedStream<AccessKey>): Promise<void> {
    this.#phase = "dialing";
    this.#listenWhileDialing(accepted);
    if (this.#isOver()) return;
    const { settings, resolver, metrics, clock } = this.#context;
    this.#dialing = new AbortController();
    const startedMs = clock.monotonic();
    const result = await dial({
      host: accepted.target.host,
      port: accepted.target.port,
      timeoutMs: settings.config.dialTimeoutMs,
      resolver,
      admit: (address) => this.#admits(accepted, address),
      signal: this.#dialing.signal,
    });
    this.#dialing = undefined;
    const code = result.ok ? "OK" : result.code;
    metrics.record("shadowsocks.dial.duration.seconds", (clock.monotonic() - startedMs) / 1000, errorType(code));
    this.#dialed(accepted, result);
  }

  /** By the rules in force now, of the relay and of the key. */
  #admits({ key, target }: AcceptedStream<AccessKey>, address: string): boolean {
    const { settings, keys } = this.#context;
    const name = target.type === ATYP_DOMAIN ? target.host : undefined;
    return settings.guard.admits(address, name, (keys.key(key.id) ?? key).targets);
  }

  /**
   * While dialling, reading goes on until the first bytes, because a paused socket does not tell that the client has gone (only a reset shows
   * it: an end of stream is a half-close, and its request stands). That one read is opened and kept; everything after it stays in the kernel.
   */
  #listenWhileDialing(accepted: AcceptedStream<AccessKey>): void {
    this.#client.onEnd = () => {};
    this.#client.onData = (src, start, end) => {
      this.#client.pause();
      const plain = Buffer.allocUnsafeSlow(accepted.opener.bound(end - start));
      const length = accepted.opener.push(src, start, end, plain, 0);
      if (length === FAILED) this.terminate("STREAM_CORRUPT");
      else if (length > 0) this.#carried.push(plain.subarray(0, length));
    };
    const unopened = this.#unopened;
    if (!unopened) return;
    this.#unopened = undefined;
    this.#client.onData(unopened, 0, unopened.length);
  }

  #dialed(accepted: AcceptedStream<AccessKey>, result: DialResult): void {
    if (this.#phase === "over") {
      if (result.ok) result.connection.destroy();
    } else if (result.ok) {
      this.#targetAddress = result.address;
      this.#relay(accepted, result.connection);
      // The rules may be others than when it was dialled.
      this.recheckTarget();
    } else {
      // At once: a client that holds a key should try elsewhere, and only such a client can learn this.
      this.#client.reset();
      this.#finish(result.code);
    }
  }

  #relay(accepted: AcceptedStream<AccessKey>, target: Connection): void {
    this.#phase = "relaying";
    let carriedUp = 0;
    for (const payload of this.#carried) {
      carriedUp += payload.length;
      target.send(payload);
    }
    this.#carried = [];
    this.#pump = startPump({
      client: this.#client,
      target,
      up: accepted.opener,
      down: accepted.sealer,
      plainSide: "target",
      meter: accepted.key.meter.tcp,
      carriedUp,
      idleTimeoutMs: this.#context.settings.config.idleTimeoutMs,
      throttles: this.#limiter,
      onDone: (result) => this.#pumpDone(result),
    });
  }

  #pumpDone(result: PumpResult): void {
    this.#finish(result.outcome, result.bytesUp, result.bytesDown);
  }

  #clientClosed(): void {
    if (this.#phase === "over") return;
    if (this.#accepted) this.#finish("RELAY_CLIENT_ERROR");
    else this.#finish(this.#refusal ?? this.#failHandshake("CLOSED_IN_HANDSHAKE"));
  }

  #finish(code: "OK" | ErrorCode, bytesUp = 0, bytesDown = 0): void {
    this.#phase = "over";
    this.#limiter?.leave(this);
    // A reason of our own: without one Node makes an exception with a stack, which costs more than the rest of this method.
    this.#dialing?.abort(code);
    const { silentDrain, sessions, connections, metrics, logger, onSessionEnd } = this.#context;
    const { id, port, startedAtMs } = this;
    const key = this.#accepted?.key;
    const durationMs = this.#ageMs();
    const target = this.#accepted && formatHostPort(this.#accepted.target);
    const client = `${this.clientHost} ${this.clientPort}`;
    const end = { port, code, durationMs, key, bytesUp, bytesDown, client, target };
    silentDrain.release(this);
    connections.delete(this);
    countConnection(metrics, end);
    logConnection(logger, end);
    if (key) {
      sessions.remove(this);
      onSessionEnd({ sessionId: id, keyId: key.id, port, code, startedAtMs, durationMs, bytesUp, bytesDown });
    }
  }

  /** A method, because the compiler takes a phase it has seen for the phase after a call. */
  #isOver(): boolean {
    return this.#phase === "over";
  }

  #ageMs(): number {
    return this.#context.clock.monotonic() - this.#acceptedMs;
  }
}
