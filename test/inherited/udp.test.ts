import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { freePort, startEchoTarget, startUdpEchoTarget, type UdpTarget } from "@shadowfleet/testkit";
import { ATYP_IPV4 } from "@shadowfleet/wire";
import { type FleetProcess, startService } from "../fleet-process.ts";
import { assertEchoes, CLASSIC_METHOD, credentialOf, PacketClient } from "./classic.ts";
import { seriesValue, uploadOverWire } from "./measured.ts";

const GARBAGE_PACKETS = 3_000;
const IV_LENGTH = 16;

/** Bugs of the ancestor's UDP relay, on its own config.json and its own kind of cipher. */
describe("the ancestor's UDP bugs are not inherited", () => {
  const alice = credentialOf(CLASSIC_METHOD, "password of alice");
  const bob = credentialOf(CLASSIC_METHOD, "password of bob");
  let alicePort = 0;
  let bobPort = 0;
  let relay: FleetProcess;
  let echo: UdpTarget;

  before(async () => {
    echo = await startUdpEchoTarget();
    [alicePort, bobPort] = [await freePort(), await freePort()];
    relay = await startService("udp-relay", classicConfig(), ["--allow-private-targets"]);
  });
  after(async () => {
    await relay[Symbol.asyncDispose]();
    await echo.close();
  });

  const classicConfig = () => ({
    server: "127.0.0.1",
    port_password: { [alicePort]: "password of alice", [bobPort]: "password of bob" },
    method: CLASSIC_METHOD,
    timeout: 60,
    allowInsecureCiphers: true,
  });

  test("short and random datagrams neither crash the process nor close the port", async () => {
    await using client = new PacketClient();
    for (let i = 0; i < GARBAGE_PACKETS; i++) await client.sendRaw(randomBytes(i % 64), alicePort);
    await using honest = new PacketClient();
    await assertEchoes(honest, alicePort, alice, echo);
    assert.ok(relay.program.isRunning);
  });

  test("a datagram shorter than the IV is ignored", async () => {
    await using client = new PacketClient();
    for (let length = 0; length <= IV_LENGTH; length++) await client.sendRaw(randomBytes(length), bobPort);
    await assertEchoes(client, bobPort, bob, echo);
  });

  test("one client on two ports gets each answer from that port, under that port's key", async () => {
    await using client = new PacketClient();
    await assertEchoes(client, alicePort, alice, echo);
    await assertEchoes(client, bobPort, bob, echo);
    await assertEchoes(client, alicePort, alice, echo);
  });

  test("a name one client asked for never shows in another client's answer", async () => {
    await using first = new PacketClient();
    await using second = new PacketClient();
    const byName = await first.exchange(alicePort, alice, { host: "localhost", port: echo.port }, Buffer.from("by name"));
    const byAddress = await second.exchange(alicePort, alice, echo, Buffer.from("by address"));
    for (const { source } of [byName, byAddress]) assert.deepEqual(source, { type: ATYP_IPV4, host: "127.0.0.1", port: echo.port });
  });

  test("UDP bytes are counted by the rule of TCP: payload only, both ways", async () => {
    const payload = randomBytes(1_000);
    await using tcpEcho = await startEchoTarget();
    await using tcpRelay = await startService("tcp-relay", classicConfig(), ["--allow-private-targets"]);
    await using client = new PacketClient();
    const before = await relay.metrics();
    await client.exchange(alicePort, alice, echo, payload);
    await uploadOverWire(alicePort, alice, tcpEcho, payload);
    const [udp, tcp] = [await relay.metrics(), await tcpRelay.metrics()];
    for (const direction of ["up", "down"]) {
      const labels = (transport: string) => ({ network_transport: transport, network_io_direction: direction });
      const udpBytes =
        seriesValue(udp, "shadowsocks_relay_bytes_total", labels("udp")) -
        seriesValue(before, "shadowsocks_relay_bytes_total", labels("udp"));
      assert.equal(udpBytes, payload.length);
      assert.equal(seriesValue(tcp, "shadowsocks_relay_bytes_total", labels("tcp")), payload.length);
    }
  });
});
