import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTargetGuard } from "@shadowfleet/relay";
import { eventually, withDeadline } from "@shadowfleet/testkit";
import { addressFrom } from "@shadowfleet/wire";
import { RelayPair, ScriptedResolver } from "./relays.ts";
import { PUBLIC, TARGETS } from "./target-table.ts";
import { TcpAsker, Tripwire, UdpAsker } from "./wires.ts";

const guard = createTargetGuard({ allowPrivateTargets: false, allowTargets: [], denyTargets: [] });
const literal = (host: string): string => addressFrom(host, 0)?.host ?? host;

describe("the target guard by itself", () => {
  for (const { what, hosts, verdict } of TARGETS) {
    it(`${what}: ${verdict}`, () => {
      for (const host of hosts) assert.equal(guard.admits(literal(host)), false, host);
      const isAddress = (host: string): boolean => addressFrom(host, 0)?.type !== undefined && addressFrom(host, 0)?.type !== 3;
      for (const host of hosts) assert.equal(isAddress(host), verdict === "forbidden", host);
      for (const host of hosts) assert.equal(addressFrom(host, 0) === undefined, verdict === "malformed", host);
    });
  }

  it("admits what is public", () => {
    for (const host of PUBLIC) assert.equal(guard.admits(literal(host)), true, host);
  });
});

describe("the same through real relays", () => {
  it("TCP: a reset under its code, a malformed target like a stranger, and nobody is reached", async () => {
    await using tripwire = await Tripwire.start("127.0.0.1");
    const resolver = new ScriptedResolver(() => ["127.0.0.1", "::1"]);
    await using relays = await RelayPair.start({ anna: undefined }, {}, resolver);
    let malformed = 0;
    for (const { hosts, verdict, what } of TARGETS) {
      for (const host of hosts) {
        const before = relays.ends.length;
        using client = new TcpAsker(relays.port, "anna", host, tripwire.port);
        if (verdict === "malformed") {
          malformed += 1;
          const refused = (): number => relays.metrics.total("shadowsocks.handshake.failures", { "error.type": "BAD_ADDRESS" });
          await eventually(`${host} refused`, () => refused() === malformed);
          continue;
        }
        await withDeadline(client.closed, 10_000, `${what}: ${host}`);
        await eventually(`the end of ${host}`, () => relays.ends.length > before);
        assert.deepEqual(relays.ends.at(-1), ["anna", "TARGET_FORBIDDEN"], host);
      }
    }
    assert.ok(malformed > 5);
    assert.equal(tripwire.hits, 0);
  });

  it("UDP: dropped and counted, and nobody is reached", async () => {
    await using tripwire = await Tripwire.start("127.0.0.1");
    await using relays = await RelayPair.start({ anna: undefined }, {}, new ScriptedResolver(() => ["127.0.0.1", "::1"]));
    using client = new UdpAsker(relays.port, "anna");
    let forbidden = 0;
    let malformed = 0;
    for (const { hosts, verdict } of TARGETS) {
      for (const host of hosts) {
        client.send(host, tripwire.port);
        if (verdict === "malformed") malformed += 1;
        else forbidden += 1;
        await eventually(
          `${host} dropped`,
          () => relays.forbiddenDatagrams === forbidden && relays.udp.counts.count("up", "BAD_ADDRESS") === malformed,
        );
      }
    }
    assert.equal(tripwire.hits, 0);
    assert.deepEqual(client.answers, []);
  });

  it("the tripwire works: with private targets allowed both get there", async () => {
    await using tripwire = await Tripwire.start("127.0.0.1");
    await using relays = await RelayPair.start({ anna: undefined }, { allowPrivateTargets: true });
    using _tcp = new TcpAsker(relays.port, "anna", "::ffff:127.0.0.1", tripwire.port);
    await eventually("a TCP connection", () => tripwire.hits === 1);
    using udp = new UdpAsker(relays.port, "anna");
    udp.send("127.0.0.1", tripwire.port);
    await eventually("a datagram", () => tripwire.hits === 2);
  });
});
