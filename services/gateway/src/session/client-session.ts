import type { ErrorCode } from "@shadowfleet/runtime";
import type { Connection } from "@shadowfleet/transport";
import { formatHostPort } from "@shadowfleet/wire";
import type { UdpPort } from "../datagram/udp-port.ts";
import { type FrontDoor, NOTHING, type ProxyRequest } from "../front/front-door.ts";
import { TcpSession } from "../tunnel/tcp-session.ts";
import { UdpAssociation } from "../tunnel/udp-association.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { HeaderWait } from "./header-wait.ts";
import { closeAfter, closeNow } from "./lingering-close.ts";
import { Reception } from "./reception.ts";
import { countSession, logSession, type SessionEnd } from "./session-end.ts";
import type { LiveSession } from "./sessions.ts";
import type { Tunnel, TunnelResult } from "./tunnel.ts";

let sessionCount = 0;

/**
 * One client connection from accept to close, counted and logged once:
 *
 *   [header wait ──>] reception ──request──> tunnel (TcpSession or UdpAssociation) ──> over
 *       └──refused──> answer, lingering close ──> over
 *
 * Where it comes from a load balancer that is trusted to say whose it is, that is waited for first, within the same deadline.
 */
export class ClientSession implements LiveSession {
  readonly id = `gateway-${++sessionCount}`;
  readonly #client: Connection;
  readonly #udpPort: () => UdpPort | undefined;
  readonly #context: GatewayContext;
  readonly #startedAtMs: number;
  readonly #acceptedMs: number;
  #reception: HeaderWait | Reception | undefined;
  #door: FrontDoor | undefined;
  #request: ProxyRequest | undefined;
  #tunnel: Tunnel | undefined;

  /** `udpPort`: the UDP port that belongs to the listener the client came to, if it is bound. */
  constructor(client: Connection, udpPort: () => UdpPort | undefined, context: GatewayContext) {
    this.#client = client;
    this.#udpPort = udpPort;
    this.#context = context;
    this.#startedAtMs = context.clock.now();
    this.#acceptedMs = context.clock.monotonic();
  }

  get transport(): "tcp" | "udp" {
    return this.#request?.command === "associate" ? "udp" : "tcp";
  }

  get requested(): boolean {
    return this.#request !== undefined;
  }

  /** Begins to read. To be called once, in the very turn of the accept. */
  start(): void {
    const { sessions, settings, receptions } = this.#context;
    sessions.add(this);
    if (settings.balancers && this.#client.remoteHost === "") {
      // Gone before it was accepted, as health checks are: whose it was cannot be told any more.
      this.#refuse("CLOSED_IN_HANDSHAKE", NOTHING, undefined);
      return;
    }
    if (!settings.balancers?.trusts(this.#client.remoteHost)) {
      this.#receive(settings.config.handshakeTimeoutMs);
      return;
    }
    this.#reception = new HeaderWait({
      client: this.#client,
      receptions,
      timeoutMs: settings.config.handshakeTimeoutMs,
      onClient: () => this.#receive(Math.max(0, settings.config.handshakeTimeoutMs - this.#ageMs())),
      onRefused: (code) => this.#refuse(code, NOTHING, undefined),
    });
  }

  #receive(timeoutMs: number): void {
    const { settings, receptions } = this.#context;
    this.#reception = new Reception({
      client: this.#client,
      users: settings.users,
      receptions,
      timeoutMs,
      onRequest: (request, door) => this.#serve(request, door),
      onRefused: (code, answer, door) => this.#refuse(code, answer, door),
    });
  }

  terminate(code: ErrorCode): void {
    if (this.#tunnel) this.#tunnel.terminate(code);
    else if (this.#reception) {
      this.#reception.cancel();
      this.#reception = undefined;
      closeNow(this.#client, "destroy", () => this.#finish({ code, upstreamId: undefined, bytesUp: 0, bytesDown: 0 }));
    } else this.#client.destroy();
  }

  #serve(request: ProxyRequest, door: FrontDoor): void {
    const { metrics } = this.#context;
    metrics.record("shadowsocks.handshake.duration.seconds", this.#ageMs() / 1000);
    this.#door = door;
    this.#request = request;
    const options = {
      client: this.#client,
      door,
      request,
      context: this.#context,
      onDone: (result: TunnelResult) => this.#finish(result),
    };
    this.#tunnel = request.command === "connect" ? new TcpSession(options) : new UdpAssociation({ ...options, udpPort: this.#udpPort() });
    this.#tunnel.start();
  }

  #refuse(code: ErrorCode, answer: Buffer, door: FrontDoor | undefined): void {
    this.#door = door;
    this.#reception = undefined;
    this.#context.metrics.add("shadowsocks.handshake.failures", 1, { "error.type": code });
    const onClosed = () => this.#finish({ code, upstreamId: undefined, bytesUp: 0, bytesDown: 0 });
    if (answer.length > 0) closeAfter(this.#client, answer, onClosed);
    else closeNow(this.#client, "destroy", onClosed);
  }

  #finish(result: TunnelResult): void {
    const { sessions, metrics, logger, onSessionEnd } = this.#context;
    const end: SessionEnd = {
      sessionId: this.id,
      protocol: this.#door?.protocol,
      transport: this.transport,
      user: this.#request?.user,
      startedAtMs: this.#startedAtMs,
      durationMs: this.#ageMs(),
      ...result,
    };
    sessions.delete(this);
    countSession(metrics, end);
    const target = this.#request?.command === "connect" ? formatHostPort(this.#request.target) : undefined;
    logSession(logger, end, { client: `${this.#client.remoteHost} ${this.#client.remotePort}`, target });
    onSessionEnd(end);
  }

  #ageMs(): number {
    return this.#context.clock.monotonic() - this.#acceptedMs;
  }
}
