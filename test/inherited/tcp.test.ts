import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemEnvironment } from "@shadowfleet/runtime";
import { eventually, freePort, openSocket, probe, startEchoTarget, type TcpTarget } from "@shadowfleet/testkit";
import { addressFrom, createClientStream } from "@shadowfleet/wire";
import { type FleetProcess, startService } from "../fleet-process.ts";
import { CLASSIC_METHOD, credentialOf } from "./classic.ts";
import { seriesValue, uploadOverWire } from "./measured.ts";

const PRIVATE = ["--allow-private-targets"];
const descriptors = (relay: FleetProcess): number => readdirSync(`/proc/${relay.program.pid}/fd`).length;

/** Bugs of the ancestor's server, on its own config.json. */
describe("the ancestor's TCP server bugs are not inherited", () => {
  const secret = "password of alice";
  const alice = credentialOf(CLASSIC_METHOD, secret);
  let echo: TcpTarget;

  before(async () => {
    echo = await startEchoTarget();
  });
  after(() => echo.close());

  const classic = (ports: readonly number[], more: object = {}) => ({
    server: "127.0.0.1",
    port_password: Object.fromEntries(ports.map((port) => [port, secret])),
    method: CLASSIC_METHOD,
    allowInsecureCiphers: true,
    ...more,
  });

  test("failed handshakes end at the deadline and leave no descriptor behind", async () => {
    const port = await freePort();
    await using relay = await startService("tcp-relay", classic([port], { timeouts: { handshake: "1s" } }), PRIVATE);
    await uploadOverWire(port, alice, echo, randomBytes(100));
    const base = descriptors(relay);
    const results = await Promise.all(
      Array.from({ length: 200 }, () => probe({ host: "127.0.0.1", port, pieces: [Buffer.alloc(40, 0xff)], deadlineMs: 6_000 })),
    );
    assert.deepEqual(new Set(results.map(({ close }) => close)), new Set(["fin"]));
    await eventually("the descriptors of 200 failed handshakes to be free again", () => descriptors(relay) <= base + 2);
  });

  test("running out of descriptors does not kill the port", async () => {
    const port = await freePort();
    const config = classic([port], { limits: { maxConnections: 10_000 } });
    await using relay = await startService("tcp-relay", config, PRIVATE, { maxDescriptors: 80 });
    const sockets: Socket[] = [];
    for (let i = 0; i < 150; i++) {
      try {
        sockets.push(await openSocket({ host: "127.0.0.1", port }, 500));
      } catch {
        // Refused or not accepted: what exhaustion looks like from outside.
      }
    }
    // The kernel lets clients in sooner than a busy relay does.
    await eventually("descriptors to be exhausted", () => descriptors(relay) > 60, 15_000);
    for (const socket of sockets) socket.destroy();
    await eventually(
      "the port to serve again",
      async () => {
        try {
          await uploadOverWire(port, alice, echo, randomBytes(100));
          return true;
        } catch {
          return false;
        }
      },
      15_000,
    );
    assert.ok(relay.program.isRunning);
  });

  test("one port that cannot be bound neither ends the process nor stays dead", async () => {
    const [free, busy] = [await freePort(), await freePort()];
    const squatter = createServer().listen({ host: "127.0.0.1", port: busy });
    await using relay = await startService("tcp-relay", classic([free, busy]), PRIVATE);
    await uploadOverWire(free, alice, echo, randomBytes(100));
    assert.equal(seriesValue(await relay.metrics(), "fleet_ports_failed"), 1);
    squatter.close();
    await eventually("the second port to be bound", async () => seriesValue(await relay.metrics(), "fleet_ports_failed") === 0, 15_000);
    await uploadOverWire(busy, alice, echo, randomBytes(100));
  });

  test("reload is atomic, keeps the default method and never resets a counter", async () => {
    const [first, second] = [await freePort(), await freePort()];
    await using relay = await startService("tcp-relay", classic([first]), PRIVATE);
    const admin = { port: relay.adminPort };
    const reload = async (config: object, outcome: string): Promise<void> => {
      const count = async (): Promise<number> => {
        const text = await relay.metrics();
        return text.includes(`outcome="${outcome}"`) ? seriesValue(text, "fleet_config_reloads_total", { outcome }) : 0;
      };
      const earlier = await count();
      writeFileSync(relay.configFile, JSON.stringify({ ...config, admin }));
      relay.program.signal("SIGHUP");
      await eventually(`a reload with outcome ${outcome}`, async () => (await count()) > earlier);
    };
    const total = async (): Promise<number> =>
      seriesValue(await relay.metrics(), "shadowsocks_relay_bytes_total", { network_transport: "tcp", network_io_direction: "up" });

    await uploadOverWire(first, alice, echo, randomBytes(1_000));
    await eventually("the first kilobyte to be counted", async () => (await total()) === 1_000);
    await reload({ ...classic([first, second]), method: "des-cfb" }, "CONFIG_INVALID");
    await uploadOverWire(first, alice, echo, randomBytes(1_000));

    // Without `method` the ancestor's default applies: the very method the clients use.
    const { method: _, ...withoutMethod } = classic([first, second]);
    await reload(withoutMethod, "OK");
    await uploadOverWire(second, alice, echo, randomBytes(1_000));

    await reload({ ...classic([first, second]), port_password: { [first]: "another password", [second]: secret } }, "OK");
    await uploadOverWire(first, credentialOf(CLASSIC_METHOD, "another password"), echo, randomBytes(1_000));
    await eventually("all four kilobytes in one counter", async () => (await total()) === 4_000);
  });

  test("the file's timeout is honoured", async () => {
    const port = await freePort();
    await using relay = await startService("tcp-relay", classic([port], { timeout: 2 }), PRIVATE);
    const started = performance.now();
    await uploadOverWire(port, alice, echo, randomBytes(100));
    const idle = await openIdle(port);
    await eventually("the idle connection to be closed", () => idle.destroyed || idle.readableEnded, 8_000);
    const seconds = (performance.now() - started) / 1000;
    assert.ok(seconds >= 1.9, `closed after ${seconds} s`);
    assert.ok(relay.program.isRunning);
  });

  /** A connection that got its first answer and then says nothing. */
  async function openIdle(port: number): Promise<Socket> {
    const socket = await openSocket({ host: "127.0.0.1", port });
    socket
      .resume()
      .write(createClientStream(alice, systemEnvironment).sealRequest(addressFrom(echo.host, echo.port)!, Buffer.from("hello")));
    await sleep(100);
    return socket;
  }
});
