import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import {
  extendTarget,
  type LoopbackHost,
  type LoopbackOptions,
  type LoopbackTarget,
  startTcpTarget,
  type TcpTarget,
} from "./loopback-server.ts";
import { PseudoRandom, pseudoRandomSha256 } from "./pseudo-random.ts";
import { ResultQueue } from "./result-queue.ts";

const SOURCE_WRITE_LENGTH = 64 * 1024;

/** What one connection brought until the client's FIN, or until it broke. */
export interface Received {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** `fin`: the client ended its direction. `broken`: reset, or destroyed by us. */
  readonly end: "fin" | "broken";
}

export interface ReceivingTarget extends TcpTarget {
  /** Bytes of all connections so far. */
  readonly receivedBytes: number;
  /** What the next connection to end brought, in the order they end. */
  received(deadlineMs?: number): Promise<Received>;
}

/** Sends back what it gets, and FIN for FIN. */
export function startEchoTarget(options?: LoopbackOptions): Promise<TcpTarget> {
  return startTcpTarget((socket) => void socket.pipe(socket), options);
}

/** Counts and hashes what it gets and sends nothing but FIN for FIN. */
export function startSinkTarget(options?: LoopbackOptions): Promise<ReceivingTarget> {
  return startReceivingTarget((socket) => {
    socket.on("end", () => socket.end());
  }, options);
}

export interface SourceOptions extends LoopbackOptions {
  readonly bytes: number;
  /** Seed of the pseudo-random stream. Default 1. */
  readonly seed?: number;
}

/** Sends `bytes` pseudo-random bytes and FIN to whoever connects; `sha256` (hex) is what they must hash to. */
export async function startSourceTarget(options: SourceOptions): Promise<TcpTarget & { readonly sha256: string }> {
  const seed = options.seed ?? 1;
  const target = await startTcpTarget((socket) => {
    socket.resume();
    send(socket, new PseudoRandom(seed), options.bytes);
  }, options);
  return extendTarget(target, { sha256: pseudoRandomSha256(seed, options.bytes) });
}

function send(socket: Socket, stream: PseudoRandom, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    let takesMore = true;
    while (left > 0 && takesMore && socket.writable) {
      const length = Math.min(left, SOURCE_WRITE_LENGTH);
      takesMore = socket.write(stream.bytes(length));
      left -= length;
    }
    if (left === 0) socket.off("drain", more).end();
  };
  socket.on("drain", more);
  more();
}

/** Who ends its direction first. */
export type FirstFin = "client" | "target";

export interface HalfCloseOptions extends LoopbackOptions {
  readonly firstFin: FirstFin;
  /** What the target sends. Default "goodbye". */
  readonly reply?: Buffer;
}

/**
 * Half-close both ways. `client`: says nothing until it saw the client's FIN, then sends its reply and FIN. `target`: sends its reply and
 * FIN at once, then goes on receiving until the client's FIN. Either way `received` tells what came.
 */
export function startHalfCloseTarget(options: HalfCloseOptions): Promise<ReceivingTarget> {
  const reply = options.reply ?? Buffer.from("goodbye");
  return startReceivingTarget((socket) => {
    if (options.firstFin === "target") socket.end(reply);
    else socket.on("end", () => socket.end(reply));
  }, options);
}

/** Speaks first: sends `greeting` on connect, then echoes. */
export function startServerFirstTarget(greeting: Buffer, options?: LoopbackOptions): Promise<TcpTarget> {
  return startTcpTarget((socket) => {
    socket.write(greeting);
    socket.pipe(socket);
  }, options);
}

/** Accepts and never reads: the sender's window fills up and stays full. */
export function startNeverReadingTarget(options?: LoopbackOptions): Promise<TcpTarget> {
  return startTcpTarget((socket) => void socket.pause(), options);
}

/** Accepts, reads everything, and never answers, not even FIN for FIN. */
export function startBlackHoleTarget(options?: LoopbackOptions): Promise<ReceivingTarget> {
  return startReceivingTarget(() => {}, options);
}

async function startReceivingTarget(serve: (socket: Socket) => void, options?: LoopbackOptions): Promise<ReceivingTarget> {
  const results = new ResultQueue<Received>();
  let receivedBytes = 0;
  const target = await startTcpTarget((socket) => {
    const hash = createHash("sha256");
    let bytes = 0;
    const finish = (end: Received["end"]): void => {
      socket.off("end", onFin).off("close", onClose);
      results.push({ bytes, sha256: hash.digest("hex"), end });
    };
    const onFin = (): void => finish("fin");
    const onClose = (): void => finish("broken");
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      receivedBytes += chunk.length;
      hash.update(chunk);
    });
    socket.on("end", onFin).on("close", onClose);
    serve(socket);
  }, options);
  return extendTarget(target, {
    get receivedBytes() {
      return receivedBytes;
    },
    received: (deadlineMs?: number) => results.next("the end of a connection to the target", deadlineMs),
  });
}

/**
 * A port that refuses connections for as long as it is held: it is the local port of a connection of ours, so nobody else can come to
 * listen on it in the meantime.
 */
export async function holdClosedPort(host: LoopbackHost = "127.0.0.1"): Promise<LoopbackTarget> {
  const anchor = await startTcpTarget((socket) => void socket.resume(), { host });
  const holder = connect({ host, port: anchor.port });
  await once(holder, "connect");
  const close = async (): Promise<void> => {
    holder.destroy();
    await anchor.close();
  };
  return { host, port: holder.localPort as number, close, [Symbol.asyncDispose]: close };
}
