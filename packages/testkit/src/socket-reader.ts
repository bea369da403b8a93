import type { Socket } from "node:net";
import { withDeadline } from "./deadline.ts";

/** The peer ended or broke the connection before the bytes that were waited for. */
export class ConnectionEndedError extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`the connection ended before ${what}`, options);
    this.name = "ConnectionEndedError";
  }
}

/**
 * Reads exactly `length` bytes off a socket nobody else listens to; what comes behind them stays in the socket for the next reader. Rejects
 * with a ConnectionEndedError, or a DeadlineError.
 */
export async function readExactly(socket: Socket, length: number, deadlineMs: number, what: string): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let cause: Error | undefined;
  const look = (): void => {
    const bytes = socket.read(length) as Buffer | null;
    if (bytes?.length === length) resolve(bytes);
    else if (socket.readableEnded || socket.destroyed) reject(new ConnectionEndedError(what, { cause }));
  };
  const onError = (error: Error): void => {
    cause = error;
  };
  socket.on("readable", look).on("end", look).on("close", look).on("error", onError);
  look();
  try {
    return await withDeadline(promise, deadlineMs, what);
  } finally {
    socket.off("readable", look).off("end", look).off("close", look).off("error", onError);
  }
}

/** Reads up to and including `mark`, byte by byte, so that nothing behind it is taken. */
export async function readThrough(socket: Socket, mark: string, deadlineMs: number, what: string): Promise<Buffer> {
  const until = performance.now() + deadlineMs;
  const bytes: Buffer[] = [];
  let text = "";
  while (!text.endsWith(mark)) {
    const byte = await readExactly(socket, 1, Math.max(1, until - performance.now()), what);
    bytes.push(byte);
    text += byte.toString("latin1");
  }
  return Buffer.concat(bytes);
}
