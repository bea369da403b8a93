import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import {
  AccessKey,
  AccessKeyServiceService,
  ConfigServiceService,
  EventServiceService,
  FleetServiceService,
  PortServiceService,
  SessionServiceService,
  TrafficServiceService,
  UpstreamServiceService,
  WatchTrafficRequest,
} from "@shadowfleet/control-api";
import { SecretFolder, withDeadline } from "@shadowfleet/testkit";
import {
  call,
  type FleetClients,
  failureOf,
  type ManagementFixture,
  managementConfig,
  member,
  startManagement,
} from "./management-fixture.ts";

const TOKENS = { admin: "admin-token-0123456789", viewer: "viewer-token-0123456789", relay: "relay-token-0123456789" };
type Role = keyof typeof TOKENS;

const SERVICES = {
  keys: AccessKeyServiceService,
  ports: PortServiceService,
  upstreams: UpstreamServiceService,
  traffic: TrafficServiceService,
  sessions: SessionServiceService,
  fleet: FleetServiceService,
  config: ConfigServiceService,
  events: EventServiceService,
} as const;

/** Spelled out: who may call what is a decision, not a pattern. */
const VIEWER_MAY = new Set([
  ...["getAccessKey", "listAccessKeys", "getPort", "listPorts", "getUpstream", "listUpstreams", "explainPick", "getTraffic", "listTraffic"],
  ...["watchTraffic", "listTrafficBuckets", "exportTraffic", "listSessions", "watchSessions", "getFleet"],
  ...["listEvents", "watchEvents"],
]);

function mayCall(role: Role, service: string, method: string): boolean {
  if (service === "config") return role === "relay";
  return role === "admin" || (role === "viewer" && VIEWER_MAY.has(method));
}

/** The status name of a call with an empty request: the role is judged before the request is looked at. */
async function statusOf(clients: FleetClients, service: keyof typeof SERVICES, method: string, isStream: boolean): Promise<string> {
  const client = clients[service];
  if (!isStream)
    return call(client as object, method as never, {} as never).then(
      () => "OK",
      async (error: unknown) => (await failureOf(Promise.reject(error))).status,
    );
  const open = (client as unknown as Record<string, (request: object) => NodeJS.EventEmitter & { cancel(): void }>)[method]!;
  const stream = open.call(client, {
    accessKeyId: "",
    interval: undefined,
    member: member("relay-1"),
    knownRevision: 0n,
    knownGeneration: "",
    types: [],
  });
  return new Promise((resolve) => {
    stream.on("data", () => {
      resolve("OK");
      stream.cancel();
    });
    stream.on("error", ({ code }: { code?: number }) =>
      resolve({ 7: "PERMISSION_DENIED", 16: "UNAUTHENTICATED" }[code ?? 0] ?? String(code)),
    );
  });
}

describe("roles", () => {
  const secrets = new SecretFolder();
  let fleet: ManagementFixture;
  before(async () => {
    const tokens = (Object.keys(TOKENS) as Role[]).map((role) => ({
      name: `the ${role}`,
      role,
      tokenFile: secrets.file(role, `  ${TOKENS[role]}\n`),
    }));
    fleet = await startManagement({ config: { grpc: { port: 0, tokens } } });
  });
  after(async () => {
    await fleet[Symbol.asyncDispose]();
    secrets[Symbol.dispose]();
  });

  for (const [service, { methods }] of Object.entries(SERVICES).map(([name, definition]) => [name, { methods: definition }] as const)) {
    for (const [method, { path, responseStream }] of Object.entries(methods)) {
      it(`decide about ${path.slice(1)}`, async () => {
        const name = service as keyof typeof SERVICES;
        for (const role of Object.keys(TOKENS) as Role[]) {
          const status = await statusOf(fleet.clientsWith({ token: TOKENS[role] }), name, method, responseStream);
          if (mayCall(role, service, method)) assert.ok(!["PERMISSION_DENIED", "UNAUTHENTICATED"].includes(status), `${role}: ${status}`);
          else assert.equal(status, "PERMISSION_DENIED", role);
        }
        assert.equal(await statusOf(fleet.clients, name, method, responseStream), "UNAUTHENTICATED", "no token");
        assert.equal(
          await statusOf(fleet.clientsWith({ token: "wrong-token-0123456789" }), name, method, responseStream),
          "UNAUTHENTICATED",
          "a wrong token",
        );
      });
    }
  }

  it("say in the error what is needed and held, and log who was refused, but no token", async () => {
    const failure = await failureOf(call(fleet.clientsWith({ token: TOKENS.viewer }).keys, "createAccessKey", {}));
    assert.deepEqual([failure.code, failure.status], ["NOT_PERMITTED", "PERMISSION_DENIED"]);
    assert.match(failure.message, /AccessKeyService\/CreateAccessKey needs the role admin; this token has the role viewer/);
    const { accessKey } = await call(fleet.clientsWith({ token: TOKENS.admin }).keys, "createAccessKey", {});
    assert.ok(fleet.log.lines.some((line) => line.code === "NOT_AUTHENTICATED" && line.level === "debug"));
    const served = fleet.log.lines.findLast(({ msg }) => msg === "call served");
    assert.deepEqual([served?.caller, served?.method], ["the admin", "shadowfleet.v1.AccessKeyService/CreateAccessKey"]);
    for (const secret of [...Object.values(TOKENS), accessKey!.secret]) assert.ok(!fleet.log.text.includes(secret));
  });

  it("are measured, refusals too", () => {
    const denied = fleet.metrics.recorded("rpc.server.call.duration.seconds", {
      "rpc.method": "shadowfleet.v1.PortService/CreatePort",
      "rpc.status_code": "PERMISSION_DENIED",
    });
    assert.equal(denied.length, 2, "viewer and relay");
  });
});

describe("tokens", () => {
  it("are read again on reload: the old one stops, the new one works", async () => {
    using secrets = new SecretFolder();
    const tokens = [{ name: "ops", role: "admin", tokenFile: secrets.file("token", "first-token-0123456789") }];
    await using fleet = await startManagement({ config: { grpc: { port: 0, tokens } } });
    const first = fleet.clientsWith({ token: "first-token-0123456789" });
    const second = fleet.clientsWith({ token: "second-token-0123456789" });
    await call(first.fleet, "getFleet", {});
    assert.equal((await failureOf(call(second.fleet, "getFleet", {}))).status, "UNAUTHENTICATED");
    secrets.file("token", "second-token-0123456789");
    await fleet.app.reload(managementConfig({ grpc: { port: 0, tokens } }));
    await call(second.fleet, "getFleet", {});
    assert.equal((await failureOf(call(first.fleet, "getFleet", {}))).status, "UNAUTHENTICATED");
  });

  it("are not asked where none are configured", async () => {
    await using fleet = await startManagement();
    await call(fleet.clients.keys, "createAccessKey", { accessKey: AccessKey.fromPartial({ id: "open" }) });
    assert.ok(
      fleet.log.lines.some(({ level, msg }) => level === "warn" && /every process of this machine may manage the fleet/.test(msg ?? "")),
    );
  });
});

describe("TLS", () => {
  const secrets = new SecretFolder();
  before(() => {
    secrets.authority("ca");
    secrets.authority("stranger");
    secrets.certificate("server", "ca");
    secrets.certificate("renewed", "stranger");
    secrets.certificate("client", "ca");
    secrets.certificate("intruder", "stranger");
  });
  after(() => secrets[Symbol.dispose]());
  const path = (name: string) => `${secrets.path}/${name}`;
  const clientPair = (name: string) => ({ cert: secrets.read(`${name}.crt`), key: secrets.read(`${name}.key`) });
  const getFleet = (clients: FleetClients) => call(clients.fleet, "getFleet", {});

  it("lets in who trusts the authority, and nobody in plaintext", async () => {
    const tls = { certFile: path("server.crt"), keyFile: path("server.key") };
    await using fleet = await startManagement({ config: { grpc: { port: 0, tls } } });
    await getFleet(fleet.clientsWith({ tls: { ca: secrets.read("ca.crt") } }));
    await getFleet(fleet.clientsWith({ address: `localhost:${fleet.app.address.port}`, tls: { ca: secrets.read("ca.crt") } }));
    await getFleet(fleet.clientsWith({ tls: { ca: secrets.read("ca.crt"), serverName: "localhost" } }));
    const elsewhere = fleet.clientsWith({ tls: { ca: secrets.read("ca.crt"), serverName: "management.example" } });
    assert.match((await failureOf(getFleet(elsewhere))).message, /altnames/, "a certificate for another name");
    assert.equal((await failureOf(getFleet(fleet.clients))).status, "UNAVAILABLE");
    assert.equal((await failureOf(getFleet(fleet.clientsWith({ tls: { ca: secrets.read("stranger.crt") } })))).status, "UNAVAILABLE");
  });

  it("takes another certificate on reload, for new connections", async () => {
    const tls = { certFile: path("server.crt"), keyFile: path("server.key") };
    await using fleet = await startManagement({ config: { grpc: { port: 0, tls } } });
    const connected = fleet.clientsWith({ tls: { ca: secrets.read("ca.crt") } });
    await getFleet(connected);
    const renewed = { certFile: path("renewed.crt"), keyFile: path("renewed.key") };
    await fleet.app.reload(managementConfig({ grpc: { port: 0, tls: renewed } }));
    await getFleet(fleet.clientsWith({ tls: { ca: secrets.read("stranger.crt") } }));
    await getFleet(connected);
  });

  it("with a client authority lets in only who shows a certificate of it, and still asks for the token", async () => {
    const tls = { certFile: path("server.crt"), keyFile: path("server.key"), clientCaFile: path("ca.crt") };
    const tokens = [{ name: "ops", role: "viewer", tokenFile: secrets.file("ops", TOKENS.viewer) }];
    await using fleet = await startManagement({ config: { grpc: { port: 0, tls, tokens } } });
    const ca = secrets.read("ca.crt");
    const token = TOKENS.viewer;
    await getFleet(fleet.clientsWith({ token, tls: { ca, ...clientPair("client") } }));
    assert.equal((await failureOf(getFleet(fleet.clientsWith({ tls: { ca, ...clientPair("client") } })))).status, "UNAUTHENTICATED");
    assert.equal((await failureOf(getFleet(fleet.clientsWith({ token, tls: { ca } })))).status, "UNAVAILABLE", "no certificate");
    assert.equal((await failureOf(getFleet(fleet.clientsWith({ token, tls: { ca, ...clientPair("intruder") } })))).status, "UNAVAILABLE");
  });

  it("with another client authority on reload ends the connections that came in by the old one", async () => {
    const tls = { certFile: path("server.crt"), keyFile: path("server.key") };
    await using fleet = await startManagement({ config: { grpc: { port: 0, tls: { ...tls, clientCaFile: path("ca.crt") } } } });
    const ca = secrets.read("ca.crt");
    const old = fleet.clientsWith({ tls: { ca, ...clientPair("client") } });
    await getFleet(old);
    const stream = old.traffic.watchTraffic(WatchTrafficRequest.fromPartial({}));
    const ended = new Promise((resolve) => stream.on("error", resolve));
    await once(stream, "data");
    await fleet.app.reload(managementConfig({ grpc: { port: 0, tls: { ...tls, clientCaFile: path("stranger.crt") } } }));
    await withDeadline(ended, 10_000, "the end of the stream");
    assert.equal((await failureOf(getFleet(old))).status, "UNAVAILABLE");
    await getFleet(fleet.clientsWith({ tls: { ca, ...clientPair("intruder") } }));
  });
});
