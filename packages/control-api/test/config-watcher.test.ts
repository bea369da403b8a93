import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { eventually, expectNoOpenHandles, freePort } from "@shadowfleet/testkit";
import { RpcError } from "../src/index.ts";
import { FakeConfigService } from "./fake-config-service.ts";
import { FAST, IDLE, key, port, startWatcher } from "./watcher-fixture.ts";

const keysOf = (keys: { keys(): Iterable<string> } | undefined) => [...(keys?.keys() ?? [])];

describe("ConfigWatcher", () => {
  it("applies a snapshot and deltas, and acknowledges each revision with a report", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port], {
      state: () => ({ ...IDLE, ports: [{ port: 8388, bound: false, error: "in use" }] }),
    });
    const stream = await management.streamNumber(1);
    assert.deepEqual([stream.request.knownRevision, stream.request.knownGeneration], [0n, ""]);
    assert.deepEqual([stream.request.member?.id, stream.request.member?.kind, stream.request.member?.epoch], ["relay-1", 2, "e1"]);
    stream.snapshot({ ports: [port(8388)], keys: [key("alice", 8388), key("bob", 8388)] }, 7n);
    const first = await member.inForce(1);
    assert.deepEqual([first.revision, first.generation, keysOf(first.ports.get(8388)?.keys)], [7n, "g1", ["alice", "bob"]]);
    stream.delta({ keys: [key("carol", 8388)], removedKeys: ["bob"] }, 8n);
    const second = await member.inForce(2);
    assert.deepEqual(keysOf(second.ports.get(8388)?.keys), ["alice", "carol"]);
    assert.deepEqual(member.applied[1]?.removedKeys, ["bob"]);
    assert.equal(
      second.ports.get(8388)?.keys.get("alice"),
      first.ports.get(8388)?.keys.get("alice"),
      "unchanged keys are the same objects",
    );
    assert.deepEqual(keysOf(first.ports.get(8388)?.keys), ["alice", "bob"], "a configuration handed over never changes");
    await eventually("the acknowledgement", () => management.reports.some(({ member: reported }) => reported?.appliedRevision === 8n));
    const report = management.reports.at(-1);
    assert.deepEqual(report?.ports, [{ port: 8388, bound: false, error: "in use" }]);
    assert.deepEqual([report?.member?.ready, report?.member?.sessionCount, report?.member?.version], [true, 3, "1.2.3"]);
    const acknowledged = management.reports.map(({ member: reported }) => reported?.appliedRevision);
    assert.deepEqual(acknowledged, acknowledged.toSorted(), "revisions are acknowledged in order");
    assert.equal(member.metrics.total("fleet.config.reloads", { outcome: "OK" }), 2);
    assert.equal(member.metrics.observed("fleet.config.revision"), 8);
  });

  it("reports by itself, whether or not anything changes", async () => {
    await using management = await FakeConfigService.start();
    await using _member = startWatcher([management.port]);
    (await management.streamNumber(1)).snapshot({});
    await eventually("five reports", () => management.reports.length >= 5);
  });

  it("applies a snapshot that comes in parts once, when it is whole", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(1), port(2)], keys: [key("a", 1)], more: true }, 5n);
    stream.heartbeat();
    await wait(20);
    stream.snapshot({ keys: [key("b", 2)], more: true }, 5n);
    await wait(20);
    assert.equal(member.watcher.configuration, undefined);
    stream.snapshot({ keys: [key("c", 1)] }, 5n);
    const { ports } = await member.inForce(1);
    assert.deepEqual([keysOf(ports.get(1)?.keys), keysOf(ports.get(2)?.keys)], [["a", "c"], ["b"]]);
    assert.equal(member.applied.length, 1);
  });

  it("has no configuration before a snapshot, whatever else comes", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.heartbeat(5n);
    stream.delta({ ports: [port(1)] }, 6n);
    await eventually("the connection", () => member.watcher.connected);
    await wait(30);
    assert.deepEqual([member.watcher.configuration, member.applied.length], [undefined, 0]);
    stream.snapshot({ ports: [port(2)] }, 7n);
    assert.deepEqual([...(await member.inForce(1)).ports.keys()], [2]);
  });

  it("hands changes over one at a time and in order; those that come meanwhile together", async () => {
    await using management = await FakeConfigService.start();
    let running = 0;
    const revisions: bigint[] = [];
    await using member = startWatcher([management.port], {
      apply: async ({ revision }) => {
        assert.equal(++running, 1);
        await wait(revisions.length % 3 === 0 ? 15 : 1);
        revisions.push(revision);
        running--;
      },
    });
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(1)] });
    for (let n = 0; n < 50; n++) {
      stream.delta({ keys: [key(`k${n}`, 1)], removedKeys: n > 0 ? [`k${n - 1}`] : [] });
      if (n % 7 === 0) await wait(3);
    }
    await eventually("the last one", () => member.watcher.configuration?.revision === 51n);
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => Number(a - b)),
    );
    assert.ok(revisions.length < 51, "nothing was put together");
    assert.deepEqual(keysOf(member.watcher.configuration?.ports.get(1)?.keys), ["k49"]);
    assert.deepEqual(member.applied.flatMap(({ removedKeys }) => removedKeys).length, 49, "each removal is told once");
  });

  it("tells of a key that was removed and made anew in one go, so that its sessions end", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(1)], keys: [key("a", 1)] });
    await member.inForce(1);
    stream.delta({ removedKeys: ["a"] });
    stream.delta({ keys: [key("a", 1, { secrets: ["other"] })] });
    await eventually("both", () => member.watcher.configuration?.revision === 3n);
    assert.deepEqual(
      member.applied.flatMap(({ removedKeys }) => removedKeys),
      ["a"],
    );
    assert.deepEqual(member.watcher.configuration?.ports.get(1)?.keys.get("a")?.secrets, ["other"]);
  });

  it("moves a key between ports, and takes ports away with what is left of them", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(1), port(2)], keys: [key("a", 1), key("b", 1)] });
    await member.inForce(1);
    stream.delta({ keys: [key("a", 2)] });
    stream.delta({ removedPorts: [1], removedKeys: ["b"] });
    await eventually("both", () => member.watcher.configuration?.revision === 3n);
    const { ports } = member.watcher.configuration!;
    assert.deepEqual([...ports.keys()], [2]);
    assert.deepEqual(keysOf(ports.get(2)?.keys), ["a"]);
  });

  it("keeps upstreams in the order of tries and failCnt as told", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    const upstream = (id: string, order: bigint) => ({ id, order, host: "h", udpHost: "", port: 1, method: "m", secret: "s" });
    stream.snapshot({ upstreams: [upstream("b", 20n), upstream("a", 10n)], failCounts: [{ upstreamId: "a", count: 3 }] });
    await member.inForce(1);
    stream.delta({ upstreams: [upstream("c", 15n)], removedUpstreams: ["b"], failCounts: [{ upstreamId: "c", count: 1 }] });
    stream.delta({ failCounts: [{ upstreamId: "a", count: 0 }] }, stream.revision + 1n);
    await eventually("both", () => member.watcher.configuration?.revision === 3n);
    const { upstreams, failCounts } = member.watcher.configuration!;
    assert.deepEqual(
      upstreams.map(({ id }) => id),
      ["a", "c"],
    );
    assert.deepEqual([...failCounts], [["c", 1]]);
  });

  it("takes over a number that moves without a change, without applying anything", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(1)] }, 4n);
    await member.inForce(1);
    stream.generation = "g1 with another declared configuration";
    stream.heartbeat(9n);
    await eventually("the number", () => management.reports.at(-1)?.member?.appliedRevision === 9n);
    assert.equal(member.applied.length, 1);
    stream.end();
    const next = await management.streamNumber(2);
    assert.deepEqual([next.request.knownRevision, next.request.knownGeneration], [9n, "g1 with another declared configuration"]);
  });

  it("hands orders over behind what came before them", async () => {
    await using management = await FakeConfigService.start();
    const done: string[] = [];
    await using member = startWatcher([management.port], {
      apply: async ({ revision }) => {
        await wait(10);
        done.push(`revision ${revision}`);
      },
      command: (order) => {
        done.push(`${order.$case} ${order.value}`);
        if (order.value === "bad") throw new Error("cannot do that");
      },
    });
    const stream = await management.streamNumber(1);
    stream.snapshot({});
    stream.delta({ ports: [port(1)] });
    stream.command({ $case: "terminateAccessKeyId", value: "bad" });
    stream.command({ $case: "drainMemberId", value: "relay-1" });
    stream.delta({ removedPorts: [1] });
    await eventually("the end", () => done.at(-1) === "revision 3");
    const [first, ...rest] = done;
    // Both at once or one by one, as they arrive.
    if (first === "revision 1") done.splice(0, done.length, ...rest);
    assert.deepEqual(done, ["revision 2", "terminateAccessKeyId bad", "drainMemberId relay-1", "revision 3"]);
    assert.ok(
      member.log.lines.some(({ level, code, command }) => level === "error" && code === "INTERNAL" && command === "terminateAccessKeyId"),
    );
  });
});

describe("ConfigWatcher without management", () => {
  it("keeps the configuration, comes back by itself and goes on from where it was", async () => {
    const management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    (await management.streamNumber(1)).snapshot({ ports: [port(1)] }, 12n);
    await member.inForce(1);
    assert.equal(member.metrics.observed("fleet.management.connected"), 1);
    assert.equal(member.watcher.awayReason, undefined);
    management.stop();
    await eventually("the disconnect", () => !member.watcher.connected);
    assert.match(String(member.watcher.awayReason), /^127\.0\.0\.1:\d+: ./);
    await wait(60);
    assert.equal(member.watcher.configuration?.revision, 12n);
    assert.equal(member.metrics.observed("fleet.management.connected"), 0);
    await using again = await FakeConfigService.start(management.port);
    const stream = await again.streamNumber(1);
    assert.deepEqual([stream.request.knownRevision, stream.request.knownGeneration], [12n, "g1"]);
    stream.delta({ ports: [port(2)] }, 13n);
    await eventually("the delta", () => member.watcher.configuration?.revision === 13n);
    assert.deepEqual([...member.watcher.configuration!.ports.keys()], [1, 2]);
    assert.equal(member.metrics.total("fleet.management.disconnects"), 1);
    const told = member.log.lines.filter(({ msg, level }) => level === "warn" && msg?.startsWith("management away"));
    assert.equal(told.length, 1, "an outage is told once, not with every try");
  });

  it("replaces everything when the store had been emptied meanwhile", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(1), port(2)], keys: [key("a", 1), key("b", 2)] }, 40n);
    await member.inForce(1);
    stream.end();
    const next = await management.streamNumber(2);
    next.generation = "g2";
    next.snapshot({ ports: [port(2)], keys: [key("b", 2)] }, 3n);
    await eventually("the new life", () => member.watcher.configuration?.generation === "g2");
    const { revision, ports } = member.watcher.configuration!;
    assert.deepEqual([revision, [...ports.keys()]], [3n, [2]]);
    assert.equal(ports.get(2), member.applied[0]?.configuration.ports.get(2), "what is equal stays the same object");
  });

  it("tries the replicas one after the other", async () => {
    const dead = await freePort();
    await using second = await FakeConfigService.start();
    await using third = await FakeConfigService.start();
    await using member = startWatcher([dead, second.port, third.port]);
    (await second.streamNumber(1)).snapshot({});
    await member.inForce(1);
    second.stop();
    (await third.streamNumber(1)).heartbeat();
    await eventually("the third", () => member.watcher.connected);
    await eventually("a report to the third", () => third.reports.length > 0);
  });

  it("gives up a stream that says nothing", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port], { timing: { ...FAST, silenceMs: 400 } });
    const silent = await management.streamNumber(1);
    silent.snapshot({});
    const startedMs = performance.now();
    for (let n = 0; n < 10; n++) {
      await wait(60);
      silent.heartbeat();
    }
    assert.equal(management.streams.length, 1, "heartbeats keep it");
    await management.streamNumber(2);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= 950, `given up after ${tookMs} ms`);
    await eventually("the cancellation", () => silent.isOver);
    assert.ok(member.log.lines.some((line) => line.status === "SILENT"));
  });

  it("hears nothing of a stream it has given up", async () => {
    await using management = await FakeConfigService.start();
    const held = Promise.withResolvers<void>();
    let calls = 0;
    await using member = startWatcher([management.port], {
      timing: { ...FAST, silenceMs: 300 },
      apply: () => (++calls === 1 ? held.promise : undefined),
    });
    const first = await management.streamNumber(1);
    first.snapshot({ ports: [port(1)] }, 1n);
    await eventually("the first application", () => calls === 1);
    first.delta({ ports: [port(2)] }, 2n);
    await eventually("the silence", () => first.isOver);
    assert.equal(management.streams.length, 1, "the next stream waits for what is being applied");
    held.resolve();
    const second = await management.streamNumber(2);
    assert.equal(second.request.knownRevision, 1n, "what was received but not applied is asked for again");
    second.delta({ ports: [port(3)] }, 3n);
    await eventually("revision 3", () => member.watcher.configuration?.revision === 3n);
    assert.deepEqual([...member.watcher.configuration!.ports.keys()], [1, 3], "the delta of the dead stream has no effect");
  });

  it("asks for everything after a configuration that could not be applied, and keeps the one before", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port], {
      apply: ({ ports }) => {
        if (ports.has(13)) throw new Error("unlucky");
      },
    });
    const first = await management.streamNumber(1);
    first.snapshot({ ports: [port(1)] }, 1n);
    await member.inForce(1);
    first.delta({ ports: [port(13)] }, 2n);
    const second = await management.streamNumber(2);
    assert.deepEqual([second.request.knownRevision, second.request.knownGeneration], [0n, ""]);
    assert.equal(second.request.member?.appliedRevision, 1n);
    assert.deepEqual([...member.watcher.configuration!.ports.keys()], [1]);
    second.snapshot({ ports: [port(1), port(14)] }, 3n);
    await eventually("the good one", () => member.watcher.configuration?.revision === 3n);
    second.end();
    assert.equal((await management.streamNumber(3)).request.knownRevision, 3n);
    assert.equal(member.metrics.total("fleet.config.reloads", { outcome: "INTERNAL" }), 1);
  });

  it("leaves a replica that streams but takes no reports", async () => {
    await using deaf = await FakeConfigService.start();
    await using good = await FakeConfigService.start();
    deaf.refuseReports = status.UNAUTHENTICATED;
    await using member = startWatcher([deaf.port, good.port]);
    (await deaf.streamNumber(1)).snapshot({});
    (await good.streamNumber(1)).heartbeat();
    await eventually("a report", () => good.reports.length > 0);
    assert.ok(member.log.lines.some((line) => line.status === "UNHEARD"));
  });

  it("stays with a replica whose store is away: the others have the same one", async () => {
    await using storeless = await FakeConfigService.start();
    await using other = await FakeConfigService.start();
    storeless.refuseReports = new RpcError("STORE_UNAVAILABLE", "Redis does not answer");
    await using member = startWatcher([storeless.port, other.port]);
    (await storeless.streamNumber(1)).snapshot({});
    await eventually("refused reports", () => storeless.refusedReports >= 6);
    assert.ok(!member.log.lines.some((line) => line.status === "UNHEARD"));
    assert.equal(other.reports.length, 0);
    storeless.refuseReports = undefined;
    await eventually("a report", () => storeless.reports.length > 0);
  });

  it("says how long ago management was heard, since its own start if never", async () => {
    const management = await FakeConfigService.start(await freePort());
    await using member = startWatcher([management.port]);
    const age = () => member.metrics.observed("fleet.config.age.seconds");
    const stream = await management.streamNumber(1);
    member.clock.advance(7_000);
    assert.equal(age(), 7);
    stream.heartbeat();
    await eventually("a sign of life", () => age() === 0);
    member.clock.advance(3_000);
    assert.equal(age(), 3);
    stream.snapshot({});
    await eventually("another", () => age() === 0);
    management.stop();
    await eventually("the disconnect", () => !member.watcher.connected);
    member.clock.advance(60_000);
    assert.equal(age(), 60);
    await member.watcher.stop();
    assert.equal(age(), undefined);
  });

  it("backs off up to the limit, with full jitter, and forgets that after a stream that lived", async () => {
    await using management = await FakeConfigService.start();
    const drawn: number[] = [];
    const random = () => {
      drawn.push(performance.now());
      return 1;
    };
    await using member = startWatcher([management.port], { random, timing: { ...FAST, backoffMinMs: 100, backoffMaxMs: 400 } });
    for (let n = 1; n <= 5; n++) (await management.streamNumber(n)).fail(status.UNAVAILABLE);
    const last = await management.streamNumber(6);
    const gaps = drawn.slice(1).map((at, n) => at - drawn[n]!);
    for (const [n, least] of [100, 200, 400, 400].entries()) assert.ok(gaps[n]! >= least - 2, `pause ${n + 1} was ${gaps[n]} ms`);
    member.clock.advance(6000);
    last.fail(status.UNAVAILABLE);
    const failedMs = performance.now();
    await management.streamNumber(7);
    assert.ok(performance.now() - failedMs < 380, "the pause after a stable stream is the shortest again");
  });

  it("outlives whatever goes wrong on its own side, and comes back", async () => {
    await using management = await FakeConfigService.start();
    let isBroken = true;
    await using member = startWatcher([management.port], {
      state: () => {
        if (isBroken) throw new Error("this member does not know how it is");
        return IDLE;
      },
    });
    await eventually(
      "the complaints",
      () => member.log.lines.filter(({ level, code }) => level === "error" && code === "INTERNAL").length >= 2,
    );
    isBroken = false;
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(1)] });
    await member.inForce(1);
    isBroken = true;
    stream.delta({ ports: [port(2)] });
    await member.inForce(2);
    isBroken = false;
    await eventually("reports again", () => management.reports.some(({ member: reported }) => reported?.appliedRevision === 2n));
  });

  it("stops at once, wherever it is", async () => {
    const nobody = await freePort();
    const waiting = startWatcher([nobody], { timing: { ...FAST, backoffMinMs: 60_000, backoffMaxMs: 60_000 } });
    await eventually("the first failure", () => waiting.log.lines.length > 0);
    assert.equal(waiting.watcher.awayReason, `127.0.0.1:${nobody}: connect ECONNREFUSED 127.0.0.1:${nobody}`);
    const startedMs = performance.now();
    await waiting.watcher.stop();
    assert.ok(performance.now() - startedMs < 500);
    assert.equal(waiting.metrics.observed("fleet.management.connected"), undefined);
  });
});

expectNoOpenHandles();
