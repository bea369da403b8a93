import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventually, freePort, startEchoTarget, startUdpEchoTarget } from "@shadowfleet/testkit";
import { key, port, startFleetRelay } from "../../services/tcp-relay/test/fleet-fixture.ts";
import { ShadowClient } from "../../services/tcp-relay/test/shadow-client.ts";
import { RelayPair } from "./relays.ts";
import { METHOD, TcpAsker, UdpAsker } from "./wires.ts";

const LOOPBACK = "127.0.0.1";
const open = (number: number, secret: string, targetPort: number): Promise<ShadowClient> =>
  ShadowClient.open({ port: number, method: METHOD, secret, target: { host: LOOPBACK, port: targetPort }, payload: Buffer.from("hello") });

describe("lists of an access key", () => {
  it("allow what the table refuses, for that key alone; deny wins over allow, the relay's own over the key's", async () => {
    await using tcpEcho = await startEchoTarget();
    await using udpEcho = await startUdpEchoTarget();
    const keys = {
      anna: { allow: ["127.0.0.0/8"] },
      boris: undefined,
      carol: { allow: ["127.0.0.0/8"], deny: ["127.0.0.1"] },
      dora: { allow: [LOOPBACK, "10.0.0.1"] },
    };
    await using relays = await RelayPair.start(keys, { targets: { deny: ["10.0.0.0/8"] } });
    for (const id of ["anna", "dora"]) {
      using client = await open(relays.port, id, tcpEcho.port);
      assert.equal((await client.receive(5)).toString(), "hello", id);
      using udp = new UdpAsker(relays.port, id);
      udp.send(LOOPBACK, udpEcho.port);
      await eventually(`${id}'s echo`, () => udp.answers.length === 1);
    }
    const refused = [
      ["boris", LOOPBACK],
      ["carol", LOOPBACK],
      ["dora", "10.0.0.1"],
      ["anna", "192.168.0.1"],
    ] as const;
    for (const [index, [id, host]] of refused.entries()) {
      using client = new TcpAsker(relays.port, id, host, tcpEcho.port);
      await client.closed;
      await eventually(`${id}'s end`, () => relays.ends.some(([keyId, code]) => keyId === id && code === "TARGET_FORBIDDEN"));
      using udp = new UdpAsker(relays.port, id);
      udp.send(host, udpEcho.port);
      await eventually(`${id}'s datagram`, () => relays.forbiddenDatagrams === index + 1);
      assert.deepEqual(udp.answers, []);
    }
  });

  it("end what is open to a target that is denied now, of that key alone", async () => {
    await using echo = await startEchoTarget();
    await using udpEcho = await startUdpEchoTarget();
    const before = { anna: { allow: [LOOPBACK] }, boris: { allow: [LOOPBACK] } };
    await using relays = await RelayPair.start(before);
    using anna = await open(relays.port, "anna", echo.port);
    using boris = await open(relays.port, "boris", echo.port);
    using udp = new UdpAsker(relays.port, "anna");
    udp.send(LOOPBACK, udpEcho.port);
    await Promise.all([anna.receive(5), boris.receive(5), eventually("an echo", () => udp.answers.length === 1)]);
    await relays.reload({ ...before, anna: { allow: [LOOPBACK], deny: ["127.0.0.0/16"] } });
    assert.equal(await anna.closed, "rst");
    await eventually("anna's end", () => relays.ends.length > 0);
    assert.deepEqual(relays.ends, [["anna", "TARGET_FORBIDDEN"]]);
    assert.equal(relays.udp.sessions.size, 0, "anyone it had sent to could have answered");
    udp.send(LOOPBACK, udpEcho.port);
    await eventually("the datagram is refused", () => relays.forbiddenDatagrams === 1);
    boris.write(Buffer.from("again"));
    assert.equal((await boris.receive(10)).toString(), "helloagain");
    // What the whole relay denies holds for what comes: a reload leaves connections alone.
    await relays.reload(before, { targets: { deny: [LOOPBACK] } });
    using late = new TcpAsker(relays.port, "boris", LOOPBACK, echo.port);
    await late.closed;
    boris.write(Buffer.from("once more"));
    assert.equal((await boris.receive(19)).toString(), "helloagainonce more");
  });

  it("come from management, hold within a second, and a key whose list cannot be read is left out", async () => {
    await using echo = await startEchoTarget();
    await using fleet = await startFleetRelay({ allowPrivateTargets: false });
    const { relay, stream } = fleet;
    const number = await freePort();
    const allow = { allowTargets: [LOOPBACK] };
    stream.snapshot({
      ports: [port(number)],
      keys: [key("anna", number, allow), key("boris", number), key("carol", number, { denyTargets: ["no block"] })],
    });
    await eventually("the port", () => relay.app.boundPort(number) !== undefined);
    assert.equal(relay.app.keys.key("carol"), undefined);
    assert.ok(relay.log.lines.some(({ msg }) => String(msg).includes('key "carol" is left out: its targets: not a CIDR block: no block')));
    using anna = await open(number, "anna", echo.port);
    assert.equal((await anna.receive(5)).toString(), "hello");
    using boris = new TcpAsker(number, "boris", LOOPBACK, echo.port);
    await boris.closed;
    const changedMs = performance.now();
    stream.delta({ keys: [key("anna", number, { ...allow, denyTargets: [LOOPBACK] })] });
    assert.equal(await anna.closed, "rst");
    assert.ok(performance.now() - changedMs < 1_000, "within a second");
    await relay.ended(2);
    assert.deepEqual(relay.ends.map(({ keyId, code }) => [keyId, code]).toSorted(), [
      ["anna", "TARGET_FORBIDDEN"],
      ["boris", "TARGET_FORBIDDEN"],
    ]);
  });
});
