import type { ErrorCode } from "@shadowfleet/runtime";
import { type ByteMeter, type DatagramSocket, openDatagramSocket } from "@shadowfleet/transport";
import { type ClientPacketCodec, createClientPacketCodec, type TargetAddress } from "@shadowfleet/wire";
import { RECEIVE_BUFFER_BYTES, sendFailure } from "../datagram/send-outcome.ts";
import type { DatagramClient, UdpPort } from "../datagram/udp-port.ts";
import type { GatewayContext } from "../session/gateway-context.ts";
import type { Upstream } from "../upstream/upstream.ts";

export interface DatagramFlowOptions {
  readonly upstream: Upstream;
  /** The upstream's, resolved. */
  readonly address: string;
  readonly clientHost: string;
  /** 0: not announced. */
  readonly clientPort: number;
  readonly udpPort: UdpPort;
  readonly meter: ByteMeter;
  readonly context: GatewayContext;
  /** Nothing has moved for the idle timeout; the flow has ended. */
  readonly onIdle: () => void;
}

const SHORTAGES = new Set(["EMFILE", "ENFILE"]);

/** The datagrams of one client's sender, with a packet session and an upstream socket of their own. */
export class DatagramFlow implements DatagramClient {
  readonly upstreamId: string;
  readonly clientHost: string;
  clientPort: number;
  /** Payload bytes. */
  bytesUp = 0;
  bytesDown = 0;
  readonly #options: DatagramFlowOptions;
  readonly #codec: ClientPacketCodec;
  readonly #socket: DatagramSocket<undefined>;
  #movedAtMs: number;
  #started = false;
  #idleTimer: NodeJS.Timeout | undefined;

  /** Opens the socket towards the upstream; the code when there is none to be had. */
  static open(options: DatagramFlowOptions): DatagramFlow | ErrorCode {
    try {
      return new DatagramFlow(options);
    } catch (error) {
      return SHORTAGES.has((error as NodeJS.ErrnoException).code ?? "") ? "OUT_OF_DESCRIPTORS" : "DIAL_NETWORK_UNREACHABLE";
    }
  }

  private constructor(options: DatagramFlowOptions) {
    const { upstream, address, clientHost, clientPort, context } = options;
    this.#options = options;
    this.upstreamId = upstream.id;
    this.clientHost = clientHost;
    this.clientPort = clientPort;
    this.#codec = createClientPacketCodec(upstream.credential, context.environment);
    this.#socket = openDatagramSocket<undefined>({
      family: address.includes(":") ? 6 : 4,
      host: address,
      port: upstream.port,
      connects: true,
      ipv6Only: false,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      onDatagram: (datagram) => this.#receive(datagram),
      onSent: () => context.packets.count("up", "OK"),
      onSendFailed: (_owner, error) => context.packets.count("up", sendFailure(error)),
      onError: (error) => context.logger.debug({ code: "UDP_SEND_FAILED", upstream: upstream.id, err: error }, "upstream socket error"),
    });
    this.#movedAtMs = context.clock.monotonic();
  }

  /** Datagrams of the client find their way here from now on. */
  start(): void {
    const { udpPort, context } = this.#options;
    this.#started = true;
    udpPort.attach(this);
    this.#watchIdle(context.settings.config.udpIdleTimeoutMs);
  }

  /** The control connection has ended. The flow ends too, unless its sender may be another association's (see `UdpPort`). */
  leave(): void {
    if (this.#started) this.#options.udpPort.detach(this);
    else this.onDetached();
  }

  onDatagram(target: TargetAddress, payload: Buffer): void {
    const { meter, context } = this.#options;
    this.#movedAtMs = context.clock.monotonic();
    this.bytesUp += payload.length;
    meter.up += payload.length;
    this.#socket.sendToPeer(this.#codec.seal(target, payload), undefined, payload.length);
  }

  onDetached(): void {
    clearTimeout(this.#idleTimer);
    this.#socket.close();
  }

  #receive(datagram: Buffer): void {
    const { meter, context, udpPort } = this.#options;
    const answer = this.#codec.open(datagram);
    if (!answer.ok) {
      context.packets.count("down", answer.failure);
      return;
    }
    this.#movedAtMs = context.clock.monotonic();
    this.bytesDown += answer.payload.length;
    meter.down += answer.payload.length;
    udpPort.send(this, answer.source, answer.payload);
  }

  /** One timer that finds out when it fires, rather than one wound up again for every datagram. */
  #watchIdle(afterMs: number): void {
    this.#idleTimer = setTimeout(() => {
      const { context, udpPort, onIdle } = this.#options;
      const leftMs = context.settings.config.udpIdleTimeoutMs - (context.clock.monotonic() - this.#movedAtMs);
      if (leftMs > 0) {
        this.#watchIdle(leftMs);
        return;
      }
      udpPort.drop(this);
      onIdle();
    }, afterMs);
  }
}
