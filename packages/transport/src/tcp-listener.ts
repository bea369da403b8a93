import type { WorkerContext } from "@shadowfleet/runtime";
import { type Connection, SocketConnection } from "./connection.ts";
import { nextDescriptor, readDescriptorLimit } from "./descriptors.ts";
import {
  type BoundAddress,
  bindError,
  boundAddress,
  type ListeningServer,
  type OpenServer,
  openDualStack,
  openNativeServer,
  openServer,
  openSharedServer,
} from "./listen-socket.ts";
import type { OwnedSocket } from "./owned-socket.ts";
import { acceptSockets, bestReadMode, type ReadMode } from "./shared-read.ts";
import { systemCode } from "./system-code.ts";

export interface TcpListenerOptions {
  /** Address to bind; "::" means IPv6 and IPv4, or IPv4 alone on a machine without IPv6. */
  readonly host: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  /** Given every accepted connection, not reading yet, its handlers unset. */
  readonly onConnection: (connection: Connection) => void;
  /** Live connections of this listener above which accepting pauses until some close. */
  readonly maxConnections: number;
  /** Accepting paused (cap reached or descriptors exhausted) or resumed. The port itself never dies. */
  readonly onPauseChange: (paused: boolean, reason: string) => void;
  /** How connections are read. Default: the best there is. */
  readonly readMode?: ReadMode;
  /** The group whose workers listen on the port together. */
  readonly worker?: WorkerContext | undefined;
}

export interface TcpListener {
  /** What is bound: "0.0.0.0" when "::" was asked for without IPv6. */
  readonly host: string;
  readonly port: number;
  /** Connections accepted here and not closed yet. */
  readonly connections: number;
  /** Stops accepting and frees the port; live connections go on. */
  close(): Promise<void>;
}

/** Accepting goes on once live connections are below this share of the cap, so that it does not flap at the cap itself. */
const RESUME_SHARE = 0.9;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
const EXHAUSTED = new Set(["EMFILE", "ENFILE"]);
const MAX_RESERVED_DESCRIPTORS = 64;
const RESERVED_SHARE = 1 / 8;

/**
 * Binds and accepts. Rejects with a FleetError BIND_FAILED whose message names address and reason. `openAlone` binds; tests replace it.
 */
export async function listenTcp(options: TcpListenerOptions, openAlone: OpenServer = openerOf(options, false)): Promise<TcpListener> {
  const { worker } = options;
  return worker ? await listenBeside(options, worker) : await listen(options, openAlone);
}

function openerOf({ readMode = bestReadMode() }: TcpListenerOptions, sharesPort: boolean): OpenServer {
  if (readMode === "native") return openNativeServer(sharesPort);
  return sharesPort ? openSharedServer : openServer;
}

async function listenBeside(options: TcpListenerOptions, worker: WorkerContext): Promise<TcpListener> {
  const port = await worker.claimPort("tcp", options.host, options.port);
  return await listen({ ...options, port }, openerOf(options, true));
}

async function listen(options: TcpListenerOptions, open: OpenServer): Promise<TcpListener> {
  let server: ListeningServer;
  try {
    server = await openDualStack(open, options.host, options.port);
  } catch (error) {
    throw bindError(options.host, options.port, error);
  }
  return new PausingListener(options, open, server);
}

/**
 * From this descriptor on accepting pauses. The reserve lets what was accepted still reach its target; and beyond the limit there would be
 * nothing to react to, as libuv then accepts and closes newcomers by itself without a word.
 */
function descriptorCeiling(): number {
  const limit = readDescriptorLimit();
  return limit - Math.min(MAX_RESERVED_DESCRIPTORS, Math.ceil(limit * RESERVED_SHARE));
}

/**
 * Pausing closes the listening handle: Node cannot leave connections waiting in the kernel's queue, and a queue nobody empties would keep
 * clients hanging. While paused they are refused at once and fail over to another relay.
 */
class PausingListener implements TcpListener {
  readonly host: string;
  readonly port: number;
  connections = 0;
  readonly #options: TcpListenerOptions;
  readonly #open: OpenServer;
  readonly #resumeBelow: number;
  readonly #descriptorCeiling = descriptorCeiling();
  /** Undefined while paused. */
  #server: ListeningServer | undefined;
  #closed = false;
  #reopening = false;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(options: TcpListenerOptions, open: OpenServer, server: ListeningServer) {
    const bound: BoundAddress = boundAddress(server);
    this.host = bound.host;
    this.port = bound.port;
    this.#options = options;
    this.#open = open;
    this.#resumeBelow = Math.max(1, options.maxConnections * RESUME_SHARE);
    this.#accept(server);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    // Frees the port before it returns. Not awaited: in "events" mode Node's own 'close' waits for the live connections too.
    this.#server?.close();
    this.#server = undefined;
  }

  #accept(server: ListeningServer): void {
    this.#server = server;
    acceptSockets(server, this.#options.readMode ?? bestReadMode(), this.#onSocket, this.#onAcceptError);
  }

  readonly #onSocket = (socket: OwnedSocket): void => {
    const { maxConnections, onConnection } = this.#options;
    const { descriptor } = socket;
    const connection = new SocketConnection(socket);
    connection.onRelease = this.#onRelease;
    this.connections += 1;
    if (this.connections >= maxConnections) this.#pause(`connection cap of ${maxConnections} reached`);
    if (descriptor >= this.#descriptorCeiling) this.#pauseExhausted(`descriptor ${descriptor} of ${readDescriptorLimit()} in use`);
    else this.#retryMs = FIRST_RETRY_MS;
    onConnection(connection);
  };

  readonly #onRelease = (): void => {
    this.connections -= 1;
    if (this.#retryTimer === undefined && this.connections < this.#resumeBelow) this.#resume();
  };

  readonly #onAcceptError = (error: Error): void => {
    // Any other accept error (a peer that was gone before it was accepted, a firewall) concerns one client only.
    if (EXHAUSTED.has(systemCode(error))) this.#pauseExhausted(systemCode(error));
  };

  #pauseExhausted(detail: string): void {
    if (this.#server === undefined) return;
    this.#pause(`out of descriptors: ${detail}`);
    this.#retryLater();
  }

  #pause(reason: string): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    this.#options.onPauseChange(true, reason);
  }

  #resume(): void {
    if (this.#closed || this.#reopening || this.#server !== undefined) return;
    this.#reopening = true;
    void this.#reopen();
  }

  async #reopen(): Promise<void> {
    try {
      const server = await this.#open(this.host, this.port);
      if (this.#closed || nextDescriptor() >= this.#descriptorCeiling) {
        server.close();
        this.#retryLater();
        return;
      }
      this.#accept(server);
      this.#options.onPauseChange(false, "accepting again");
    } catch {
      // The port was taken meanwhile or descriptors are still short: the port must come back whenever that ends.
      this.#retryLater();
    } finally {
      this.#reopening = false;
    }
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      if (this.connections < this.#options.maxConnections) this.#resume();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
