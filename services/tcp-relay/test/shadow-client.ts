import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { systemEnvironment } from "@shadowfleet/runtime";
import { withDeadline } from "@shadowfleet/testkit";
import {
  addressFrom,
  type ClientStream,
  type Credential,
  createClientStream,
  deriveCredential,
  FAILED,
  type WireEnvironment,
} from "@shadowfleet/wire";

const DEADLINE_MS = 10_000;

export interface RequestOptions {
  readonly method: string;
  /** For identity headers `iPSK:uPSK`. */
  readonly secret: string;
  readonly target: { readonly host: string; readonly port: number };
  /** Sent in the same write as the request. Default: none. */
  readonly payload?: Buffer;
}

export interface ShadowClientOptions extends RequestOptions {
  readonly port: number;
  /** Local address to connect from. */
  readonly localAddress?: string;
  /** Sent in front of the request, in the same write. */
  readonly before?: Buffer;
  /** Half-close right behind the request. */
  readonly end?: boolean;
}

/** A Shadowsocks client connection to a relay, byte for byte under the test's control. */
export class ShadowClient implements Disposable {
  readonly socket: Socket;
  /** The bytes of the request as they were sent. */
  readonly request: Buffer;
  /** How the relay closed: FIN, or RST. */
  readonly closed: Promise<"fin" | "rst">;
  readonly #stream: ClientStream;
  readonly #plain: Buffer[] = [];
  #received = 0;
  #onData: () => void = () => {};

  static async open(options: ShadowClientOptions): Promise<ShadowClient> {
    const { port, localAddress } = options;
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true, ...(localAddress ? { localAddress } : {}) });
    await once(socket, "connect");
    return new ShadowClient(socket, options);
  }

  private constructor(socket: Socket, { method, secret, target, payload = Buffer.alloc(0), before, end = false }: ShadowClientOptions) {
    this.socket = socket;
    this.#stream = createClientStream(credentialOf(method, secret), systemEnvironment);
    this.closed = new Promise((resolve) => {
      socket.on("end", () => resolve("fin"));
      socket.on("error", () => resolve("rst"));
    });
    socket.on("data", (sealed: Buffer) => this.#open(sealed));
    this.request = Buffer.from(this.#stream.sealRequest(addressFrom(target.host, target.port)!, payload));
    socket.write(before ? Buffer.concat([before, this.request]) : this.request);
    if (end) socket.end();
  }

  /** Plaintext bytes from the target so far. */
  get received(): Buffer {
    return Buffer.concat(this.#plain);
  }

  write(plain: Buffer): void {
    const { sealer } = this.#stream;
    const sealed = Buffer.alloc(sealer.bound(plain.length));
    this.socket.write(sealed.subarray(0, sealer.push(plain, 0, plain.length, sealed, 0)));
  }

  end(): void {
    this.socket.end();
  }

  /** Waits for so many plaintext bytes in all. */
  async receive(bytes: number): Promise<Buffer> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onData = () => {
      if (this.#received >= bytes) resolve();
    };
    this.#onData();
    await withDeadline(promise, DEADLINE_MS, `${bytes} bytes from the relay, of which came ${this.#received}`);
    return this.received;
  }

  /** Waits until the relay closes and gives everything it sent. */
  async receiveAll(): Promise<Buffer> {
    await withDeadline(this.closed, DEADLINE_MS, "the end of the relay's stream");
    return this.received;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #open(sealed: Buffer): void {
    const { opener } = this.#stream;
    const plain = Buffer.alloc(opener.bound(sealed.length));
    const length = opener.push(sealed, 0, sealed.length, plain, 0);
    if (length === FAILED) throw new Error(`the relay's answer does not open: ${opener.failure}`);
    this.#plain.push(plain.subarray(0, length));
    this.#received += length;
    this.#onData();
  }
}

/** The opening bytes of a connection, with a fresh salt. */
export function sealedRequest(
  { method, secret, target, payload }: RequestOptions,
  environment: WireEnvironment = systemEnvironment,
): Buffer {
  const stream = createClientStream(credentialOf(method, secret), environment);
  return Buffer.from(stream.sealRequest(addressFrom(target.host, target.port)!, payload ?? Buffer.alloc(0)));
}

function credentialOf(method: string, secret: string): Credential {
  const derived = deriveCredential(method, secret);
  if (!derived.ok) throw new Error(derived.reason);
  return derived.credential;
}
