import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Readiness } from "./app.ts";
import { FleetError } from "./fleet-error.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

// Probes and scrapers send one small GET. Everything beyond is a mistake or a slow loris, and this port must answer while the process lives.
const MAX_HEADER_BYTES = 8 * 1024;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
const MAX_CONNECTIONS = 256;
// A client that asks and then does not read; Node takes up to twice as long to notice.
const STALLED_MS = 10_000;
const CLOSE_GRACE_MS = 1_000;

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
const PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

export interface AdminServerOptions {
  /** Tests have a shorter one. */
  readonly stalledMs?: number;
  readonly metrics: Pick<Metrics, "scrape">;
  readonly logger: Logger;
  /** Readiness of every app of the process by name; `/readyz` is 200 when there is one and all are ready. */
  readonly readiness: () => Readonly<Record<string, Readiness>> | Promise<Readonly<Record<string, Readiness>>>;
}

export interface AdminAddress {
  readonly host: string;
  /** Undefined: nobody asked for a port; the default one, or a free one where that is taken. */
  readonly port: number | undefined;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Health and metrics over HTTP: GET and HEAD of `/healthz`, `/readyz` and `/metrics`, nothing else. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;
  readonly #routes: ReadonlyMap<string, () => Answer | Promise<Answer>>;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#routes = new Map<string, () => Answer | Promise<Answer>>([
      ["/healthz", () => ({ status: 200, type: TEXT, body: "ok\n" })],
      ["/readyz", () => this.#readyz()],
      ["/metrics", async () => ({ status: 200, type: PROMETHEUS_TEXT, body: await options.metrics.scrape() })],
    ]);
    const limits = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // How often the two timeouts are looked after; the default of 30 s would make them that long.
      connectionsCheckingInterval: 1_000,
    };
    this.#server = createServer(limits, (request, response) => void this.#serve(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(options.stalledMs ?? STALLED_MS);
    // Such as a failed accept when descriptors are out; without a listener it would end the process. `#bind` reports its own.
    this.#server.on("error", (error) => {
      if (this.#server.listening) options.logger.warn({ err: error }, "the admin server could not take a connection");
    });
  }

  /** The bound port; 0 before `listen`. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Binds. Rejects with FleetError BIND_FAILED when the port that was asked for cannot be had. */
  async listen({ host, port }: AdminAddress, defaultPort = 0): Promise<void> {
    const { logger } = this.#options;
    try {
      await this.#bind(host, port ?? defaultPort);
    } catch (error) {
      if (port !== undefined || !isAddressInUse(error)) throw error;
      await this.#bind(host, 0);
      logger.warn({ host, port: this.port, defaultPort }, "the default admin port is taken, serving health and metrics on a free one");
      return;
    }
    logger.info({ host, port: this.port }, "serving health and metrics");
  }

  /** Frees the port. Idle connections are closed at once, a request in flight gets a moment to be answered. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    const cutOff = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(cutOff);
  }

  async #bind(host: string, port: number): Promise<void> {
    this.#server.listen({ host, port });
    try {
      await once(this.#server, "listening");
    } catch (error) {
      throw new FleetError("BIND_FAILED", `the admin address ${host} port ${port} cannot be bound: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.#answer(request);
    response.writeHead(status, {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(status === 405 ? { allow: "GET, HEAD" } : {}),
      ...(this.#server.listening ? {} : { connection: "close" }),
    });
    response.end(body);
  }

  async #answer({ method, url = "" }: IncomingMessage): Promise<Answer> {
    const route = this.#routes.get(url.replace(/\?.*$/s, ""));
    if (!route) return { status: 404, type: TEXT, body: "not found: there is /healthz, /readyz and /metrics\n" };
    if (method !== "GET" && method !== "HEAD") return { status: 405, type: TEXT, body: "GET and HEAD only\n" };
    try {
      return await route();
    } catch (error) {
      this.#options.logger.error({ code: "INTERNAL", err: error, url }, "an admin request failed");
      return { status: 500, type: TEXT, body: "INTERNAL: see the log\n" };
    }
  }

  async #readyz(): Promise<Answer> {
    const apps = await this.#options.readiness();
    const states = Object.values(apps);
    const ready = states.length > 0 && states.every((state) => state.ready);
    return { status: ready ? 200 : 503, type: JSON_TYPE, body: `${JSON.stringify({ ready, apps })}\n` };
  }
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof FleetError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
}
