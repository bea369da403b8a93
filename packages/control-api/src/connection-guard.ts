import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { type Server, type ServerCredentials, status } from "@grpc/grpc-js";
import { neededRole } from "./access.ts";
import { Allowance, SourceAllowances } from "./allowance.ts";
import type { BrokenLimit, ServerLimits } from "./server-limits.ts";

/** Applies the limits that grpc-js has no options for to every port the server binds from now on. */
export function guardConnections(server: Server, limits: ServerLimits, onBroken: (limit: BrokenLimit) => void): void {
  // There is no other way to its HTTP/2 server.
  const inside = server as unknown as { createHttp2Server(credentials: ServerCredentials): Http2Server };
  const create = inside.createHttp2Server.bind(server);
  inside.createHttp2Server = (credentials) => {
    const http2 = create(credentials);
    new ConnectionGuard(limits, onBroken).watch(http2);
    return http2;
  };
}

class ConnectionGuard {
  readonly #limits: ServerLimits;
  readonly #onBroken: (limit: BrokenLimit) => void;
  readonly #byAddress = new Map<string, number>();
  readonly #strangers: SourceAllowances;
  #openCalls = 0;
  #openBytes = 0;

  constructor(limits: ServerLimits, onBroken: (limit: BrokenLimit) => void) {
    this.#limits = limits;
    this.#onBroken = onBroken;
    this.#strangers = new SourceAllowances(limits.strangerBurst, limits.strangerRate);
  }

  watch(http2: Http2Server): void {
    http2.maxConnections = this.#limits.maxConnections;
    http2.on("drop", () => this.#onBroken("connections"));
    http2.prependListener("connection", (socket: Socket) => this.#accept(socket));
    http2.on("session", (session) => this.#open(session));
    // Before grpc-js's own listener, which pauses the stream until somebody reads.
    http2.prependListener("stream", (stream: ServerHttp2Stream, headers) => this.#begin(stream, headers[":path"] ?? ""));
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const count = (this.#byAddress.get(address) ?? 0) + 1;
    this.#byAddress.set(address, count);
    socket.once("close", () => {
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, left);
    });
    if (count <= this.#limits.maxConnectionsPerAddress) return;
    this.#onBroken("connections");
    socket.destroy();
  }

  #open(session: Http2Session): void {
    const { openingTimeoutMs, pingBurst, pingRate } = this.#limits;
    const opening = setTimeout(() => {
      this.#onBroken("opening");
      session.destroy();
    }, openingTimeoutMs);
    const opened = (): void => clearTimeout(opening);
    session.once("remoteSettings", opened).once("close", opened);
    const pings = new Allowance(pingBurst, pingRate);
    session.on("ping", () => pings.take(performance.now()) || this.#calm(session, "pings"));
  }

  #begin(stream: ServerHttp2Stream, path: string): void {
    stream.once("finish", () => {
      // Only a call that was refused has its status in its first headers.
      if (Number(stream.sentHeaders?.["grpc-status"]) === status.UNAUTHENTICATED) this.#admitStranger(stream.session, "refusals");
      // An answered call whose client does not end it would count among the connection's calls for ever.
      const linger = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), this.#limits.lingerMs);
      stream.once("close", () => clearTimeout(linger));
    });
    if (neededRole(path) !== undefined) return;
    this.#admitStranger(stream.session, "open-calls");
    this.#meter(stream);
  }

  /** Nobody is asked for a token here, and grpc-js keeps what has come of a message until the whole of it is there. */
  #meter(stream: ServerHttp2Stream): void {
    const { openCalls, openCallBytes, openCallsBytes } = this.#limits;
    let bytes = 0;
    const check = (isWithin: boolean): void => {
      if (isWithin || stream.closed) return;
      this.#onBroken("open-calls");
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
    this.#openCalls++;
    stream.once("close", () => {
      this.#openCalls--;
      this.#openBytes -= bytes;
    });
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      this.#openBytes += chunk.length;
      check(bytes <= openCallBytes && this.#openBytes <= openCallsBytes);
    });
    check(this.#openCalls <= openCalls);
  }

  #admitStranger(session: Http2Session | undefined, limit: BrokenLimit): void {
    // The socket of a session that is gone cannot be asked.
    if (!session || session.destroyed) return;
    if (!this.#strangers.take(session.socket.remoteAddress ?? "", performance.now())) this.#calm(session, limit);
  }

  #calm(session: Http2Session, limit: BrokenLimit): void {
    if (session.destroyed) return;
    this.#onBroken(limit);
    // The text is what gRPC clients know: they ping half as often from then on.
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(limit === "pings" ? "too_many_pings" : limit));
    session.destroy(new Error(`too many ${limit}`), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }
}
