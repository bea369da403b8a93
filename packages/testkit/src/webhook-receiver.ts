import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** A webhook's call as it arrived. */
export interface WebhookCall {
  readonly headers: IncomingHttpHeaders;
  /** The very text that was signed. */
  readonly text: string;
  readonly body: { readonly id: string; readonly type: string; readonly subject: string; readonly time: string; readonly details: object };
}

export interface WebhookReceiverOptions {
  /** Default: any free port. */
  readonly port?: number;
  /** PEM; default: plain HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

/** Whether one of the signatures (Standard Webhooks, `v1`) is of this secret, `whsec_` and base64. */
export function isSignedWith(secret: string, { headers, text }: WebhookCall): boolean {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const wanted = createHmac("sha256", key)
    .update(`${String(id)}.${String(timestamp)}.${text}`)
    .digest("base64");
  return String(signatures).split(" ").includes(`v1,${wanted}`);
}

/** An HTTP server that takes webhooks, as well or as badly as a test wants. */
export class WebhookReceiver implements AsyncDisposable {
  /** Every call, in the order they arrived whole. */
  readonly calls: WebhookCall[] = [];
  /** How a call is answered; default 204. What answers nothing leaves the sender waiting. */
  answer: (response: ServerResponse, call: WebhookCall) => void = (response) => void response.writeHead(204).end();
  readonly #options: WebhookReceiverOptions;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(options: WebhookReceiverOptions) {
    const { tls } = options;
    const serve: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on("error", () => {});
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const call = { headers: request.headers, text, body: JSON.parse(text) as WebhookCall["body"] };
        this.calls.push(call);
        this.answer(response, call);
      });
    };
    this.#options = options;
    this.#server = tls ? createTlsServer(tls, serve) : createServer(serve);
    this.#server.on("tlsClientError", () => {});
  }

  static async start(options: WebhookReceiverOptions = {}): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(options);
    await new Promise<void>((resolve) => receiver.#server.listen(options.port ?? 0, "127.0.0.1", resolve));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#options.tls ? "https" : "http"}://127.0.0.1:${this.port}/hook`;
  }

  /** Subjects of the calls. */
  get subjects(): string[] {
    return this.calls.map(({ body }) => body.subject);
  }

  /** Breaks off what hangs. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
