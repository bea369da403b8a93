import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { systemEnvironment } from "@shadowfleet/runtime";
import {
  eventually,
  freePort,
  openSocket,
  probe,
  readExactly,
  socks5Associate,
  socks5Request,
  startEchoTarget,
  startUdpEchoTarget,
  type TcpTarget,
  type UdpTarget,
} from "@shadowfleet/testkit";
import { addressFrom, createClientStream, deriveCredential } from "@shadowfleet/wire";
import { type FleetProcess, startService } from "../fleet-process.ts";

const METHOD = "2022-blake3-aes-256-gcm";
const SECRET = Buffer.alloc(32, 7).toString("base64");
const CONNECTIONS = 40;
const ASSOCIATIONS = 12;
const PAYLOAD = Buffer.alloc(10_000, 0x5a);
const DATAGRAM = Buffer.alloc(700, 0x61);
const DEADLINE_MS = 30_000;

/** The sum of a metric over its series that match. */
function sumOf(metrics: string, name: string, label = ""): number {
  const lines = metrics.split("\n").filter((line) => line.startsWith(name) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Connections or associations that each worker has ended, by its log. */
function endedBy({ program }: FleetProcess): Map<number, number> {
  const workers = program.lines.flatMap((line) => /"worker":(\d+).*"bytesUp":[1-9]/.exec(line)?.[1] ?? []);
  return new Map([...Map.groupBy(workers, Number)].map(([worker, lines]) => [worker, lines.length]));
}

describe("gateway and relays with two workers each", { timeout: 240_000 }, () => {
  let tcp: FleetProcess;
  let udp: FleetProcess;
  let gateway: FleetProcess;
  let relayPort: number;
  let proxy: { readonly host: string; readonly port: number };
  let echo: TcpTarget;
  let udpEcho: UdpTarget;

  before(async () => {
    relayPort = await freePort();
    proxy = { host: "127.0.0.1", port: await freePort() };
    const common = { workers: 2, log: { level: "debug" } };
    const relay = { ...common, ports: [{ host: "127.0.0.1", port: relayPort, method: METHOD, password: SECRET }] };
    const upstreams = [{ host: "127.0.0.1", port: relayPort, method: METHOD, secret: SECRET }];
    tcp = await startService("tcp-relay", relay, ["--allow-private-targets"]);
    udp = await startService("udp-relay", relay, ["--allow-private-targets"]);
    gateway = await startService("gateway", { ...common, listen: proxy, upstreams });
    for (const service of [tcp, udp, gateway]) await untilBothServe(service);
    echo = await startEchoTarget();
    udpEcho = await startUdpEchoTarget();
  });
  after(async () => {
    for (const service of [gateway, tcp, udp]) await service?.[Symbol.asyncDispose]();
    await echo?.close();
    await udpEcho?.close();
  });

  async function untilBothServe(service: FleetProcess): Promise<void> {
    const serving = async () => (await readinessOf(service)).includes("2 of 2 ready");
    await eventually("both workers", serving, DEADLINE_MS);
  }

  async function readinessOf({ adminPort }: FleetProcess): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).text();
  }

  async function roundTrip(): Promise<Socket> {
    const { ok, reply, socket } = await socks5Request({ proxy, target: echo, deadlineMs: DEADLINE_MS });
    assert.ok(ok, `SOCKS reply ${reply}`);
    socket.write(PAYLOAD);
    assert.deepEqual(await readExactly(socket, PAYLOAD.length, DEADLINE_MS, "the echo"), PAYLOAD);
    return socket;
  }

  it("connections go to all workers, and the counters of the group are their sum, to the byte", async () => {
    const before = sumOf(await tcp.metrics(), "shadowsocks_relay_bytes_total");
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, roundTrip));
    assert.equal(sumOf(await tcp.metrics(), "shadowsocks_connections_active", "tcp"), CONNECTIONS);
    for (const socket of sockets) socket.destroy();
    for (const service of [tcp, gateway]) {
      const idle = async () => sumOf(await service.metrics(), "shadowsocks_connections_active", "tcp") === 0;
      await eventually("every connection to end", idle, DEADLINE_MS);
      assert.equal(sumOf(await service.metrics(), "shadowsocks_connections_total", '"OK"'), CONNECTIONS);
      const shares = endedBy(service);
      assert.deepEqual([...shares.keys()].sort(), [1, 2], `all to one worker: ${JSON.stringify([...shares])}`);
    }
    const bytes = sumOf(await tcp.metrics(), "shadowsocks_relay_bytes_total") - before;
    assert.equal(bytes, 2 * CONNECTIONS * PAYLOAD.length);
  });

  it("UDP associations work with either worker of the gateway, and each client stays with one worker of the relay", async () => {
    for (let index = 0; index < ASSOCIATIONS; index++) {
      await using association = await socks5Associate({ proxy, deadlineMs: DEADLINE_MS });
      for (let n = 0; n < 3; n++) {
        association.send(udpEcho, DATAGRAM);
        assert.deepEqual((await association.receive(DEADLINE_MS)).payload, DATAGRAM);
      }
    }
    const bytes = sumOf(await udp.metrics(), "shadowsocks_relay_bytes_total", "udp");
    assert.equal(bytes, 2 * 3 * ASSOCIATIONS * DATAGRAM.length);
    assert.equal(sumOf(await udp.metrics(), "shadowsocks_udp_sessions_active"), ASSOCIATIONS, "one session a client");
    const answered = [...endedBy(gateway).keys()];
    assert.ok(answered.includes(1) && answered.includes(2), "associations at both workers of the gateway");
  });

  it("the same first bytes sent to all workers at once are accepted once", async () => {
    const derived = deriveCredential(METHOD, SECRET);
    assert.ok(derived.ok);
    const request = createClientStream(derived.credential, systemEnvironment).sealRequest(
      addressFrom(echo.host, echo.port)!,
      Buffer.from("?"),
    );
    const sockets = await Promise.all(Array.from({ length: 16 }, () => openSocket({ host: "127.0.0.1", port: relayPort })));
    const answers = sockets.map((socket) =>
      Promise.race([once(socket, "data").then(() => "answered"), once(socket, "close").then(() => "closed")]),
    );
    for (const socket of sockets) socket.write(request);
    const refused = async () => sumOf(await tcp.metrics(), "shadowsocks_handshake_failures_total", "REPLAYED") === 15;
    await eventually("fifteen refusals", refused, DEADLINE_MS);
    for (const socket of sockets) socket.destroy();
    assert.equal((await Promise.all(answers)).filter((answer) => answer === "answered").length, 1);
  });

  it("a killed worker takes its own connections with it and no others; the port stays open and the group is whole again", async () => {
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, roundTrip));
    const counted = sumOf(await tcp.metrics(), "shadowsocks_relay_bytes_total");
    const [victim] = execFileSync("pgrep", ["-P", String(tcp.program.pid)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
    process.kill(victim!, "SIGKILL");
    await tcp.program.waitForLine(/a worker ended, the others go on/, DEADLINE_MS);
    for (let n = 0; n < 10; n++) (await roundTrip()).destroy();
    const alive = sockets.filter(({ readyState }) => readyState === "open");
    assert.ok(alive.length > 0 && alive.length < CONNECTIONS, `${alive.length} of ${CONNECTIONS} connections left`);
    for (const socket of alive) {
      socket.write("still there?");
      assert.equal((await readExactly(socket, 12, DEADLINE_MS, "the echo")).toString(), "still there?");
    }
    await untilBothServe(tcp);
    assert.ok(sumOf(await tcp.metrics(), "shadowsocks_relay_bytes_total") >= counted, "a counter went back");
    assert.equal(sumOf(await tcp.metrics(), "fleet_worker_exits_total"), 1);
    for (const socket of sockets) socket.destroy();
  });

  it("a prober sees one silent port, whichever worker it meets", async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, () => probe({ host: "127.0.0.1", port: relayPort, pieces: [Buffer.alloc(60, 1)], deadlineMs: 1_000 })),
    );
    assert.deepEqual(
      results.map(({ received }) => received.length),
      Array.from({ length: 8 }, () => 0),
    );
  });
});
