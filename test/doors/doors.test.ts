import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createApp as createManagement, loadManagementConfig, type ManagementApp } from "@shadowfleet/management";
import { loadRelayConfig } from "@shadowfleet/relay";
import { systemClock } from "@shadowfleet/runtime";
import { SqliteStore } from "@shadowfleet/store";
import { createApp as createTcpRelay } from "@shadowfleet/tcp-relay";
import {
  createMemoryLogger,
  curlMissingReason,
  eventually,
  freePort,
  peerMissingReason,
  RecordingMetrics,
  runCurl,
  SecretFolder,
  startSsLocal,
} from "@shadowfleet/testkit";
import { parseAccessUri, parseOnlineConfig } from "@shadowfleet/wire";
import { startPage } from "./page.ts";

const TOKEN = "admin-token-of-the-doors-test";
const reason = peerMissingReason() ?? curlMissingReason();

interface Credentials {
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly password: string;
}

/** Keys made and fetched through every door work: curl talks to the doors and, through shadowsocks-libev, to a relay. */
describe("keys of every door reach a page through a relay", reason === undefined ? { timeout: 60_000 } : { skip: reason }, () => {
  const log = createMemoryLogger();
  const secrets = new SecretFolder();
  const store = new SqliteStore({ path: ":memory:" });
  let management: ManagementApp;
  let relay: ReturnType<typeof createTcpRelay>;
  let page: Awaited<ReturnType<typeof startPage>>;
  let origin = "";

  before(async () => {
    secrets.authority("ca");
    const tls = secrets.certificate("fleet", "ca");
    page = await startPage();
    const deps = { logger: log.logger, metrics: new RecordingMetrics(), clock: systemClock, store };
    const tokens = (["admin", "relay"] as const).map((role) => ({
      name: role,
      role,
      tokenFile: secrets.file(role, `${role}-token-of-the-doors-test`),
    }));
    const config = {
      grpc: { port: 0, tokens },
      http: { enabled: true, port: 0, tls, linkSecretFile: secrets.file("links", "l".repeat(40)) },
      publicHost: "127.0.0.1",
      defaults: { port: await freePort() },
    };
    management = createManagement(loadManagementConfig({ name: "test", data: config }), deps);
    await management.start();
    origin = `https://127.0.0.1:${management.address.httpPort}`;
    const target = { address: `127.0.0.1:${management.address.port}`, insecure: true, tokenFile: `${secrets.path}/relay` };
    const fleet = { management: target, store: { type: "memory" }, memberId: "relay-1" };
    const relayConfig = loadRelayConfig({ name: "test", data: { fleet, targets: { allow: ["127.0.0.0/8"] } } });
    relay = createTcpRelay(relayConfig, { ...deps, metrics: new RecordingMetrics() });
    await relay.start();
  });
  after(async () => {
    await relay?.drain(200);
    await management?.drain(200);
    await store.close();
    await page?.close();
    secrets[Symbol.dispose]();
  });

  /** What a door answers to curl, which trusts the fleet's authority alone. */
  async function ask(path: string, ...args: string[]): Promise<{ readonly status: number; readonly body: string }> {
    const { exitCode, stdout, stderr } = await runCurl([
      ...["--cacert", `${secrets.path}/ca.crt`, "-w", "\n%{http_code}"],
      ...args,
      `${origin}${path}`,
    ]);
    assert.equal(exitCode, 0, stderr);
    const [, body = "", status] = /^(.*)\n(\d+)$/s.exec(stdout) ?? [];
    return { status: Number(status), body };
  }

  const json = (method: string, body: object): string[] => [
    "-X",
    method,
    "-H",
    "content-type: application/json",
    "-d",
    JSON.stringify(body),
  ];
  const bearer = ["-H", `authorization: Bearer ${TOKEN}`];

  /** The page's body, fetched as a person's device would. */
  async function browse({ host, port, method, password }: Credentials): Promise<string> {
    await using local = await startSsLocal({ server: { host, port }, method, password });
    const { stdout } = await runCurl(["-x", `socks5h://127.0.0.1:${local.port}`, `http://${page.host}:${page.port}/`, "--max-time", "3"]);
    return stdout;
  }

  async function works(credentials: Credentials): Promise<void> {
    await eventually("the relay serves the key", async () => (await browse(credentials)) === page.body, 20_000);
  }

  test("SSM: a user is added and used", async () => {
    const added = await ask("/ssm/v1/users", ...bearer, ...json("POST", { username: "fox", uPSK: "the fox's own secret" }));
    assert.equal(added.status, 201, added.body);
    const { sip008 } = await accessConfig("fox");
    const read = parseOnlineConfig(sip008);
    assert.ok(read.ok);
    assert.equal(read.config.servers[0]?.password, "the fox's own secret");
    await works(read.config.servers[0]!);
    await eventually("its traffic is counted", async () => {
      const stats = JSON.parse((await ask("/ssm/v1/stats", ...bearer)).body) as { users: { username: string; downlinkBytes: number }[] };
      return (stats.users.find(({ username }) => username === "fox")?.downlinkBytes ?? 0) > page.body.length;
    });
  });

  test("Outline: a key is made by the apiUrl and used", async () => {
    const made = await ask(`/outline/${TOKEN}/access-keys`, "-X", "POST");
    assert.equal(made.status, 201, made.body);
    const { accessUrl } = JSON.parse(made.body) as { readonly accessUrl: string };
    const parsed = parseAccessUri(accessUrl);
    assert.ok(parsed.ok);
    await works(parsed.uri);
  });

  test("SIP008 and ssconf://: what the links give works, and nothing does once the key is switched off", async () => {
    await rpc("CreateAccessKey", { accessKey: { id: "alice" } });
    const { sip008Url, ssconfUrl } = await accessConfig("alice");
    assert.ok(sip008Url.startsWith(`${origin}/sip008/`), sip008Url);
    const document = await ask(sip008Url.slice(origin.length));
    assert.equal(document.status, 200);
    const read = parseOnlineConfig(document.body);
    assert.ok(read.ok);
    await works(read.config.servers[0]!);
    const dynamicPath = new URL(ssconfUrl.replace("ssconf:", "https:")).pathname;
    const { server, server_port, method, password } = JSON.parse((await ask(dynamicPath)).body);
    await works({ host: server, port: server_port, method, password });

    await rpc("UpdateAccessKey", { accessKey: { id: "alice", disabled: true }, updateMask: "disabled" });
    for (const path of [sip008Url.slice(origin.length), dynamicPath]) assert.equal((await ask(path)).status, 404);
    await eventually("the relay refuses the key", async () => (await browse(read.config.servers[0]!)) === "", 30_000);
  });

  test("no door writes secrets, links or tokens into the log", async () => {
    const { sip008Url } = await accessConfig("fox");
    await ask(sip008Url.slice(origin.length));
    const logged = JSON.stringify(log.lines);
    for (const secret of [TOKEN, "the fox's own secret", sip008Url.split("/").at(-1)!]) assert.ok(!logged.includes(secret));
    assert.match(logged, /CreateAccessKey/, "the log is that of these calls");
  });

  async function rpc(method: string, body: object): Promise<unknown> {
    const answer = await ask(`/shadowfleet.v1.AccessKeyService/${method}`, ...bearer, ...json("POST", body));
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body);
  }

  async function accessConfig(id: string): Promise<{ readonly sip008: string; readonly sip008Url: string; readonly ssconfUrl: string }> {
    return (await rpc("GetAccessConfig", { id })) as Awaited<ReturnType<typeof accessConfig>>;
  }
});
