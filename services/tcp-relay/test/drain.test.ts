import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventually, probe, startEchoTarget } from "@shadowfleet/testkit";
import { startSingle } from "./relay-fixture.ts";
import { ShadowClient } from "./shadow-client.ts";

const method = "chacha20-ietf-poly1305";
const open = (port: number, target: { host: string; port: number }) =>
  ShadowClient.open({ port, method, secret: "pw", target, payload: Buffer.from("x") });

describe("drain", () => {
  test("accepts nothing new, lets a session finish, and is done then", async () => {
    await using target = await startEchoTarget();
    await using relay = await startSingle(method, "pw");
    using client = await open(relay.port, target);
    await client.receive(1);
    const drained = relay.app.drain(10_000);
    await eventually("the port to be free", () =>
      probe({ host: "127.0.0.1", port: relay.port, deadlineMs: 20 }).then(
        () => false,
        () => true,
      ),
    );
    assert.equal(relay.app.readiness().ready, false);
    client.write(Buffer.from("yz"));
    assert.equal((await client.receive(3)).toString(), "xyz");
    client.end();
    const startedMs = performance.now();
    await drained;
    assert.ok(performance.now() - startedMs < 2000);
    assert.equal((await relay.ended()).code, "OK");
    assert.equal(relay.app.connections, 0);
    assert.equal(relay.metrics.observed("fleet.ports.bound"), undefined, "its readers are gone");
  });

  test("ends at the deadline what does not finish", async () => {
    await using target = await startEchoTarget();
    await using relay = await startSingle(method, "pw");
    using client = await open(relay.port, target);
    await client.receive(1);
    const startedMs = performance.now();
    await relay.app.drain(300);
    assert.ok(performance.now() - startedMs >= 290);
    assert.equal(relay.ends[0]?.code, "DRAIN_DEADLINE");
    assert.equal(await client.closed, "rst");
    assert.equal(relay.app.connections, 0);
    assert.ok(relay.log.lines.some(({ level, code }) => level === "warn" && code === "DRAIN_DEADLINE"));
  });

  test("does not wait for strangers, and closes them as ever", async () => {
    await using relay = await startSingle(method, "pw", { timeouts: { handshake: "60s" } });
    const probes = [[], [Buffer.alloc(10)], [Buffer.alloc(200)]].map((pieces) =>
      probe({ host: "127.0.0.1", port: relay.port, pieces, deadlineMs: 8000 }),
    );
    await eventually("the probes", () => relay.app.connections === 3);
    const startedMs = performance.now();
    await relay.app.drain(30_000);
    assert.ok(performance.now() - startedMs < 3000);
    for (const { received, close } of await Promise.all(probes)) assert.deepEqual([received.length, close], [0, "fin"]);
    assert.equal(relay.log.lines.filter(({ level, code }) => level === "warn" && code !== undefined).length, 0);
  });

  test("without connections is done at once", async () => {
    await using relay = await startSingle(method, "pw");
    const startedMs = performance.now();
    await relay.app.drain(30_000);
    assert.ok(performance.now() - startedMs < 500);
  });
});
