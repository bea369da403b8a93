import { once } from "node:events";
import { connect, type Socket } from "node:net";

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const CONTINUATION = 9;
export const END_STREAM = 1;
export const END_HEADERS = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** An HTTP/2 client that keeps no rule of its own. It answers nothing; what the server sends is in `frames`. */
export class RawHttp2 implements Disposable {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<unknown>;
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    // Not `once` of node:events, which an error before it would reject: a server that cuts may make one of a write.
    this.closed = new Promise((resolve) => socket.once("close", resolve));
  }

  /** `begun`: with preface and empty settings sent. */
  static async open(port: number, begun = true): Promise<RawHttp2> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    const client = new RawHttp2(socket);
    if (begun) client.write(PREFACE, frame(SETTINGS, 0, 0));
    return client;
  }

  write(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Code and text of the last GOAWAY; undefined where none came. */
  get goaway(): { readonly code: number; readonly text: string } | undefined {
    const last = this.frames.findLast(({ type }) => type === GOAWAY);
    return last && { code: last.payload.readUInt32BE(4), text: last.payload.subarray(8).toString() };
  }

  ofType(type: number): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const [type, flags] = [this.#rest[3]!, this.#rest[4]!];
      this.frames.push({ type, flags, stream: this.#rest.readUInt32BE(5), payload: this.#rest.subarray(9, 9 + length) });
      this.#rest = this.#rest.subarray(9 + length);
    }
  }
}

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The header block of a gRPC call: HPACK literals, nothing compressed. */
export function callHeaders(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const fields = { ":method": "POST", ":scheme": "http", ":path": path, ":authority": "test", "content-type": "application/grpc", ...more };
  const text = (value: string): Buffer => Buffer.from([value.length, ...Buffer.from(value)]);
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** A message as gRPC frames it; `length` says what its prefix claims. */
export function grpcMessage(body: Buffer, length = body.length, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}
