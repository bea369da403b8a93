import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import {
  freePort,
  peerMissingReason,
  type RunningProgram,
  readExactly,
  socks5Associate,
  socks5Request,
  startEchoTarget,
  startNodeScript,
  startSsServer,
  startUdpEchoTarget,
} from "@shadowfleet/testkit";
import { startTestUpstream } from "./test-upstream.ts";

const main = new URL("../src/main.ts", import.meta.url);

describe("the process", () => {
  let folder: string;
  let file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "gateway-"));
    file = join(folder, "config.json");
  });
  after(() => rm(folder, { recursive: true }));

  const start = (...flags: string[]): RunningProgram => startNodeScript(main, ["--config", file, ...flags]);
  const configure = (data: unknown) => writeFile(file, JSON.stringify(data));

  test("--check-config prints the effective configuration without secrets", async () => {
    await configure({
      local_port: 1080,
      server_password: [["[::1]:8389", "very secret"]],
      method: "aes-256-gcm",
      users: [{ name: "alice", password: "also secret" }],
      timeout: 77,
    });
    await using program = start("--check-config");
    assert.equal((await program.exited).code, 0);
    assert.match(program.output, /idleTimeoutMs: 77000/);
    assert.match(program.output, /id: "\[::1\]:8389"/);
    assert.ok(!program.output.includes("secret"));
  });

  test("a bad configuration ends it with 2 and every problem", async () => {
    await configure({ local_port: "x", server_password: [["nowhere", "very secret"]], auth: true });
    await using program = start();
    assert.equal((await program.exited).code, 2);
    for (const path of ["local_port", "server_password\\[0\\]\\[0\\]", "auth"])
      assert.match(program.output, new RegExp(`^  ${path}: `, "m"));
    assert.ok(!program.output.includes("very secret"));
  });

  test("the ancestor's file serves; SIGHUP reloads, a bad file changes nothing; SIGTERM drains and exits 0", {
    timeout: 30_000,
  }, async (t) => {
    const [first, second] = [await startTestUpstream(t), await startTestUpstream(t)];
    await using echo = await startEchoTarget();
    const port = await freePort();
    const classic = { local_address: "127.0.0.1", local_port: port, admin: { port: 0 }, workers: 4 };
    const via = ({ port: server, secret, method }: typeof first) => ({
      ...classic,
      server_password: [[`127.0.0.1:${server}`, secret, method]],
    });
    const echoes = async () => {
      const { socket } = await socks5Request({ proxy: { host: "127.0.0.1", port }, target: echo, early: Buffer.from("hello") });
      assert.equal(String(await readExactly(socket, 5, 5000, "the echo")), "hello");
      socket.destroy();
    };
    await configure(via(first));
    await using program = start();
    await program.waitForLine(/"port open"/);
    await program.waitForLine(/ignored in this file format: workers/);
    await echoes();
    await configure(via(second));
    program.signal("SIGHUP");
    await program.waitForLine(/configuration reloaded/);
    await echoes();
    await configure({ ...classic, server_password: 5 });
    program.signal("SIGHUP");
    await program.waitForLine(/configuration refused/);
    await echoes();
    assert.deepEqual([first.requests.length, second.requests.length], [1, 2]);
    assert.deepEqual(await program.stop(10_000), { code: 0, signal: null });
  });

  const skip = peerMissingReason() ?? false;
  for (const method of ["aes-256-gcm", "chacha20-ietf-poly1305", "aes-256-cfb"]) {
    test(`shadowsocks-libev's ss-server behind it: ${method}, TCP and UDP`, { skip, timeout: 30_000 }, async () => {
      await using server = await startSsServer({ method, password: "very secret", udp: true });
      await using echo = await startEchoTarget();
      await using udpEcho = await startUdpEchoTarget();
      const proxy = { host: "127.0.0.1", port: await freePort() };
      await configure({
        server: "127.0.0.1",
        server_port: server.port,
        local_address: "127.0.0.1",
        local_port: proxy.port,
        password: "very secret",
        method,
        allowInsecureCiphers: true,
        admin: { port: 0 },
      });
      await using program = start();
      await program.waitForLine(/"port open"/);
      const { socket } = await socks5Request({ proxy, target: echo });
      const message = "through somebody else's server ".repeat(2000);
      socket.write(message);
      assert.equal(String(await readExactly(socket, message.length, 5000, "the echo")), message);
      socket.destroy();
      await using association = await socks5Associate({ proxy });
      association.send(udpEcho, Buffer.from("a datagram"));
      assert.equal(String((await association.receive()).payload), "a datagram");
    });
  }
});
