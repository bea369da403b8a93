import { type AccessKey, type KeyLimiter, openPortDatagram, type PortKeys } from "@shadowfleet/relay";
import type { ErrorCode, Logger } from "@shadowfleet/runtime";
import type { Method, OpenedRequest, ServerPacketCodec, WireFailure } from "@shadowfleet/wire";
import type { Association, AssociationListener } from "./association.ts";
import type { AssociationTable } from "./association-table.ts";
import type { DropLog } from "./drop-log.ts";
import { ListeningSocket } from "./listening-socket.ts";
import type { PacketCounts } from "./packet-counts.ts";
import type { RequestPath } from "./request-path.ts";

/** What all ports of the relay share. */
export interface PortServices {
  readonly associations: AssociationTable;
  readonly requests: RequestPath;
  readonly counts: PacketCounts;
  readonly drops: DropLog;
  readonly logger: Logger;
  readonly createCodec: (method: Method) => ServerPacketCodec<AccessKey>;
  /** Told of the key of every association that opens. */
  readonly onOpened: (key: AccessKey) => void;
  /** While true no datagram opens an association. */
  readonly isDraining: () => boolean;
}

export interface UdpPortOptions {
  readonly host: string;
  /** The port of the configuration, which may be 0. */
  readonly number: number;
  /** With other workers of a group. */
  readonly sharesPort: boolean;
  /** The keys in force, asked per datagram. Undefined: the port has left the configuration. */
  readonly keys: () => PortKeys | undefined;
  readonly services: PortServices;
}

/** Datagrams of an association that wait for its place, at most. */
const MAX_WAITING = 32;

type Codec = ServerPacketCodec<AccessKey>;

let lastSerial = 0;

/** One listening port: opens what clients send and hands it to the request path, seals and sends what the answer path brings. */
export class UdpPort implements AssociationListener {
  readonly number: number;
  readonly #options: UdpPortOptions;
  readonly #services: PortServices;
  readonly #socket: ListeningSocket<Association>;
  /** Part of every NAT key: the same client on two ports has two associations, as it has on a port that was closed and opened again. */
  readonly #serial: number;
  #method: Method | undefined;
  #codec: Codec | undefined;

  /** Binds. Throws FleetError BIND_FAILED. */
  constructor(options: UdpPortOptions) {
    const { counts, drops, logger } = options.services;
    this.number = options.number;
    this.#options = options;
    this.#services = options.services;
    lastSerial += 1;
    this.#serial = lastSerial;
    this.#socket = new ListeningSocket<Association>({
      host: options.host,
      port: options.number,
      sharesPort: options.sharesPort,
      logger,
      onDatagram: (datagram, host, port) => this.#receive(datagram, host, port),
      onSent: (association, payloadBytes) => {
        counts.sent("down");
        association.countDown(payloadBytes);
      },
      onSendFailed: (association, code) => drops.drop("down", association, code, association.clientHost),
      onError: (code) => counts.dropped("up", code),
    });
  }

  /** The port in force; differs from `number` when that is 0. */
  get boundPort(): number {
    return this.#socket.port;
  }

  answer(association: Association, sealed: Buffer, payloadBytes: number): void {
    this.#socket.send(sealed, association.clientHost, association.clientPort, association, payloadBytes);
  }

  /** Frees the port and ends its associations: without the port no answer could reach their clients. */
  close(): void {
    this.#socket.close();
    this.#services.associations.end("SESSION_TERMINATED", (association) => association.listener === this);
  }

  #receive(datagram: Buffer, host: string, port: number): void {
    try {
      this.#open(datagram, host, port);
    } catch (error) {
      // Whatever a datagram managed to trip over, it costs that datagram and not the port.
      this.#services.counts.dropped("up", "INTERNAL");
      this.#services.logger.error({ code: "INTERNAL", port: this.number, err: error }, "datagram handling failed");
    }
  }

  #open(datagram: Buffer, host: string, port: number): void {
    const keys = this.#options.keys();
    if (keys === undefined) {
      this.#services.counts.dropped("up", "AUTH_FAILED");
      return;
    }
    const codec = this.#codecFor(keys.method);
    const opened = openPortDatagram(codec, keys, host, datagram);
    if (!opened.ok) {
      this.#refuse(opened.failure, host, port);
      return;
    }
    const association = this.#associationFor(codec, opened, host, port);
    if (association === undefined) return;
    this.#services.associations.touch(association);
    if (association.waiting === undefined) this.#services.requests.send(association, opened.target, opened.payload);
    else if (association.waiting.length < MAX_WAITING) association.waiting.push({ target: opened.target, payload: opened.payload });
    else this.#services.drops.drop("up", association, "LIMITS_UNCHECKED", opened.target.host);
  }

  /** From here on it is as if the datagram had been lost on the way. */
  #refuse(code: WireFailure, host: string, port: number): void {
    const { counts, logger } = this.#services;
    counts.dropped("up", code);
    if (logger.isLevelEnabled("debug"))
      logger.debug({ code, port: this.number, client: `${host} ${port}` }, "datagram without a key dropped");
  }

  #associationFor(codec: Codec, opened: OpenedRequest<AccessKey>, clientHost: string, clientPort: number): Association | undefined {
    const { associations, isDraining, counts, onOpened } = this.#services;
    const { key, session } = opened;
    const client = session === undefined ? `${clientHost} ${clientPort}` : session.clientSessionId;
    const natKey = `${this.#serial} ${client} ${key.id}`;
    const known = associations.find(natKey);
    if (known !== undefined) {
      known.follow(key, session, clientHost, clientPort);
      return known;
    }
    const refusal = isDraining() ? "SESSION_TERMINATED" : key.limiter?.knownRefusal(clientHost);
    if (refusal !== undefined) {
      if (session !== undefined) codec.release(session);
      counts.dropped("up", refusal);
      return undefined;
    }
    onOpened(key);
    const association = associations.open({ natKey, listener: this, key, codec, session, clientHost, clientPort });
    if (key.limiter) this.#takePlace(association, key.limiter);
    return association.ended ? undefined : association;
  }

  /** What the client sends meanwhile waits, a few datagrams of it. */
  #takePlace(association: Association, limiter: KeyLimiter): void {
    association.limiter = limiter;
    const admission = limiter.enter(association);
    if (!(admission instanceof Promise)) {
      if (admission !== undefined) association.terminate(admission);
      return;
    }
    association.waiting = [];
    admission
      .then((refusal) => this.#placed(association, refusal))
      .catch((error: unknown) => {
        this.#services.logger.error({ code: "INTERNAL", port: this.number, err: error }, "asking for a session's place failed");
        association.terminate("INTERNAL");
      });
  }

  #placed(association: Association, refusal: ErrorCode | undefined): void {
    const waiting = association.waiting ?? [];
    association.waiting = undefined;
    if (association.ended) return;
    if (refusal === undefined) {
      for (const { target, payload } of waiting) this.#services.requests.send(association, target, payload);
      return;
    }
    for (const { target } of waiting) this.#services.drops.drop("up", association, refusal, target.host);
    association.terminate(refusal);
  }

  /** The codec lasts as long as the method: it holds the sessions and their replay windows, the ring brings the keys. */
  #codecFor(method: Method): Codec {
    if (this.#codec === undefined || this.#method !== method) {
      this.#codec = this.#services.createCodec(method);
      this.#method = method;
    }
    return this.#codec;
  }
}
