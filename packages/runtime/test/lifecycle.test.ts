import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Attributes, ConfigError, FleetError, Lifecycle, type LifecycleOptions, ManualClock, type Metrics } from "../src/index.ts";
import { FakeProcess } from "./fake-process.ts";
import { memoryLog, records } from "./memory-log.ts";
import { RecordingApp } from "./recording-app.ts";

function setUp(options: Partial<LifecycleOptions> = {}) {
  const process = new FakeProcess();
  const log = memoryLog();
  const clock = new ManualClock();
  const reloads: string[] = [];
  const metrics: Metrics = {
    add: (name: string, value: number, attributes: Attributes = {}) => void reloads.push(`${name} ${value} ${attributes.outcome}`),
    record() {},
    counter: () => ({ add() {} }),
    histogram: () => ({ record() {} }),
    observe: () => () => {},
    scrape: async () => "",
    async shutdown() {},
  };
  const lifecycle = new Lifecycle({ logger: log.logger, metrics, drainTimeoutMs: () => 1000, process, clock, ...options });
  const app = new RecordingApp();
  lifecycle.addApp("relay", app);
  const last = () => records(log.lines).at(-1)!;
  const errors = () => records(log.lines).filter(({ level }) => level === "error");
  return { process, log, clock, reloads, lifecycle, app, last, errors };
}

describe("start", () => {
  it("starts apps in order and is ready only then", async () => {
    const { lifecycle, app, process } = setUp();
    const second = new RecordingApp();
    second.startWith = async () => assert.deepEqual(app.calls, ["start"]);
    lifecycle.addApp("gateway", second);
    assert.equal(lifecycle.readiness().relay!.ready, false);
    await lifecycle.start();
    assert.deepEqual(lifecycle.readiness(), { relay: app.state, gateway: second.state });
    assert.deepEqual(process.exitCodes, []);
  });

  it("passes on that an app is not ready", async () => {
    const { lifecycle, app } = setUp();
    await lifecycle.start();
    app.state = { ready: false, details: { ports: "0 of 1 bound" } };
    assert.deepEqual(lifecycle.readiness(), { relay: app.state });
  });

  for (const [what, error, exitCode] of [
    ["a refused configuration", new ConfigError("f", [{ path: "ports", reason: "required" }]), 2],
    ["anything else", new FleetError("BIND_FAILED", "port taken"), 1],
    ["a bug", new TypeError("x"), 1],
  ] as const) {
    it(`drains what was started and exits ${exitCode} for ${what}`, async () => {
      const { lifecycle, app, process, errors } = setUp();
      const failing = new RecordingApp();
      const never = new RecordingApp();
      failing.startWith = () => Promise.reject(error);
      lifecycle.addApp("failing", failing);
      lifecycle.addApp("never", never);
      await lifecycle.start();
      assert.deepEqual(app.calls, ["start", "drain 1000"]);
      assert.deepEqual(never.calls, []);
      assert.deepEqual(process.exitCodes, [exitCode]);
      assert.equal(errors()[0]!.code, error instanceof FleetError ? error.code : "INTERNAL");
      assert.match(String(errors()[0]!.msg), /^start failed: .+$/);
      if (error instanceof ConfigError) assert.deepEqual(errors()[0]!.problems, error.problems);
    });
  }
});

describe("stop signals", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`${signal}: not ready at once, drain, then flush last added first, exit 0`, async () => {
      const { lifecycle, app, process } = setUp();
      const order: string[] = [];
      app.drainWith = async () => {
        await sleep(20);
        order.push("drained");
      };
      lifecycle.onExit("metrics", async () => void order.push("metrics"));
      lifecycle.onExit("admin", async () => void order.push("admin"));
      await lifecycle.start();
      process.emit(signal);
      assert.deepEqual(lifecycle.readiness().relay, { ready: false, details: { ports: "1 of 1 bound", lifecycle: "stopping" } });
      assert.equal(await process.exited(), 0);
      assert.deepEqual(app.calls, ["start", "drain 1000"]);
      assert.deepEqual(order, ["drained", "admin", "metrics"]);
      assert.equal(process.listeners("SIGTERM") + process.listeners("SIGINT") + process.listeners("uncaughtException"), 0);
    });
  }

  it("with a delay: not ready at once, drained only after it; a start that failed waits for nobody", async () => {
    const { lifecycle, app, process, log } = setUp({ drainDelayMs: () => 60 });
    await lifecycle.start();
    process.emit("SIGTERM");
    assert.equal(lifecycle.readiness().relay!.ready, false);
    await sleep(30);
    assert.deepEqual(app.calls, ["start"], "drained before the delay was over");
    assert.equal(await process.exited(), 0);
    assert.deepEqual(app.calls, ["start", "drain 1000"]);
    const said = records(log.lines).map(({ msg }) => String(msg));
    assert.ok(said.includes("stopping: not ready, still accepting"), said.join("\n"));

    const failing = setUp({ drainDelayMs: () => 60_000 });
    failing.app.startWith = () => Promise.reject(new FleetError("BIND_FAILED", "port taken"));
    await failing.lifecycle.start();
    assert.deepEqual(failing.process.exitCodes, [1]);
  });

  it("takes two signals within 500 ms as one, a later one as force", async () => {
    const { lifecycle, app, process, clock } = setUp();
    let finish = () => {};
    app.drainWith = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    await lifecycle.start();
    process.emit("SIGINT");
    clock.advance(500);
    process.emit("SIGTERM");
    await sleep(10);
    assert.deepEqual(process.exitCodes, []);
    clock.advance(1);
    process.emit("SIGINT");
    assert.deepEqual(process.exitCodes, [1]);
    assert.deepEqual(app.calls, ["start", "drain 1000"]);
    finish();
  });

  it("drains all apps at the same time", async () => {
    const { lifecycle, app, process } = setUp();
    const second = new RecordingApp();
    const bothBegun = Promise.withResolvers<void>();
    app.drainWith = () => bothBegun.promise;
    second.drainWith = async () => bothBegun.resolve();
    lifecycle.addApp("second", second);
    await lifecycle.start();
    process.emit("SIGTERM");
    assert.equal(await process.exited(), 0);
  });

  it("waits for a start under way, so that nothing is left behind", async () => {
    const { lifecycle, app, process } = setUp();
    const second = new RecordingApp();
    app.startWith = async () => {
      await sleep(50);
      app.calls.push("started");
    };
    lifecycle.addApp("second", second);
    const starting = lifecycle.start();
    process.emit("SIGTERM");
    await starting;
    assert.equal(await process.exited(), 0);
    assert.deepEqual(app.calls, ["start", "started", "drain 1000"]);
    assert.deepEqual(second.calls, []);
  });

  it("waits for a reload under way", async () => {
    const reloading = Promise.withResolvers<void>();
    const { lifecycle, app, process } = setUp({ reload: () => reloading.promise });
    await lifecycle.start();
    process.emit("SIGHUP");
    process.emit("SIGTERM");
    await sleep(10);
    assert.deepEqual(app.calls, ["start"]);
    assert.equal(lifecycle.readiness().relay!.ready, false);
    reloading.resolve();
    assert.equal(await process.exited(), 0);
    assert.deepEqual(app.calls, ["start", "drain 1000"]);
  });

  it("exits 1 when draining fails, and still flushes", async () => {
    const { lifecycle, app, process, errors } = setUp();
    let flushed = false;
    app.drainWith = () => Promise.reject(new Error("boom"));
    lifecycle.onExit("flush", async () => {
      flushed = true;
    });
    await lifecycle.start();
    process.emit("SIGTERM");
    assert.equal(await process.exited(), 1);
    assert.ok(flushed);
    assert.equal(errors()[0]!.msg, "drain failed");
  });

  it("exits 1 soon after the deadline when an app never finishes draining", async () => {
    const { lifecycle, app, process, errors } = setUp({ drainTimeoutMs: () => 50 });
    app.drainWith = () => new Promise(() => {});
    await lifecycle.start();
    const began = performance.now();
    process.emit("SIGTERM");
    assert.equal(await process.exited(), 1);
    assert.ok(performance.now() - began < 4_000);
    assert.equal(errors()[0]!.msg, "drain did not end in time");
  });

  it("exits 1 when flushing fails, and still closes the rest", async () => {
    const { lifecycle, process } = setUp();
    let closed = false;
    lifecycle.onExit("first", async () => {
      closed = true;
    });
    lifecycle.onExit("second", () => Promise.reject(new Error("boom")));
    await lifecycle.start();
    process.emit("SIGTERM");
    assert.equal(await process.exited(), 1);
    assert.ok(closed);
  });
});

describe("SIGHUP", () => {
  it("reloads, logs and counts", async () => {
    const { lifecycle, process, reloads, last } = setUp({ reload: async () => {} });
    await lifecycle.start();
    process.emit("SIGHUP");
    await lifecycle.reload();
    assert.equal(last().msg, "configuration reloaded");
    assert.deepEqual(reloads, ["fleet.config.reloads 1 OK", "fleet.config.reloads 1 OK"]);
    assert.deepEqual(process.exitCodes, []);
  });

  it("keeps the running configuration when the file is bad, and logs every problem", async () => {
    const problems = [
      { path: "ports[0].port", reason: "required" },
      { path: "prots", reason: 'unknown key, did you mean "ports"?' },
    ];
    const { lifecycle, process, reloads, app, last } = setUp({ reload: () => Promise.reject(new ConfigError("relay.yaml", problems)) });
    await lifecycle.start();
    process.emit("SIGHUP");
    await lifecycle.reload();
    assert.equal(last().code, "CONFIG_INVALID");
    assert.deepEqual(last().problems, problems);
    assert.equal(reloads[0], "fleet.config.reloads 1 CONFIG_INVALID");
    assert.equal(lifecycle.readiness().relay!.ready, true);
    assert.deepEqual(app.calls, ["start"]);
    assert.deepEqual(process.exitCodes, []);
  });

  it("reloads one at a time, and once more for any number of requests meanwhile", async () => {
    let running = 0;
    let count = 0;
    const reload = async () => {
      assert.equal(++running, 1);
      count++;
      await sleep(10);
      running--;
    };
    const { lifecycle, process } = setUp({ reload });
    await lifecycle.start();
    for (let index = 0; index < 5; index++) process.emit("SIGHUP");
    await lifecycle.reload();
    assert.equal(count, 2);
  });

  it("does nothing once stopping", async () => {
    let count = 0;
    const { lifecycle, process, app } = setUp({
      reload: async () => {
        count++;
      },
    });
    app.drainWith = () => sleep(20);
    await lifecycle.start();
    process.emit("SIGTERM");
    process.emit("SIGHUP");
    assert.equal(await process.exited(), 0);
    assert.equal(count, 0);
  });

  it("stops like SIGTERM where there is nothing to reload", async () => {
    const { lifecycle, process, app } = setUp();
    await lifecycle.start();
    process.emit("SIGHUP");
    assert.equal(await process.exited(), 0);
    assert.deepEqual(app.calls, ["start", "drain 1000"]);
  });
});

describe("uncaught errors", () => {
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    it(`${event}: logged as INTERNAL, short drain, exit 1`, async () => {
      const { lifecycle, process, app, errors } = setUp({ drainTimeoutMs: () => 60_000 });
      await lifecycle.start();
      process.emit(event, new Error("boom"));
      assert.equal(await process.exited(), 1);
      assert.deepEqual(app.calls, ["start", "drain 2000"]);
      assert.deepEqual([errors()[0]!.code, errors()[0]!.event], ["INTERNAL", event]);
    });
  }

  it("turn a stop under way into exit 1", async () => {
    const { lifecycle, process, app } = setUp();
    app.drainWith = async () => {
      process.emit("uncaughtException", new Error("boom"));
    };
    await lifecycle.start();
    process.emit("SIGTERM");
    assert.equal(await process.exited(), 1);
    assert.deepEqual(app.calls, ["start", "drain 1000"]);
  });
});
