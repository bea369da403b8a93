import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ServerCredentials } from "@grpc/grpc-js";
import { FleetError } from "@shadowfleet/runtime";
import { eventually, expectNoOpenHandles, findProgram, freePort } from "@shadowfleet/testkit";
import { connectFleet, type ManagementTarget } from "../src/index.ts";
import { FakeConfigService } from "./fake-config-service.ts";
import { startWatcher } from "./watcher-fixture.ts";

const withoutOpenssl = findProgram("openssl") === undefined ? { skip: "openssl is not installed" } : {};

const target = (host: string, port: number, more: Partial<ManagementTarget> = {}): ManagementTarget => ({
  addresses: [{ host, port }],
  tls: undefined,
  tokenFile: undefined,
  ...more,
});

describe("connectFleet", () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "shadowfleet-channel-"));
    if (withoutOpenssl.skip) return;
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl("req", "-x509", ...key, "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem");
    for (const [name, alternative] of [
      ["server", "DNS:management.fleet"],
      ["member", "DNS:member"],
    ] as const) {
      writeFileSync(path(`${name}.ext`), `subjectAltName=${alternative}`);
      openssl("req", ...key, "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`);
      const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`];
      openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const startTlsService = (): Promise<FakeConfigService> => {
    const pair = { cert_chain: readFileSync(path("server.pem")), private_key: readFileSync(path("server.key")) };
    return FakeConfigService.start(0, { credentials: ServerCredentials.createSsl(readFileSync(path("ca.pem")), [pair], true) });
  };

  it("opens nothing before it is used, and goes round its addresses", async () => {
    const ports = [await freePort(), await freePort()];
    const channel = connectFleet({ addresses: ports.map((port) => ({ host: "127.0.0.1", port })), tls: undefined, tokenFile: undefined });
    const seen: string[] = [];
    for (let n = 0; n < 3; n++) {
      seen.push(channel.address);
      channel.advance();
    }
    assert.deepEqual(seen, [`127.0.0.1:${ports[0]}`, `127.0.0.1:${ports[1]}`, `127.0.0.1:${ports[0]}`]);
    channel.close();
  });

  it("reaches an IPv6 address", async () => {
    await using management = await FakeConfigService.start(0, { host: "[::1]" });
    const channel = connectFleet(target("::1", management.port));
    assert.equal(channel.address, `[::1]:${management.port}`);
    await using member = startWatcher([], { channel });
    (await management.streamNumber(1)).snapshot({});
    await member.inForce(1);
  });

  it("shows its token with every call, as the file has it when a connection is made", async () => {
    await using management = await FakeConfigService.start();
    const tokenFile = path("token");
    writeFileSync(tokenFile, "first\n");
    await using _member = startWatcher([], { channel: connectFleet(target("127.0.0.1", management.port, { tokenFile })) });
    const stream = await management.streamNumber(1);
    stream.heartbeat();
    await eventually("a report", () => management.reports.length > 0);
    writeFileSync(tokenFile, "second\n");
    stream.end();
    await management.streamNumber(2);
    assert.deepEqual(management.authorizations, ["Bearer first", "Bearer second"]);
  });

  it("a file that is missing is told and waited for", async () => {
    await using management = await FakeConfigService.start();
    const tokenFile = path("late");
    const channel = connectFleet(target("127.0.0.1", management.port, { tokenFile }));
    assert.throws(
      () => channel.clients,
      (error) => error instanceof FleetError && error.code === "CONFIG_INVALID" && /late/.test(error.message),
    );
    await using member = startWatcher([], { channel });
    await eventually("the complaint", () => member.log.lines.some((line) => line.status === "CONFIG_INVALID"));
    writeFileSync(tokenFile, "here");
    (await management.streamNumber(1)).heartbeat();
    await eventually("the connection", () => member.watcher.connected);
  });

  it("proves and checks identity with TLS", withoutOpenssl, async () => {
    await using management = await startTlsService();
    const tls = { caFile: path("ca.pem"), certFile: path("member.pem"), keyFile: path("member.key"), serverName: "management.fleet" };
    await using member = startWatcher([], { channel: connectFleet(target("127.0.0.1", management.port, { tls })) });
    (await management.streamNumber(1)).snapshot({});
    await member.inForce(1);
  });

  for (const [what, change] of [
    ["a certificate for another name", { serverName: undefined }],
    ["an authority that is not trusted", { caFile: undefined }],
    ["no certificate of its own", { certFile: undefined, keyFile: undefined }],
  ] as const) {
    it(`comes to no connection with ${what}`, withoutOpenssl, async () => {
      await using management = await startTlsService();
      const whole = { caFile: path("ca.pem"), certFile: path("member.pem"), keyFile: path("member.key"), serverName: "management.fleet" };
      const channel = connectFleet(target("127.0.0.1", management.port, { tls: { ...whole, ...change } }));
      await using member = startWatcher([], { channel });
      await eventually("the failures", () => member.log.lines.filter((line) => line.status === "UNAVAILABLE").length >= 2);
      assert.deepEqual([management.streams.length, member.watcher.connected], [0, false]);
    });
  }
});

expectNoOpenHandles();
