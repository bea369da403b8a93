import type { TargetGuard } from "@shadowfleet/relay";
import { type DatagramSocket, openDatagramSocket, type Resolution, type Resolver, unmapIpv4 } from "@shadowfleet/transport";
import { ATYP_DOMAIN, type TargetAddress } from "@shadowfleet/wire";
import type { AnswerPath } from "./answer-path.ts";
import type { Association } from "./association.ts";
import type { DropLog } from "./drop-log.ts";
import { NameQueue } from "./name-queue.ts";
import { NameRoutes } from "./name-routes.ts";
import type { PacketCounts } from "./packet-counts.ts";
import { codeOfSocketError } from "./socket-failure.ts";

export interface RequestPathOptions {
  readonly resolver: Resolver;
  /** Asked per datagram, so that a reload's guard holds at once. */
  readonly guard: () => TargetGuard;
  readonly answers: AnswerPath;
  readonly counts: PacketCounts;
  readonly drops: DropLog;
}

/** Client to target: guard, name, socket. A datagram whose target is a literal or a known name is sent before `send` returns. */
export class RequestPath {
  readonly #options: RequestPathOptions;

  constructor(options: RequestPathOptions) {
    this.#options = options;
  }

  /** Sends one payload to its target, or drops and counts it. `payload` belongs to the path from now on. */
  send(association: Association, target: TargetAddress, payload: Buffer): void {
    const refusal = association.limiter?.refuseDatagram("up", payload.length, association);
    if (refusal !== undefined) this.#options.drops.drop("up", association, refusal, target.host);
    else if (target.port === 0) this.#options.drops.drop("up", association, "BAD_ADDRESS", target.host);
    else if (target.type === ATYP_DOMAIN) this.#sendToName(association, target.host, target.port, payload);
    else this.#sendToAddress(association, unmapIpv4(target.host), target.port, payload);
  }

  /** `name` is what resolved to `host`, if the client asked by name. */
  #sendToAddress(association: Association, host: string, port: number, payload: Buffer, name?: string): void {
    if (!this.#options.guard().admits(host, name, association.key.targets)) {
      this.#options.drops.drop("up", association, "TARGET_FORBIDDEN", host);
      return;
    }
    const socket = this.#socketFor(association, host.includes(":") ? 6 : 4);
    socket?.send(payload, host, port, association, payload.length);
  }

  #sendToName(association: Association, name: string, port: number, payload: Buffer): void {
    association.nameRoutes ??= new NameRoutes();
    const known = this.#options.resolver.peek(name);
    if (known !== undefined) {
      this.#sendResolved(association, name, port, payload, known);
      return;
    }
    association.nameQueue ??= this.#queueFor(association);
    if (association.nameQueue.begin(name)) this.#lookUp(association, association.nameQueue, name);
    // A flow that has an address goes on with it while the name is looked up afresh: it would stutter with every expiry otherwise.
    const last = association.nameRoutes.last(name);
    if (last === undefined) association.nameQueue.push({ name, port, payload });
    else this.#sendToAddress(association, last.address, port, payload, name);
  }

  #sendResolved(association: Association, name: string, port: number, payload: Buffer, resolution: Resolution): void {
    const routes = association.nameRoutes;
    if (!resolution.ok) {
      routes?.forget(name);
      this.#options.drops.drop("up", association, "DNS_FAILED", name);
      return;
    }
    const address = routes?.choose(name, resolution, this.#options.guard(), association.key.targets);
    if (address === undefined) this.#options.drops.drop("up", association, "TARGET_FORBIDDEN", name);
    else this.#sendToAddress(association, unmapIpv4(address.address), port, payload, name);
  }

  #queueFor(association: Association): NameQueue {
    return new NameQueue((datagram) => this.#options.drops.drop("up", association, "DNS_FAILED", datagram.name));
  }

  #lookUp(association: Association, queue: NameQueue, name: string): void {
    const settle = (resolution: Resolution): void => {
      const ready = queue.settle(name);
      if (association.ended) return;
      for (const datagram of ready) this.#sendResolved(association, name, datagram.port, datagram.payload, resolution);
      // With nothing waiting the answer still decides where the flow goes on, or that it does not.
      if (ready.length === 0 && !resolution.ok) association.nameRoutes?.forget(name);
    };
    const failed: Resolution = { ok: false, code: "DNS_FAILED", cause: undefined };
    this.#options.resolver
      .resolve(name)
      .then(settle, () => settle(failed))
      .catch((error: unknown) => this.#options.drops.drop("up", association, "INTERNAL", name, error));
  }

  #socketFor(association: Association, family: 4 | 6): DatagramSocket<Association> | undefined {
    const open = family === 4 ? association.ipv4Socket : association.ipv6Socket;
    if (open !== undefined) return open;
    try {
      const socket = this.#openSocket(association, family);
      if (family === 4) association.ipv4Socket = socket;
      else association.ipv6Socket = socket;
      return socket;
    } catch (error) {
      // Tried again with the next datagram: descriptors come back as other associations end.
      this.#options.drops.drop("up", association, codeOfSocketError(error), `IPv${family}`);
      return undefined;
    }
  }

  #openSocket(association: Association, family: 4 | 6): DatagramSocket<Association> {
    const { answers, counts, drops } = this.#options;
    return openDatagramSocket<Association>({
      family,
      host: family === 4 ? "0.0.0.0" : "::",
      port: 0,
      ipv6Only: family === 6,
      receiveBufferBytes: 0,
      onDatagram: (datagram, host, port) => answers.send(association, datagram, host, port),
      onSent: (_owner, payloadBytes) => {
        counts.sent("up");
        association.countUp(payloadBytes);
      },
      onSendFailed: (_owner, error) => {
        const code = codeOfSocketError(error);
        if (family === 4 && code === "DIAL_NETWORK_UNREACHABLE") association.nameRoutes?.avoidIpv4();
        drops.drop("up", association, code, `IPv${family}`);
      },
      onError: (error) => drops.drop("down", association, codeOfSocketError(error), `IPv${family}`),
    });
  }
}
