import type { AccessKey, KeyLimiter, LiveSession } from "@shadowfleet/relay";
import type { ErrorCode } from "@shadowfleet/runtime";
import { type DatagramSocket, NOWHERE } from "@shadowfleet/transport";
import type { ServerPacketCodec, ServerPacketSession, TargetAddress } from "@shadowfleet/wire";
import type { NameQueue } from "./name-queue.ts";
import type { NameRoutes } from "./name-routes.ts";

/** SIP022 §3.2: a session must outlive the time its packets could be replayed in. */
const SIP022_IDLE_MIN_MS = 60_000;

/** The listening port as its associations see it. */
export interface AssociationListener {
  /** The port of the configuration. */
  readonly number: number;
  /** Sends a sealed answer that carries so many payload bytes to the client's latest address. */
  answer(association: Association, sealed: Buffer, payloadBytes: number): void;
}

export interface AssociationOptions {
  readonly id: string;
  readonly natKey: string;
  readonly listener: AssociationListener;
  readonly key: AccessKey;
  /** The codec that opened its first datagram, and seals its answers. */
  readonly codec: ServerPacketCodec<AccessKey>;
  readonly session: ServerPacketSession | undefined;
  readonly clientHost: string;
  readonly clientPort: number;
  readonly startedAtMs: number;
  /** Called exactly once, when it ends, after its sockets are closed. */
  readonly onEnd: (association: Association, code: ErrorCode) => void;
}

/** A datagram that came before its association had a place among its key's. */
export interface WaitingRequest {
  readonly target: TargetAddress;
  readonly payload: Buffer;
}

/** Where an answer came from, kept so that a steady flow is parsed once. */
interface KnownSource {
  readonly host: string;
  readonly port: number;
  readonly address: TargetAddress;
}

/**
 * One NAT entry: a client (address, or SIP022 session) of one access key on one listening port, with the unconnected sockets it reaches its
 * targets through. Anyone may answer to them (full cone, RFC 4787 endpoint-independent filtering).
 */
export class Association implements LiveSession {
  readonly id: string;
  registryPlace = NOWHERE;
  readonly natKey: string;
  readonly listener: AssociationListener;
  readonly codec: ServerPacketCodec<AccessKey>;
  readonly transport = "udp";
  readonly startedAtMs: number;
  /** Under the secret of the client's latest valid datagram. */
  key: AccessKey;
  session: ServerPacketSession | undefined;
  clientHost: string;
  clientPort: number;
  bytesUp = 0;
  bytesDown = 0;
  /** On the monotonic clock. */
  lastActiveMs = 0;
  /** Opened with the first datagram to a target of their family. */
  ipv4Socket: DatagramSocket<Association> | undefined;
  ipv6Socket: DatagramSocket<Association> | undefined;
  /** Made with the first target that is a name. */
  nameRoutes: NameRoutes | undefined;
  nameQueue: NameQueue | undefined;
  knownSource: KnownSource | undefined;
  /** Of its key, for as long as it has limits. */
  limiter: KeyLimiter | undefined;
  /** Undefined once it has its place among its key's sessions, or needs none. */
  waiting: WaitingRequest[] | undefined;
  readonly #onEnd: (association: Association, code: ErrorCode) => void;
  #noted: Set<ErrorCode> | undefined;
  #ended = false;

  constructor(options: AssociationOptions) {
    this.id = options.id;
    this.natKey = options.natKey;
    this.listener = options.listener;
    this.key = options.key;
    this.codec = options.codec;
    this.session = options.session;
    this.clientHost = options.clientHost;
    this.clientPort = options.clientPort;
    this.startedAtMs = options.startedAtMs;
    this.#onEnd = options.onEnd;
  }

  get keyId(): string {
    return this.key.id;
  }

  get port(): number {
    return this.listener.number;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** How long it may be quiet, given the configured time. */
  idleTimeoutMs(configuredMs: number): number {
    return this.session === undefined ? configuredMs : Math.max(configuredMs, SIP022_IDLE_MIN_MS);
  }

  /** SIP022 §3.2: answers follow the client to the address its latest valid datagram came from, and to the secret it was sealed with. */
  follow(key: AccessKey, session: ServerPacketSession | undefined, clientHost: string, clientPort: number): void {
    this.key = key;
    this.session = session;
    this.clientPort = clientPort;
    if (this.clientHost === clientHost) return;
    this.clientHost = clientHost;
    this.limiter?.roamed(this);
  }

  /** It goes on under limits that its key did not have when it began; those that it began under are its key's for as long as there are some. */
  followLimits(limiter: KeyLimiter | undefined): void {
    if (!limiter || limiter === this.limiter || this.#ended) return;
    this.limiter?.leave(this);
    this.limiter = limiter;
    limiter.adopt(this);
  }

  countUp(payloadBytes: number): void {
    this.bytesUp += payloadBytes;
    this.key.meter.udp.up += payloadBytes;
    this.limiter?.up.tally(payloadBytes);
  }

  countDown(payloadBytes: number): void {
    this.bytesDown += payloadBytes;
    this.key.meter.udp.down += payloadBytes;
    this.limiter?.down.tally(payloadBytes);
  }

  /** True the first time it is asked about a code. */
  noteFirst(code: ErrorCode): boolean {
    this.#noted ??= new Set();
    if (this.#noted.has(code)) return false;
    this.#noted.add(code);
    return true;
  }

  /** Ends it now: its sockets are closed, what waits for a name is dropped, the codec forgets its session. Later calls do nothing. */
  terminate(code: ErrorCode): void {
    if (this.#ended) return;
    this.#ended = true;
    this.limiter?.leave(this);
    this.ipv4Socket?.close();
    this.ipv6Socket?.close();
    this.nameQueue?.clear();
    if (this.session !== undefined) this.codec.release(this.session);
    this.#onEnd(this, code);
  }
}
