import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { loadManagementConfig } from "@shadowfleet/management";
import { findProgram, runProgram } from "@shadowfleet/testkit";
import { parse } from "yaml";
import { runCommand } from "../src/run.ts";
import { type CommandResult, NOW_MS } from "./command.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { Managed } from "./managed.ts";
import { ScratchFolder } from "./scratch-folder.ts";

const DAY_MS = 86_400_000;
const FILES = [
  "admin.token",
  "ca.crt",
  "ca.key",
  "declared.yaml",
  "link-secret",
  "member.token",
  "redis-password",
  "tls.crt",
  "tls.key",
  "viewer.token",
] as const;

interface Declared {
  readonly ports: readonly { readonly port: number; readonly method: string; readonly identityKey?: string }[];
  readonly keys: readonly { readonly id: string; readonly port: number; readonly secret: string }[];
  readonly upstreams: readonly Record<string, unknown>[];
}

async function bootstrap(folder: string, argv: readonly string[] = [], nowMs = Date.now()): Promise<CommandResult> {
  const terminal = new FakeTerminal();
  const clock = { now: () => nowMs, monotonic: () => 0 };
  const exitCode = await runCommand(["bootstrap", folder, ...argv], terminal, clock);
  return { exitCode, terminal, out: terminal.out, err: terminal.err };
}

/** What became of every file. */
async function states(folder: string, argv: readonly string[] = [], nowMs?: number): Promise<Record<string, string>> {
  const { exitCode, out, err } = await bootstrap(folder, [...argv, "-o", "json"], nowMs);
  assert.deepEqual([exitCode, err], [0, ""]);
  const { files } = JSON.parse(out) as { files: { name: string; state: string }[] };
  return Object.fromEntries(files.map(({ name, state }) => [name, state]));
}

function textsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(folder, name), "utf8")]));
}

const certificateIn = (folder: string, name = "tls.crt"): X509Certificate => new X509Certificate(readFileSync(join(folder, name)));

/** Of all files in a state. */
const all = (state: string): Record<string, string> => Object.fromEntries(FILES.map((name) => [name, state]));

describe("bootstrap", () => {
  test("fills an empty folder, tells what it made and no secret", async () => {
    using scratch = new ScratchFolder();
    const folder = join(scratch.path, "made/by/it");
    const { exitCode, out, err } = await bootstrap(folder);
    assert.deepEqual([exitCode, err], [0, ""]);
    assert.deepEqual(readdirSync(folder).toSorted(), [...FILES]);
    for (const name of FILES) assert.match(out, new RegExp(`^${name} +made$`, "m"));
    assert.match(out, /^Management's certificate ends on 2\d{3}-/m);
    for (const name of ["admin.token", "redis-password"]) {
      assert.ok(!out.includes(readFileSync(join(folder, name), "utf8").trim()), name);
    }
  });

  test("only the owner reads secrets, the group what members need, everybody the certificates", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path, ["--member-group", String(process.getgid?.())]);
    const modes = Object.fromEntries(FILES.map((name) => [name, (statSync(join(scratch.path, name)).mode & 0o777).toString(8)]));
    assert.deepEqual(modes, {
      ...all("400"),
      ...{ "ca.crt": "444", "tls.crt": "444", "member.token": "440", "redis-password": "440" },
    });
  });

  test("tokens and password are long, all different, and a second run keeps everything as it is", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path);
    const before = textsOf(scratch.path);
    const secrets = ["admin.token", "viewer.token", "member.token", "redis-password", "link-secret"].map((name) => before[name] ?? "");
    assert.equal(new Set(secrets).size, 5);
    for (const secret of secrets) assert.match(secret, /^[\w-]{43}\n$/);
    assert.deepEqual(await states(scratch.path, ["--relay-host", "elsewhere"]), all("kept"));
    assert.deepEqual(textsOf(scratch.path), before);
  });

  test("what is missing is made, the rest kept", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path);
    rmSync(join(scratch.path, "viewer.token"));
    assert.deepEqual(await states(scratch.path), { ...all("kept"), "viewer.token": "made" });
  });

  test("the certificate is for every host, and verifies", async () => {
    using scratch = new ScratchFolder();
    const hosts = ["management-1", "management.example", "127.0.0.1", "2001:db8::1"];
    await bootstrap(
      scratch.path,
      hosts.flatMap((host) => ["--host", host]),
    );
    const [authority, certificate] = [certificateIn(scratch.path, "ca.crt"), certificateIn(scratch.path)];
    assert.ok(certificate.checkIssued(authority) && certificate.verify(authority.publicKey));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(readFileSync(join(scratch.path, "tls.key")))));
    assert.deepEqual([authority.ca, certificate.ca], [true, false]);
    for (const host of hosts.slice(0, 2)) assert.equal(certificate.checkHost(host), host);
    for (const host of hosts.slice(2)) assert.equal(certificate.checkIP(host), host);
    assert.deepEqual([certificate.checkHost("management-2"), certificate.checkIP("127.0.0.2")], [undefined, undefined]);
  });

  test("a certificate that lacks a host is renewed by the same authority; one with more hosts than needed is kept", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path, ["--host", "a.example"]);
    const renewed = await states(scratch.path, ["--host", "a.example", "--host", "b.example"]);
    assert.deepEqual(renewed, { ...all("kept"), "tls.crt": "renewed", "tls.key": "renewed" });
    const certificate = certificateIn(scratch.path);
    assert.ok(certificate.verify(certificateIn(scratch.path, "ca.crt").publicKey));
    assert.equal(certificate.checkHost("b.example"), "b.example");
    assert.deepEqual(await states(scratch.path, ["--host", "b.example"]), all("kept"));
  });

  test("it is renewed in its last 90 days, never beyond the end of the authority, and refused after that", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path, [], NOW_MS);
    assert.deepEqual(await states(scratch.path, [], NOW_MS + (825 - 91) * DAY_MS), all("kept"));
    assert.equal((await states(scratch.path, [], NOW_MS + (825 - 89) * DAY_MS))["tls.crt"], "renewed");
    await states(scratch.path, [], NOW_MS + 3600 * DAY_MS);
    assert.deepEqual(certificateIn(scratch.path).validToDate, certificateIn(scratch.path, "ca.crt").validToDate);
    const { exitCode, err } = await bootstrap(scratch.path, [], NOW_MS + 3651 * DAY_MS);
    assert.equal(exitCode, 1);
    assert.match(err, /\/ca\.crt has ended on .*\n {2}Remove ca\.crt and ca\.key for a new authority/);
  });

  test("certificates may end after 2049, which is written differently", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path, [], Date.UTC(2048, 11, 1));
    assert.deepEqual(
      ["ca.crt", "tls.crt"].map((name) => certificateIn(scratch.path, name).validToDate.toISOString()),
      ["2058-11-29T00:00:00.000Z", "2051-03-06T00:00:00.000Z"],
    );
  });

  test("a key that is not the certificate's own is replaced together with it", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path);
    rmSync(join(scratch.path, "tls.key"));
    assert.deepEqual(await states(scratch.path), { ...all("kept"), "tls.crt": "renewed", "tls.key": "made" });
  });

  test("somebody else's certificate is kept while it serves, and not replaced when it does not", async () => {
    using ours = new ScratchFolder();
    await bootstrap(ours.path, ["--host", "a.example"]);
    rmSync(join(ours.path, "ca.key"));
    assert.equal((await states(ours.path, ["--host", "a.example"]))["tls.crt"], "kept");
    const { exitCode, err } = await bootstrap(ours.path, ["--host", "b.example"]);
    assert.equal(exitCode, 1);
    assert.match(err, /\/tls\.crt cannot be renewed here: it is not for b\.example, and ca\.key is not of our making/);
  });

  const BROKEN: readonly (readonly [what: string, spoil: (folder: string) => void, reason: RegExp])[] = [
    ["an authority without its certificate", (folder) => rmSync(join(folder, "ca.crt")), /ca\.crt is missing, but ca\.key is there/],
    [
      "a certificate without its authority",
      (folder) => {
        rmSync(join(folder, "ca.crt"));
        rmSync(join(folder, "ca.key"));
      },
      /ca\.crt is missing: the authority that tls\.crt comes from/,
    ],
    ["a certificate that is none", (folder) => overwrite(folder, "tls.crt", "hello"), /tls\.crt is not a certificate in PEM/],
    ["a key that is none", (folder) => overwrite(folder, "ca.key", "hello"), /ca\.key is not a private key in PEM/],
    [
      "the key of another authority",
      (folder) => overwrite(folder, "ca.key", readFileSync(join(folder, "tls.key"), "utf8")),
      /ca\.key is not the key of ca\.crt/,
    ],
    [
      "a folder in place of a file",
      (folder) => {
        rmSync(join(folder, "admin.token"));
        mkdirSync(join(folder, "admin.token"));
      },
      /admin\.token cannot be read: EISDIR/,
    ],
  ];
  for (const [what, spoil, reason] of BROKEN) {
    test(`${what} is refused, and nothing is written over`, async () => {
      using scratch = new ScratchFolder();
      await bootstrap(scratch.path);
      spoil(scratch.path);
      const before = textsOf(scratch.path);
      const { exitCode, out, err } = await bootstrap(scratch.path);
      assert.deepEqual([exitCode, out], [1, ""]);
      assert.match(err, reason);
      assert.deepEqual(textsOf(scratch.path), before);
    });
  }

  test("a place where no folder can be is refused", async () => {
    using scratch = new ScratchFolder();
    const file = scratch.write("file", "");
    const { exitCode, err } = await bootstrap(join(file, "secrets"));
    assert.equal(exitCode, 1);
    assert.match(err, /file\/secrets cannot be made: ENOTDIR/);
  });

  test("flags that cannot be meant are refused before anything is written", async () => {
    using scratch = new ScratchFolder();
    for (const argv of [
      ["--host", "a b"],
      ["--host", "bücher.example"],
      ["--relay-host", "http://x"],
      ["--method", "aes-256-cfb"],
      ["--member-group", "wheel"],
    ]) {
      assert.equal((await bootstrap(scratch.path, argv)).exitCode, 2, argv.join(" "));
    }
    assert.deepEqual(readdirSync(scratch.path), []);
  });
});

function overwrite(folder: string, name: string, text: string): void {
  chmodSync(join(folder, name), 0o600);
  writeFileSync(join(folder, name), text);
}

describe("what bootstrap wrote", () => {
  const METHODS = ["chacha20-ietf-poly1305", "2022-blake3-aes-256-gcm", "2022-blake3-chacha20-poly1305"] as const;
  for (const method of METHODS) {
    test(`is what management declares, with ${method}`, async () => {
      using scratch = new ScratchFolder();
      const flags = ["--relay-host", "tcp.example", "--relay-udp-host", "udp.example", "--relay-port", "8400", "--method", method];
      await bootstrap(scratch.path, flags);
      const declaredFile = join(scratch.path, "declared.yaml");
      const { declared } = loadManagementConfig({ name: "test", data: { declaredFile } });
      assert.deepEqual([...declared.ports.keys()], [8400]);
      assert.equal(declared.keys.get("gateway")?.record.port, 8400);
      const { ports, keys, upstreams } = parse(readFileSync(declaredFile, "utf8")) as Declared;
      const identityKey = ports[0]?.identityKey;
      assert.equal(identityKey !== undefined, method === "2022-blake3-aes-256-gcm");
      const secret = identityKey === undefined ? keys[0]?.secret : `${identityKey}:${keys[0]?.secret}`;
      assert.deepEqual(upstreams, [{ id: "relay", host: "tcp.example", udpHost: "udp.example", port: 8400, method, secret }]);
    });
  }

  test("lets the command in over TLS, each token to what its role may do", async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path);
    const file = (name: string): string => join(scratch.path, name);
    const tokens = ["admin", "viewer"].map((role) => ({ name: role, role, tokenFile: file(`${role}.token`) }));
    const grpc = {
      tls: { certFile: file("tls.crt"), keyFile: file("tls.key") },
      tokens: [...tokens, { name: "members", role: "relay", tokenFile: file("member.token") }],
    };
    await using fleet = await new Managed(grpc).start();
    const connection = (token: string): string[] => ["--ca", file("ca.crt"), "--token-file", file(token)];
    const created = await fleet.run(["key", "create", "alice", ...connection("admin.token")]);
    assert.deepEqual([created.exitCode, created.err], [0, ""]);
    assert.equal((await fleet.run(["key", "list", ...connection("viewer.token")])).exitCode, 0);
    assert.match((await fleet.run(["key", "create", "bob", ...connection("viewer.token")])).err, /NOT_PERMITTED/);
    assert.match((await fleet.run(["key", "list", ...connection("member.token")])).err, /NOT_PERMITTED/);
  });

  const openssl = findProgram("openssl") === undefined ? "openssl is not installed" : false;
  test("is beyond reproach to OpenSSL's strict reading of RFC 5280", { skip: openssl }, async () => {
    using scratch = new ScratchFolder();
    await bootstrap(scratch.path, ["--host", "management.example"]);
    const path = (name: string): string => join(scratch.path, name);
    const checks = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", "management.example"];
    const { code, stderr } = await runProgram("openssl", ["verify", ...checks, "-CAfile", path("ca.crt"), path("tls.crt")]);
    assert.equal(code, 0, stderr.toString());
  });
});
