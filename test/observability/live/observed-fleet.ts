import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccessKey, Upstream } from "@shadowfleet/control-api";
import {
  freePort,
  holdClosedPort,
  type LoopbackTarget,
  type RedisServer,
  runProgram,
  socks5Request,
  startRedis,
} from "@shadowfleet/testkit";
import { Api } from "../../fleet/api.ts";
import { Fleet, redisStore } from "../../fleet/fleet.ts";
import { type FleetProcess, startService } from "../../fleet-process.ts";
import type { ScrapeTarget } from "./prometheus.ts";

const CLI = join(import.meta.dirname, "../../../services/cli/src/main.ts");
/** Loopback, which the relays here may reach, but for this address. */
export const FORBIDDEN_HOST = "127.0.0.9";
const HANDSHAKE_TIMEOUT = "2s";
const UDP_SESSIONS_PER_KEY = 4;

export interface KeySecret {
  readonly method: string;
  readonly secret: string;
}

/**
 * A fleet with something to see on every panel: two managements, a third with TLS and tokens, relays that forbid a target and give up on silent
 * strangers soon, a Redis with file, limit and replica, a gateway with a dead upstream.
 */
export class ObservedFleet implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly api: Api;
  /** To the management with TLS, without a token. */
  readonly stranger: Api;
  /** Of alice, who has a key. */
  readonly key: KeySecret;
  readonly targets: readonly ScrapeTarget[];
  readonly #resources: AsyncDisposableStack;

  private constructor(parts: Omit<ObservedFleet, typeof Symbol.asyncDispose>, resources: AsyncDisposableStack) {
    this.fleet = parts.fleet;
    this.api = parts.api;
    this.stranger = parts.stranger;
    this.key = parts.key;
    this.targets = parts.targets;
    this.#resources = resources;
  }

  static async start(): Promise<ObservedFleet> {
    await using resources = new AsyncDisposableStack();
    const secrets = makeSecrets(resources);
    const redis = resources.use(await startRedis({ appendonly: true, args: ["--maxmemory", "256mb"] }));
    resources.use(await startRedis({ args: ["--replicaof", redis.host, String(redis.port)] }));
    const relaySettings = {
      targets: { deny: [FORBIDDEN_HOST] },
      timeouts: { handshake: HANDSHAKE_TIMEOUT },
      limits: { udpSessionsPerKey: UDP_SESSIONS_PER_KEY },
    };
    const fleet = resources.use(
      await Fleet.start({
        store: redisStore(redis),
        managements: 2,
        tcpRelays: 1,
        udpRelays: 1,
        gateways: 1,
        settings: { "tcp-relay": relaySettings, "udp-relay": relaySettings, gateway: { policy: "round-robin" } },
      }),
    );
    const { process: secured, stranger } = await startSecured(await secrets, redis, resources);
    const api = new Api(fleet.managements[0]!.port);
    resources.defer(() => api.close());
    const dead: LoopbackTarget = await holdClosedPort();
    resources.defer(() => dead.close());
    await askInVain(fleet.gateways[0]!);
    const key = await createKey(api);
    await createUpstream(api, { ...key, id: "relay", host: "127.0.0.1", port: fleet.relayPort });
    await createUpstream(api, { ...key, id: "dead", host: dead.host, port: dead.port });
    const targets = [
      ...fleet.managements.map(({ process }, index) => target("management", `management-${index}`, process)),
      target("management", "management-tls", secured),
      // The chart puts both relays into one pod, and the pod is the instance.
      ...[...fleet.tcpRelays, ...fleet.udpRelays].map(({ name, process }) => target(name, "relay-0", process)),
      ...fleet.gateways.map(({ process }, index) => target("gateway", `gateway-${index}`, process)),
    ];
    return new ObservedFleet({ fleet, api, stranger, key, targets }, resources.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** A request while the gateway has no upstream. */
async function askInVain(gateway: { readonly host: string; readonly port: number }): Promise<void> {
  const { ok, socket } = await socks5Request({ proxy: gateway, target: { host: "127.0.0.1", port: 1 } });
  socket.destroy();
  assert.equal(ok, false);
}

function target(name: string, instance: string, { adminPort }: FleetProcess): ScrapeTarget {
  return { job: `shadowfleet-${name}`, instance, port: adminPort };
}

async function createKey(api: Api): Promise<KeySecret> {
  const { accessKeys } = api.clients;
  const { accessKey } = await api.call(accessKeys, accessKeys.createAccessKey, {
    accessKey: AccessKey.fromPartial({ id: "alice" }),
    requestId: "",
  });
  if (!accessKey) throw new Error("no key was created");
  return { method: accessKey.method, secret: accessKey.secret };
}

async function createUpstream(api: Api, upstream: Parameters<typeof Upstream.fromPartial>[0]): Promise<void> {
  const { upstreams } = api.clients;
  const request = { upstream: Upstream.fromPartial(upstream), accessUri: "", requestId: "" };
  await api.call(upstreams, upstreams.createUpstream, request);
}

/** A folder with a certificate and tokens. */
async function makeSecrets(resources: AsyncDisposableStack): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "shadowfleet-secrets-"));
  resources.defer(() => rmSync(folder, { recursive: true, force: true }));
  const made = await runProgram(process.execPath, [CLI, "bootstrap", folder]);
  assert.equal(made.code, 0, `${made.stderr}`);
  return folder;
}

/** A management as it is outside of one machine. */
async function startSecured(
  secrets: string,
  redis: RedisServer,
  resources: AsyncDisposableStack,
): Promise<{ readonly process: FleetProcess; readonly stranger: Api }> {
  const port = await freePort();
  const secured = resources.use(
    await startService("management", {
      grpc: {
        port,
        tls: { certFile: join(secrets, "tls.crt"), keyFile: join(secrets, "tls.key") },
        tokens: [{ name: "ops", role: "admin", tokenFile: join(secrets, "admin.token") }],
      },
      store: redisStore(redis),
    }),
  );
  const tls = { caFile: join(secrets, "ca.crt"), certFile: undefined, keyFile: undefined, serverName: undefined };
  const stranger = new Api(port, { tls, tokenFile: undefined });
  resources.defer(() => stranger.close());
  return { process: secured, stranger };
}
