import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** The two loopback addresses tests bind. */
export type LoopbackHost = "127.0.0.1" | "::1";

export interface LoopbackOptions {
  /** Default 127.0.0.1. */
  readonly host?: LoopbackHost;
  /** Default 0: any free port. */
  readonly port?: number;
}

/** Something that listens until it is closed; `await using` closes it too. */
export interface LoopbackTarget extends AsyncDisposable {
  readonly host: LoopbackHost;
  readonly port: number;
  /** Resets every connection it holds. Resolves when the port is free; calling it again does no harm. */
  close(): Promise<void>;
}

export interface TcpTarget extends LoopbackTarget {
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Connections open now. */
  readonly open: number;
}

/**
 * A TCP server on loopback that hands each connection to `serve`. Half-open is allowed: `serve` decides when its own direction ends. Socket
 * errors are not thrown: a client that resets is an expected sight.
 */
export async function startTcpTarget(serve: (socket: Socket) => void, options: LoopbackOptions = {}): Promise<TcpTarget> {
  const host = options.host ?? "127.0.0.1";
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  });
  server.listen({ host, port: options.port ?? 0, ipv6Only: host === "::1" });
  await once(server, "listening");
  let closing: Promise<unknown> | undefined;
  const close = async (): Promise<void> => {
    if (!closing) {
      closing = once(server, "close");
      server.close();
      for (const socket of sockets) breakOff(socket);
      sockets.clear();
    }
    await closing;
  };
  return {
    host,
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** RST rather than FIN, which a half-open client could outlive; but libuv refuses to reset, and so to close, while a FIN is under way. */
function breakOff(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

/** The target with more on it; getters stay getters. */
export function extendTarget<T extends LoopbackTarget, E extends object>(target: T, extra: E): Omit<T, keyof E> & E {
  return Object.defineProperties(target, Object.getOwnPropertyDescriptors(extra)) as T & E;
}
