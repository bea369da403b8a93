import { type ErrorCode, errorEntry } from "@shadowfleet/runtime";
import { hear } from "@shadowfleet/transport";
import { addressFrom } from "@shadowfleet/wire";
import type { UdpPort } from "../datagram/udp-port.ts";
import { closeAfter, closeNow } from "../session/lingering-close.ts";
import type { Tunnel, TunnelOptions } from "../session/tunnel.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { DatagramFlow } from "./datagram-flow.ts";

function discard(): void {}

/**
 * A SOCKS5 UDP association: a control connection and the datagrams that may flow while it is open. When they have been idle for too long it
 * is the association that closes it.
 */
export class UdpAssociation implements Tunnel {
  readonly #options: TunnelOptions;
  readonly #udpPort: UdpPort | undefined;
  #flow: DatagramFlow | undefined;
  #code: "OK" | ErrorCode | undefined;

  /** `udpPort` undefined: it could not be bound. */
  constructor(options: TunnelOptions, udpPort: UdpPort | undefined) {
    this.#options = options;
    this.#udpPort = udpPort;
  }

  start(): void {
    const { client, context } = this.#options;
    const udpPort = this.#udpPort;
    client.onData = discard;
    hear(client, {
      onEnd: () => this.#end("OK"),
      onClose: (error) => {
        this.#settle(error ? "RELAY_CLIENT_ERROR" : "OK");
        this.#done();
      },
    });
    if (!udpPort) this.#refuse("BIND_FAILED");
    else if (context.sessions.count("udp") > context.settings.config.maxUdpAssociations) this.#refuse("UDP_SESSION_LIMIT");
    else {
      this.#associate(udpPort).catch((error: unknown) => {
        context.logger.error({ code: "INTERNAL", err: error }, "opening a UDP association failed unexpectedly");
        this.terminate("INTERNAL");
      });
    }
  }

  terminate(code: ErrorCode): void {
    this.#end(code);
  }

  async #associate(udpPort: UdpPort): Promise<void> {
    const outcome = await this.#reachUpstream(udpPort);
    if (this.#code !== undefined) return;
    const { client, door } = this.#options;
    const bound = addressFrom(client.localHost, udpPort.port);
    if (!this.#flow || !bound) {
      this.#refuse(outcome === "OK" ? "RELAY_CLIENT_ERROR" : outcome);
      return;
    }
    this.#flow.start();
    client.send(door.granted(bound));
  }

  /** UDP has no connecting that could fail, so the first upstream of the plan whose name resolves is taken, and nothing is reported. */
  async #reachUpstream(udpPort: UdpPort): Promise<"OK" | ErrorCode> {
    const { settings, resolver, metrics, logger } = this.#options.context;
    let outcome: "OK" | ErrorCode = "NO_UPSTREAM";
    for (const upstream of settings.picker.plan()) {
      const resolution = resolver.peek(upstream.udpHost) ?? (await resolver.resolve(upstream.udpHost));
      if (this.#code !== undefined) return this.#code;
      outcome = resolution.ok ? this.#open(upstream, resolution.addresses[0]?.address ?? "", udpPort) : resolution.code;
      metrics.add("shadowsocks.upstream.picks", 1, { upstream: upstream.id, result: outcome });
      if (outcome === "OK") return outcome;
      logger[errorEntry(outcome).level]({ code: outcome, upstream: upstream.id }, "upstream try failed");
    }
    return outcome;
  }

  #open(upstream: Upstream, address: string, udpPort: UdpPort): "OK" | ErrorCode {
    const { client, request, context } = this.#options;
    const opened = DatagramFlow.open({
      upstream,
      address,
      clientHost: client.remoteHost,
      clientPort: request.target.port,
      udpPort,
      meter: context.traffic.of(request.user).udp,
      context,
      onIdle: () => this.terminate("IDLE_TIMEOUT"),
    });
    if (typeof opened === "string") return opened;
    this.#flow = opened;
    return "OK";
  }

  #refuse(code: ErrorCode): void {
    const { client, door } = this.#options;
    this.#settle(code);
    closeAfter(client, door.failed(code), () => this.#done());
  }

  #end(code: "OK" | ErrorCode): void {
    this.#settle(code);
    closeNow(this.#options.client, "destroy", () => this.#done());
  }

  /** The first reason counts. */
  #settle(code: "OK" | ErrorCode): void {
    if (this.#code !== undefined) return;
    this.#code = code;
    this.#flow?.leave();
  }

  #done(): void {
    const { upstreamId, bytesUp, bytesDown } = this.#flow ?? { upstreamId: undefined, bytesUp: 0, bytesDown: 0 };
    this.#options.owner.tunnelDone({ code: this.#code ?? "INTERNAL", upstreamId, bytesUp, bytesDown });
  }
}
