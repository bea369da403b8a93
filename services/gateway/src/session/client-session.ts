import { type ErrorCode, systemClock } from "@shadowfleet/runtime";
import { type Connection, type Deadlines, deadlinesAfter, type Expiring, NOWHERE, type RecencyNode } from "@shadowfleet/transport";
import type { UdpPort } from "../datagram/udp-port.ts";
import { type FrontDoor, NOTHING, type ProxyRequest } from "../front/front-door.ts";
import { TcpSession } from "../tunnel/tcp-session.ts";
import { UdpAssociation } from "../tunnel/udp-association.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { HeaderWait, type HeaderWaitOwner } from "./header-wait.ts";
import { closeAfter, closeNow } from "./lingering-close.ts";
import { Reception, type ReceptionOwner } from "./reception.ts";
import type { Place, Waiting } from "./receptions.ts";
import { logSession, type SessionEnd } from "./session-end.ts";
import type { LiveSession } from "./sessions.ts";
import type { Tunnel, TunnelOwner, TunnelResult } from "./tunnel.ts";

let sessionCount = 0;

/**
 * One client connection from accept to close, counted and logged once:
 *
 *   [header wait ──>] reception ──request──> tunnel (TcpSession or UdpAssociation) ──> over
 *       └──refused──> answer, lingering close ──> over
 *
 * Where it comes from a load balancer that is trusted to say whose it is, that is waited for first, within the same deadline.
 */
export class ClientSession implements LiveSession, Waiting, Expiring, HeaderWaitOwner, ReceptionOwner, TunnelOwner {
  readonly startedMs = systemClock.monotonic();
  readonly #number = ++sessionCount;
  livePlace = NOWHERE;
  readonly #client: Connection;
  readonly #udpPort: () => UdpPort | undefined;
  readonly #context: GatewayContext;
  readonly #acceptedMs: number;
  readonly #deadlines: Deadlines;
  #deadline: RecencyNode<Expiring> | undefined;
  #place: Place | undefined;
  #reception: HeaderWait | Reception | undefined;
  #door: FrontDoor | undefined;
  #request: ProxyRequest | undefined;
  #tunnel: Tunnel | undefined;

  /** `udpPort`: the UDP port that belongs to the listener the client came to, if it is bound. */
  constructor(client: Connection, udpPort: () => UdpPort | undefined, context: GatewayContext) {
    this.#client = client;
    this.#udpPort = udpPort;
    this.#context = context;
    this.#acceptedMs = context.clock.monotonic();
    this.#deadlines = deadlinesAfter(context.settings.config.handshakeTimeoutMs);
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
      this.requestRefused("CLOSED_IN_HANDSHAKE", NOTHING, undefined);
      return;
    }
    this.#place = receptions.enter(this);
    this.#deadline = this.#deadlines.add(this);
    if (settings.balancers?.trusts(this.#client.remoteHost)) this.#reception = new HeaderWait(this.#client, this);
    else this.clientKnown();
  }

  terminate(code: ErrorCode): void {
    if (this.#tunnel) this.#tunnel.terminate(code);
    else if (this.#reception) {
      this.#reception.cancel();
      this.#leaveReception();
      closeNow(this.#client, "destroy", () => this.tunnelDone({ code, upstreamId: undefined, bytesUp: 0, bytesDown: 0 }));
    } else this.#client.destroy();
  }

  displace(): void {
    this.#reception?.refuse("HANDSHAKE_LIMIT");
  }

  expire(): void {
    this.#reception?.refuse("HANDSHAKE_TIMEOUT");
  }

  clientKnown(): void {
    this.#reception = new Reception(this.#client, this.#context.settings.users, this);
  }

  requestReceived(request: ProxyRequest, door: FrontDoor): void {
    this.#leaveReception();
    this.#context.counts.requested(this.#ageMs());
    this.#door = door;
    this.#request = request;
    const options = { client: this.#client, door, request, context: this.#context, owner: this };
    this.#tunnel = request.command === "connect" ? new TcpSession(options) : new UdpAssociation(options, this.#udpPort());
    this.#tunnel.start();
  }

  requestRefused(code: ErrorCode, answer: Buffer, door: FrontDoor | undefined): void {
    this.#leaveReception();
    this.#door = door;
    this.#context.counts.refused(code);
    const onClosed = () => this.tunnelDone({ code, upstreamId: undefined, bytesUp: 0, bytesDown: 0 });
    if (answer.length > 0) closeAfter(this.#client, answer, onClosed);
    else closeNow(this.#client, "destroy", onClosed);
  }

  /** The end of the connection, also of one that never had a tunnel. */
  tunnelDone({ code, upstreamId, bytesUp, bytesDown }: TunnelResult): void {
    const { sessions, counts, logger, onSessionEnd } = this.#context;
    const end: SessionEnd = {
      protocol: this.#door?.protocol,
      transport: this.transport,
      user: this.#request?.user,
      upstreamId,
      code,
      durationMs: this.#ageMs(),
      bytesUp,
      bytesDown,
    };
    sessions.delete(this);
    counts.ended(end);
    logSession(logger, end, { number: this.#number, client: this.#client, request: this.#request });
    onSessionEnd(end);
  }

  #leaveReception(): void {
    this.#reception = undefined;
    if (this.#place === undefined || this.#deadline === undefined) return;
    this.#context.receptions.leave(this.#place);
    this.#deadlines.remove(this.#deadline);
    this.#place = undefined;
    this.#deadline = undefined;
  }

  #ageMs(): number {
    return this.#context.clock.monotonic() - this.#acceptedMs;
  }
}
