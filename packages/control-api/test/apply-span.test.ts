import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { trace } from "@opentelemetry/api";
import { FleetError } from "@shadowfleet/runtime";
import { eventually, expectNoOpenHandles, recordSpans } from "@shadowfleet/testkit";
import { FakeConfigService } from "./fake-config-service.ts";
import { key, port, startWatcher } from "./watcher-fixture.ts";

const NAME = "apply configuration";
const traceparent = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

describe("bringing a configuration into force", () => {
  expectNoOpenHandles();

  it("for one traced write is a part of that write's trace", async () => {
    await using management = await FakeConfigService.start();
    await using recorder = await recordSpans();
    await using member = startWatcher([management.port], {
      apply: () => trace.getTracer("test").startSpan("bind").end(),
    });
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(8001)] });
    await member.inForce(1);
    stream.delta({ keys: [key("a", 8001)] }, undefined, [traceparent("a")]);
    await member.inForce(2);
    await eventually("both spans", () => recorder.named(NAME).length === 2);
    const [snapshot, delta] = recorder.named(NAME);
    assert.deepEqual([snapshot?.parentSpanId, snapshot?.links, snapshot?.attributes], [undefined, [], { "fleet.config.revision": 1 }]);
    assert.deepEqual([delta?.kind, delta?.traceId, delta?.parentSpanId, delta?.links], ["consumer", "a".repeat(32), "a".repeat(16), []]);
    assert.equal(delta?.attributes["fleet.config.revision"], 2);
    assert.deepEqual(
      recorder.named("bind").map(({ parentSpanId }) => parentSpanId),
      [snapshot?.spanId, delta?.spanId],
    );
  });

  it("for several at once is a trace of its own with a link to each", async () => {
    await using management = await FakeConfigService.start();
    await using recorder = await recordSpans();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(8001)] });
    await member.inForce(1);
    stream.delta({ keys: [key("a", 8001), key("b", 8001)] }, undefined, [traceparent("a"), traceparent("b"), "nonsense"]);
    await member.inForce(2);
    await eventually("both spans", () => recorder.named(NAME).length === 2);
    const delta = recorder.named(NAME)[1]!;
    assert.equal(delta.parentSpanId, undefined);
    assert.deepEqual(
      delta.links.map(({ traceId }) => traceId),
      ["a".repeat(32), "b".repeat(32)],
    );
  });

  it("that fails is a failed span with the code; the next has nothing of its traces", async () => {
    await using management = await FakeConfigService.start();
    await using recorder = await recordSpans();
    let tries = 0;
    await using member = startWatcher([management.port], {
      apply: () => {
        if (++tries === 2) throw new FleetError("BIND_FAILED", "taken");
      },
    });
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(8001)] });
    await member.inForce(1);
    stream.delta({ keys: [key("a", 8001)] }, undefined, [traceparent("a")]);
    (await management.streamNumber(2)).snapshot({ ports: [port(8001)] });
    await member.inForce(2);
    await eventually("three spans", () => recorder.named(NAME).length === 3);
    const [, failed, again] = recorder.named(NAME);
    assert.deepEqual([failed?.isError, failed?.attributes["error.type"], failed?.traceId], [true, "BIND_FAILED", "a".repeat(32)]);
    assert.deepEqual([again?.isError, again?.parentSpanId, again?.links], [false, undefined, []]);
  });

  it("goes on as ever while nothing is traced here, whatever management sends", async () => {
    await using management = await FakeConfigService.start();
    await using member = startWatcher([management.port]);
    const stream = await management.streamNumber(1);
    stream.snapshot({ ports: [port(8001)] });
    stream.delta({ keys: [key("a", 8001)] }, undefined, [traceparent("a"), "nonsense"]);
    await eventually("the key", () => member.watcher.configuration?.revision === 2n);
  });
});
