import { freePort, type OtlpReceiver, type RedisServer, SecretFolder, startOtlpReceiver, startRedis } from "@shadowfleet/testkit";
import { formatAccessUri } from "@shadowfleet/wire";
import { type FleetProcess, type ServiceName, startService } from "../fleet-process.ts";
import * as planted from "./planted-secrets.ts";

const LOCALHOST = "127.0.0.1";
const SIP022 = "2022-blake3-aes-256-gcm";

/** `relay` is the declared SIP022 port, `classic` that of a relay by itself, `spare` and `added` are for what is made at run time. */
const PORTS = ["management", "http", "datagrams", "gateway", "lone", "relay", "classic", "spare", "added"] as const;
type Ports = Readonly<Record<(typeof PORTS)[number], number>>;

/** Processes of every kind whose configurations hold every kind of secret, at log level debug, traced; management asks for certificates and tokens. */
export class PlantedFleet implements AsyncDisposable {
  readonly files = new SecretFolder();
  readonly processes = new Map<string, FleetProcess>();
  readonly secrets: planted.PlantedSecret[];
  readonly ports: Ports;
  readonly redis: RedisServer;
  readonly receiver: OtlpReceiver;

  private constructor(ports: Ports, redis: RedisServer, receiver: OtlpReceiver) {
    this.ports = ports;
    this.redis = redis;
    this.receiver = receiver;
    const { files } = this;
    files.authority("ca");
    for (const name of ["management", "member"]) files.certificate(name, "ca");
    this.secrets = planted.plantedSecrets([files.read("management.key"), files.read("member.key")]);
    files.file("admin.token", planted.ADMIN_TOKEN);
    files.file("viewer.token", planted.VIEWER_TOKEN);
    files.file("relay.token", planted.RELAY_TOKEN);
    files.file("wrong.token", planted.WRONG_TOKEN);
    files.file("link.secret", planted.LINK_SECRET);
    files.file("sealing.key", planted.SEALING_KEY);
    files.file("webhook.secret", `whsec_${planted.WEBHOOK_KEY}`);
    files.file("redis.password", planted.REDIS_PASSWORD);
  }

  static async start(): Promise<PlantedFleet> {
    // What the receiver understands, and soon.
    Object.assign(process.env, { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json", OTEL_BSP_SCHEDULE_DELAY: "100" });
    const numbers = await Promise.all(PORTS.map(async (name) => [name, await freePort()] as const));
    const ports = Object.fromEntries(numbers) as Ports;
    // Plain commands in the file, so that what was written can be read there.
    const args = ["--requirepass", planted.REDIS_PASSWORD, "--aof-use-rdb-preamble", "no", "--appendfsync", "always"];
    const redis = await startRedis({ appendonly: true, args });
    const fleet = new PlantedFleet(ports, redis, await startOtlpReceiver());
    try {
      await fleet.#launch("management", "management", fleet.#management());
      await Promise.all([
        fleet.#launch("tcp-relay", "tcp-relay", fleet.#relay("tcp-relay")),
        fleet.#launch("udp-relay", "udp-relay", fleet.#relay("udp-relay")),
        fleet.#launch("classic relay", "tcp-relay", fleet.#classicRelay()),
        fleet.#launch("gateway", "gateway", fleet.#gateway()),
        fleet.#launch("lone gateway", "gateway", fleet.#loneGateway()),
      ]);
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  path(name: string): string {
    return `${this.files.path}/${name}`;
  }

  process(name: string): FleetProcess {
    const found = this.processes.get(name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  }

  /** How a client with a certificate reaches management. */
  access(token: string) {
    const tls = { caFile: this.path("ca.crt"), certFile: this.path("member.crt"), keyFile: this.path("member.key"), serverName: undefined };
    return { tls, tokenFile: this.path(`${token}.token`) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.processes.values()].map((process) => process[Symbol.asyncDispose]()));
    await this.redis.stop();
    await this.receiver[Symbol.asyncDispose]();
    this.files[Symbol.dispose]();
  }

  async #launch(name: string, service: ServiceName, config: object): Promise<void> {
    const common = { log: { level: "debug" }, telemetry: { traces: { endpoint: this.receiver.endpoint, dataPlaneSampleRatio: 1 } } };
    const flags = service === "tcp-relay" || service === "udp-relay" ? ["--allow-private-targets"] : [];
    this.processes.set(name, await startService(service, { ...common, ...config }, flags));
  }

  get #store(): object {
    return {
      type: "redis",
      url: `redis://:${planted.REDIS_PASSWORD}@${LOCALHOST}:${this.redis.port}`,
      sealingKeyFile: this.path("sealing.key"),
    };
  }

  #membership(memberId: string): object {
    const { tls, tokenFile } = this.access("relay");
    const { serverName: _none, ...files } = tls;
    return { management: { address: `${LOCALHOST}:${this.ports.management}`, tls: files, tokenFile }, store: this.#store, memberId };
  }

  #management(): object {
    const token = (role: string) => ({ name: role, role, tokenFile: this.path(`${role}.token`) });
    return {
      grpc: {
        port: this.ports.management,
        tls: { certFile: this.path("management.crt"), keyFile: this.path("management.key"), clientCaFile: this.path("ca.crt") },
        tokens: ["admin", "viewer", "relay"].map(token),
      },
      http: {
        enabled: true,
        port: this.ports.http,
        tls: { certFile: this.path("management.crt"), keyFile: this.path("management.key") },
        linkSecretFile: this.path("link.secret"),
      },
      store: this.#store,
      publicHost: LOCALHOST,
      defaults: { port: this.ports.spare },
      // Whoever listens there speaks another language.
      webhooks: [{ name: "planted", url: `http://${LOCALHOST}:${this.redis.port}`, secretFile: this.path("webhook.secret") }],
      udpManagement: { enabled: true, port: this.ports.datagrams, dialect: "libev" },
      declared: {
        ports: [{ port: this.ports.relay, host: LOCALHOST, method: SIP022, identityKey: planted.IDENTITY_KEY }],
        keys: [{ id: "declared", port: this.ports.relay, secret: planted.DECLARED_KEY }],
        upstreams: [
          {
            host: LOCALHOST,
            port: this.ports.relay,
            method: SIP022,
            secret: `${planted.IDENTITY_KEY}:${planted.DECLARED_KEY}`,
            name: "declared",
          },
        ],
      },
    };
  }

  #relay(memberId: string): object {
    return { fleet: { ...this.#membership(memberId), bindHost: LOCALHOST } };
  }

  #classicRelay(): object {
    return {
      server_port: this.ports.classic,
      password: planted.CLASSIC_PASSWORD,
      method: "chacha20-ietf-poly1305",
      port_password: { [String(this.ports.classic)]: planted.CLASSIC_PASSWORD },
    };
  }

  #gateway(): object {
    const users = [{ name: "alice", password: planted.USER_PASSWORD }];
    return { listen: { port: this.ports.gateway }, users, fleet: this.#membership("gateway") };
  }

  #loneGateway(): object {
    const login = { method: "chacha20-ietf-poly1305", host: LOCALHOST, port: this.ports.classic };
    return {
      listen: { port: this.ports.lone },
      upstreams: [
        formatAccessUri({ ...login, password: planted.CLASSIC_PASSWORD, tag: "by URI" }),
        { id: "by-parts", ...login, secret: planted.CLASSIC_PASSWORD },
      ],
    };
  }
}
