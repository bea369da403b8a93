import { connect } from "node:net";
import { createApp as createGateway, loadGatewayConfig } from "@shadowfleet/gateway";
import { createApp as createManagement, loadManagementConfig, type ManagementApp } from "@shadowfleet/management";
import { loadRelayConfig } from "@shadowfleet/relay";
import { type App, type AppDeps, systemClock } from "@shadowfleet/runtime";
import { type FleetStore, SharedFailCounts, SqliteStore } from "@shadowfleet/store";
import { createApp as createTcpRelay } from "@shadowfleet/tcp-relay";
import {
  createMemoryLogger,
  eventually,
  freePort,
  RecordingMetrics,
  SecretFolder,
  socks5Request,
  type TcpTarget,
} from "@shadowfleet/testkit";
import { createApp as createUdpRelay } from "@shadowfleet/udp-relay";
import { pacedRequest, startPacedTarget } from "./paced-target.ts";

export const ADMIN_TOKEN = "admin-token-of-the-console-test";
export const VIEWER_TOKEN = "viewer-token-of-the-console-test";
const LOOPBACK = "127.0.0.1";
const READY_MS = 30_000;
const SOCKS_MS = 20_000;
const DRAIN_MS = 200;

export interface Download {
  /** Resolves when its connection is over, however it ended. */
  readonly ended: Promise<void>;
}

export interface ConsoleFleetOptions {
  /** Of management's configuration. */
  readonly declared?: object;
  /** Default true. */
  readonly hasRelays?: boolean;
  /** Default true: without, everybody may do everything. */
  readonly hasTokens?: boolean;
}

interface Parts {
  readonly management: ManagementApp;
  readonly store: FleetStore;
  readonly deps: AppDeps;
  readonly relayPort: number;
  readonly target: TcpTarget;
  readonly secrets: SecretFolder;
  /** The file of the members' token. */
  readonly relayToken: string;
}

/** Management with its HTTP doors, two relays and a UDP relay in this process, on one store. */
export class ConsoleFleet implements AsyncDisposable {
  readonly relayPort: number;
  readonly target: TcpTarget;
  readonly #management: ManagementApp;
  readonly #apps: App<never>[] = [];
  readonly #store: FleetStore;
  readonly #deps: AppDeps;
  readonly #membership: object;
  readonly #secrets: SecretFolder;
  readonly #failCounts: SharedFailCounts;

  private constructor(parts: Parts) {
    this.#management = parts.management;
    this.#store = parts.store;
    this.#deps = parts.deps;
    this.relayPort = parts.relayPort;
    this.target = parts.target;
    this.#failCounts = new SharedFailCounts({ store: parts.store });
    this.#secrets = parts.secrets;
    const management = { address: `${LOOPBACK}:${parts.management.address.port}`, insecure: true, tokenFile: parts.relayToken };
    this.#membership = { management, store: { type: "memory" } };
  }

  static async start({ declared = {}, hasRelays = true, hasTokens = true }: ConsoleFleetOptions = {}): Promise<ConsoleFleet> {
    const secrets = new SecretFolder();
    const relayToken = secrets.file("relay", "relay-token-of-the-console-test");
    const tokens = [
      { name: "ops", role: "admin", tokenFile: secrets.file("admin", ADMIN_TOKEN) },
      { name: "look", role: "viewer", tokenFile: secrets.file("viewer", VIEWER_TOKEN) },
      { name: "members", role: "relay", tokenFile: relayToken },
    ];
    const relayPort = await freePort();
    const store = new SqliteStore({ path: ":memory:" });
    const deps: AppDeps = { logger: createMemoryLogger().logger, metrics: new RecordingMetrics(), clock: systemClock };
    const data = {
      grpc: { port: 0, ...(hasTokens && { tokens }) },
      http: { enabled: true, port: 0 },
      publicHost: LOOPBACK,
      defaults: { port: relayPort, method: "2022-blake3-aes-256-gcm" },
      declared,
    };
    const management = createManagement(loadManagementConfig({ name: "test", data }), { ...deps, store });
    await management.start();
    const fleet = new ConsoleFleet({ management, store, deps, relayPort, target: await startPacedTarget(), secrets, relayToken });
    if (hasRelays) await fleet.#startRelays();
    return fleet;
  }

  get url(): string {
    return `http://${LOOPBACK}:${this.#management.address.httpPort}/console/`;
  }

  /** A call of the JSON door, as the console makes them. */
  async call<Response = unknown>(service: string, method: string, request: object = {}): Promise<Response> {
    const answer = await fetch(new URL(`/shadowfleet.v1.${service}/${method}`, this.url), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${ADMIN_TOKEN}` },
      body: JSON.stringify(request),
    });
    const body: unknown = await answer.json();
    if (!answer.ok) throw new Error(`${method}: ${JSON.stringify(body)}`);
    return body as Response;
  }

  /** A gateway of somebody's own, which uses this access URI; its SOCKS port. */
  async startClient(uri: string): Promise<number> {
    const port = await freePort();
    const data = { listen: { host: LOOPBACK, port }, upstreams: [uri] };
    const app = createGateway(loadGatewayConfig({ name: "client", data }), this.#deps);
    await app.start();
    this.#apps.unshift(app);
    return port;
  }

  /** A gateway of the fleet, which tries the fleet's upstreams and tells how they fail; its SOCKS port. */
  async startGateway(): Promise<number> {
    const port = await freePort();
    const data = { listen: { host: LOOPBACK, port }, fleet: { ...this.#membership, memberId: "gateway-1" }, timeouts: { dial: "2s" } };
    const app = createGateway(loadGatewayConfig({ name: "gateway", data }), { ...this.#deps, failCounts: this.#failCounts });
    await app.start();
    this.#apps.unshift(app);
    return port;
  }

  /** Downloads so many bytes a second through a SOCKS port, a tenth of which goes up. Without a total until the fleet ends it. */
  async download(socksPort: number, bytesPerSecond: number, totalBytes = Number.MAX_SAFE_INTEGER): Promise<Download> {
    const proxy = { host: LOOPBACK, port: socksPort };
    const { ok, socket } = await socks5Request({ proxy, target: { host: LOOPBACK, port: this.target.port }, deadlineMs: SOCKS_MS });
    if (!ok) throw new Error("the gateway refused");
    let received = 0;
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (received >= totalBytes) socket.destroy();
    });
    socket.write(pacedRequest(bytesPerSecond, totalBytes));
    const isEndless = totalBytes === Number.MAX_SAFE_INTEGER;
    const upload = isEndless && setInterval(() => socket.write(Buffer.alloc(Math.ceil(bytesPerSecond / 100))), 100);
    const ended = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
    return { ended: ended.then(() => void (upload && clearInterval(upload))) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await Promise.all(this.#apps.map((app) => app.drain(DRAIN_MS)));
    await this.#management.drain(DRAIN_MS);
    await this.#failCounts.close();
    await this.#store.close();
    this.#secrets[Symbol.dispose]();
  }

  async #startRelays(): Promise<void> {
    const deps = { ...this.#deps, store: this.#store };
    const config = (memberId: string, bindHost: string) => {
      const fleet = { ...this.#membership, memberId, bindHost };
      return loadRelayConfig({ name: memberId, data: { fleet, targets: { allow: ["127.0.0.0/8"] } } });
    };
    const apps: App<never>[] = [
      createTcpRelay(config("tcp-relay-1", LOOPBACK), deps),
      createTcpRelay(config("tcp-relay-2", "127.0.0.2"), deps),
      createUdpRelay(config("udp-relay-1", LOOPBACK), deps),
    ];
    for (const app of apps) await app.start();
    this.#apps.push(...apps);
    await this.call("PortService", "CreatePort", { port: { port: this.relayPort, method: "2022-blake3-aes-256-gcm" } });
    await eventually(
      "relays to be ready",
      async () => apps.every((app) => app.readiness().ready) && (await accepts(this.relayPort)),
      READY_MS,
    );
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
