import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventually, startEchoTarget, startUdpEchoTarget } from "@shadowfleet/testkit";
import { ShadowClient } from "../../services/tcp-relay/test/shadow-client.ts";
import { RelayPair, ScriptedResolver } from "./relays.ts";
import { METHOD, TcpAsker, Tripwire, UdpAsker } from "./wires.ts";

const ALLOWED = { targets: { allow: ["127.0.0.1"] } };
const FORBIDDEN = "127.0.0.2";

const openEcho = (port: number, host: string, targetPort: number): Promise<ShadowClient> =>
  ShadowClient.open({ port, method: METHOD, secret: "anna", target: { host, port: targetPort }, payload: Buffer.from("hello") });

describe("names that stand for allowed and forbidden addresses at once", () => {
  it("TCP: only the allowed ones are dialled, whatever their order", async () => {
    await using echo = await startEchoTarget();
    await using tripwire = await Tripwire.start(FORBIDDEN, echo.port);
    const resolver = new ScriptedResolver(() => [FORBIDDEN, "169.254.169.254", "::1", "127.0.0.1", "10.0.0.1"]);
    await using relays = await RelayPair.start({ anna: undefined }, ALLOWED, resolver);
    using client = await openEcho(relays.port, "mix.example", echo.port);
    assert.equal((await client.receive(5)).toString(), "hello");
    assert.equal(tripwire.hits, 0);
  });

  it("UDP: the allowed one is sent to", async () => {
    await using echo = await startUdpEchoTarget();
    await using tripwire = await Tripwire.start(FORBIDDEN, echo.port);
    const resolver = new ScriptedResolver(() => [FORBIDDEN, "10.0.0.1", "127.0.0.1"]);
    await using relays = await RelayPair.start({ anna: undefined }, ALLOWED, resolver);
    using client = new UdpAsker(relays.port, "anna");
    client.send("mix.example", echo.port, "hello");
    await eventually("the echo", () => client.answers.includes("hello"));
    assert.equal(tripwire.hits, 0);
  });

  it("without one that is allowed, nothing is dialled", async () => {
    const resolver = new ScriptedResolver(() => [FORBIDDEN, "::1", "fd00::1"]);
    await using relays = await RelayPair.start({ anna: undefined }, ALLOWED, resolver);
    using client = new TcpAsker(relays.port, "anna", "mix.example", 80);
    await client.closed;
    await eventually("its end", () => relays.ends.length > 0);
    assert.deepEqual(relays.ends, [["anna", "TARGET_FORBIDDEN"]]);
  });
});

describe("names that change their answer between check and dial", () => {
  it("TCP: the address that was checked is dialled, and the name is asked once", async () => {
    await using echo = await startEchoTarget();
    await using tripwire = await Tripwire.start(FORBIDDEN, echo.port);
    const resolver = new ScriptedResolver((_name, asked) => (asked === 1 ? ["127.0.0.1"] : [FORBIDDEN]));
    await using relays = await RelayPair.start({ anna: undefined }, ALLOWED, resolver);
    using client = await openEcho(relays.port, "rebind.example", echo.port);
    assert.equal((await client.receive(5)).toString(), "hello");
    assert.equal(resolver.asked, 1);
    // The next connection asks again, is told the other address, and is judged by that one.
    using second = new TcpAsker(relays.port, "anna", "rebind.example", echo.port);
    await second.closed;
    await eventually("its end", () => relays.ends.length > 0);
    assert.deepEqual(relays.ends.at(-1), ["anna", "TARGET_FORBIDDEN"]);
    assert.equal(tripwire.hits, 0);
  });

  it("UDP: every datagram goes to a checked address, and none follows the name inwards", async () => {
    await using echo = await startUdpEchoTarget();
    await using tripwire = await Tripwire.start(FORBIDDEN, echo.port);
    const resolver = new ScriptedResolver((_name, asked) => (asked === 1 ? ["127.0.0.1"] : [FORBIDDEN]));
    await using relays = await RelayPair.start({ anna: undefined }, ALLOWED, resolver);
    using client = new UdpAsker(relays.port, "anna");
    client.send("rebind.example", echo.port, "one");
    await eventually("the echo", () => client.answers.length === 1);
    // This resolver remembers nothing, so each of these is looked up afresh while the flow goes on where it was.
    for (let n = 0; n < 10; n += 1) client.send("rebind.example", echo.port, `more ${n}`);
    await eventually("all arrived", () => client.answers.length === 11);
    assert.ok(resolver.asked > 1);
    assert.equal(tripwire.hits, 0);
  });
});
