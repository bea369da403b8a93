import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually, freePort, type RedisServer, runProgram } from "@shadowfleet/testkit";
import { type FleetProcess, type ServiceName, type ServiceOptions, startService } from "../fleet-process.ts";

const CLI = join(import.meta.dirname, "../../services/cli/src/main.ts");
const CLI_DEADLINE_MS = 20_000;

/** A service of a fleet under test, which can die and come back with the same configuration. */
export class Member implements AsyncDisposable {
  readonly name: ServiceName;
  /** Where it listens: of gateways and management the port, of relays the address their ports are bound on. */
  readonly host: string;
  readonly port: number;
  readonly #config: object;
  readonly #options: ServiceOptions;
  #process: FleetProcess | undefined;

  constructor(name: ServiceName, host: string, port: number, config: object, options: ServiceOptions = {}) {
    this.name = name;
    this.host = host;
    this.port = port;
    this.#config = config;
    this.#options = options;
  }

  get process(): FleetProcess {
    assert.ok(this.#process, `${this.name} was not started`);
    return this.#process;
  }

  async start(): Promise<void> {
    const flags = this.name.endsWith("relay") ? ["--allow-private-targets"] : [];
    this.#process = await startService(this.name, this.#config, flags, this.#options);
  }

  signal(name: NodeJS.Signals): void {
    this.process.program.signal(name);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.process.program.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }
}

export interface FleetOptions {
  /** `store` of every process. */
  readonly store: object;
  readonly managements?: number;
  readonly tcpRelays?: number;
  readonly udpRelays?: number;
  readonly gateways?: number;
  /** What every process of a kind has in its file besides. */
  readonly settings?: Partial<Record<ServiceName, object>>;
  /** What management declares, made from the relays' port. Without it that port is created at run time. */
  readonly declared?: (relayPort: number) => object;
  /** What members use in place of a management's port on 127.0.0.1, for example a link to it. */
  readonly linkManagement?: (port: number) => Promise<number>;
  /** How a relay's process is started, by kind and index. */
  readonly relayProcess?: (name: ServiceName, index: number) => ServiceOptions;
}

/** Separate processes on loopback, coordinated over gRPC and sharing a store. */
export class Fleet implements AsyncDisposable {
  readonly managements: readonly Member[];
  readonly tcpRelays: readonly Member[];
  readonly udpRelays: readonly Member[];
  readonly gateways: readonly Member[];
  /** The port every relay serves, each on its own loopback address. */
  readonly relayPort: number;

  private constructor(relayPort: number, members: Record<"managements" | "tcpRelays" | "udpRelays" | "gateways", Member[]>) {
    this.relayPort = relayPort;
    this.managements = members.managements;
    this.tcpRelays = members.tcpRelays;
    this.udpRelays = members.udpRelays;
    this.gateways = members.gateways;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const { store, managements = 1, tcpRelays = 1, udpRelays = 0, gateways = 0, settings = {} } = options;
    const { linkManagement = async (port) => port } = options;
    const ports = await Promise.all(Array.from({ length: managements }, () => freePort()));
    const linked = await Promise.all(ports.map(linkManagement));
    const addresses = linked.map((port) => `127.0.0.1:${port}`);
    const relayPort = await freePort();
    const declared = options.declared?.(relayPort);
    const membership = (memberId: string) => ({ management: { addresses, insecure: true }, store, memberId });
    const relay = (name: "tcp-relay" | "udp-relay", index: number): Member => {
      const bindHost = `127.0.0.${index + 1}`;
      const fleet = { ...membership(`${name}-${index + 1}`), bindHost };
      const config = { fleet, drainTimeout: "20s", ...settings[name] };
      return new Member(name, bindHost, relayPort, config, options.relayProcess?.(name, index));
    };
    const gatewayPorts = await Promise.all(Array.from({ length: gateways }, () => freePort()));
    const management = (port: number): Member => {
      const config = { grpc: { port }, store, publicHost: "127.0.0.1", defaults: { port: relayPort } };
      return new Member("management", "127.0.0.1", port, { ...config, ...(declared ? { declared } : {}), ...settings.management });
    };
    const gateway = (port: number, index: number): Member => {
      const config = { listen: { host: "127.0.0.1", port }, fleet: membership(`gateway-${index + 1}`) };
      return new Member("gateway", "127.0.0.1", port, { ...config, ...settings.gateway });
    };
    const fleet = new Fleet(relayPort, {
      managements: ports.map(management),
      tcpRelays: Array.from({ length: tcpRelays }, (_, index) => relay("tcp-relay", index)),
      udpRelays: Array.from({ length: udpRelays }, (_, index) => relay("udp-relay", index)),
      gateways: gatewayPorts.map(gateway),
    });
    try {
      for (const management of fleet.managements) await management.start();
      if (!declared) await fleet.cli("port", "create", String(relayPort)).catch(() => undefined);
      await Promise.all([...fleet.tcpRelays, ...fleet.udpRelays, ...fleet.gateways].map((member) => member.start()));
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  /** Runs the shadowfleet command against the first management; its JSON output. */
  async cli(...args: readonly string[]): Promise<unknown> {
    const server = `127.0.0.1:${this.managements[0]?.port}`;
    const command = [CLI, ...args, "--output", "json", "--server", server, "--insecure"];
    const result = await runProgram(process.execPath, command, { deadlineMs: CLI_DEADLINE_MS });
    assert.equal(result.code, 0, `shadowfleet ${args.join(" ")}: ${result.stderr}${result.stdout}`);
    const text = result.stdout.toString();
    return text.trim() === "" ? undefined : JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.gateways, ...this.tcpRelays, ...this.udpRelays].map((member) => member[Symbol.asyncDispose]()));
    await Promise.all(this.managements.map((member) => member[Symbol.asyncDispose]()));
  }
}

/** `store` for processes that share this Redis. */
export const redisStore = (redis: RedisServer): object => ({ type: "redis", url: redis.url });

/** Waits until a figure that grows has reached what is expected, then a moment longer, so that too much would show as well. */
export async function settles(what: string, read: () => Promise<number>, expected: number, deadlineMs = 15_000): Promise<number> {
  let latest = -1;
  await eventually(
    `${what} to reach ${expected}`,
    async () => {
      latest = await read().catch(() => latest);
      return latest >= expected;
    },
    deadlineMs,
  ).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  return read();
}
