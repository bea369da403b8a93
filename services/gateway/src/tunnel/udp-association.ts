import { type ErrorCode, errorEntry } from "@shadowfleet/runtime";
import type { ByteMeter } from "@shadowfleet/transport";
import { addressFrom, type ClientPacketCodec, createClientPacketCodec, type TargetAddress } from "@shadowfleet/wire";
import { DatagramSocket, type SendOutcome } from "../datagram/datagram-socket.ts";
import type { DatagramClient, UdpPort } from "../datagram/udp-port.ts";
import { NOTHING } from "../front/front-door.ts";
import { closeAfter, closeNow } from "../session/lingering-close.ts";
import type { Tunnel, TunnelOptions } from "../session/tunnel.ts";
import type { Upstream } from "../upstream/upstream.ts";

export interface UdpAssociationOptions extends TunnelOptions {
  /** Undefined: it could not be bound. */
  readonly udpPort: UdpPort | undefined;
}

/**
 * A SOCKS5 UDP association: datagrams between one client and one upstream, with a packet session of its own. It lives as long as its control
 * connection, which it ends when nothing moves for the idle timeout.
 */
export class UdpAssociation implements Tunnel, DatagramClient {
  readonly clientHost: string;
  clientPort: number;
  readonly #options: UdpAssociationOptions;
  readonly #meter: ByteMeter;
  #codec: ClientPacketCodec | undefined;
  #socket: DatagramSocket | undefined;
  #upstreamId: string | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #movedAtMs = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  #code: "OK" | ErrorCode | undefined;

  constructor(options: UdpAssociationOptions) {
    const { client, request, context } = options;
    this.#options = options;
    this.clientHost = client.remoteHost;
    this.clientPort = request.target.port;
    this.#meter = context.traffic.of(request.user).udp;
  }

  start(): void {
    const { client, context, udpPort } = this.#options;
    client.onData = () => {};
    client.onEnd = () => this.terminate("OK");
    client.onClose = (error) => {
      this.#release(error ? "RELAY_CLIENT_ERROR" : "OK");
      this.#done();
    };
    if (!udpPort) this.#refuse("BIND_FAILED");
    else if (context.sessions.count("udp") > context.settings.config.maxUdpAssociations) this.#refuse("UDP_SESSION_LIMIT");
    else {
      this.#associate(udpPort).catch((error: unknown) => {
        context.logger.error({ code: "INTERNAL", err: error }, "opening a UDP association failed unexpectedly");
        this.terminate("INTERNAL");
      });
    }
  }

  terminate(code: "OK" | ErrorCode): void {
    this.#release(code);
    closeNow(this.#options.client, "destroy", () => this.#done());
  }

  /** From the client, to be sealed for the upstream. */
  onDatagram(target: TargetAddress, payload: Buffer): void {
    if (!this.#codec || !this.#socket) return;
    this.#moved();
    this.#bytesUp += payload.length;
    this.#meter.up += payload.length;
    this.#socket.sendToPeer(this.#codec.seal(target, payload));
  }

  async #associate(udpPort: UdpPort): Promise<void> {
    const outcome = await this.#reachUpstream();
    if (this.#code !== undefined) return;
    const { client, door, context } = this.#options;
    const bound = addressFrom(client.localHost, udpPort.port);
    if (outcome !== "OK" || !bound) {
      this.#refuse(outcome === "OK" ? "RELAY_CLIENT_ERROR" : outcome);
      return;
    }
    udpPort.attach(this);
    this.#moved();
    this.#watchIdle(context.settings.config.udpIdleTimeoutMs);
    client.send(door.granted(bound));
  }

  /** UDP has no connecting that could fail, so the first upstream of the plan whose name resolves is taken, and nothing is reported. */
  async #reachUpstream(): Promise<"OK" | ErrorCode> {
    const { settings, resolver, metrics, logger } = this.#options.context;
    let outcome: "OK" | ErrorCode = "NO_UPSTREAM";
    for (const upstream of settings.picker.plan()) {
      const resolution = resolver.peek(upstream.host) ?? (await resolver.resolve(upstream.host));
      if (this.#code !== undefined) return this.#code;
      const [first] = resolution.ok ? resolution.addresses : [];
      outcome = resolution.ok ? this.#connect(upstream, first?.address ?? "") : resolution.code;
      metrics.add("shadowsocks.upstream.picks", 1, { upstream: upstream.id, result: outcome });
      if (outcome === "OK") return outcome;
      logger[errorEntry(outcome).level]({ code: outcome, upstream: upstream.id }, "upstream try failed");
    }
    return outcome;
  }

  #connect(upstream: Upstream, address: string): "OK" | ErrorCode {
    const { context } = this.#options;
    try {
      this.#socket = DatagramSocket.connect(address, upstream.port, {
        onDatagram: (datagram) => this.#receive(datagram),
        onSent: (outcome: SendOutcome) => context.packets.count("up", outcome),
        onError: (error) => context.logger.debug({ code: "UDP_SEND_FAILED", upstream: upstream.id, err: error }, "upstream socket error"),
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === "EMFILE" || code === "ENFILE" ? "OUT_OF_DESCRIPTORS" : "DIAL_NETWORK_UNREACHABLE";
    }
    this.#codec = createClientPacketCodec(upstream.credential, context.environment);
    this.#upstreamId = upstream.id;
    return "OK";
  }

  /** From the upstream, to be opened for the client. */
  #receive(datagram: Buffer): void {
    const { context, udpPort } = this.#options;
    const answer = this.#codec?.open(datagram);
    if (!answer?.ok) {
      if (answer) context.packets.count("down", answer.failure);
      return;
    }
    this.#moved();
    this.#bytesDown += answer.payload.length;
    this.#meter.down += answer.payload.length;
    udpPort?.send(this, answer.source, answer.payload);
  }

  #moved(): void {
    this.#movedAtMs = this.#options.context.clock.monotonic();
  }

  /** One timer that finds out when it fires, rather than one wound up again for every datagram. */
  #watchIdle(afterMs: number): void {
    this.#idleTimer = setTimeout(() => {
      const { settings, clock } = this.#options.context;
      const leftMs = settings.config.udpIdleTimeoutMs - (clock.monotonic() - this.#movedAtMs);
      if (leftMs > 0) this.#watchIdle(leftMs);
      else this.terminate("IDLE_TIMEOUT");
    }, afterMs);
  }

  #refuse(code: ErrorCode): void {
    const { client, door } = this.#options;
    this.#release(code);
    closeAfter(client, client.closed ? NOTHING : door.failed(code), () => this.#done());
  }

  /** Ends the datagram side; the first reason counts. */
  #release(code: "OK" | ErrorCode): void {
    this.#code ??= code;
    clearTimeout(this.#idleTimer);
    this.#options.udpPort?.detach(this);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #done(): void {
    const bytes = { bytesUp: this.#bytesUp, bytesDown: this.#bytesDown };
    this.#options.onDone({ code: this.#code ?? "INTERNAL", upstreamId: this.#upstreamId, ...bytes });
  }
}
