import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { type App, type AppDeps, systemClock, systemEnvironment } from "@shadowfleet/runtime";
import { createMemoryLogger, type MemoryLogger, RecordingMetrics } from "@shadowfleet/testkit";
import { type AeadBackend, ATYP_IPV4, createClientStream, deriveCredential, nodeBackend, useAeadBackend } from "@shadowfleet/wire";
import type { BackendChoice } from "../src/choose-backend.ts";
import { withAeadBackend } from "../src/with-aead-backend.ts";

const accelerated: AeadBackend = { ...nodeBackend, name: "native" };

class EmptyApp implements App<string> {
  readonly calls: string[] = [];
  readonly start = async () => void this.calls.push("start");
  readonly reload = async (config: string) => void this.calls.push(`reload ${config}`);
  readonly readiness = () => ({ ready: true, details: { ports: "1 of 1 bound" } });
  readonly drain = async (deadlineMs: number) => void this.calls.push(`drain ${deadlineMs}`);
}

function start(choice: BackendChoice): { app: App<string>; inner: EmptyApp; log: MemoryLogger; metrics: RecordingMetrics } {
  const log = createMemoryLogger();
  const metrics = new RecordingMetrics();
  const deps: AppDeps = { logger: log.logger, metrics, clock: systemClock };
  const inner = new EmptyApp();
  const app = withAeadBackend(
    () => inner,
    () => choice,
  )("configuration", deps);
  return { app, inner, log, metrics };
}

describe("an app with a backend chosen for it", () => {
  afterEach(() => useAeadBackend(nodeBackend));

  it("says in log, metrics and readiness that the native accelerator encrypts", () => {
    const { app, log, metrics } = start({ backend: accelerated, sockets: undefined, reason: undefined, isFault: false });
    assert.deepEqual(log.lines, [{ level: "info", aead: "native", msg: "encrypting with the native accelerator" }]);
    assert.equal(metrics.observed("fleet.aead.backend", { backend: "native" }), 1);
    assert.deepEqual(app.readiness(), { ready: true, details: { ports: "1 of 1 bound", aead: "native" } });
  });

  it("says once why it does without, as a warning only when something is wrong", () => {
    for (const isFault of [false, true]) {
      const { app, log, metrics } = start({ backend: nodeBackend, sockets: undefined, reason: "the reason", isFault });
      const level = isFault ? "warn" : "info";
      assert.deepEqual(log.lines, [{ level, aead: "node:crypto", reason: "the reason", msg: "encrypting with node:crypto" }]);
      assert.equal(metrics.observed("fleet.aead.backend", { backend: "node:crypto" }), 1);
      assert.equal(app.readiness().details.aead, "node:crypto");
    }
  });

  it("has its ciphers from that backend from its first line on", () => {
    const made: string[] = [];
    const counting: AeadBackend = {
      ...nodeBackend,
      subkeyAeads(algorithm, salt) {
        made.push(algorithm);
        return nodeBackend.subkeyAeads(algorithm, salt);
      },
    };
    const credential = deriveCredential("aes-256-gcm", "password");
    assert.ok(credential.ok);
    withAeadBackend(
      () => {
        createClientStream(credential.credential, systemEnvironment).sealRequest(
          { type: ATYP_IPV4, host: "192.0.2.1", port: 80 },
          Buffer.alloc(0),
        );
        return new EmptyApp();
      },
      () => ({ backend: counting, sockets: undefined, reason: undefined, isFault: false }),
    )("", { logger: createMemoryLogger().logger, metrics: new RecordingMetrics(), clock: systemClock });
    assert.deepEqual(made, ["aes-256-gcm"]);
  });

  it("is driven as it would be by itself", async () => {
    const { app, inner } = start({ backend: accelerated, sockets: undefined, reason: undefined, isFault: false });
    await app.start();
    await app.reload("next");
    await app.drain(7);
    assert.deepEqual(inner.calls, ["start", "reload next", "drain 7"]);
  });
});
