import { connect } from "node:net";

export interface ProbeOptions {
  readonly host: string;
  readonly port: number;
  /** Written one after the other; nothing is written when there are none. */
  readonly pieces?: readonly Buffer[];
  /** Pause between pieces, so that each is a read of its own for the peer. Default 20. */
  readonly pieceGapMs?: number;
  /** End our direction behind the last piece. Default false. */
  readonly fin?: boolean;
  /** How long to watch, from the connection on. */
  readonly deadlineMs: number;
}

/** What a prober sees from outside. */
export interface ProbeResult {
  /** Everything the peer sent. */
  readonly received: Buffer;
  /** How the peer ended the connection first: FIN, RST, or not at all before the deadline. */
  readonly close: "fin" | "rst" | "none";
  /** When, in ms since the connection stood; the deadline for `none`. */
  readonly closedAfterMs: number;
}

/** Connects, writes, watches, and leaves no socket behind. Rejects only when the connection cannot be made. */
export function probe(options: ProbeOptions): Promise<ProbeResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>();
  const received: Buffer[] = [];
  const timers: NodeJS.Timeout[] = [];
  let connectedAt = -1;
  const socket = connect({ host: options.host, port: options.port, allowHalfOpen: true, noDelay: true });
  const finish = (close: ProbeResult["close"]): void => {
    for (const timer of timers) clearTimeout(timer);
    socket.destroy();
    resolve({ received: Buffer.concat(received), close, closedAfterMs: performance.now() - connectedAt });
  };
  // One timer after the other: those of different lengths may fire in another order on a busy machine.
  const writeFrom = (index: number): void => {
    const { pieces = [], pieceGapMs = 20, fin = false } = options;
    const piece = pieces[index];
    if (piece) socket.write(piece);
    if (index + 1 < pieces.length) timers.push(setTimeout(writeFrom, pieceGapMs, index + 1));
    else if (fin) socket.end();
  };
  socket.on("connect", () => {
    connectedAt = performance.now();
    timers.push(setTimeout(finish, options.deadlineMs, "none"));
    writeFrom(0);
  });
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  socket.on("end", () => finish("fin"));
  socket.on("error", (error) => {
    // Writing to a connection that was reset fails with EPIPE when the reset came in before.
    if (connectedAt < 0) reject(error);
    else finish("rst");
  });
  return promise;
}
