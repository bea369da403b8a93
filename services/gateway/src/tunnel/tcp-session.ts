import type { ErrorCode } from "@shadowfleet/runtime";
import { type Connection, hear, type Pump, type PumpResult, startPump } from "@shadowfleet/transport";
import { createClientStream } from "@shadowfleet/wire";
import { closeAfter, closeNow } from "../session/lingering-close.ts";
import type { Tunnel, TunnelOptions } from "../session/tunnel.ts";
import type { Upstream } from "../upstream/upstream.ts";
import type { Seeker, UpstreamSearch } from "../upstream/upstream-search.ts";
import { answerEarlyClose, resetOnEarlyClose } from "./early-close.ts";
import { EarlyPayload, type EarlyPayloadOwner } from "./early-payload.ts";
import { RequestBodyTransform } from "./request-body-transform.ts";
import { ResponseHeadTransform } from "./response-head-transform.ts";

/**
 * A request for a TCP stream, from complete to closed:
 *
 *   connecting ──upstream stands──> granted ──first packet sent──> relaying ──> over
 *        └──all tries failed──> answered with the reason ──> over
 *
 * The client hears of success only once an upstream connection stands. The target address travels to the upstream in one write with what the
 * client has sent by then.
 */
export class TcpSession implements Tunnel, Seeker, EarlyPayloadOwner {
  readonly #options: TunnelOptions;
  readonly #search: UpstreamSearch;
  readonly #early: EarlyPayload;
  /** What stands, the last of those tried. */
  #upstream: Upstream | undefined;
  #target: Connection | undefined;
  #granted = false;
  #body: RequestBodyTransform | undefined;
  #pump: Pump | undefined;
  /** Why it ended, when the pump cannot know. */
  #code: ErrorCode | undefined;

  constructor(options: TunnelOptions) {
    this.#options = options;
    const { client, request, context } = options;
    this.#search = context.settings.connector.search(this);
    this.#early = new EarlyPayload(client, request.payload, request.body, this);
  }

  start(): void {
    hear(this.#options.client, { onClose: () => this.#clientLeft() });
    this.#early.listen();
    this.#search.start();
  }

  terminate(code: ErrorCode): void {
    if (this.#pump) {
      this.#pump.terminate(code);
      return;
    }
    this.#giveUp(code);
    closeNow(this.#options.client, "reset", () => this.#done());
  }

  /** The client is told once, by the first upstream that stands; should that one fall before the first write, the next takes over unseen. */
  upstreamStands(upstream: Upstream, connection: Connection): void {
    const { client, door, context } = this.#options;
    this.#upstream = upstream;
    this.#target = connection;
    if (!this.#granted) {
      this.#granted = true;
      const reply = door.granted(undefined);
      if (reply.length > 0) {
        client.send(reply);
        this.#early.awaitFirst(context.settings.config.firstPayloadWaitMs);
        return;
      }
    }
    this.payloadDue();
  }

  payloadDue(): void {
    const target = this.#target!;
    try {
      if (target.closed) this.#search.fallen();
      else {
        this.#relay(this.#upstream!, target);
        this.#search.taken();
      }
    } catch (error) {
      this.searchBroke(error);
    }
  }

  searchFailed(code: ErrorCode): void {
    this.#fail(code);
  }

  searchBroke(error: unknown): void {
    this.#options.context.logger.error({ code: "INTERNAL", err: error }, "opening a tunnel failed unexpectedly");
    this.terminate("INTERNAL");
  }

  payloadMalformed(): void {
    this.#fail("HTTP_BAD_REQUEST");
  }

  #relay(upstream: Upstream, target: Connection): void {
    const { client, door, request, context } = this.#options;
    const { body } = request;
    const stream = createClientStream(upstream.credential, context.environment);
    const payload = this.#early.take();
    target.send(stream.sealRequest(request.target, payload));
    this.#body = body && new RequestBodyTransform(body, stream.sealer);
    const pump = startPump({
      client,
      target,
      up: this.#body ?? stream.sealer,
      down: body ? new ResponseHeadTransform(stream.opener) : stream.opener,
      plainSide: "client",
      meter: context.traffic.of(request.user).tcp,
      carriedUp: payload.length,
      idleTimeoutMs: context.settings.config.idleTimeoutMs,
      onDone: (result) => this.#pumpDone(result),
    });
    this.#pump = pump;
    if (!body) resetOnEarlyClose(client, target, pump);
    else {
      answerEarlyClose(client, target, pump, () => {
        this.#code = "UPSTREAM_CLOSED_EARLY";
        return door.failed("UPSTREAM_CLOSED_EARLY");
      });
    }
  }

  /** Plain HTTP was granted in silence, so its client can still be answered; a client that was told of success can only be reset. */
  #fail(code: ErrorCode): void {
    if (this.#code !== undefined) return;
    this.#giveUp(code);
    const { client, door, request } = this.#options;
    if (this.#granted && request.body === undefined) closeNow(client, "reset", () => this.#done());
    else closeAfter(client, door.failed(code), () => this.#done());
  }

  #clientLeft(): void {
    this.#giveUp("RELAY_CLIENT_ERROR");
    this.#done();
  }

  #giveUp(code: ErrorCode): void {
    this.#code ??= code;
    this.#early.stop();
    this.#search.cancel();
  }

  #pumpDone({ outcome, bytesUp, bytesDown }: PumpResult): void {
    const code = this.#code ?? (this.#body?.malformed ? "HTTP_BAD_REQUEST" : outcome);
    this.#options.owner.tunnelDone({ code, upstreamId: this.#upstream?.id, bytesUp, bytesDown });
  }

  #done(): void {
    this.#options.owner.tunnelDone({ code: this.#code ?? "INTERNAL", upstreamId: undefined, bytesUp: 0, bytesDown: 0 });
  }
}
