import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createLogger, FleetError } from "@shadowfleet/runtime";
import { PortSupervisor } from "../src/port-supervisor.ts";
import type { PortConfig } from "../src/relay-config.ts";
import { sampleKey, samplePort } from "./sample-ports.ts";

/** A stand-in for the network: which ports are open, which are busy, and what was done in order. */
class SampleNetwork {
  readonly busy = new Set<number>();
  readonly open = new Map<number, string>();
  readonly events: string[] = [];
  readonly lines: Record<string, unknown>[] = [];

  supervisor(): PortSupervisor {
    return new PortSupervisor({
      open: (port) => this.#open(port),
      logger: createLogger({ name: "test", level: "debug", destination: { write: (line) => void this.lines.push(JSON.parse(line)) } }),
      retryMinMs: 5,
      retryMaxMs: 20,
    });
  }

  async #open({ host, port }: PortConfig): Promise<{ close(): Promise<void> }> {
    await sleep(1);
    if (this.busy.has(port) || this.open.has(port)) {
      this.events.push(`fail ${port}`);
      throw new FleetError("BIND_FAILED", `port ${port} is busy`);
    }
    this.open.set(port, host);
    this.events.push(`open ${port}`);
    return {
      close: async () => {
        await sleep(1);
        this.open.delete(port);
        this.events.push(`close ${port}`);
      },
    };
  }
}

const key = sampleKey("a");
const ports = (...numbers: number[]) => numbers.map((port) => samplePort(port, [key]));

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; n < 400 && !condition(); n++) await sleep(5);
  assert.ok(condition(), "did not come true in time");
}

describe("PortSupervisor", () => {
  test("opens what is new, closes what is gone, leaves the rest alone", async () => {
    const network = new SampleNetwork();
    const supervisor = network.supervisor();
    await supervisor.apply(ports(1, 2));
    await supervisor.apply(ports(2, 3));
    assert.deepEqual(network.events.toSorted(), ["close 1", "open 1", "open 2", "open 3"]);
    assert.equal(supervisor.bound, 2);
    await supervisor.close();
    assert.equal(network.open.size, 0);
    assert.equal(supervisor.bound, 0);
  });

  test("other keys on a port do not touch its listener; another host moves it", async () => {
    const network = new SampleNetwork();
    const supervisor = network.supervisor();
    await supervisor.apply(ports(1));
    await supervisor.apply([samplePort(1, [sampleKey("b"), sampleKey("c")])]);
    assert.deepEqual(network.events, ["open 1"]);
    await supervisor.apply([samplePort(1, [key], { host: "::1" })]);
    assert.deepEqual(network.events, ["open 1", "close 1", "open 1"]);
    assert.equal(network.open.get(1), "::1");
    await supervisor.close();
  });

  test("a busy port among several: the others serve, it is reported, and it comes once it is free", async () => {
    const network = new SampleNetwork();
    network.busy.add(2);
    const supervisor = network.supervisor();
    await supervisor.apply(ports(1, 2, 3));
    assert.deepEqual([...network.open.keys()].toSorted(), [1, 3]);
    assert.deepEqual([supervisor.bound, supervisor.failed], [2, 1]);
    assert.deepEqual(supervisor.readiness(), { ready: true, details: { ports: "2 of 3 bound", failed: "2" } });
    const refusal = network.lines.find(({ code }) => code === "BIND_FAILED");
    assert.equal(refusal?.level, "error");
    assert.equal(refusal?.port, 2);
    await until(() => network.events.filter((event) => event === "fail 2").length >= 3);
    assert.equal(
      network.lines.filter(({ code, level }) => code === "BIND_FAILED" && level === "error").length,
      1,
      "one error line, not one a retry",
    );
    network.busy.delete(2);
    await until(() => network.open.has(2));
    assert.deepEqual(supervisor.readiness(), { ready: true, details: { ports: "3 of 3 bound" } });
    assert.equal(supervisor.failed, 0);
    await supervisor.close();
  });

  test("not a single port: not ready", async () => {
    const network = new SampleNetwork();
    network.busy.add(1);
    const supervisor = network.supervisor();
    await supervisor.apply(ports(1));
    assert.equal(supervisor.readiness().ready, false);
    await supervisor.close();
  });

  test("a failed port that leaves the configuration is not tried again", async () => {
    const network = new SampleNetwork();
    network.busy.add(1);
    const supervisor = network.supervisor();
    await supervisor.apply(ports(1));
    await supervisor.apply(ports(2));
    const tries = network.events.filter((event) => event === "fail 1").length;
    await sleep(50);
    assert.equal(network.events.filter((event) => event === "fail 1").length, tries);
    assert.equal(supervisor.failed, 0);
    await supervisor.close();
  });

  test("changes asked for at once happen one after the other; the last one stands", async () => {
    const network = new SampleNetwork();
    const supervisor = network.supervisor();
    await Promise.all([supervisor.apply(ports(1, 2)), supervisor.apply(ports(1)), supervisor.apply(ports(2, 3))]);
    assert.deepEqual([...network.open.keys()].toSorted(), [2, 3]);
    assert.ok(!network.events.some((event) => event.startsWith("fail")), network.events.join(", "));
    await supervisor.close();
  });

  test("after close nothing opens any more, not even a retry", async () => {
    const network = new SampleNetwork();
    network.busy.add(1);
    const supervisor = network.supervisor();
    await supervisor.apply(ports(1));
    await supervisor.close();
    network.busy.clear();
    await supervisor.apply(ports(2));
    await sleep(50);
    assert.equal(network.open.size, 0);
  });
});
